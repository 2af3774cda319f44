"""One queue of short jobs for everybody: what is being looked at goes first, and people take turns."""

from __future__ import annotations

import atexit
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from typing import Any, Final, TypeVar

R = TypeVar("R")
Job = tuple[Future[Any], Callable[[], Any]]

LATER_EVERY: Final = 8
"""While something visible waits, one job in so many is another's: numbers go on, slowly."""


class _Line:
    """Jobs by person; each person's in order, one of each in turn."""

    def __init__(self) -> None:
        self._by: OrderedDict[Hashable, deque[Job]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._by)

    def add(self, who: Hashable, job: Job) -> None:
        self._by.setdefault(who, deque()).append(job)

    def take(self) -> Job:
        who, jobs = self._by.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._by[who] = jobs  # to the end: whoever asks for much waits for those who ask for little
        return job


class Turns(Executor):
    """A pool of threads with two lines; a job is never interrupted, so jobs are short.

    Parameters
    ----------
    n_threads
        Jobs that run at the same time.
    name
        Begins the threads' names.
    """

    def __init__(self, n_threads: int, name: str) -> None:
        # Re-entrant: a collected session queues its own clearing up, maybe in the middle of a call here.
        self._ready = threading.Condition(threading.RLock())
        self._first, self._later = _Line(), _Line()
        self._since_later, self._closed = 0, False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{i}", daemon=True) for i in range(n_threads)
        ]
        for thread in self._threads:
            thread.start()
        # A thread that is still in torch when the interpreter goes would bring the process down.
        atexit.register(self.shutdown)

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Queue a job of nobody in particular, among what goes first."""
        return self.ask(None, lambda: fn(*args, **kwargs))

    def ask(self, who: Hashable, job: Callable[[], R], *, later: bool = False) -> Future[R]:
        """Queue a person's job.

        Parameters
        ----------
        who
            Whose it is.
        job
            What is to be done.
        later
            Nobody waits for it with the eyes: it goes after what somebody does wait for.
        """
        future: Future[R] = Future()
        with self._ready:
            (self._later if later else self._first).add(who, (future, job))
            self._ready.notify()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Finish the jobs that run; what waits is called off."""
        with self._ready:
            self._closed = True
            while cancel_futures and (self._first or self._later):
                (self._first or self._later).take()[0].cancel()
            self._ready.notify_all()
        for thread in self._threads if wait else ():
            thread.join()

    def _next(self) -> Job | None:
        with self._ready:
            while not self._first and not self._later:
                if self._closed:
                    return None
                self._ready.wait()
            turn = bool(self._later) and (not self._first or self._since_later >= LATER_EVERY - 1)
            self._since_later = 0 if turn or not self._later else self._since_later + 1
            return (self._later if turn else self._first).take()

    def _work(self) -> None:
        while (found := self._next()) is not None:
            future, job = found
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job())
                except BaseException as error:  # noqa: BLE001 - it is whoever waits that must know
                    future.set_exception(error)
            del found, future, job  # an idle thread keeps nobody's case alive
