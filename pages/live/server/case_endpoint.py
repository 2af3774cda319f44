"""HTTP endpoint of the open case: a POST with a session's token requests one frame.

The rules are those of the live WebSocket: the token belongs to one session, ends with it and is never part of a
URL; the Origin must be this host; the request's size and the concurrent requests of a session are limited.
"""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pages.live.compute.case import LiveCase
from pages.live.server.handshake import same_origin
from pages.live.server.messages import error_frame
from pages.live.server.session import COMPUTE, REGISTRY
from pages.server.error_reporting import report_error
from perfcore.errors import PerfcoreError

MAX_REQUEST_BYTES: Final = 1024
BODY_TIMEOUT_S: Final = 5.0
MAX_CONCURRENT: Final = 4
"""Responses to one session in progress at once; a slice is 1 to 4 MB."""
MAX_QUEUED: Final = 64
"""Requests of one session that wait; one more is refused."""

CaseJob = tuple[Callable[[LiveCase], bytes], Executor]
"""Encodes a frame of a case, and the executor that runs it."""


class RequestError(Exception):
    """A refused request: its HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence


class _RequestQueue:
    """Limits the concurrent requests of one session; further ones wait."""

    def __init__(self) -> None:
        self._places, self._waiting = asyncio.Semaphore(MAX_CONCURRENT), 0

    async def __aenter__(self) -> None:
        if self._waiting >= MAX_QUEUED:
            raise RequestError(429, "Too many requests; wait a moment.")
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._places.release()


_queues: Final[weakref.WeakKeyDictionary[object, _RequestQueue]] = weakref.WeakKeyDictionary()
OpenCase = tuple[object, LiveCase]
"""Who asks, a session or another owner of a queue, and the case that it has open."""


def session_case(fields: Mapping[str, Any]) -> OpenCase:
    """Return the live session of a request's token, and its open case.

    Raises
    ------
    RequestError
        The session has ended, or has another case open.
    """
    token = fields["token"]
    session = REGISTRY.get(token) if isinstance(token, str) else None
    workspace = None if session is None else session.workspace
    if session is None or workspace is None:
        raise RequestError(403, "This session has ended; reload the page.")
    if workspace.case.key != fields["case"]:
        raise RequestError(409, "Another case is open now.")
    return session, workspace.case


class CaseEndpoint:
    """ASGI endpoint that answers one request; its place in the queue is free once the response is sent whole.

    Parameters
    ----------
    job_of
        Returns the job of a request's fields; raises one of ``ValueError``, ``KeyError``, ``TypeError``,
        ``OverflowError`` for an invalid request.
    encoding
        Content encoding of the frames that the jobs return.
    case_of
        Authenticates a request by its fields; returns who asks, and the case.
    """

    def __init__(
        self,
        job_of: Callable[[Mapping[str, Any]], CaseJob],
        encoding: str = "identity",
        case_of: Callable[[Mapping[str, Any]], OpenCase] = session_case,
    ) -> None:
        self._job_of, self._encoding, self._case_of = job_of, encoding, case_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        try:
            owner, case, job = await self._read(request)
            async with _queues.setdefault(owner, _RequestQueue()):
                frame = await _frame(owner, case, job)
                await _answer(frame, encoding=self._encoding)(scope, receive, send)
        except RequestError as refused:
            await _answer(error_frame(None, refused.sentence), refused.status)(scope, receive, send)
        except ClientDisconnect:
            return

    async def _read(self, request: Request) -> tuple[object, LiveCase, CaseJob]:
        """Authenticate a request; return who asks, the case and the job."""
        if not same_origin(request.headers.get("origin"), request.headers.get("host")):
            raise RequestError(403, "Requests from another origin are refused.")
        body = await _body(request)
        try:
            fields = json.loads(body)
            job = self._job_of(fields)
            return *self._case_of(fields), job
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise RequestError(400, "Invalid request.") from error


async def _frame(owner: object, case: LiveCase, job: CaseJob) -> bytes:
    encode, pool = job
    work = partial(encode, case)
    future: Future[bytes] = COMPUTE.submit_for(owner, work) if pool is COMPUTE else pool.submit(work)
    try:
        return await asyncio.wrap_future(future)
    except PerfcoreError as error:
        raise RequestError(422, str(error)) from error
    except Exception as error:  # noqa: BLE001 - unexpected; its message is not sent
        raise RequestError(500, str(report_error(error))) from None


async def _body(request: Request) -> bytes:
    """Read a short body."""
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_REQUEST_BYTES:
                    raise RequestError(413, "The request is too long.")
    except TimeoutError as error:
        raise RequestError(408, "The request timed out.") from error
    return body


def _answer(frame: bytes, status: int = 200, encoding: str = "identity") -> Response:
    # Stated, so that no middleware compresses: 4 MB of a series would take a second.
    headers = {
        "Cache-Control": "no-store",
        "Content-Encoding": encoding,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(frame, status, headers, media_type="application/octet-stream")
