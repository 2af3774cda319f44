"""Handshake for the live WebSocket: origin check, token authentication, size limits.

The rate limit is in ``rate_limit.py``. All limits are far above what the dashboard's own client needs.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.live.server import wire
from pages.live.server.session import REGISTRY, LiveSession

TOKEN_TIMEOUT_S: Final = 5.0
MAX_UNAUTHENTICATED: Final = 64
"""WebSockets that have not sent their token yet; of more the oldest is closed, as a browser sends it at once."""
MAX_TOKEN_MESSAGE_CHARS: Final = 512
MAX_FRAME_BYTES: Final = 4 * wire.MAX_MESSAGE_BYTES
"""A longer message is refused at its first bytes, and the WebSocket closed; one above `wire.MAX_MESSAGE_BYTES` is
received and answered by an error."""

_unauthenticated: Final[list[asyncio.Timeout]] = []


def same_origin(origin: str | None, host: str | None) -> bool:
    """Return whether the Origin header names the requested host; a missing Origin is refused."""
    scheme, _, site = (origin or "").lower().partition("://")
    return bool(host) and scheme in {"http", "https"} and site == (host or "").lower()


async def authenticate(ws: WebSocket) -> LiveSession | None:
    """Return the session of the token, or None.

    The token is the first message of the WebSocket and not part of its URL, so that it is in no log.
    """
    token = (await first_message(ws) or {}).get("token")
    return REGISTRY.get(token) if isinstance(token, str) else None


async def first_message(ws: WebSocket) -> dict[str, Any] | None:
    """Return the first message, a short JSON object that a client sends at once; None for anything else."""
    try:
        async with asyncio.timeout(TOKEN_TIMEOUT_S) as timeout:
            _unauthenticated.append(timeout)
            try:
                if (
                    len(_unauthenticated) > MAX_UNAUTHENTICATED
                    and not (oldest := _unauthenticated.pop(0)).expired()
                ):
                    oldest.reschedule(asyncio.get_running_loop().time())
                text = await ws.receive_text()
            finally:
                if timeout in _unauthenticated:
                    _unauthenticated.remove(timeout)
        message = json.loads(text) if len(text) < MAX_TOKEN_MESSAGE_CHARS else None
    except (TimeoutError, ValueError, KeyError, TypeError, WebSocketDisconnect, RecursionError):
        return None
    return message if isinstance(message, dict) else None
