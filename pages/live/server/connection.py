"""The live WebSocket: receives edits, answers with the visible slice, and with the whole volume at rest."""

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

from pages.live.handlers.requests import answer_request, invalid_request, voxel_of
from pages.live.handlers.streams import STREAMS, Streams
from pages.live.server import wire
from pages.live.server.handshake import MAX_FRAME_BYTES, authenticate, same_origin
from pages.live.server.messages import (
    StaleMessage,
    case_frame,
    error_frame,
    probe_frame,
    slice_frame,
    start_volume_frame,
    volume_frame,
)
from pages.live.server.rate_limit import RateLimiter
from pages.live.server.session import COMPUTE, WORKERS, LiveSession, Workspace
from pages.live.server.workspace_edit import WorkspaceEdit
from pages.server.error_reporting import report_error
from pages.server.message_limits import limit_messages
from pages.server.streamlit_internals import asgi_receive
from perfcore.errors import InputDataError, PerfcoreError

R = TypeVar("R")

PATH: Final = "/live/socket"
POLICY_VIOLATION: Final = 1008
METRICS_INTERVAL_S: Final = 0.25
"""Interval of the whole volume's metrics during a drag of one slice."""


class _Connection:
    """One open WebSocket: three tasks that receive messages, answer the latest edit, and send the volume."""

    def __init__(self, ws: WebSocket, session: LiveSession) -> None:
        self.ws, self.session = ws, session
        self.edit: wire.Edit | None = None
        self.last_edit: wire.Edit | None = None
        self.probe: tuple[int, int, int] | None = None
        self.volume: WorkspaceEdit | None = None
        self.wake, self.volume_wake = asyncio.Event(), asyncio.Event()
        self.sending = asyncio.Lock()
        self.streams = Streams(session, self.send)
        self.metrics_at_s = 0.0

    async def compute(self, work: Callable[..., R], *args: Any, background: bool = False) -> R:
        """Run a job of this session; an unexpected exception is reported and becomes an `InternalError`."""
        try:
            return await asyncio.wrap_future(
                COMPUTE.submit_for(self.session, partial(work, *args), background=background)
            )
        except PerfcoreError:
            raise
        except Exception as error:  # noqa: BLE001 - see `report_error`
            raise report_error(error) from None

    async def send(self, frame: bytes) -> None:
        """Send one frame."""
        async with self.sending:
            await self.ws.send_bytes(frame)

    async def read(self) -> None:
        """Receive messages until the client disconnects or exceeds the rate limit."""
        limiter = RateLimiter()
        while await limiter.wait():
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
        """Answer a JSON request; a probe is left to `work`, where the latest voxel replaces earlier ones."""
        if len(text) > wire.MAX_MESSAGE_BYTES:
            raise InputDataError("The request is too long.")
        try:
            request = json.loads(text)
            kind = request["type"]
            voxel = voxel_of(request["voxel"]) if kind == "probe" else None
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise invalid_request() from error
        workspace = self.session.workspace
        if voxel is not None:
            self.probe = voxel
        elif workspace is not None and kind == "stream":
            await self.streams.receive(workspace, request)
        elif workspace is not None:
            work, argument = (case_frame, request.get("have")) if kind == "case" else (answer_request, request)
            await self.send(await self.compute(work, self.session, workspace, argument))

    async def work(self) -> None:
        """Answer the latest edit, then the latest probe, as long as the WebSocket is open."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            edit, self.edit = self.edit, None
            workspace = self.session.workspace
            if workspace is None:
                continue
            try:
                if edit is not None:
                    await self.answer(workspace, edit)
                if (
                    self.probe is not None
                    and self.last_edit is not None
                    and self.last_edit.epoch == workspace.epoch
                ):
                    voxel, self.probe = self.probe, None
                    edit = self.last_edit  # the edit that an error is about
                    await self.send(await self.compute(probe_frame, workspace, edit.curve, voxel))
            except PerfcoreError as error:
                await self.send(error_frame(edit, error))

    async def answer(self, workspace: Workspace, edit: wire.Edit) -> None:
        """Send the visible slice; `follow` sends the volume at rest, its metrics at intervals during a drag."""
        if edit.epoch != workspace.epoch:
            await self.send(StaleMessage(workspace.epoch, edit.sequence).encode())
            return
        self.last_edit = edit
        if edit.keep and edit.curve.size == workspace.start.value.size:
            self.session.keep_curve(workspace.curve_key, edit.curve)
        edited = WorkspaceEdit(workspace, edit)
        if not edit.all_slices:
            await self.send(await self.compute(slice_frame, edited))
        metrics_due = self.volume is None and time.monotonic() - self.metrics_at_s > METRICS_INTERVAL_S
        if edit.at_rest or edit.all_slices or metrics_due:
            self.volume = edited
            self.volume_wake.set()

    async def follow(self) -> None:
        """Compute the whole volume of the latest edit that needs it, in short background jobs."""
        while True:
            await self.volume_wake.wait()
            self.volume_wake.clear()
            wanted = self.volume
            if wanted is None:
                continue
            try:
                await self.send_volume(wanted)
            except PerfcoreError as error:
                await self.send(error_frame(wanted.edit, error))
            self.metrics_at_s = time.monotonic()
            if self.volume is wanted:
                self.volume = None

    async def send_volume(self, edited: WorkspaceEdit) -> None:
        """Send maps and metrics of all slices; stops where a newer edit needs a volume."""
        case, edit = edited.case, edited.edit
        if edit.at_rest and edited.is_start:
            await self.send(await self.compute(start_volume_frame, edited, background=True))
            return
        jobs = case.chunks(edited.operator, preview=not edit.at_rest)
        # During a drag one core is left for the visible slice, unless the whole volume is visible.
        with_maps = edit.at_rest or edit.all_slices
        at_once = WORKERS if with_maps else max(WORKERS - 1, 1)
        parts = []
        for first in range(0, len(jobs), at_once):
            turn = (self.compute(job, background=True) for job in jobs[first : first + at_once])
            parts += await asyncio.gather(*turn)
            if self.volume is not edited:
                return

        def finish() -> bytes:
            return volume_frame(edited, case.gather(parts, edited.workspace.settings), with_maps=with_maps)

        await self.send(await self.compute(finish, background=True))


async def live_socket(ws: WebSocket) -> None:
    """Serve one client."""
    if not same_origin(ws.headers.get("origin"), ws.headers.get("host")):
        await ws.close(POLICY_VIOLATION)
        return
    limit_messages(asgi_receive(ws), MAX_FRAME_BYTES)
    await ws.accept()
    session = await authenticate(ws)
    if session is not None:
        await _serve(ws, session)
    # Closed already where the client has disconnected.
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await ws.close(POLICY_VIOLATION)


async def _serve(ws: WebSocket, session: LiveSession) -> None:
    """Serve an authenticated client until it disconnects or its session ends."""
    connection, loop, group = _Connection(ws, session), asyncio.get_running_loop(), anyio.create_task_group()

    def close() -> None:
        with contextlib.suppress(RuntimeError):  # the server has stopped
            loop.call_soon_threadsafe(group.cancel_scope.cancel)

    async def until_closed(task: Callable[[], Awaitable[None]]) -> None:
        # Sending to a client that has just disconnected raises.
        try:
            await task()
        except (WebSocketDisconnect, RuntimeError):
            pass
        except Exception as error:  # noqa: BLE001 - reported, without its message
            report_error(error)
        group.cancel_scope.cancel()

    try:
        async with group:
            if session.register_socket(close):
                tasks: list[Callable[[], Awaitable[None]]] = [connection.read, connection.work, connection.follow]
                tasks += [partial(connection.streams.serve, of) for of in STREAMS]
                for task in tasks:
                    group.start_soon(until_closed, task)
    finally:
        session.unregister_socket(close)
