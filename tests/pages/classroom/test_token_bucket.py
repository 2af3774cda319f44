"""The token bucket against a clock that the test sets."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pages.classroom import token_bucket
from pages.classroom.token_bucket import TokenBucket


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        monkeypatch.setattr(token_bucket, "time", SimpleNamespace(monotonic=lambda: self.now_s))


def taken(bucket: TokenBucket, tries: int) -> int:
    return sum(bucket.take() for _ in range(tries))


def test_a_burst_and_then_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    bucket = TokenBucket(2.0, 10)
    assert taken(bucket, 20) == 10
    assert bucket.is_empty
    clock.now_s += 3.0
    assert taken(bucket, 20) == 6
    clock.now_s += 3600.0
    assert taken(bucket, 20) == 10, "it holds no more than the burst"


def test_looking_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    bucket = TokenBucket(2.0, 1)
    assert not bucket.is_empty
    assert not bucket.is_empty
    assert bucket.take()
    assert not bucket.take()
