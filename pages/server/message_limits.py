"""Limits of WebSocket messages below the application: bytes, fragments and pings."""

from __future__ import annotations

from typing import Final

from starlette.types import Receive

from pages.server import streamlit_internals

MAX_PINGS: Final = 60
"""Of one WebSocket, plus one for each second that it is open; a browser sends none."""
MAX_FRAGMENTS: Final = 4096
"""Of one message; a browser sends fragments of 128 kB."""


def limit_messages(receive: Receive, max_bytes: int) -> None:
    """Close a WebSocket that sends a message of more than ``max_bytes``, too many fragments or too many pings.

    Parameters
    ----------
    receive
        The WebSocket's ASGI ``receive``.
    max_bytes
        Of one message; the server never holds more.
    """
    streamlit_internals.limit_websocket(
        receive, max_message_bytes=max_bytes, max_fragments=MAX_FRAGMENTS, max_pings=MAX_PINGS
    )
