"""Upload guard: ASGI middleware that limits the bytes of uploads and of WebSocket messages.

It runs before Streamlit and the live component, and counts a request's bytes before they are received.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config as streamlit_config

from pages.server import config, streamlit_internals
from pages.server.message_limits import limit_messages

UPLOAD_PATH: Final = "/_stcore/upload_file/"
MAX_SESSION_BYTES: Final = 3 << 30
"""Files of one session that are held or being received, and have not been opened yet."""
ENVELOPE_BYTES: Final = 1 << 20
"""Allowance for a request's headers beside a file, and for a message beside the state of a page's widgets."""


class UploadGuard:
    """ASGI middleware that refuses uploads above the limits of a session or of the server.

    Streamlit limits the size of one file and of one page's state, but not the files of a session, and the server
    would collect any message up to the longest that may be sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._receiving: Counter[str] = Counter()
        max_bytes = (streamlit_config.get_option("server.maxUploadSize") << 20) + ENVELOPE_BYTES
        streamlit_internals.keep_uploads_in_memory(max_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "websocket":
            max_bytes = (streamlit_config.get_option("server.maxWidgetStateSize") << 20) + ENVELOPE_BYTES
            limit_messages(receive, max_bytes)
        _, is_upload, rest = scope.get("path", "").partition(UPLOAD_PATH)
        if scope["type"] == "http" and scope["method"] == "PUT" and is_upload:
            await self._upload(rest.partition("/")[0], scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _upload(self, session: str, scope: Scope, receive: Receive, send: Send) -> None:
        length = Headers(scope=scope).get("content-length", "")
        n_bytes = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None
        if n_bytes is None:
            await PlainTextResponse("Content-Length is required.", 411)(scope, receive, send)
        elif not self._fits(session, n_bytes):
            await PlainTextResponse("The upload limit is reached.", 413)(scope, receive, send)
        else:
            self._receiving[session] += n_bytes
            try:
                await self._app(scope, receive, send)
            finally:
                self._receiving[session] -= n_bytes
                if not self._receiving[session]:
                    del self._receiving[session]

    def _fits(self, session: str, n_bytes: int) -> bool:
        """Return whether a file of n_bytes keeps within the limits of its session and of the server."""
        held = streamlit_internals.uploaded_bytes()
        of_session = held.get(session, 0) + self._receiving[session] + n_bytes
        of_all = sum(held.values()) + self._receiving.total() + n_bytes
        return of_session <= MAX_SESSION_BYTES and of_all <= config.memory_for_uploads()
