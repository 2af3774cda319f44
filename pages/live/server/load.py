"""How many people move a curve right now: what each of them gets while moving depends on it.

One hand alone gets every voxel of its slice and numbers four times a second. A class of thirty on two cores would
wait for that; so the numbers' pace is shared, and a crowd sees every second voxel until the hand rests. At rest
everything is exact, for everybody.
"""

from __future__ import annotations

import os
import time
from typing import Final
from weakref import WeakKeyDictionary

from pages.live.server.session import LiveSession

NUMBERS_EVERY_S: Final = 0.25
"""While few hands move, the numbers of the whole volume follow this often."""
FEW: Final = 4 * (os.cpu_count() or 1)
"""Hands that the machine serves at full resolution."""
MOVING_S: Final = 1.0


class Crowd:
    """Who has moved within the last second. One event loop uses it."""

    def __init__(self) -> None:
        self._last: WeakKeyDictionary[LiveSession, float] = WeakKeyDictionary()
        self._counted, self._count_at = 1, -MOVING_S

    def moved(self, session: LiveSession) -> None:
        """Note a person's edit."""
        self._last[session] = time.monotonic()

    @property
    def size(self) -> int:
        """People who move, at least one; counted a few times a second."""
        now = time.monotonic()
        if now - self._count_at > MOVING_S / 4:
            self._counted, self._count_at = sum(now - at < MOVING_S for at in self._last.values()), now
        return max(self._counted, 1)

    @property
    def numbers_every_s(self) -> float:
        """Pause between two computations of one person's numbers while the hand moves."""
        return NUMBERS_EVERY_S * max(self.size * 4 / FEW, 1.0)

    @property
    def large(self) -> bool:
        """Whether there are more than the machine serves at full resolution."""
        return self.size > FEW


CROWD: Final = Crowd()
