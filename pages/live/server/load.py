"""Server load: number of sessions that edit a curve right now; it sets the resolution of previews.

A single session gets every voxel of its slice, and metrics four times a second. With thirty sessions on two cores
the metrics come less often, and each session gets every second voxel while its curve is dragged. At rest the
result is exact for all.
"""

from __future__ import annotations

import os
import time
from typing import Final
from weakref import WeakKeyDictionary

from pages.live.server.session import LiveSession

METRICS_INTERVAL_S: Final = 0.25
"""Interval of the whole volume's metrics during a drag while few sessions are active."""
MAX_FULL_RESOLUTION_SESSIONS: Final = 4 * (os.cpu_count() or 1)
ACTIVE_WINDOW_S: Final = 1.0
"""A session is active for this time after an edit."""


class LoadMonitor:
    """Counts the active sessions; used from one event loop."""

    def __init__(self) -> None:
        self._last_edit: WeakKeyDictionary[LiveSession, float] = WeakKeyDictionary()
        self._n_active, self._counted_at = 1, -ACTIVE_WINDOW_S

    def record_edit(self, session: LiveSession) -> None:
        """Record an edit of a session."""
        self._last_edit[session] = time.monotonic()

    @property
    def n_active(self) -> int:
        """Active sessions, at least one; counted four times a second."""
        now = time.monotonic()
        if now - self._counted_at > ACTIVE_WINDOW_S / 4:
            self._n_active = sum(now - at < ACTIVE_WINDOW_S for at in self._last_edit.values())
            self._counted_at = now
        return max(self._n_active, 1)

    @property
    def metrics_interval_s(self) -> float:
        """Interval between two computations of one session's metrics during a drag."""
        return METRICS_INTERVAL_S * max(self.n_active * 4 / MAX_FULL_RESOLUTION_SESSIONS, 1.0)

    @property
    def is_overloaded(self) -> bool:
        """Whether more sessions are active than the server can give full resolution."""
        return self.n_active > MAX_FULL_RESOLUTION_SESSIONS


LOAD: Final = LoadMonitor()
