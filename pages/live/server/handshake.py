"""The socket's door: whose page it is, who speaks, how much may be said and how fast.

Numbers are far above what a browser of ours needs; whoever needs more is no browser.
"""

from __future__ import annotations

import asyncio
import json
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.live.server import wire
from pages.live.server.session import REGISTRY, LiveSession

HELLO_TIMEOUT_S: Final = 5.0
MOST_WAITING: Final = 64
"""Sockets that have not said who they are; of more the oldest is let go, as a browser says it at once."""
LONGEST_HELLO: Final = 512
LONGEST_FRAME_BYTES: Final = 4 * wire.MAX_MESSAGE_BYTES
"""A longer message is refused at its first bytes, and the socket closed; one above `wire.MAX_MESSAGE_BYTES` is
read and refused with a sentence."""
A_SECOND: Final = 200.0
AT_ONCE: Final = 400
"""Messages that are taken from one socket; those beyond wait in the sender's own buffers."""
LONGEST_RUSH_S: Final = 5.0
"""Whoever sends too fast for longer is sent away."""

_waiting: Final[list[asyncio.Timeout]] = []


def same_origin(origin: str | None, host: str | None) -> bool:
    """Return whether a browser's Origin names the host that it asked; a missing Origin is refused."""
    scheme, _, site = (origin or "").lower().partition("://")
    return bool(host) and scheme in {"http", "https"} and site == (host or "").lower()


async def hello(ws: WebSocket) -> LiveSession | None:
    """Wait for the token; it comes as the first message, so that it stands in no address and no log."""
    try:
        async with asyncio.timeout(HELLO_TIMEOUT_S) as patience:
            _waiting.append(patience)
            try:
                if len(_waiting) > MOST_WAITING and not (oldest := _waiting.pop(0)).expired():
                    oldest.reschedule(asyncio.get_running_loop().time())
                text = await ws.receive_text()
            finally:
                if patience in _waiting:
                    _waiting.remove(patience)
        token = json.loads(text)["token"] if len(text) < LONGEST_HELLO else None
    except (TimeoutError, ValueError, KeyError, TypeError, WebSocketDisconnect, RecursionError):
        return None
    return REGISTRY.get(token) if isinstance(token, str) else None


class Pace:
    """Takes `A_SECOND` messages a second, and `AT_ONCE` of them at once after a rest."""

    def __init__(self) -> None:
        self._left, self._at = float(AT_ONCE), asyncio.get_running_loop().time()
        self._slow_at = self._at

    async def wait(self) -> bool:
        """Return when the next message may be taken; False where there is no end of them."""
        now = asyncio.get_running_loop().time()
        self._left = min(self._left + (now - self._at) * A_SECOND, AT_ONCE) - 1
        self._at = now
        if self._left >= 0:
            self._slow_at = now
            return True
        await asyncio.sleep(-self._left / A_SECOND)
        return now - self._slow_at < LONGEST_RUSH_S
