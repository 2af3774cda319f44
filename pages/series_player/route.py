"""The player's road: one POST asks for a slice, a voxel or a selector of the case that its session has open.

The same rules as for the live socket: the token belongs to one session and dies with it, it stands in no address,
the Origin must be this host, a request is short, and of one session's few are under way at once.
"""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pages.live.compute.case import LiveCase
from pages.live.server.handshake import same_origin
from pages.live.server.messages import error_frame
from pages.live.server.session import COMPUTE, REGISTRY, LiveSession
from pages.series_player.messages import selector_frame, slice_frame, voxel_frame
from pages.server.error_reporting import report_error
from perfcore.errors import PerfcoreError

PATH: Final = "/live/cine"
MAX_REQUEST_BYTES: Final = 1024
BODY_TIMEOUT_S: Final = 5.0
MAX_CONCURRENT: Final = 4
"""Answers to one session that are being made or are on their way; a slice is 4 MB."""
MAX_QUEUED: Final = 64
"""Requests of one session that wait for that; one more is refused."""
SELECTOR_POOL: Final = ThreadPoolExecutor(1, thread_name_prefix="selectors")
"""Selectors take up to a second: one at a time, so that nobody's drag waits for them."""


class _RequestError(Exception):
    """A request that is not answered: an HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence


class _RequestQueue:
    """The requests of one session: a few at once, others wait."""

    def __init__(self) -> None:
        self._places, self._waiting = asyncio.Semaphore(MAX_CONCURRENT), 0

    async def __aenter__(self) -> None:
        if self._waiting >= MAX_QUEUED:
            raise _RequestError(429, "Too many requests; wait a moment.")
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._places.release()


_queues: Final[weakref.WeakKeyDictionary[LiveSession, _RequestQueue]] = weakref.WeakKeyDictionary()


class Cine:
    """Answers one request of a player; its place is free again when the answer is on its way, whole."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI has it."""
        request = Request(scope, receive)
        try:
            session, key, work, pool = await _asked(request)
            async with _queues.setdefault(session, _RequestQueue()):
                await _answer(await _frame(session, key, work, pool))(scope, receive, send)
        except _RequestError as refused:
            await _answer(error_frame(None, refused.sentence), refused.status)(scope, receive, send)
        except ClientDisconnect:
            return


cine: Final = Cine()


async def _asked(request: Request) -> tuple[LiveSession, Any, Callable[[LiveCase], bytes], Executor]:
    """Return whose request it is, the case that it is about, what it wants, and who does that."""
    if not same_origin(request.headers.get("origin"), request.headers.get("host")):
        raise _RequestError(403, "Requests from another origin are refused.")
    body = await _body(request)
    try:
        asked = json.loads(body)
        token, key, work, pool = asked["token"], asked["case"], *_work(asked)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _RequestError(400, "Invalid request.") from error
    session = REGISTRY.get(token) if isinstance(token, str) else None
    if session is None:
        raise _RequestError(403, "This session has ended; reload the page.")
    return session, key, work, pool


async def _frame(session: LiveSession, key: Any, work: Callable[[LiveCase], bytes], pool: Executor) -> bytes:
    workspace = session.workspace
    if workspace is None:
        raise _RequestError(403, "This session has ended; reload the page.")
    if workspace.case.key != key:
        raise _RequestError(409, "Another case is open now.")
    job = partial(work, workspace.case)
    asked: Future[bytes] = COMPUTE.submit_for(session, job) if pool is COMPUTE else pool.submit(job)
    try:
        return await asyncio.wrap_future(asked)
    except PerfcoreError as error:
        raise _RequestError(422, str(error)) from error
    except Exception as error:  # noqa: BLE001 - nobody foresaw it, and its words go no further
        raise _RequestError(500, str(report_error(error))) from None


def _work(asked: dict[str, Any]) -> tuple[Callable[[LiveCase], bytes], Executor]:
    """Return what a request wants, to be called with the case, and who does it."""
    kind = asked["kind"]
    if kind == "slice":
        return partial(_with_case, slice_frame, int(asked["slice"])), COMPUTE
    if kind == "voxel":
        x, y, z = (int(v) for v in asked["voxel"])
        return partial(_with_case, voxel_frame, (x, y, z)), COMPUTE
    if kind == "selector":
        return partial(_with_case, selector_frame, str(asked["name"])), SELECTOR_POOL
    raise ValueError(kind)


def _with_case(make: Callable[[LiveCase, Any], bytes], what: Any, case: LiveCase) -> bytes:
    return make(case, what)


async def _body(request: Request) -> bytes:
    """Read a short body."""
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_REQUEST_BYTES:
                    raise _RequestError(413, "The request is too long.")
    except TimeoutError as error:
        raise _RequestError(408, "The request timed out.") from error
    return body


def _answer(frame: bytes, status: int = 200) -> Response:
    # Noise does not compress: the server's gzip would take a second to make 4 MB of frames half as large.
    headers = {
        "Cache-Control": "no-store",
        "Content-Encoding": "identity",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(frame, status, headers, media_type="application/octet-stream")
