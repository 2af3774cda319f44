"""Simulated user: a real Streamlit session and a real live socket, without a browser.

It does what a browser does on opening the Lab: it requests the page from Streamlit, reads the socket's token from
the live component's data, opens the socket with it and requests the case. `SimulatedUser.download` fetches what
the browser's engine needs; a drag sends nothing then, its end one edit at rest.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import struct
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from pages.live.server.case_route import PATH as CASE_PATH
from pages.live.server.connection import PATH
from pages.live.server.wire import FLAG_ALL_SLICES, FLAG_CONFIRM, FLAG_KEEP, FLAG_REST
from tests.support.wire_frames import frames

TIMEOUT_S = 180.0
"""A page waits without limit for the confirmation of its own maps; here a lost edit has to show."""
FLOW = {"slice", "volume"}


class SimulatedUser:
    """Opens the Lab and edits; an async context manager."""

    def __init__(self, url: str, query: str = "") -> None:
        parts = urlsplit(url)
        self.origin, self.base, self.query = url, f"ws://{parts.netloc}", query
        self.sequence = 0
        self.waits: list[float] = []
        """Seconds from each edit to its map."""
        self.rest_waits: list[float] = []
        """Seconds from each edit at rest to the metrics of the volume."""
        self.refusals: list[str] = []

    async def __aenter__(self) -> Self:
        self._page = await connect(
            f"{self.base}/_stcore/stream", origin=self.origin, subprotocols=["streamlit"], max_size=None,
            compression=None,
        )  # fmt: skip
        self._reader: asyncio.Task[None] | None = None
        self.socket: ClientConnection | None = None
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _open(self) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            config = await self._run_page()
            self.token = config["token"]
            self._reader = asyncio.create_task(self._listen())
            self.socket = await connect(f"{self.base}{PATH}", origin=self.origin, max_size=None, compression=None)
            await self.socket.send(json.dumps({"token": self.token}))
            await self.socket.send(json.dumps({"type": "case", "have": None}))
            header, arrays = await self._next("case")
            self.epoch, self.slice = header["epoch"], header["firstSlice"]
            self.case, self.n_slices = header["key"], header["slices"]
            self.start: np.ndarray = arrays["start"].astype(np.float64)
            self.kept: np.ndarray | None = arrays.get("edited")

    async def _run_page(self) -> dict[str, Any]:
        """Run the page once; returns the configuration of the live component."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.context_info.url = self.origin
        await self._page.send(message.SerializeToString())
        config: dict[str, Any] | None = None
        while True:
            message_back = ForwardMsg()
            message_back.ParseFromString(await self._page.recv(decode=False))
            component = message_back.delta.new_element.bidi_component
            if component.component_name.endswith("aif_lab") and component.bytes:
                config = frames(component.bytes)[0][0]
            if message_back.WhichOneof("type") == "script_finished" and config is not None:
                return config

    async def _listen(self) -> None:
        """Read what Streamlit sends later, as a browser does."""
        async for _ in self._page:
            pass

    async def _next(self, *kinds: str, sequence: int | None = None) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        assert self.socket is not None
        while True:
            for header, arrays in frames(await self.socket.recv(decode=False)):
                if header["kind"] == "error":
                    self.refusals.append(header["message"])
                    if sequence is not None and header.get("seq") == sequence:
                        return header, arrays
                if header["kind"] not in kinds or (sequence is not None and header["seq"] != sequence):
                    continue
                if header["kind"] in FLOW and "cbf" not in arrays:
                    continue  # numbers alone
                return header, arrays

    async def edit(self, curve: np.ndarray, *, flags: int = 0) -> Mapping[str, Any]:
        """Send a curve and wait for its map; the time is appended to ``waits``."""
        assert self.socket is not None
        self.sequence += 1
        head = struct.pack("<4I", self.epoch, self.sequence, flags, self.slice)
        kind = "volume" if flags & FLAG_ALL_SLICES else "slice"
        begun = time.perf_counter()
        await self.socket.send(head + curve.astype(np.float32).tobytes())
        async with asyncio.timeout(TIMEOUT_S):
            _, arrays = await self._next(kind, sequence=self.sequence)
        self.waits.append(time.perf_counter() - begun)
        return arrays

    async def rest(self, curve: np.ndarray) -> Mapping[str, Any]:
        """Commit a curve, as at the end of a drag, and wait for its confirmation."""
        assert self.socket is not None
        self.sequence += 1
        # The engine has the maps already: metrics and some voxels are the only answer.
        flags = FLAG_REST | FLAG_KEEP | FLAG_ALL_SLICES | FLAG_CONFIRM
        head = struct.pack("<4I", self.epoch, self.sequence, flags, self.slice)
        begun = time.perf_counter()
        await self.socket.send(head + curve.astype(np.float32).tobytes())
        async with asyncio.timeout(TIMEOUT_S):
            header, _ = await self._next("volume", sequence=self.sequence)
        self.rest_waits.append(time.perf_counter() - begun)
        return header

    async def download(self) -> int:
        """Download the case for the browser's engine, the visible slice first; returns the bytes received."""
        slices = sorted(range(self.n_slices), key=lambda z: abs(z - self.slice))
        requests: list[dict[str, Any]] = [{"kind": "basis"}]
        requests += [{"kind": kind, "slice": z} for z in slices for kind in ("static", "coefficients")]
        return sum([await asyncio.to_thread(self._fetch, request) for request in requests])

    def _fetch(self, request: dict[str, Any]) -> int:
        connection = http.client.HTTPConnection(urlsplit(self.origin).netloc, timeout=TIMEOUT_S)
        try:
            body = json.dumps({"token": self.token, "case": self.case, **request})
            connection.request("POST", CASE_PATH, body, {"Origin": self.origin})
            response = connection.getresponse()
            n_bytes = len(response.read())
            if response.status != 200:
                raise RuntimeError(f"the download of {request['kind']} was answered by {response.status}")
            return n_bytes
        finally:
            connection.close()

    def nudged(self, turn: int) -> np.ndarray:
        """The start curve with a bump that moves, so that no two edits are equal."""
        time_s = np.arange(self.start.size)
        bump = np.exp(-0.5 * ((time_s - self.start.argmax() - 3) / 2) ** 2)
        return self.start + 0.3 * self.start.max() * np.sin(0.7 * turn) * bump

    async def work(self, seconds: float, *, rng: np.random.Generator, mean_drag_s: float) -> None:
        """Drag in the page, where no edit is sent, and commit; again and again for a time.

        Drags last 0.5 to 1.5 times ``mean_drag_s``, and begin with a part of one.
        """
        end, turn = time.perf_counter() + seconds, 0
        await asyncio.sleep(mean_drag_s * rng.random())
        while time.perf_counter() < end:
            turn += 1
            await self.rest(self.nudged(turn))
            await asyncio.sleep(mean_drag_s * (0.5 + rng.random()))

    async def close(self) -> None:
        """Close the session, as when the tab is closed."""
        if self._reader is not None:
            self._reader.cancel()
        if self.socket is not None:
            await self.socket.close()
        await self._page.close()
