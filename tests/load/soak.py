"""Soak test: resources that ended sessions leave behind.

Sessions are opened, edited and closed in a row, each a real Streamlit session with a real live socket. Streamlit
keeps an ended session for two minutes, for a reconnection; after that, none of its resources may be left.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from typing import Any

from pages.server.lifespan import SWEEP_INTERVAL_S
from tests.load.simulated_user import SimulatedUser

GOALS = {"memory_ratio": 1.1, "tokens": 0, "threads_more": 0, "sockets_more": 0}
"""Upper bounds: memory relative to that after a tenth of all sessions, the others relative to an idle server."""
KEPT_S = 120.0
"""Time for which Streamlit keeps a session for a reconnection."""


def counts(url: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}/counts", timeout=30) as response:
        found: dict[str, float] = json.loads(response.read())
    return found


async def visit(url: str, turn: int) -> None:
    """Open the Lab, send edits, commit and close."""
    async with SimulatedUser(url) as user:
        for step in range(3):
            await user.edit(user.nudged(3 * turn + step))
        await user.rest(user.nudged(3 * turn + 2))


async def soak(url: str, sessions: int) -> dict[str, Any]:
    await visit(url, 0)
    await asyncio.sleep(KEPT_S + 2 * SWEEP_INTERVAL_S)  # the demonstration cases are all made by then
    empty, tenth, begun = counts(url), {}, time.perf_counter()
    for turn in range(1, sessions + 1):
        await visit(url, turn)
        if turn == sessions // 10:
            tenth = counts(url)
        if turn % max(sessions // 20, 1) == 0:
            print(f"{turn} sessions: {counts(url)}", flush=True)
    last, took = counts(url), time.perf_counter() - begun
    await asyncio.sleep(KEPT_S + 2 * SWEEP_INTERVAL_S)
    after = counts(url)
    return {
        "sessions": sessions,
        "seconds_each": round(took / sessions, 3),
        "memory_mb": {"empty": round(empty["memory_mb"]), "after_a_tenth": round(tenth["memory_mb"]),
                      "after_the_last": round(last["memory_mb"]), "later": round(after["memory_mb"])},
        "memory_ratio": round(last["memory_mb"] / tenth["memory_mb"], 3),
        "tokens": int(after["tokens"]),
        "threads_more": int(after["threads"] - empty["threads"]),
        "sockets_more": int(after["sockets"] - empty["sockets"]),
        "files_more": int(after["files"] - empty["files"]),
    }  # fmt: skip
