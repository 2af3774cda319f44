"""The shared cache: bounded in bytes, least recently used removed first, single flight."""

from __future__ import annotations

import threading
import time

import pytest

from pages.server.byte_cache import ByteCache


def test_least_recently_used_value_is_removed_first() -> None:
    cache: ByteCache[str] = ByteCache(10, len)
    for key in "abc":
        cache.get(key, lambda key=key: key * 4)
        cache.get("a", lambda: "a" * 4)
    assert (cache.peek("a"), cache.peek("b"), cache.peek("c")) == ("aaaa", None, "cccc")


def test_concurrent_requests_share_one_creation() -> None:
    cache: ByteCache[object] = ByteCache(10, lambda _: 1)
    created: list[object] = []

    def create() -> object:
        time.sleep(0.05)
        created.append(object())
        return created[-1]

    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(cache.get("k", create))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(created) == 1
    assert got == created * 5


def test_failed_creation_is_not_kept() -> None:
    cache: ByteCache[str] = ByteCache(10, len)

    def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get("k", fail)
    assert cache.get("k", lambda: "yes") == "yes"


def test_drop_removes_by_predicate() -> None:
    cache: ByteCache[str] = ByteCache(10, len)
    cache.get(("me", 1), lambda: "x")
    cache.get(("you", 1), lambda: "y")
    cache.drop(lambda key: key[0] == "me")
    assert (cache.peek(("me", 1)), cache.peek(("you", 1))) == (None, "y")
