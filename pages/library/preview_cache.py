"""Previews of cases: made in the background, kept in a bounded cache, replaced when a case is opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from pages.library.case_summary import CaseSummary
from pages.server.byte_cache import ByteCache
from perfcore.errors import PerfcoreError

CACHE_BYTES: Final = 16 << 20


@dataclass(frozen=True)
class LibraryPreview:
    """Picture of a case (a data URL, empty without one) and its summary."""

    picture: str
    summary: CaseSummary


class PreviewCache:
    """Bounded cache of previews; one background thread makes them one after the other."""

    def __init__(self) -> None:
        self._previews: ByteCache[LibraryPreview] = ByteCache(
            CACHE_BYTES, lambda preview: len(preview.picture) + 1000
        )
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="previews")
        self._lock = threading.Lock()
        self._pending: set[tuple[str, str]] = set()

    def get(self, owner: str, key: str) -> LibraryPreview | None:
        """Return the preview of a case, or None."""
        return self._previews.peek((owner, key))

    def request(self, owner: str, key: str, make: Callable[[], LibraryPreview], fallback: CaseSummary) -> None:
        """Make a preview in the background, once; if that fails, keep ``fallback`` with the error."""
        name = (owner, key)
        with self._lock:
            if name in self._pending or self._previews.peek(name) is not None:
                return
            self._pending.add(name)
        self._pool.submit(self._work, name, make, fallback)

    def put(self, owner: str, key: str, preview: LibraryPreview) -> None:
        """Keep the preview of a case that was opened."""
        self._previews.put((owner, key), preview)

    def drop(self, matches: Callable[[Hashable], bool]) -> None:
        """Drop all previews for whose ``(owner, key)`` the predicate holds."""
        self._previews.drop(matches)

    def _work(self, name: tuple[str, str], make: Callable[[], LibraryPreview], fallback: CaseSummary) -> None:
        preview = LibraryPreview("", fallback)
        try:
            preview = make()
        except PerfcoreError as error:
            preview = LibraryPreview("", replace(fallback, problem=str(error)))
        finally:
            # If the case was opened meanwhile, its preview is more complete.
            if self._previews.peek(name) is None:
                self._previews.put(name, preview)
            with self._lock:
                self._pending.discard(name)
