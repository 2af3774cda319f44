"""Streams: requests answered by many frames (fine-tuning, tornado chart, AIF uncertainty, sensitivity).

A stream is an iterator over frames. Each frame is one background job of the scheduler, so all sessions get their
turn. The browser starts a stream (``{"type": "stream", "of": …, "act": "start", "run": …}``), runs, pauses, steps
and stops it, and acknowledges frames (``seen``): at most two are in flight. A socket has one stream of each kind.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from numpy.typing import NDArray

from pages.live.handlers.aif_uncertainty import stream_uncertainty
from pages.live.handlers.fine_tuning import stream_tuning
from pages.live.handlers.requests import invalid_request
from pages.live.handlers.sensitivity import stream_sensitivity, stream_sensitivity_map, stream_tornado
from pages.live.handlers.viewport import Viewport
from pages.live.server import wire
from pages.live.server.session import COMPUTE, LiveSession, Workspace
from pages.server.error_reporting import report_error
from perfcore.errors import PerfcoreError

Frame = tuple[dict[str, Any], dict[str, NDArray[Any]]]
StreamFunction = Callable[[LiveSession, Workspace, Mapping[str, Any], Viewport], Iterator[Frame]]

STREAMS: Final[dict[str, StreamFunction]] = {
    "tune": stream_tuning,
    "tornado": stream_tornado,
    "uncertainty": stream_uncertainty,
    "sensitivity": stream_sensitivity,
    "sensitivity_map": stream_sensitivity_map,
}
MAX_FRAMES_IN_FLIGHT: Final = 2
"""Frames sent and not acknowledged."""
MIN_FRAME_INTERVAL_S: Final = 1 / 30
WORKSPACE_CHANGED: Final = "The case or its settings have changed; the results stay until the next start."


@dataclass(eq=False)
class _Stream:
    frames: Iterator[Frame]
    workspace: Workspace
    run: int
    viewport: Viewport
    wanted: float = math.inf
    on_way: int = field(default=0)

    @property
    def due(self) -> bool:
        return self.wanted > 0 and self.on_way < MAX_FRAMES_IN_FLIGHT


class Streams:
    """The open streams of one socket.

    Parameters
    ----------
    session
        Session of the socket.
    send
        Sends one frame, and returns when the socket has taken it.
    """

    def __init__(self, session: LiveSession, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._session, self._send = session, send
        self._open: dict[str, _Stream] = {}
        self._wake = {of: asyncio.Event() for of in STREAMS}

    async def receive(self, workspace: Workspace, request: Mapping[str, Any]) -> None:
        """Receive one message of the browser; a stream that cannot start ends at once, with the reason.

        Raises
        ------
        InputDataError
            Invalid request.
        """
        try:
            of, act, run = str(request["of"]), request["act"], int(request["run"])
            wake, stream = self._wake[of], self._open.get(of)
            if act == "start":
                self._open.pop(of, None)
                self._open[of] = self._begin(of, run, workspace, request)
            elif act not in {"run", "pause", "step", "seen", "stop"}:
                raise invalid_request()
            elif stream is not None and stream.run == run:
                self._act(of, stream, act, request)
        except PerfcoreError as error:  # first, as some are ValueErrors too
            await self._send(wire.pack(f"{of}-end", {"run": run, "message": str(error)}))
            return
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise invalid_request() from error
        wake.set()

    def _begin(self, of: str, run: int, workspace: Workspace, request: Mapping[str, Any]) -> _Stream:
        viewport = Viewport.read(request.get("viewport"))
        stream = _Stream(STREAMS[of](self._session, workspace, request, viewport), workspace, run, viewport)
        if "steps" in request:
            stream.wanted = float(int(request["steps"]))
        return stream

    def _act(self, of: str, stream: _Stream, act: str, request: Mapping[str, Any]) -> None:
        if act == "stop":
            del self._open[of]
        elif act == "seen":
            stream.on_way = max(stream.on_way - 1, 0)
            stream.viewport.update(request.get("viewport"))
        else:
            stream.wanted = {"run": math.inf, "pause": 0.0, "step": 1.0}[act]

    async def serve(self, of: str) -> None:
        """Send the frames of one kind of stream while the socket is open."""
        wake = self._wake[of]
        while True:
            await wake.wait()
            wake.clear()
            while (stream := self._open.get(of)) is not None and stream.due:
                await self._turn(of, stream)

    async def _turn(self, of: str, stream: _Stream) -> None:
        begun = time.monotonic()
        frame, problem = await asyncio.wrap_future(
            COMPUTE.submit_for(self._session, partial(_next, of, stream, self._session), background=True)
        )
        if self._open.get(of) is not stream:
            return  # stopped or started again meanwhile
        if frame is None:
            del self._open[of]
            await self._send(wire.pack(f"{of}-end", {"run": stream.run, "message": problem}))
            return
        stream.wanted -= 1
        stream.on_way += 1
        await self._send(frame)
        await asyncio.sleep(max(MIN_FRAME_INTERVAL_S - (time.monotonic() - begun), 0))


def _next(of: str, stream: _Stream, session: LiveSession) -> tuple[bytes | None, str | None]:
    """Return the next frame, or None and the reason why the stream ends."""
    if session.workspace is not stream.workspace:
        return None, WORKSPACE_CHANGED
    try:
        header, arrays = next(stream.frames)
        return wire.pack(of, {"run": stream.run, "epoch": stream.workspace.epoch, **header}, arrays), None
    except StopIteration:
        return None, None
    except PerfcoreError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - unexpected; its message is not sent
        return None, str(report_error(error))
