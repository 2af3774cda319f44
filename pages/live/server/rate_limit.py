"""Rate limit of one live WebSocket: token bucket over its incoming messages."""

from __future__ import annotations

import asyncio
from typing import Final

RATE_PER_S: Final = 200.0
"""Messages per second that are accepted on average; further ones wait in the sender's buffers."""
BURST: Final = 400
"""Messages that are accepted at once after a pause."""
MAX_EXCESS_S: Final = 5.0
"""A client that exceeds the rate for longer is disconnected."""


class RateLimiter:
    """Token bucket: accepts `RATE_PER_S` messages a second, and `BURST` at once after a pause.

    The limits are far above what the dashboard's own client sends.
    """

    def __init__(self) -> None:
        self._tokens, self._updated_at = float(BURST), asyncio.get_running_loop().time()
        self._within_rate_at = self._updated_at

    async def wait(self) -> bool:
        """Return when the next message may be received; False where the client exceeds the rate for too long."""
        now = asyncio.get_running_loop().time()
        self._tokens = min(self._tokens + (now - self._updated_at) * RATE_PER_S, BURST) - 1
        self._updated_at = now
        if self._tokens >= 0:
            self._within_rate_at = now
            return True
        await asyncio.sleep(-self._tokens / RATE_PER_S)
        return now - self._within_rate_at < MAX_EXCESS_S
