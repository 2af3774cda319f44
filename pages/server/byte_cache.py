"""A cache bounded in bytes, shared by everybody on the server; what is made once is made by one thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class ByteCache(Generic[T]):
    """Least recently used goes first; two who ask for the same thing wait for one making of it.

    Parameters
    ----------
    limit_bytes
        The sum of ``size(value)`` that is kept; the newest value always stays.
    size
        Bytes of a value.
    """

    def __init__(self, limit_bytes: int, size: Callable[[T], int]) -> None:
        self._limit, self._size = limit_bytes, size
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}
        self._values: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of a key, made now if it is not here."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            turn = self._making.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = make()
                with self._lock:
                    self._values[key] = value
                    self._trim()
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def peek(self, key: Hashable) -> T | None:
        """Return the value if it is here."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: Hashable, value: T) -> None:
        """Keep a value in place of the one that may be here."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            self._trim()

    def drop(self, predicate: Callable[[Hashable], bool]) -> None:
        """Forget every key for which the predicate holds."""
        with self._lock:
            for key in [k for k in self._values if predicate(k)]:
                del self._values[key]

    def _trim(self) -> None:
        total = sum(self._size(v) for v in self._values.values())
        while total > self._limit and len(self._values) > 1:
            total -= self._size(self._values.popitem(last=False)[1])
