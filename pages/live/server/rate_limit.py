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
    """Token bucket: accepts messages at a rate, and a burst at once after a pause.

    The limits are far above what the dashboard's own client sends.

    Parameters
    ----------
    rate_per_s, burst
        Messages that are accepted per second, and at once after a pause; default: `RATE_PER_S` and `BURST`.
    """

    def __init__(self, rate_per_s: float | None = None, burst: int | None = None) -> None:
        self._rate_per_s = RATE_PER_S if rate_per_s is None else rate_per_s
        self._burst = BURST if burst is None else burst
        self._tokens, self._updated_at = float(self._burst), asyncio.get_running_loop().time()
        self._within_rate_at = self._updated_at

    async def wait(self) -> bool:
        """Return when the next message may be received; False where the client exceeds the rate for too long."""
        now = asyncio.get_running_loop().time()
        self._tokens = min(self._tokens + (now - self._updated_at) * self._rate_per_s, self._burst) - 1
        self._updated_at = now
        if self._tokens >= 0:
            self._within_rate_at = now
            return True
        await asyncio.sleep(-self._tokens / self._rate_per_s)
        return now - self._within_rate_at < MAX_EXCESS_S
