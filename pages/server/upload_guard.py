"""What may come in at all, before Streamlit or the live component sees it: bytes are counted while they come."""

from __future__ import annotations

from collections import Counter
from typing import Final

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config as streamlit_config
from streamlit.runtime import Runtime

from pages.server import config
from pages.server.message_limits import bound_messages

UPLOADS: Final = "/_stcore/upload_file/"
MOST_SESSION_BYTES: Final = 3 << 30
"""Files of one session that have come, or are coming, and have not been read yet."""
ENVELOPE_BYTES: Final = 1 << 20
"""What goes around a file or the state of a page's widgets."""


class Gate:
    """Counts what is uploaded, and bounds the messages of every socket; an ASGI middleware.

    Streamlit has a limit for a file and one for the state of a page, but none for the files of a session, and its
    server collects a message as long as the longest that may be sent before it looks at it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._coming: Counter[str] = Counter()
        # A file that comes is held in memory, as it is afterwards; otherwise it lies on a disk for that while.
        MultiPartParser.spool_max_size = (
            streamlit_config.get_option("server.maxUploadSize") << 20
        ) + ENVELOPE_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        if scope["type"] == "websocket":
            bound_messages(
                receive, (streamlit_config.get_option("server.maxWidgetStateSize") << 20) + ENVELOPE_BYTES
            )
        _, here, place = scope.get("path", "").partition(UPLOADS)
        if scope["type"] == "http" and scope["method"] == "PUT" and here:
            await self._upload(place.partition("/")[0], scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _upload(self, session: str, scope: Scope, receive: Receive, send: Send) -> None:
        length = Headers(scope=scope).get("content-length", "")
        n_bytes = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None
        if n_bytes is None:
            await PlainTextResponse("The length of the file is not said.", 411)(scope, receive, send)
        elif not self._has_room(session, n_bytes):
            await PlainTextResponse("The server holds too much already.", 413)(scope, receive, send)
        else:
            self._coming[session] += n_bytes
            try:
                await self._app(scope, receive, send)
            finally:
                self._coming[session] -= n_bytes
                if not self._coming[session]:
                    del self._coming[session]

    def _has_room(self, session: str, n_bytes: int) -> bool:
        held = Runtime.instance().uploaded_file_mgr.file_storage if Runtime.exists() else {}
        by_session = {one: sum(len(file.data) for file in [*files.values()]) for one, files in [*held.items()]}
        mine = by_session.get(session, 0) + self._coming[session] + n_bytes
        everybody = sum(by_session.values()) + self._coming.total() + n_bytes
        return mine <= MOST_SESSION_BYTES and everybody <= config.memory_for_uploads()
