"""Parallel execution of independent jobs: worker processes on this machine, or a Dask cluster."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final, TypeVar

import torch

from perfcore.errors import ArgumentError

if TYPE_CHECKING:
    from distributed import Client

Job = TypeVar("Job")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]
SCHEDULER_TIMEOUT_S: Final = 10
"""Maximum time for the Dask scheduler to answer, and to have a worker."""
WATCH_INTERVAL_S: Final = 0.5
_one_job_lock = threading.Lock()


def run_jobs(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    watch: Callable[[], None] | None = None,
    on_result: Callable[[int, Result], None] | None = None,
    isolated: bool = False,
) -> list[Result]:
    """Return ``work(job)`` for every job, in the order of the jobs.

    The first error cancels the remaining jobs. Worker processes end with this process, even if it is killed.

    Parameters
    ----------
    work
        Function defined at module level, so that it can be pickled.
    jobs
        Arguments of ``work``; each must be picklable.
    scheduler
        Address of a Dask scheduler, ``tcp://host:port``; None starts one process per core on this machine. The
        workers of a cluster need the same files under the same paths.
    workers
        Maximum number of processes on this machine; default: the number of cores.
    progress
        Called with the number of jobs done and their total.
    watch
        Called about twice a second while jobs run, in a separate thread.
    on_result
        Called with the place of a job and its result as soon as it is done, in the order of completion.
    isolated
        Whether a single local worker is a process of its own too, which may die without this one.

    Raises
    ------
    ArgumentError
        The scheduler does not answer, or has no worker.
    BrokenProcessPool
        A worker process on this machine was killed.
    """
    results: dict[int, Result] = {}

    def done(place: int, result: Result) -> None:
        results[place] = result
        if on_result is not None:
            on_result(place, result)
        if progress is not None:
            progress(len(results), len(jobs))

    with _watching(watch):
        n = min(workers or os.cpu_count() or 1, len(jobs))
        if scheduler is not None:
            _run_on_cluster(work, jobs, scheduler, done)
        elif n > 1 or (isolated and n == 1):
            _run_in_processes(work, jobs, n, done)
        else:
            for place, job in enumerate(jobs):
                done(place, work(job))
    return [results[place] for place in range(len(jobs))]


@contextmanager
def _watching(watch: Callable[[], None] | None) -> Iterator[None]:
    """Call ``watch`` at a fixed interval in a thread while the block runs."""
    if watch is None:
        yield
        return
    done = threading.Event()

    def poll() -> None:
        while not done.wait(WATCH_INTERVAL_S):
            watch()

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _run_in_processes(
    work: Callable[[Job], Result], jobs: Sequence[Job], n: int, done: Callable[[int, Result], None]
) -> None:
    context = multiprocessing.get_context("spawn")
    # No data is sent through this pipe. When the parent's end closes, by an error or because the parent died, the
    # workers exit at once. Without it the pool would finish its queue, and could write into a second run's files.
    worker_end, parent_end = context.Pipe(duplex=False)
    with worker_end, parent_end, ProcessPoolExecutor(n, context, _start_worker, (worker_end,)) as pool:
        try:
            places = {pool.submit(work, job): place for place, job in enumerate(jobs)}
            for future in as_completed(places):
                done(places[future], future.result())
        except BaseException:
            parent_end.close()
            # Until they have ended, workers may still write what the caller is about to remove.
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _start_worker(worker_end: Connection) -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is handled by the parent process
    threading.Thread(target=_exit_with_parent, args=(worker_end,), daemon=True).start()


def _exit_with_parent(worker_end: Connection) -> None:
    """Exit this worker process when the parent's end of the pipe closes."""
    with suppress(OSError):
        worker_end.poll(None)
    os._exit(1)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    from distributed import Client  # noqa: PLC0415  (slow to import, needed only here)

    try:
        asyncio.run(asyncio.wait_for(_check_scheduler(address), SCHEDULER_TIMEOUT_S))
        client = Client(address, timeout=SCHEDULER_TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ArgumentError(
            f"No Dask scheduler answers at {address!r}; expected an address like tcp://127.0.0.1:8786."
        ) from error
    try:
        _wait_for_worker(client)
        yield client
    finally:
        client.close()


def _wait_for_worker(client: Client) -> None:
    try:
        client.wait_for_workers(1, timeout=SCHEDULER_TIMEOUT_S)
    except TimeoutError as error:
        raise ArgumentError("The Dask scheduler has no worker; start at least one worker.") from error


async def _check_scheduler(address: str) -> None:
    """Check that a scheduler answers; a ``Client`` without one takes half a minute to close."""
    from distributed import rpc  # noqa: PLC0415

    async with rpc(address) as scheduler:
        await scheduler.identity()


def _run_on_cluster(
    work: Callable[[Job], Result], jobs: Sequence[Job], address: str, done: Callable[[int, Result], None]
) -> None:
    from distributed import as_completed as as_done  # noqa: PLC0415

    with _client(address) as client:
        futures: list[Any] = [client.submit(_one_at_a_time, work, job, pure=False) for job in jobs]
        places = {future.key: place for place, future in enumerate(futures)}
        try:
            for future in as_done(futures, loop=client.loop):
                done(places[future.key], future.result())
        except BaseException:
            client.cancel(futures)
            raise


def _one_at_a_time(work: Callable[[Job], Result], job: Job) -> Result:
    """Run one job at a time per worker: the threads of a worker share torch's random state."""
    with _one_job_lock:
        return work(job)
