"""A class of 300 people, and of 30, on one server: ``python -m tools.class_load``; JSON is printed last.

The class pages run in a process of their own, clients of the protocol in this one, on the same machine. People
join within a minute, download the case of the task as the browser's engine does, and each send three AIFs a
minute; one lecturer's screen follows. Then all connections break at once, and all clients return. The time of an
answer is from its sending to the screen's message that holds it. Exits with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from pages.classroom.case_route import PATH as CASE_PATH
from pages.classroom.socket import PATH
from tests.support.class_server import room_process

PING_S: Final = 25.0
"""As in ``pages/classroom/frontend/common/room_socket.js``."""
JOIN_WITHIN_S: Final = {300: 60.0, 30: 10.0}
GOALS: Final = {
    300: {"errors": 0, "lost": 0, "cores": 1.0, "memory_gb": 2.5},
    30: {"errors": 0, "lost": 0, "p95_s": 1.0},
}
"""Largest values, by the number of people."""
MAX_ANSWERS: Final = 100_000
"""Answers of one person."""
TIMEOUT_S: Final = 60.0
REST_S: Final = 2.0
REST_CORES: Final = 0.05
MIN_RETRY_S: Final = 0.25
MAX_RETRY_S: Final = 3.0
"""As there."""


@dataclass
class Class:
    """The served room, what the clients sent, and what the screen received."""

    info: dict[str, Any]
    process: psutil.Process
    sent_at_s: dict[int, float] = field(default_factory=dict)
    """Answers that the screen has not shown yet, by their sequence, which is unique."""
    waits_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    n_answered: int = 0
    n_bytes: int = 0

    @property
    def cpu_s(self) -> float:
        """Processor time of the server so far."""
        times = self.process.cpu_times()
        return times.user + times.system

    @property
    def delay_s(self) -> float:
        """Seconds that the server's threads were ready and had no core, together: what else runs here."""
        files = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(file.read_text().split()[1]) for file in files) / 1e9

    @property
    def peak_gb(self) -> float:
        """Largest resident memory of the server so far."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e6


@asynccontextmanager
async def opened(room: Class, **first: str) -> AsyncIterator[ClientConnection]:
    """Open a class socket and send its first message."""
    url = room.info["url"]
    address = f"ws://{urlsplit(url).netloc}{PATH}"
    async with connect(address, origin=url, max_size=None, open_timeout=TIMEOUT_S, ping_interval=None) as ws:
        await ws.send(json.dumps(first))
        pinging = asyncio.create_task(ping(ws))
        yield ws
        pinging.cancel()


async def ping(ws: ClientConnection) -> None:
    """Show the server that the browser is there."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await asyncio.sleep(PING_S)
            await ws.send('{"type":"ping"}')


