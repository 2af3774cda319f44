"""Access to internals of Streamlit, Starlette and uvicorn, for which they have no public interface.

No other module of the dashboard uses private attributes of these packages: after an update of one of them this is
the module to check. ``tests/pages/server/test_streamlit_internals.py`` checks both.

In the browser the dashboard relies on class names and test ids of Streamlit's page, and on that page following the
system's colour scheme (`pages.server.colour_scheme`).
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Protocol, cast

from starlette.formparsers import MultiPartParser
from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive
    from starlette.websockets import WebSocket
    from streamlit.runtime.session_manager import SessionInfo
    from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
    from websockets.frames import Frame


class _ExpiringCache(Protocol):
    """The part of ``cachetools.TTLCache`` that is used; Streamlit declares it as a plain mapping."""

    _data: dict[str, SessionInfo]

    def expire(self) -> object: ...


def disable_pages_directory() -> None:
    """Leave navigation to ``st.navigation``.

    A folder named ``pages`` makes Streamlit serve each of its files as a page until the first script run: a link
    to ``/cases`` on a fresh server would show no sidebar and have no session state.
    """
    PagesManager.uses_pages_directory = False


def is_history_navigation() -> bool:
    """Return whether the browser's Back or Forward has started this run."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def keep_uploads_in_memory(max_bytes: int) -> None:
    """Keep a request's body of up to ``max_bytes`` in memory while it is received, never in a temporary file."""
    MultiPartParser.spool_max_size = max_bytes


def uploaded_bytes() -> dict[str, int]:
    """Return the bytes of the uploaded files that are held in memory, by Streamlit session."""
    if not Runtime.exists():
        return {}
    manager = cast("MemoryUploadedFileManager", Runtime.instance().uploaded_file_mgr)
    # Copied before use: other threads add and remove files.
    held = [*manager.file_storage.items()]
    return {session: sum(len(file.data) for file in [*files.values()]) for session, files in held}


def delete_uploaded_files(file_ids: Iterable[str]) -> None:
    """Delete uploaded files that Streamlit holds for the session of the running script."""
    run = get_script_run_ctx()
    if run is not None and isinstance(run.uploaded_file_mgr, MemoryUploadedFileManager):
        for file_id in file_ids:
            run.uploaded_file_mgr.remove_file(run.session_id, file_id)


def drop_expired_sessions() -> int:
    """Drop sessions whose browser disconnected longer ago than Streamlit waits for a reconnection (two minutes).

    Streamlit itself looks for expired sessions only when another session disconnects: the last upload of a day
    would stay in memory over night.

    Returns
    -------
    int
        The number of sessions dropped.
    """
    manager = cast("WebsocketSessionManager", Runtime.instance()._session_mgr)
    storage = cast("MemorySessionStorage", manager._session_storage)
    stored = cast("_ExpiringCache", storage._cache)
    before = dict(stored._data)
    stored.expire()
    expired = [info for key, info in before.items() if key not in stored._data]
    for info in expired:
        # Streamlit's own loop still refers to the last session that it has served.
        info.session.session_state.clear()
    n_expired = len(expired)
    if expired:
        del before, expired, info
        gc.collect()  # the parts of a session refer to each other
    return n_expired


def asgi_receive(ws: WebSocket) -> Receive:
    """Return the ASGI ``receive`` of a WebSocket."""
    return ws._receive


class _LimitedProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket that drops the connection when pings or fragments of one message exceed their limits.

    uvicorn answers each ping at once, also to a client that reads nothing, and keeps every fragment, also an empty
    one: either would fill the memory.
    """

    limited_at_s: float
    max_fragments: int
    max_pings: int
    n_pings: int

    def handle_ping(self) -> None:
        self.n_pings += 1
        if self.n_pings > self.max_pings + self.loop.time() - self.limited_at_s:
            self.transport.abort()
        else:
            super().handle_ping()

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if len(self.frames) > self.max_fragments:
            self.transport.abort()


def limit_websocket(receive: Receive, *, max_message_bytes: int, max_fragments: int, max_pings: int) -> None:
    """Limit what uvicorn holds of one WebSocket's messages; the connection is closed beyond.

    uvicorn has one message limit for all its WebSockets: that of the longest message that Streamlit may send.
    Under another server than uvicorn this does nothing.

    Parameters
    ----------
    receive
        The WebSocket's ASGI ``receive``.
    max_message_bytes, max_fragments
        Of one message.
    max_pings
        Of one connection, plus one for each second that it is open.
    """
    protocol = getattr(receive, "__self__", None)
    if not isinstance(protocol, WebSocketsSansIOProtocol):
        return
    protocol.conn.max_message_size = max_message_bytes
    if not isinstance(protocol, _LimitedProtocol):
        protocol.__class__ = _LimitedProtocol
        limited = cast("_LimitedProtocol", protocol)
        limited.limited_at_s, limited.n_pings = limited.loop.time(), 0
        limited.max_fragments, limited.max_pings = max_fragments, max_pings
