"""The scheduler: priority of foreground jobs, and turns between sessions."""

from __future__ import annotations

import threading
import time
from concurrent.futures import wait

import pytest

from pages.live.server.scheduler import BACKGROUND_INTERVAL, FairExecutor


class Desk:
    """A queue of one thread, held until everybody has asked; notes the order in which jobs were done."""

    def __init__(self) -> None:
        self.turns, self.gate, self.done, self.asked = FairExecutor(1, "test-turns"), threading.Event(), [], []
        held = threading.Event()
        self.turns.submit(lambda: (held.set(), self.gate.wait()))
        held.wait(10)

    def ask(self, who: str, name: str, *, background: bool = False) -> None:
        self.asked.append(self.turns.submit_for(who, lambda: self.done.append(name), background=background))

    def open(self) -> list[str]:
        self.gate.set()
        wait(self.asked, 10)
        return self.done


def test_round_robin_between_sessions() -> None:
    desk = Desk()
    for i in range(3):
        desk.ask("greedy", f"g{i}")
    desk.ask("a", "a0")
    desk.ask("b", "b0")
    desk.ask("a", "a1")
    assert desk.open() == ["g0", "a0", "b0", "g1", "a1", "g2"]


def test_foreground_jobs_run_before_background_jobs() -> None:
    desk = Desk()
    for i in range(3):
        desk.ask("a", f"numbers{i}", background=True)
    desk.ask("b", "map")
    assert desk.open() == ["map", "numbers0", "numbers1", "numbers2"]


def test_background_jobs_are_not_starved() -> None:
    desk = Desk()
    n = 3 * BACKGROUND_INTERVAL
    for i in range(n):
        desk.ask("a", f"map{i}")
    for i in range(2):
        desk.ask("b", f"numbers{i}", background=True)
    order = desk.open()
    assert [order.index(f"numbers{i}") for i in range(2)] == [BACKGROUND_INTERVAL - 1, 2 * BACKGROUND_INTERVAL - 1]


def test_job_error_is_raised_at_result_and_worker_continues() -> None:
    turns = FairExecutor(1, "test-turns")
    failed = turns.submit(divmod, 1, 0)
    with pytest.raises(ZeroDivisionError):
        failed.result(10)
    assert turns.submit(divmod, 7, 2).result(10) == (3, 1)


def test_a_cancelled_job_does_not_run() -> None:
    desk = Desk()
    desk.ask("a", "gone")
    desk.asked[0].cancel()
    desk.ask("a", "here")
    assert desk.open() == ["here"]


def test_submit_is_reentrant() -> None:
    """As a collected session does, whose finalizer runs wherever the collector happens to run."""
    turns = FairExecutor(1, "test-turns")

    class Who:
        def __hash__(self) -> int:
            inner.append(turns.submit(lambda: "inner"))
            return 1

    inner: list = []
    assert turns.submit_for(Who(), lambda: "outer").result(10) == "outer"
    assert {future.result(10) for future in inner} == {"inner"}


def test_shutdown_finishes_running_jobs_and_cancels_waiting_ones() -> None:
    desk = Desk()
    desk.ask("a", "waits")
    desk.ask("b", "waits too", background=True)
    ending = threading.Thread(target=desk.turns.shutdown)
    ending.start()
    end = time.monotonic() + 60
    while not all(future.cancelled() for future in desk.asked):
        assert time.monotonic() < end
        time.sleep(0.01)
    desk.gate.set()
    ending.join(60)
    assert not ending.is_alive()
    assert desk.done == []
    assert all(future.cancelled() for future in desk.asked)
