"""The private socket: a curve comes in, the visible slice goes out, the whole volume follows at rest."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.live.compute.preview_grid import LARGEST_ERROR
from pages.live.handlers.requests import answer_request, not_understood, voxel_of
from pages.live.handlers.streams import SOURCES, Streams
from pages.live.server import wire
from pages.live.server.handshake import LONGEST_FRAME_BYTES, Pace, hello, same_origin
from pages.live.server.load import CROWD
from pages.live.server.session import (
    COMPUTE,
    WORKERS,
    LiveSession,
    State,
    case_frame,
    coarse_frame,
    coarse_slice_frame,
    error_frame,
    probe_frame,
    slice_frame,
    volume_frame,
)
from pages.server.error_reporting import report_error
from pages.server.message_limits import limit_messages
from pages.server.streamlit_internals import asgi_receive
from perfcore.errors import InputDataError, PerfcoreError

R = TypeVar("R")

PATH: Final = "/live/socket"
POLICY_VIOLATION: Final = 1008
CROWD_JOBS: Final = 4
"""Turns of a volume of every second voxel, a few milliseconds each."""


class _Conversation:
    """One open socket: a reader keeps the latest edit, a worker answers it, a follower sends the volume."""

    def __init__(self, ws: WebSocket, session: LiveSession) -> None:
        self.ws, self.session = ws, session
        self.edit: wire.Edit | None = None
        self.last: wire.Edit | None = None
        self.probe: tuple[int, int, int] | None = None
        self.volume: tuple[State, wire.Edit] | None = None
        self.wake, self.volume_wake = asyncio.Event(), asyncio.Event()
        self.sending = asyncio.Lock()
        self.streams = Streams(session, self.send)
        self.numbers_at = 0.0

    async def compute(self, work: Callable[..., R], *args: Any, later: bool = False) -> R:
        """Have something computed in this person's turn; what nobody foresaw is noted, and answered in words."""
        try:
            return await asyncio.wrap_future(COMPUTE.ask(self.session, partial(work, *args), later=later))
        except PerfcoreError:
            raise
        except Exception as error:  # noqa: BLE001 - see `fault`
            raise report_error(error) from None

    async def send(self, frame: bytes) -> None:
        """Send one frame, whole."""
        async with self.sending:
            await self.ws.send_bytes(frame)

    async def read(self) -> None:
        """Take messages until the browser leaves."""
        pace = Pace()
        while await pace.wait():
            message = await self.ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                if message.get("bytes") is not None:
                    self.edit = wire.unpack_edit(message["bytes"])
                else:
                    await self.request(message.get("text") or "")
            except PerfcoreError as error:
                await self.send(error_frame(None, error))
            self.wake.set()

    async def request(self, text: str) -> None:
        """Answer a request in words; a voxel's curves are the worker's, where the latest voxel wins."""
        if len(text) > wire.MAX_MESSAGE_BYTES:
            raise InputDataError("The message is too long.")
        try:
            asked = json.loads(text)
            kind = asked["type"]
            voxel = voxel_of(asked["voxel"]) if kind == "probe" else None
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise not_understood() from error
        state = self.session.state
        if voxel is not None:
            self.probe = voxel
        elif state is not None and kind == "stream":
            await self.streams.tell(state, asked)
        elif state is not None:
            work, what = (case_frame, asked.get("have")) if kind == "case" else (answer_request, asked)
            await self.send(await self.compute(work, self.session, state, what))

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
                    await self.send(await self.compute(probe_frame, state, self.last.curve, voxel))
            except PerfcoreError as error:
                await self.send(error_frame(edit, error))

    async def answer(self, state: State, edit: wire.Edit) -> None:
        """Send what is visible; the volume follows at rest, and now and then while the hand moves."""
        if edit.epoch != state.epoch:
            await self.send(wire.pack("stale", {"epoch": state.epoch, "seq": edit.sequence}))
            return
        self.last = edit
        if edit.keep and edit.curve.size == state.start.value.size:
            self.session.keep(state.curve_key, edit.curve)
        coarse = not edit.at_rest and state.case.coarse_error <= LARGEST_ERROR
        moving = edit.all_slices and coarse
        if not edit.at_rest:
            CROWD.moved(self.session)
        if moving:
            jobs = state.case.coarse_chunks(edit.curve, state.settings, WORKERS)
            parts = await asyncio.gather(*(self.compute(job) for job in jobs))
            await self.send(await self.compute(coarse_frame, self.session, state, edit, parts))
        elif not edit.all_slices:
            make = coarse_slice_frame if coarse and CROWD.large else slice_frame
            await self.send(await self.compute(make, self.session, state, edit))
        due = self.volume is None and time.monotonic() - self.numbers_at > CROWD.numbers_every_s
        if edit.at_rest or (edit.all_slices and not moving) or due:
            self.volume = (state, edit)
            self.volume_wake.set()

    async def follow(self) -> None:
        """Compute the whole volume of the latest edit that asks for it, in short turns."""
        while True:
            await self.volume_wake.wait()
            self.volume_wake.clear()
            wanted = self.volume
            if wanted is None:
                continue
            try:
                await self.send_volume(*wanted)
            except PerfcoreError as error:
                await self.send(error_frame(wanted[1], error))
            self.numbers_at = time.monotonic()
            if self.volume is wanted:
                self.volume = None

    async def send_volume(self, state: State, edit: wire.Edit) -> None:
        """Send the maps and numbers of all slices, unless a newer edit has asked for its own."""
        case, crowd = state.case, not edit.at_rest and CROWD.large and state.case.coarse_error <= LARGEST_ERROR
        if crowd:
            jobs = case.coarse_chunks(edit.curve, state.settings, CROWD_JOBS)
        else:
            jobs = case.chunks(edit.curve, state.settings, preview=not edit.at_rest)
        # While the hand moves, one core is left for what is visible, unless the volume is what is visible.
        whole = edit.at_rest or (edit.all_slices and state.case.coarse_error > LARGEST_ERROR)
        at_once = WORKERS if whole else max(WORKERS - 1, 1)
        parts = []
        for first in range(0, len(jobs), at_once):
            turn = (self.compute(job, later=True) for job in jobs[first : first + at_once])
            parts += await asyncio.gather(*turn)
            if self.volume is None or self.volume[1] is not edit:
                return

        def finish() -> bytes:
            if crowd:
                scale = self.session.scale(state.epoch)
                mean = case.sample_mean(edit.curve, state.settings, preview=True) * scale
                flow = case.filled_in(case.coarse_gather(parts, mean))
            else:
                flow = case.gather(parts)
            return volume_frame(self.session, state, edit, flow, with_maps=whole)

        await self.send(await self.compute(finish, later=True))


