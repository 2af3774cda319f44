"""Many independent jobs over this machine's cores, or over a Dask cluster."""

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
PATIENCE_S: Final = 10
"""How long a scheduler may take to answer, and to find a worker."""
LOOK_S: Final = 0.5
_alone = threading.Lock()


def run_jobs(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    watch: Callable[[], None] | None = None,
) -> list[Result]:
    """Return ``work(job)`` for every job, in their order.

    The first error ends the others. Processes started here end with this one, however it ends.

    Parameters
    ----------
    work
        A function of a module, and jobs that can be sent to another process.
    jobs
        What to do.
    scheduler
        Address of a Dask scheduler, ``tcp://host:port``; without one, a process per core here. Workers of a
        cluster need the same files under the same paths.
    workers
        Processes here, at most; default: as many as there are cores.
    progress
        Called with the number of jobs done and their total.
    watch
        Called about twice a second while jobs run, from a thread of its own.

    Raises
    ------
    ArgumentError
        No scheduler answers there, or it has no worker.
    """
    say = progress or (lambda _done, _total: None)
    with _watched(watch):
        if scheduler is not None:
            return _on_cluster(work, jobs, scheduler, say)
        n = min(workers or os.cpu_count() or 1, len(jobs))
        return _in_processes(work, jobs, n, say) if n > 1 else _here(work, jobs, say)


@contextmanager
def _watched(watch: Callable[[], None] | None) -> Iterator[None]:
    if watch is None:
        yield
        return
    done = threading.Event()

    def look() -> None:
        while not done.wait(LOOK_S):
            watch()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _here(work: Callable[[Job], Result], jobs: Sequence[Job], say: Progress) -> list[Result]:
    results = []
    for done, job in enumerate(jobs, 1):
        results.append(work(job))
        say(done, len(jobs))
    return results


def _in_processes(work: Callable[[Job], Result], jobs: Sequence[Job], n: int, say: Progress) -> list[Result]:
    context = multiprocessing.get_context("spawn")
    # Nothing is ever sent here. When this end closes, by an error or with this process, the workers leave at once:
    # a pool would finish hours of work that nobody waits for, and a second run would find it writing.
    far_end, lifeline = context.Pipe(duplex=False)
    with far_end, lifeline, ProcessPoolExecutor(n, context, _start_worker, (far_end,)) as pool:
        try:
            futures = [pool.submit(work, job) for job in jobs]
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                say(done, len(futures))
        except BaseException:
            lifeline.close()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def _start_worker(lifeline: Connection) -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C ends the process that waits for this one
    threading.Thread(target=_leave_with, args=(lifeline,), daemon=True).start()


def _leave_with(lifeline: Connection) -> None:
    with suppress(OSError):
        lifeline.poll(None)
    os._exit(1)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    from distributed import Client  # noqa: PLC0415  (half a second, and needed here alone)

    try:
        asyncio.run(asyncio.wait_for(_ask(address), PATIENCE_S))
        client = Client(address, timeout=PATIENCE_S, set_as_default=False)
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
        client.wait_for_workers(1, timeout=PATIENCE_S)
    except TimeoutError as error:
        raise ArgumentError("The Dask scheduler has no worker; start one where it is to run.") from error


async def _ask(address: str) -> None:
    """See whether a scheduler answers: a client that finds none cannot be closed for half a minute."""
    from distributed import rpc  # noqa: PLC0415

    async with rpc(address) as scheduler:
        await scheduler.identity()


def _on_cluster(work: Callable[[Job], Result], jobs: Sequence[Job], address: str, say: Progress) -> list[Result]:
    from distributed import as_completed as as_done  # noqa: PLC0415

    with _client(address) as client:
        futures: list[Any] = [client.submit(_one_at_a_time, work, job, pure=False) for job in jobs]
        for done, future in enumerate(as_done(futures, loop=client.loop), 1):
            if future.status == "error":
                error = future.exception()
                client.cancel(futures)
                raise error
            say(done, len(jobs))
        results: list[Result] = client.gather(futures)
        return results


def _one_at_a_time(work: Callable[[Job], Result], job: Job) -> Result:
    """Do a job while no other runs in this worker: its threads share torch's random state."""
    with _alone:
        return work(job)
