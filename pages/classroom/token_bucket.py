"""Token bucket: limits how often something happens on average, with a burst after a pause."""

from __future__ import annotations

import time


class TokenBucket:
    """Bucket that is full at first; not thread-safe, its owner locks.

    Parameters
    ----------
    rate_per_s
        Tokens that are added per second.
    burst
        Tokens that it holds at most.
    """

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._rate_per_s, self._burst = rate_per_s, burst
        self._tokens, self._refilled_at_s = float(burst), time.monotonic()

    @property
    def is_empty(self) -> bool:
        """Whether there is no whole token."""
        now = time.monotonic()
        gained = (now - self._refilled_at_s) * self._rate_per_s
        self._tokens, self._refilled_at_s = min(self._tokens + gained, self._burst), now
        return self._tokens < 1

    def take(self) -> bool:
        """Take a token; returns False where there is none."""
        if self.is_empty:
            return False
        self._tokens -= 1
        return True
