"""Progress bars: on a terminal alone, once it takes long, one after another."""

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
def test_a_bar_on_a_terminal_once_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, is_slow: bool
) -> None:
    stderr = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(bars, "PATIENCE_S", 0.05 if is_slow else 5.0)
    monkeypatch.setenv("TERM", "xterm")
    with progress("Reading") as advance:
        for done in range(4):
            time.sleep(0.1 if is_slow else 0.01)
            advance(done, 4)
    assert ("Reading" in stderr.getvalue()) == (is_terminal and is_slow)


def test_an_error_ends_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(bars, "PATIENCE_S", 0.01)
    with pytest.raises(ZeroDivisionError), progress("Reading"):
        time.sleep(0.1)
        _ = 1 / 0
    ended = stderr.getvalue()
    time.sleep(0.3)
    assert stderr.getvalue() == ended


def test_a_step_ends_the_bar_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(bars, "PATIENCE_S", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    with steps() as move:
        move("Preparing", 1, 2)
        time.sleep(0.3)
        prepared = stderr.getvalue()
        assert "Preparing" in prepared
        assert "Training" not in prepared
        move("Training", 1, 2)
        time.sleep(0.3)
        trained = stderr.getvalue()[len(prepared) :]
    assert "Training" in trained
    assert "Preparing" not in trained.split("Training")[-1]


def test_patience_is_two_seconds() -> None:
    assert bars.PATIENCE_S == 2.0
