"""Below messages: how much of one the server holds, and frames of which no message is made."""

from __future__ import annotations

from typing import Final

from starlette.types import Receive
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

MOST_PINGS: Final = 60
"""Of one socket, and one more for each of its seconds; a browser sends none."""
MOST_FRAGMENTS: Final = 4096
"""Of one message; a browser sends some of 128 kB."""


class _Bounded(WebSocketsSansIOProtocol):
    """A socket that is cut where pings or pieces of a message come without end.

    uvicorn answers a ping at once, also to somebody who reads nothing, and keeps every piece, also an empty one:
    either would fill the memory.
    """

    begun_at: float
    pings: int

    def handle_ping(self) -> None:
        self.pings += 1
        if self.pings > MOST_PINGS + self.loop.time() - self.begun_at:
            self.transport.abort()
        else:
            super().handle_ping()

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if len(self.frames) > MOST_FRAGMENTS:
            self.transport.abort()


def bound_messages(receive: Receive, n_bytes: int) -> None:
    """Have the server hold no more than so many bytes of one socket's message, and close it beyond.

    The server has one limit for all its sockets, both ways: that of the longest thing that Streamlit may send.
    Under another server than Streamlit's own, its limit stays.
    """
    protocol = getattr(receive, "__self__", None)
    if isinstance(protocol, WebSocketsSansIOProtocol):
        protocol.conn.max_message_size = n_bytes
        if not isinstance(protocol, _Bounded):
            protocol.__class__ = _Bounded
            protocol.begun_at, protocol.pings = protocol.loop.time(), 0  # type: ignore[attr-defined]
