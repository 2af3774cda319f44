"""Tests of progress bars: shown on a terminal, after a delay, one at a time."""

from __future__ import annotations

import io
import sys
import time

import pytest

from perfcore.runtime import progress as bars
from perfcore.runtime.progress import progress, steps


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("is_terminal", "is_slow"), [(True, True), (True, False), (False, True)])
def test_a_bar_is_shown_on_a_terminal_after_the_delay(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, is_slow: bool
) -> None:
    stderr = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(bars, "BAR_DELAY_S", 0.05 if is_slow else 5.0)
    monkeypatch.setenv("TERM", "xterm")
    with progress("Reading") as advance:
        for done in range(4):
            time.sleep(0.1 if is_slow else 0.01)
            advance(done, 4)
    assert ("Reading" in stderr.getvalue()) == (is_terminal and is_slow)


def test_an_error_closes_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(bars, "BAR_DELAY_S", 0.01)
    with pytest.raises(ZeroDivisionError), progress("Reading"):
        time.sleep(0.1)
        _ = 1 / 0
    ended = stderr.getvalue()
    time.sleep(0.3)
    assert stderr.getvalue() == ended


def test_a_new_step_closes_the_previous_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(bars, "BAR_DELAY_S", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    with steps() as advance:
        advance("Preparing", 1, 2)
        time.sleep(0.3)
        prepared = stderr.getvalue()
        assert "Preparing" in prepared
        assert "Training" not in prepared
        advance("Training", 1, 2)
        time.sleep(0.3)
        trained = stderr.getvalue()[len(prepared) :]
    assert "Training" in trained
    assert "Preparing" not in trained.split("Training")[-1]


def test_the_delay_is_two_seconds() -> None:
    assert bars.BAR_DELAY_S == 2.0
