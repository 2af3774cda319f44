"""The player's road: one POST asks for a slice, a voxel or a selector of the case that its session has open.

The same rules as for the live socket: the token belongs to one session and dies with it, it stands in no address,
the Origin must be this host, and a request is short.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pages.cine.frames import selector_frame, slice_frame, voxel_frame
from pages.live.case import LiveCase
from pages.live.session import COMPUTE, REGISTRY, error_frame
from pages.live.socket import same_origin
from perfcore.errors import PerfcoreError

PATH: Final = "/live/cine"
MAX_REQUEST_BYTES: Final = 1024
SEEK: Final = ThreadPoolExecutor(1, thread_name_prefix="selectors")
"""Selectors take up to a second: one at a time, so that nobody's drag waits for them."""


class _RefusedError(Exception):
    """A request that is not answered: an HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence


async def cine(request: Request) -> Response:
    """Answer one request of a player."""
    try:
        return _answer(await _frame(request))
    except _RefusedError as refused:
        return _answer(error_frame(None, refused.sentence), refused.status)


async def _frame(request: Request) -> bytes:
    if not same_origin(request.headers.get("origin"), request.headers.get("host")):
        raise _RefusedError(403, "This address does not belong to the page.")
    body = await _body(request)
    try:
        asked = json.loads(body)
        token, key, work, pool = asked["token"], asked["case"], *_work(asked)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _RefusedError(400, "The message is not understood.") from error
    session = REGISTRY.get(token) if isinstance(token, str) else None
    state = session.state if session is not None else None
    if state is None:
        raise _RefusedError(403, "This session has ended; reload the page.")
    if state.case.key != key:
        raise _RefusedError(409, "Another case has been opened meanwhile.")
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work, state.case)
    except PerfcoreError as error:
        raise _RefusedError(422, str(error)) from error


def _work(asked: dict[str, Any]) -> tuple[Callable[[LiveCase], bytes], Executor]:
    """Return what a request wants, to be called with the case, and who does it."""
    kind = asked["kind"]
    if kind == "slice":
        return partial(_with_case, slice_frame, int(asked["slice"])), COMPUTE
    if kind == "voxel":
        x, y, z = (int(v) for v in asked["voxel"])
        return partial(_with_case, voxel_frame, (x, y, z)), COMPUTE
    if kind == "selector":
        return partial(_with_case, selector_frame, str(asked["name"])), SEEK
    raise ValueError(kind)


def _with_case(make: Callable[[LiveCase, Any], bytes], what: Any, case: LiveCase) -> bytes:
    return make(case, what)


async def _body(request: Request) -> bytes:
    """Read a short body."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            raise _RefusedError(413, "The message is too long.")
    return body


def _answer(frame: bytes, status: int = 200) -> Response:
    # Noise does not compress: the server's gzip would take a second to make 4 MB of frames half as large.
    headers = {
        "Cache-Control": "no-store", "Content-Encoding": "identity", "X-Content-Type-Options": "nosniff",
    }
    return Response(frame, status, headers, media_type="application/octet-stream")