async def live_socket(ws: WebSocket) -> None:
    """Serve one browser."""
    if not same_origin(ws.headers.get("origin"), ws.headers.get("host")):
        await ws.close(POLICY_VIOLATION)
        return
    limit_messages(asgi_receive(ws), LONGEST_FRAME_BYTES)
    await ws.accept()
    session = await hello(ws)
    if session is not None:
        await _talk(ws, session)
    # It may be closed already: the browser has left.
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await ws.close(POLICY_VIOLATION)


async def _talk(ws: WebSocket, session: LiveSession) -> None:
    """Serve a browser that has shown its token, until it leaves or its session ends."""
    talk, loop, group = _Conversation(ws, session), asyncio.get_running_loop(), anyio.create_task_group()

    def close() -> None:
        with contextlib.suppress(RuntimeError):  # the server has stopped
            loop.call_soon_threadsafe(group.cancel_scope.cancel)

    async def until_gone(part: Callable[[], Awaitable[None]]) -> None:
        # Sending to a browser that has just left raises; there is nobody to tell.
        try:
            await part()
        except (WebSocketDisconnect, RuntimeError):
            pass
        except Exception as error:  # noqa: BLE001 - nobody foresaw it, and its words go no further
            report_error(error)
        group.cancel_scope.cancel()

    try:
        async with group:
            if session.enter(close):
                parts = [talk.read, talk.work, talk.follow, *(partial(talk.streams.serve, of) for of in SOURCES)]
                for part in parts:
                    group.start_soon(until_gone, part)
    finally:
        session.leave(close)
