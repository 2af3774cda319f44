"""Byte cache: thread-safe LRU cache bounded in bytes, shared by all sessions; single flight."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class ByteCache(Generic[T]):
    """LRU cache; concurrent requests for one missing key wait for a single creation (single flight).

    Parameters
    ----------
    max_bytes
        Limit of the sum of ``size(value)``; the newest value always stays.
    size
        Returns the bytes of a value.
    """

    def __init__(self, max_bytes: int, size: Callable[[T], int]) -> None:
        self._max_bytes, self._size = max_bytes, size
        self._lock = threading.Lock()
        self._in_creation: dict[Hashable, threading.Lock] = {}
        self._values: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, create: Callable[[], T]) -> T:
        """Return the value of a key, created now if it is missing."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            creation = self._in_creation.setdefault(key, threading.Lock())
        with creation:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = create()
                with self._lock:
                    self._values[key] = value
                    self._evict()
            finally:
                with self._lock:
                    self._in_creation.pop(key, None)
        return value

    def peek(self, key: Hashable) -> T | None:
        """Return the value of a key, or None; does not count as use."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: Hashable, value: T) -> None:
        """Store a value, in place of an earlier one of the same key."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            self._evict()

    def drop(self, predicate: Callable[[Hashable], bool]) -> None:
        """Remove every key for which the predicate holds."""
        with self._lock:
            for key in [k for k in self._values if predicate(k)]:
                del self._values[key]

    def _evict(self) -> None:
        total = sum(self._size(v) for v in self._values.values())
        while total > self._max_bytes and len(self._values) > 1:
            total -= self._size(self._values.popitem(last=False)[1])
