"""Load test: many users who drag at five edits a second on one case at the same time.

Most users are simulated (real Streamlit sessions and live sockets, see `simulated_user`), four are pages in
Chromium. Server, users and browser share the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import psutil

from tests.load.simulated_user import SimulatedUser
from tests.support.app_server import ROOT

GOALS = {"p95_ms": 250.0, "slowest_over_fastest": 2.0, "errors": 0, "memory_mb": 2500.0}
"""Upper bounds with 30 users on two cores."""
N_PAGES = 4
EDITS_PER_S = 5


def server_process() -> psutil.Process:
    """The dashboard that this process has started."""
    return next(p for p in psutil.Process().children() if "streamlit" in p.cmdline())


def _cpu_s(process: psutil.Process) -> float:
    """Seconds of CPU that a process and its children have used."""
    used = 0.0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            used += times.user + times.system
    return used


async def _cores(parts: dict[str, psutil.Process], seconds: float) -> dict[str, float]:
    """Mean number of cores that each process uses over the next seconds, before the sessions end."""
    before, begun = {name: _cpu_s(part) for name, part in parts.items()}, time.perf_counter()
    await asyncio.sleep(seconds)
    return {name: (_cpu_s(part) - before[name]) / (time.perf_counter() - begun) for name, part in parts.items()}


async def wait_until_idle(process: psutil.Process) -> None:
    """Wait until the server has made its demonstration cases and is idle."""
    process.cpu_percent()
    n_idle = 0
    async with asyncio.timeout(300):
        while n_idle < 3:
            await asyncio.sleep(1)
            n_idle = n_idle + 1 if process.cpu_percent() < 10 else 0


async def _memory(process: psutil.Process, samples: list[int]) -> None:
    while True:
        samples.append(process.memory_info().rss)
        await asyncio.sleep(0.25)


async def load(url: str, n_users: int, seconds: float, n_pages: int = N_PAGES) -> dict[str, Any]:
    """Open all sessions, ``n_pages`` of them in Chromium, drag for a while; returns times, memory and errors."""
    process, samples = server_process(), [0]
    await wait_until_idle(process)
    watch = asyncio.create_task(_memory(process, samples))
    command = [sys.executable, "-m", "tests.load.pages", url, str(n_pages), str(seconds), str(EDITS_PER_S)]
    pages = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert pages.stdin is not None
    assert pages.stdout is not None
    try:
        if await asyncio.to_thread(pages.stdout.readline) != "ready\n":
            raise RuntimeError("the browser's pages did not open")
        async with AsyncExitStack() as stack:
            begun = time.perf_counter()
            users = await asyncio.gather(
                *(stack.enter_async_context(SimulatedUser(url)) for _ in range(n_users - n_pages))
            )
            opened_s = time.perf_counter() - begun
            pages.stdin.write("go\n")
            pages.stdin.flush()
            parts = {"server": process, "browser": psutil.Process(pages.pid)}
            using = asyncio.create_task(_cores(parts, 0.9 * seconds))
            begun = time.perf_counter()
            ends = await asyncio.gather(
                *(
                    user.drag(seconds, edits_per_s=EDITS_PER_S, first=i / EDITS_PER_S / len(users))
                    for i, user in enumerate(users)
                ),
                return_exceptions=True,
            )
            took = time.perf_counter() - begun
            cores = await using
            answers = json.loads(await asyncio.to_thread(pages.stdout.readline))
    finally:
        watch.cancel()
        pages.kill()
        pages.wait()
    errors = [repr(end) for end in ends if isinstance(end, BaseException)]
    errors += [sentence for user in users for sentence in user.refusals]
    errors += [f"a page is {status}" for status in answers["status"] if status != "live"]
    each = [1e3 * np.array(user.waits) for user in users] + [np.array(waits) for waits in answers["answers_ms"]]
    medians = [float(np.median(waits)) if waits.size else float("inf") for waits in each]
    every = np.concatenate(each)
    return {
        "people": n_users,
        "pages": n_pages,
        "seconds": seconds,
        "cores": os.cpu_count(),
        "edits_a_second": round(every.size / took, 1),
        "median_ms": round(float(np.median(every)), 1),
        "p95_ms": round(float(np.percentile(every, 95)), 1),
        "fastest_median_ms": round(min(medians), 1),
        "slowest_median_ms": round(max(medians), 1),
        "slowest_over_fastest": round(max(medians) / min(medians), 2),
        "pages_to_pixels_p95_ms": round(float(np.percentile(np.concatenate(answers["pixels_ms"]), 95)), 1)
        if n_pages
        else None,
        "all_opened_s": round(opened_s, 1),
        "cores_used": {name: round(used, 2) for name, used in cores.items()},
        "memory_mb": round(max(samples) / 2**20),
        "errors": len(errors),
        "what_went_wrong": sorted(set(errors))[:5],
    }
