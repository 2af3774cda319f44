"""A class at the same minute: people who drag at five edits a second on one case.

Most of them are simulated (real Streamlit sessions and real live sockets, see `tests.load.person`), four of them
are pages in Chromium. Server, people and browser share the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import psutil

from tests.browser.server import ROOT
from tests.load.person import Person

GOALS = {"p95_ms": 250.0, "slowest_over_fastest": 2.0, "errors": 0, "memory_mb": 2500.0}
"""What must not be exceeded with 30 people on two cores."""
N_PAGES = 4
EDITS_A_SECOND = 5


def server_process() -> psutil.Process:
    """The dashboard that this process has started."""
    return next(p for p in psutil.Process().children() if "streamlit" in p.cmdline())


async def _memory(process: psutil.Process, most: list[int]) -> None:
    while True:
        most.append(process.memory_info().rss)
        await asyncio.sleep(0.25)


async def load(url: str, people: int, seconds: float) -> dict[str, Any]:
    """Open everybody, let them drag for a while, and see how they fared."""
    process, most = server_process(), [0]
    watch = asyncio.create_task(_memory(process, most))
    command = [sys.executable, "-m", "tests.load.pages", url, str(N_PAGES), str(seconds), str(EDITS_A_SECOND)]
    pages = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert pages.stdin is not None
    assert pages.stdout is not None
    try:
        if await asyncio.to_thread(pages.stdout.readline) != "ready\n":
            raise RuntimeError("the browser's pages did not open")
        async with AsyncExitStack() as stack:
            begun = time.perf_counter()
            crowd = await asyncio.gather(
                *(stack.enter_async_context(Person(url)) for _ in range(people - N_PAGES))
            )
            opened_s = time.perf_counter() - begun
            pages.stdin.write("go\n")
            pages.stdin.flush()
            cpu = process.cpu_times()
            begun = time.perf_counter()
            ends = await asyncio.gather(
                *(
                    person.drag(seconds, a_second=EDITS_A_SECOND, first=i / EDITS_A_SECOND / len(crowd))
                    for i, person in enumerate(crowd)
                ),
                return_exceptions=True,
            )
            took, after = time.perf_counter() - begun, process.cpu_times()
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
        "pages": N_PAGES,
        "seconds": seconds,
        "cores": os.cpu_count(),
        "edits_a_second": round(every.size / took, 1),
        "median_ms": round(float(np.median(every)), 1),
        "p95_ms": round(float(np.percentile(every, 95)), 1),
        "fastest_median_ms": round(min(medians), 1),
        "slowest_median_ms": round(max(medians), 1),
        "slowest_over_fastest": round(max(medians) / min(medians), 2),
        "pages_to_pixels_p95_ms": round(float(np.percentile(np.concatenate(told["pixels_ms"]), 95)), 1),
        "all_opened_s": round(opened_s, 1),
        "server_cores_used": round((after.user + after.system - cpu.user - cpu.system) / took, 2),
        "memory_mb": round(max(most) / 2**20),
        "errors": len(errors),
        "what_went_wrong": sorted(set(errors))[:5],
    }
