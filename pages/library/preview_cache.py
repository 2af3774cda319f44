"""What each case looks like in the library: made in the background, within bounds, better once it is opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from pages.library.case_summary import Facts
from pages.server.byte_cache import ByteCache
from perfcore.errors import PerfcoreError

LIMIT_BYTES: Final = 16 << 20


@dataclass(frozen=True)
class Look:
    """A case's picture (a data address, empty where there is none) and its facts."""

    picture: str
    facts: Facts


class Looks:
    """One thread makes pictures one after the other; nobody waits for them."""

    def __init__(self) -> None:
        self._made: ByteCache[Look] = ByteCache(LIMIT_BYTES, lambda look: len(look.picture) + 1000)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="looks")
        self._lock = threading.Lock()
        self._asked: set[tuple[str, str]] = set()

    def get(self, owner: str, key: str) -> Look | None:
        """Return a case's look if it is known."""
        return self._made.peek((owner, key))

    def ask(self, owner: str, key: str, make: Callable[[], Look], fallback: Facts) -> None:
        """Have a look made in the background, once; where that fails the facts stand, with the reason."""
        name = (owner, key)
        with self._lock:
            if name in self._asked or self._made.peek(name) is not None:
                return
            self._asked.add(name)
        self._pool.submit(self._work, name, make, fallback)

    def learn(self, owner: str, key: str, look: Look) -> None:
        """Keep a look that an opened case has given."""
        self._made.put((owner, key), look)

    def drop(self, matches: Callable[[Hashable], bool]) -> None:
        """Forget every look for whose ``(owner, key)`` the predicate holds."""
        self._made.drop(matches)

    def _work(self, name: tuple[str, str], make: Callable[[], Look], fallback: Facts) -> None:
        look = Look("", fallback)
        try:
            look = make()
        except PerfcoreError as error:
            look = Look("", replace(fallback, problem=str(error)))
        finally:
            # Whoever has opened the case meanwhile knows more.
            if self._made.peek(name) is None:
                self._made.put(name, look)
            with self._lock:
                self._asked.discard(name)
