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

    Raises
    ------
    ArgumentError
        The scheduler does not answer, or has no worker.
    """
    report = progress or (lambda _done, _total: None)
    with _watching(watch):
        if scheduler is not None:
            return _run_on_cluster(work, jobs, scheduler, report)
        n = min(workers or os.cpu_count() or 1, len(jobs))
        return _run_in_processes(work, jobs, n, report) if n > 1 else _run_serially(work, jobs, report)


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


def _run_serially(work: Callable[[Job], Result], jobs: Sequence[Job], report: Progress) -> list[Result]:
    results = []
    for done, job in enumerate(jobs, 1):
        results.append(work(job))
        report(done, len(jobs))
    return results


def _run_in_processes(
    work: Callable[[Job], Result], jobs: Sequence[Job], n: int, report: Progress
) -> list[Result]:
    context = multiprocessing.get_context("spawn")
    # No data is sent through this pipe. When the parent's end closes, by an error or because the parent died, the
    # workers exit at once. Without it the pool would finish its queue, and could write into a second run's files.
    worker_end, parent_end = context.Pipe(duplex=False)
    with worker_end, parent_end, ProcessPoolExecutor(n, context, _start_worker, (worker_end,)) as pool:
        try:
            futures = [pool.submit(work, job) for job in jobs]
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                report(done, len(futures))
        except BaseException:
            parent_end.close()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


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
    work: Callable[[Job], Result], jobs: Sequence[Job], address: str, report: Progress
) -> list[Result]:
    from distributed import as_completed as as_done  # noqa: PLC0415

    with _client(address) as client:
        futures: list[Any] = [client.submit(_one_at_a_time, work, job, pure=False) for job in jobs]
        for done, future in enumerate(as_done(futures, loop=client.loop), 1):
            if future.status == "error":
                error = future.exception()
                client.cancel(futures)
                raise error
            report(done, len(jobs))
        results: list[Result] = client.gather(futures)
        return results


def _one_at_a_time(work: Callable[[Job], Result], job: Job) -> Result:
    """Run one job at a time per worker: the threads of a worker share torch's random state."""
    with _one_job_lock:
        return work(job)
