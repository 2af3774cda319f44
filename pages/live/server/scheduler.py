"""Scheduler: thread pool with fair queueing between sessions and two priorities, foreground and background."""

from __future__ import annotations

import atexit
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from typing import Any, Final, TypeVar

R = TypeVar("R")
Job = tuple[Future[Any], Callable[[], Any]]

BACKGROUND_INTERVAL: Final = 8
"""While foreground jobs wait, one job in so many is a background job, so that these are never starved."""


class _FairQueue:
    """Round-robin queue: the jobs of one owner in order, one job of each owner in turn."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[Hashable, deque[Job]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def add(self, owner: Hashable, job: Job) -> None:
        self._jobs.setdefault(owner, deque()).append(job)

    def take(self) -> Job:
        owner, jobs = self._jobs.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._jobs[owner] = jobs  # to the end of the round
        return job


class FairExecutor(Executor):
    """Thread pool with a foreground and a background queue; jobs are short, as none is interrupted.

    Parameters
    ----------
    n_threads
        Jobs that run at the same time.
    name
        Prefix of the threads' names.
    """

    def __init__(self, n_threads: int, name: str) -> None:
        # Re-entrant: the finalizer of a collected session submits a job, possibly during a call here.
        self._changed = threading.Condition(threading.RLock())
        self._foreground, self._background = _FairQueue(), _FairQueue()
        self._n_since_background, self._is_shut_down = 0, False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{i}", daemon=True) for i in range(n_threads)
        ]
        for thread in self._threads:
            thread.start()
        # A thread that is still in torch while the interpreter ends would crash the process.
        atexit.register(self.shutdown)

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Queue a foreground job without an owner."""
        return self.submit_for(None, lambda: fn(*args, **kwargs))

    def submit_for(self, owner: Hashable, job: Callable[[], R], *, background: bool = False) -> Future[R]:
        """Queue a job of one owner.

        Parameters
        ----------
        owner
            The session; owners take turns.
        job
            The work.
        background
            Run after foreground jobs.
        """
        future: Future[R] = Future()
        with self._changed:
            (self._background if background else self._foreground).add(owner, (future, job))
            self._changed.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Finish the running jobs and cancel the queued ones."""
        with self._changed:
            self._is_shut_down = True
            while cancel_futures and (self._foreground or self._background):
                (self._foreground or self._background).take()[0].cancel()
            self._changed.notify_all()
        for thread in self._threads if wait else ():
            thread.join()

    def _next(self) -> Job | None:
        with self._changed:
            while not self._foreground and not self._background:
                if self._is_shut_down:
                    return None
                self._changed.wait()
            is_due = self._n_since_background >= BACKGROUND_INTERVAL - 1
            background = bool(self._background) and (not self._foreground or is_due)
            self._n_since_background = 0 if background or not self._background else self._n_since_background + 1
            return (self._background if background else self._foreground).take()

    def _work(self) -> None:
        while (taken := self._next()) is not None:
            future, job = taken
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job())
                except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
                    future.set_exception(error)
            del taken, future, job  # an idle thread keeps no reference to a case
