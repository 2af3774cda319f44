"""Load test: many users who work on one case at the same time, with the browser's engine.

A drag is computed in the page and costs the server nothing; each end of a drag is one edit at rest. Most users are
simulated (real Streamlit sessions, live sockets and downloads, see `simulated_user`), some are pages in Chromium.
Server, users and browser share the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import psutil

from tests.load.simulated_user import SimulatedUser
from tests.support.app_server import ROOT

GOALS = {"rest_p95_ms": 100.0, "cores_while_dragging": 0.05, "errors": 0, "memory_mb": 2500.0}
"""Upper bounds with 30 users on two cores."""
HOLD_GOALS = {"errors": 0, "lost": 0}
"""Upper bounds with 300 users."""
N_PAGES = 4
MEAN_DRAG_S = 6.0
AT_ONCE = 8
"""Users who open the Lab at the same time."""


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


async def _opened(users: list[SimulatedUser], stack: AsyncExitStack) -> float:
    """Open the Lab for each user as a browser does, a few at a time; returns the bytes of a download."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(user: SimulatedUser) -> int:
        async with places:
            await stack.enter_async_context(user)
            await user.rest(user.start)
            return await user.download()

    return float(np.mean(await asyncio.gather(*(one(user) for user in users))))


def _ms(seconds: list[float], percentile: float) -> float:
    return round(1e3 * float(np.percentile(seconds, percentile)), 1)


async def load(url: str, n_users: int, seconds: float, n_pages: int = N_PAGES) -> dict[str, Any]:
    """Open all sessions, drag, release in turn, then all at once; returns times, CPU, memory and errors."""
    process, samples = server_process(), [0]
    await wait_until_idle(process)
    watch = asyncio.create_task(_memory(process, samples))
    users = [SimulatedUser(url) for _ in range(n_users - n_pages)]
    pages = _open_pages(url, n_pages, seconds)
    try:
        if await asyncio.to_thread(_line, pages) != "ready\n":
            raise RuntimeError("the browser's pages did not open")
        async with AsyncExitStack() as stack:
            begun, used = time.perf_counter(), _cpu_s(process)
            download_bytes = await _opened(users, stack)
            opened_s, opening_cpu_s = time.perf_counter() - begun, _cpu_s(process) - used
            await asyncio.sleep(3)  # what the last openings left to do
            dragging = await _cores({"server": process}, min(seconds, 10))
            for user in users:
                user.rest_waits.clear()
            if pages is not None and pages.stdin is not None:
                pages.stdin.write("go\n")
                pages.stdin.flush()
            parts = {"server": process} | ({} if pages is None else {"browser": psutil.Process(pages.pid)})
            using = asyncio.create_task(_cores(parts, 0.9 * seconds))
            rng = np.random.default_rng(1)
            ends: list[BaseException | Mapping[str, Any] | None] = [
                *await asyncio.gather(
                    *(user.work(seconds, rng=rng, mean_drag_s=MEAN_DRAG_S) for user in users),
                    return_exceptions=True,
                )
            ]
            cores = await using
            answers = json.loads(await asyncio.to_thread(_line, pages)) if pages else NO_PAGES
            rests = [wait for user in users for wait in user.rest_waits]
            used = _cpu_s(process)
            together = await asyncio.gather(
                *(user.rest(user.nudged(-1)) for user in users), return_exceptions=True
            )
            rest_cpu_ms = 1e3 * (_cpu_s(process) - used) / len(users)
            at_once = [user.rest_waits[-1] for user in users if user.rest_waits]
            lost = sum(isinstance(end, BaseException) for end in together)
    finally:
        watch.cancel()
        if pages is not None:
            pages.kill()
            pages.wait()
    errors = [repr(end) for end in (*ends, *together) if isinstance(end, BaseException)]
    errors += [sentence for user in users for sentence in user.refusals]
    errors += [f"a page is {status}" for status in answers["status"] if status != "live"]
    pixels = [wait for waits in answers["pixels_ms"] for wait in waits]
    return {
        "people": n_users,
        "pages": n_pages,
        "seconds": seconds,
        "cores": os.cpu_count(),
        "rests_a_second": round(len(rests) / seconds, 1),
        "rest_median_ms": _ms(rests, 50),
        "rest_p95_ms": _ms(rests, 95),
        "all_rest_at_once_ms": [_ms(at_once, 50), _ms(at_once, 100)],
        "cpu_ms_a_rest": round(rest_cpu_ms, 1),
        "cores_while_dragging": round(dragging["server"], 3),
        "pages_to_pixels_p95_ms": round(float(np.percentile(pixels, 95)), 1) if pixels else None,
        "all_opened_s": round(opened_s, 1),
        "cpu_ms_an_opening": round(1e3 * opening_cpu_s / len(users)),
        "download_mb": round(download_bytes / 2**20, 1),
        "cores_used": {name: round(used, 2) for name, used in cores.items()},
        "memory_mb": round(max(samples) / 2**20),
        "lost": lost,
        "errors": len(errors),
        "what_went_wrong": sorted(set(errors))[:5],
    }


NO_PAGES: dict[str, list[Any]] = {"pixels_ms": [], "status": []}


def _open_pages(url: str, n_pages: int, seconds: float) -> subprocess.Popen[str] | None:
    if not n_pages:
        return None
    command = [sys.executable, "-m", "tests.load.pages", url, str(n_pages), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(pages: subprocess.Popen[str] | None) -> str:
    """Return the next line of the browser's process; "ready" without one."""
    return "ready\n" if pages is None or pages.stdout is None else pages.stdout.readline()
