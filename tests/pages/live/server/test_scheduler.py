"""The scheduler: priority of foreground jobs, round-robin between sessions, shutdown."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait

import pytest

from pages.live.server.scheduler import BACKGROUND_INTERVAL, FairExecutor


class BlockedExecutor:
    """Executor of one thread, blocked until all jobs are queued; records the order in which jobs run."""

    def __init__(self) -> None:
        self.executor, self.gate = FairExecutor(1, "test-scheduler"), threading.Event()
        self.done: list[str] = []
        self.futures: list[Future[None]] = []
        held = threading.Event()
        self.executor.submit(lambda: (held.set(), self.gate.wait()))
        held.wait(10)

    def submit(self, session: str, name: str, *, background: bool = False) -> None:
        self.futures.append(
            self.executor.submit_for(session, lambda: self.done.append(name), background=background)
        )

    def release(self) -> list[str]:
        self.gate.set()
        wait(self.futures, 10)
        return self.done


def test_round_robin_between_sessions() -> None:
    blocked = BlockedExecutor()
    for i in range(3):
        blocked.submit("greedy", f"g{i}")
    blocked.submit("a", "a0")
    blocked.submit("b", "b0")
    blocked.submit("a", "a1")
    assert blocked.release() == ["g0", "a0", "b0", "g1", "a1", "g2"]


def test_foreground_jobs_run_before_background_jobs() -> None:
    blocked = BlockedExecutor()
    for i in range(3):
        blocked.submit("a", f"numbers{i}", background=True)
    blocked.submit("b", "map")
    assert blocked.release() == ["map", "numbers0", "numbers1", "numbers2"]


def test_background_jobs_are_not_starved() -> None:
    blocked = BlockedExecutor()
    n = 3 * BACKGROUND_INTERVAL
    for i in range(n):
        blocked.submit("a", f"map{i}")
    for i in range(2):
        blocked.submit("b", f"numbers{i}", background=True)
    order = blocked.release()
    assert [order.index(f"numbers{i}") for i in range(2)] == [BACKGROUND_INTERVAL - 1, 2 * BACKGROUND_INTERVAL - 1]


def test_job_error_is_raised_at_result_and_worker_continues() -> None:
    executor = FairExecutor(1, "test-scheduler")
    failed = executor.submit(divmod, 1, 0)
    with pytest.raises(ZeroDivisionError):
        failed.result(10)
    assert executor.submit(divmod, 7, 2).result(10) == (3, 1)


def test_a_cancelled_job_does_not_run() -> None:
    blocked = BlockedExecutor()
    blocked.submit("a", "cancelled")
    blocked.futures[0].cancel()
    blocked.submit("a", "kept")
    assert blocked.release() == ["kept"]


def test_submit_is_reentrant() -> None:
    """The finalizer of a collected session submits a job, possibly while another job is being submitted."""
    executor = FairExecutor(1, "test-scheduler")

    class Owner:
        def __hash__(self) -> int:
            inner.append(executor.submit(lambda: "inner"))
            return 1

    inner: list = []
    assert executor.submit_for(Owner(), lambda: "outer").result(10) == "outer"
    assert {future.result(10) for future in inner} == {"inner"}


def test_shutdown_finishes_running_jobs_and_cancels_waiting_ones() -> None:
    blocked = BlockedExecutor()
    blocked.submit("a", "queued")
    blocked.submit("b", "queued in the background", background=True)
    ending = threading.Thread(target=blocked.executor.shutdown)
    ending.start()
    end = time.monotonic() + 60
    while not all(future.cancelled() for future in blocked.futures):
        assert time.monotonic() < end
        time.sleep(0.01)
    blocked.gate.set()
    ending.join(60)
    assert not ending.is_alive()
    assert blocked.done == []
    assert all(future.cancelled() for future in blocked.futures)
