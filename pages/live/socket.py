"""The private socket: a curve comes in, the visible slice goes out, the whole volume follows at rest."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.live import wire
from pages.live.session import (
    COMPUTE,
    REGISTRY,
    LiveSession,
    State,
    case_frame,
    error_frame,
    probe_frame,
    slice_frame,
    volume_frame,
)
from perfcore.errors import InputDataError, PerfcoreError

PATH: Final = "/live/socket"
HELLO_TIMEOUT_S: Final = 5.0
NUMBERS_EVERY_S: Final = 0.25
"""While the hand moves, the numbers of the whole volume follow this often."""
POLICY_VIOLATION: Final = 1008


def same_origin(origin: str | None, host: str | None) -> bool:
    """Return whether a browser's Origin names the host that it asked; a missing Origin is refused."""
    if not origin or not host:
        return False
    return urlsplit(origin).netloc.lower() == host.lower()


async def _compute(work: Any, *args: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(COMPUTE, work, *args)


class _Conversation:
    """One open socket: a reader that keeps only the latest edit, a worker that answers it."""

    def __init__(self, ws: WebSocket, session: LiveSession) -> None:
        self.ws, self.session = ws, session
        self.edit: wire.Edit | None = None
        self.last: wire.Edit | None = None
        self.probe: tuple[int, int, int] | None = None
        self.wake = asyncio.Event()
        self.numbers_at = 0.0

    async def read(self) -> None:
        """Take messages until the browser leaves."""
        while True:
            message = await self.ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                if message.get("bytes") is not None:
                    self.edit = wire.unpack_edit(message["bytes"])
                else:
                    await self.request(message.get("text") or "")
            except InputDataError as error:
                await self.ws.send_bytes(error_frame(None, error))
            self.wake.set()

    async def request(self, text: str) -> None:
        """Answer a request in words: the case, or a voxel's curves."""
        if len(text) > wire.MAX_MESSAGE_BYTES:
            raise InputDataError("The message is too long.")
        try:
            asked = json.loads(text)
            kind = asked["type"]
            voxel = tuple(int(v) for v in asked["voxel"]) if kind == "probe" else None
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise InputDataError("The message is not understood.") from error
        if kind == "case":
            state = self.session.state
            if state is not None:
                have = asked.get("have")
                await self.ws.send_bytes(await asyncio.to_thread(case_frame, self.session, state, have))
        elif voxel is not None and len(voxel) == 3:
            self.probe = (voxel[0], voxel[1], voxel[2])
        else:
            raise InputDataError("The message is not understood.")

    async def work(self) -> None:
        """Answer the latest edit, then what it leaves to do, for as long as the socket is open."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            edit, self.edit = self.edit, None
            state = self.session.state
            if state is None:
                continue
            try:
                if edit is not None:
                    await self.answer(state, edit)
                if self.probe is not None and self.last is not None and self.last.epoch == state.epoch:
                    voxel, self.probe = self.probe, None
                    await self.ws.send_bytes(await _compute(probe_frame, state, self.last.curve, voxel))
            except PerfcoreError as error:
                await self.ws.send_bytes(error_frame(edit, error))

    async def answer(self, state: State, edit: wire.Edit) -> None:
        """Send the visible slice, then the volume if nothing newer has come."""
        if edit.epoch != state.epoch:
            await self.ws.send_bytes(wire.pack("stale", {"epoch": state.epoch, "seq": edit.sequence}))
            return
        self.last = edit
        if not edit.all_slices:
            await self.ws.send_bytes(await _compute(slice_frame, self.session, state, edit))
        due = edit.at_rest or edit.all_slices or time.monotonic() - self.numbers_at > NUMBERS_EVERY_S
        if not due:
            return
        parts = []
        for job in state.case.chunks(edit.curve, state.settings):
            if self.edit is not None and not edit.all_slices and edit.at_rest:
                return  # a newer edit waits; it will ask for its own volume
            parts.append(await _compute(job))
        flow = await _compute(state.case.gather, parts)
        with_maps = edit.at_rest or edit.all_slices
        frame = await _compute(
            lambda: volume_frame(self.session, state, edit, flow, with_maps=with_maps)
        )
        self.numbers_at = time.monotonic()
        await self.ws.send_bytes(frame)


async def _hello(ws: WebSocket) -> LiveSession | None:
    """Wait for the token; it comes as the first message, so that it stands in no address and no log."""
    try:
        text = await asyncio.wait_for(ws.receive_text(), HELLO_TIMEOUT_S)
        token = json.loads(text)["token"] if len(text) < 512 else None
    except (TimeoutError, ValueError, KeyError, TypeError, WebSocketDisconnect, RecursionError):
        return None
    return REGISTRY.get(token) if isinstance(token, str) else None


async def live_socket(ws: WebSocket) -> None:
    """Serve one browser."""
    if not same_origin(ws.headers.get("origin"), ws.headers.get("host")):
        await ws.close(POLICY_VIOLATION)
        return
    await ws.accept()
    session = await _hello(ws)
    if session is None:
        with contextlib.suppress(RuntimeError):
            await ws.close(POLICY_VIOLATION)
        return
    talk = _Conversation(ws, session)
    async with anyio.create_task_group() as group:

        async def until_gone(part: Callable[[], Awaitable[None]]) -> None:
            # Sending to a browser that has just left raises; there is nobody to tell.
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await part()
            group.cancel_scope.cancel()

        group.start_soon(until_gone, talk.read)
        group.start_soon(until_gone, talk.work)