class Person:
    """One participant's browser."""

    def __init__(self, room: Class, index: int, rng: np.random.Generator) -> None:
        self.room, self.rng = room, rng
        self._sequence = index * MAX_ANSWERS
        self.token = ""
        self.returned_at_s = 0.0

    async def join(self, after_s: float) -> None:
        """Join after some seconds, and download the case."""
        await asyncio.sleep(after_s)
        info = self.room.info
        self._context = opened(self.room, type="join", code=info["code"], key=info["key"])
        self._ws = await self._context.__aenter__()
        self.token = (await self._next("joined"))["token"]
        await self._next("state")
        n_bytes = await asyncio.to_thread(self._download)
        self.room.n_bytes += n_bytes

    async def answer(self, seconds: float, interval_s: float) -> None:
        """Send answers for a time, the first after a part of the interval, and wait for each."""
        end = time.perf_counter() + seconds
        pause = interval_s * self.rng.random()
        while time.perf_counter() + pause < end:
            await asyncio.sleep(pause)
            self._sequence += 1
            self.room.sent_at_s[self._sequence] = sent_at_s = time.perf_counter()
            await self._ws.send(json.dumps({
                "type": "answer", "round": 1, "seq": self._sequence, "value": {"curve": self._curve()},
            }))  # fmt: skip
            await self._next("answered")
            self.room.n_answered += 1
            took = time.perf_counter() - sent_at_s
            pause = max(interval_s * (0.5 + self.rng.random()) - took, 0.0)

    async def leave(self) -> None:
        """Close the socket."""
        await self._context.__aexit__(None, None, None)

    def drop(self) -> None:
        """Break the connection."""
        self._ws.transport.abort()

    async def come_back(self) -> None:
        """Reconnect as a browser does, until the state is here."""
        begun_s, wait_s = time.perf_counter(), MIN_RETRY_S
        while True:
            await asyncio.sleep(wait_s * (0.5 + self.rng.random()))
            wait_s = min(2 * wait_s, MAX_RETRY_S)
            context = opened(self.room, type="rejoin", code=self.room.info["code"], token=self.token)
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                self._ws = await context.__aenter__()
                await self._next("state")
                self._context, self.returned_at_s = context, time.perf_counter() - begun_s
                return

    async def _next(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                message: dict[str, Any] = json.loads(await self._ws.recv())
                if message["type"] in {"error", "refused"}:
                    self.room.errors.append(message["message"])
                    raise RuntimeError(message["message"])
                if message["type"] == kind:
                    return message

    def _curve(self) -> list[float]:
        curve = np.array(self.room.info["curve"])
        bump = np.exp(-0.5 * ((np.arange(curve.size) - curve.argmax()) / 3) ** 2)
        return (curve + (0.5 + self.rng.random()) * 300 * bump).round(2).tolist()

    def _download(self) -> int:
        kinds = [("case", {}), ("basis", {})]
        kinds += [(k, {"slice": z}) for z in range(self.room.info["slices"]) for k in ("static", "coefficients")]
        connection = http.client.HTTPConnection(urlsplit(self.room.info["url"]).netloc, timeout=TIMEOUT_S)
        n_bytes = 0
        for kind, fields in kinds:
            body = json.dumps({"token": self.token, "case": self.room.info["case"], "kind": kind, **fields})
            connection.request("POST", CASE_PATH, body, {"Origin": self.room.info["url"]})
            response = connection.getresponse()
            n_bytes += len(response.read())
            if response.status != 200:
                self.room.errors.append(f"{kind}: {response.status}")
        connection.close()
        return n_bytes


async def screen(room: Class) -> None:
    """The lecturer's screen: notes when each answer is shown."""
    async with opened(room, type="host", token=room.info["token"]) as ws:
        while True:
            message = json.loads(await ws.recv())
            now = time.perf_counter()
            if message["type"] == "answers":
                for answer in message["answers"]:
                    sent_at_s = room.sent_at_s.pop(answer["seq"], None)
                    if sent_at_s is not None:
                        room.waits_s.append(now - sent_at_s)


async def at_rest(room: Class) -> None:
    """Wait until the server has computed the references of the case."""
    before_s = -1.0
    while room.cpu_s - before_s > REST_CORES * REST_S:
        before_s = room.cpu_s
        await asyncio.sleep(REST_S)


async def measure(room: Class, n: int, seconds: float, interval_s: float) -> dict[str, Any]:
    """Run a class of n people."""
    people = [Person(room, i, rng) for i, rng in enumerate(np.random.default_rng(n).spawn(n))]
    begun_s, begun_cpu_s = time.perf_counter(), room.cpu_s
    within_s = JOIN_WITHIN_S.get(n, n / 5)
    await asyncio.gather(*(one.join(within_s * one.rng.random()) for one in people))
    joined_s, joined_cpu_s = time.perf_counter(), room.cpu_s
    following = asyncio.create_task(screen(room))
    await at_rest(room)
    answers_s, answers_cpu_s, answers_delay_s = time.perf_counter(), room.cpu_s, room.delay_s
    ends = await asyncio.gather(*(one.answer(seconds, interval_s) for one in people), return_exceptions=True)
    room.errors += [repr(end) for end in ends if isinstance(end, BaseException)]
    took_s = time.perf_counter() - answers_s
    cores, delayed = (room.cpu_s - answers_cpu_s) / took_s, (room.delay_s - answers_delay_s) / took_s
    answer_cpu_s = (room.cpu_s - answers_cpu_s) / max(room.n_answered, 1)
    await asyncio.sleep(2)
    lost = sum(one._ws.state.name != "OPEN" for one in people)
    for one in people:
        one.drop()
    await asyncio.gather(*(one.come_back() for one in people))
    if following.done():
        room.errors.append("the screen was disconnected")
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
        await following
    for one in people:
        await one.leave()
    waits = np.array(room.waits_s)
    return {
        "people": n, "seconds": seconds, "interval_s": interval_s, "answers": room.n_answered,
        "not_shown": len(room.sent_at_s),
        "errors": len(room.errors), "first_errors": room.errors[:5], "lost": lost,
        "median_s": round(float(np.median(waits)), 3), "p95_s": round(float(np.percentile(waits, 95)), 3),
        "cores": round(cores, 3), "memory_gb": round(room.peak_gb, 2),
        "delayed": round(delayed, 3), "cpu_s_per_answer": round(answer_cpu_s, 4),
        "cpu_s_per_join": round((joined_cpu_s - begun_cpu_s) / n, 4),
        "join_s": round(joined_s - begun_s, 1), "download_mb": round(room.n_bytes / n / 1e6, 1),
        "all_back_s": round(max(one.returned_at_s for one in people), 2), "load": psutil.getloadavg()[0],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="*", default=[300, 30])
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--interval", type=float, default=20.0, help="seconds between two answers of one person")
    options = parser.parse_args()
    found = []
    for n in options.people:
        with room_process() as (process, info):
            room = Class(info, psutil.Process(process.pid))
            found.append(asyncio.run(measure(room, n, options.seconds, options.interval)))
        found[-1]["missed"] = [name for name, most in GOALS.get(n, {}).items() if found[-1][name] > most]
        print(", ".join(f"{name} {value}" for name, value in found[-1].items()), flush=True)
    print(json.dumps(found))
    return 1 if any(one["missed"] for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
