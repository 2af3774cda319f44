"""A class at the same minute: people who drag at five edits a second on one case.

Most of them are simulated (real Streamlit sessions and real live sockets, see `simulated_user`), four of them are
 pages in Chromium. Server, people and browser share the machine.
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

from tests.load.simulated_user import Person
from tests.support.app_server import ROOT

GOALS = {"p95_ms": 250.0, "slowest_over_fastest": 2.0, "errors": 0, "memory_mb": 2500.0}
"""What must not be exceeded with 30 people on two cores."""
N_PAGES = 4
EDITS_A_SECOND = 5


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
    """Cores that each has used, on average over the next seconds: before anybody leaves."""
    before, begun = {name: _cpu_s(part) for name, part in parts.items()}, time.perf_counter()
    await asyncio.sleep(seconds)
    return {name: (_cpu_s(part) - before[name]) / (time.perf_counter() - begun) for name, part in parts.items()}


async def quiet(process: psutil.Process) -> None:
    """Wait until the server has made its demonstration cases and rests."""
    process.cpu_percent()
    calm = 0
    async with asyncio.timeout(300):
        while calm < 3:
            await asyncio.sleep(1)
            calm = calm + 1 if process.cpu_percent() < 10 else 0


async def _memory(process: psutil.Process, most: list[int]) -> None:
    while True:
        most.append(process.memory_info().rss)
        await asyncio.sleep(0.25)


async def load(url: str, people: int, seconds: float, n_pages: int = N_PAGES) -> dict[str, Any]:
    """Open everybody, ``n_pages`` of them in Chromium, let them drag for a while, and see how they fared."""
    process, most = server_process(), [0]
    await quiet(process)
    watch = asyncio.create_task(_memory(process, most))
    command = [sys.executable, "-m", "tests.load.pages", url, str(n_pages), str(seconds), str(EDITS_A_SECOND)]
    pages = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert pages.stdin is not None
    assert pages.stdout is not None
    try:
        if await asyncio.to_thread(pages.stdout.readline) != "ready\n":
            raise RuntimeError("the browser's pages did not open")
        async with AsyncExitStack() as stack:
            begun = time.perf_counter()
            crowd = await asyncio.gather(
                *(stack.enter_async_context(Person(url)) for _ in range(people - n_pages))
            )
            opened_s = time.perf_counter() - begun
            pages.stdin.write("go\n")
            pages.stdin.flush()
            parts = {"server": process, "browser": psutil.Process(pages.pid)}
            using = asyncio.create_task(_cores(parts, 0.9 * seconds))
            begun = time.perf_counter()
            ends = await asyncio.gather(
                *(
                    person.drag(seconds, a_second=EDITS_A_SECOND, first=i / EDITS_A_SECOND / len(crowd))
                    for i, person in enumerate(crowd)
                ),
                return_exceptions=True,
            )
            took = time.perf_counter() - begun
            cores = await using
            told = json.loads(await asyncio.to_thread(pages.stdout.readline))
    finally:
        watch.cancel()
        pages.kill()
        pages.wait()
    errors = [repr(end) for end in ends if isinstance(end, BaseException)]
    errors += [sentence for person in crowd for sentence in person.refusals]
    errors += [f"a page is {status}" for status in told["status"] if status != "live"]
    each = [1e3 * np.array(person.waits) for person in crowd] + [np.array(waits) for waits in told["answers_ms"]]
    medians = [float(np.median(waits)) if waits.size else float("inf") for waits in each]
    every = np.concatenate(each)
    return {
        "people": people,
        "pages": n_pages,
        "seconds": seconds,
        "cores": os.cpu_count(),
        "edits_a_second": round(every.size / took, 1),
        "median_ms": round(float(np.median(every)), 1),
        "p95_ms": round(float(np.percentile(every, 95)), 1),
        "fastest_median_ms": round(min(medians), 1),
        "slowest_median_ms": round(max(medians), 1),
        "slowest_over_fastest": round(max(medians) / min(medians), 2),
        "pages_to_pixels_p95_ms": round(float(np.percentile(np.concatenate(told["pixels_ms"]), 95)), 1)
        if n_pages
        else None,
        "all_opened_s": round(opened_s, 1),
        "cores_used": {name: round(used, 2) for name, used in cores.items()},
        "memory_mb": round(max(most) / 2**20),
        "errors": len(errors),
        "what_went_wrong": sorted(set(errors))[:5],
    }
