"""Thread pool for tensor work in chunks: one chunk a thread, and one torch thread in each.

torch's own threads meet at a barrier in every operation. In a run of many small operations on a busy machine each
of them then waits for the slowest thread; chunks that are independent of each other wait once, at the end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from functools import cache
from typing import Final, TypeVar

import torch

R = TypeVar("R")

_starting: Final = threading.Lock()


def _start_pool() -> ThreadPoolExecutor:
    """Return a pool of a thread per core, each with one torch thread."""
    n = os.cpu_count() or 1
    started = threading.Barrier(n)
    inherited: list[int] = []

    def start() -> None:
        # Reading the number first makes torch initialise this thread; it would otherwise undo the setting later.
        inherited.append(torch.get_num_threads())
        started.wait()
        torch.set_num_threads(1)

    pool = ThreadPoolExecutor(n, "perfcore-chunk", start)
    for future in [pool.submit(started.wait) for _ in range(n)]:
        future.result()
    # Setting the number also sets that of threads to come. A thread that ends here sets it back: the setting
    # of every thread that exists stays as it is.
    restore = threading.Thread(target=torch.set_num_threads, args=inherited[:1])
    restore.start()
    restore.join()
    return pool


@cache
def _shared_pool() -> ThreadPoolExecutor:
    return _start_pool()


def run_chunks(work: Callable[[slice], R], n_items: int, size: int, pool: Executor | None = None) -> list[R]:
    """Return the result of each chunk of consecutive items, in their order.

    The chunks depend on `size` alone, so that sums of their results do not depend on the number of threads.

    Parameters
    ----------
    work
        Computes the items ``start:stop``. Several run at the same time.
    n_items
        Number of items.
    size
        Items in a chunk; the last one may have fewer.
    pool
        Threads that help the calling thread, for a server that gives each thread one torch thread. Default: as
        many threads of this process' own as the calling thread has torch threads.
    """
    chunks = [slice(start, min(start + size, n_items)) for start in range(0, n_items, size)]
    n_threads = min((os.cpu_count() or 1) if pool is not None else torch.get_num_threads(), len(chunks))
    if n_threads < 2:
        return [work(chunk) for chunk in chunks]
    results: dict[int, R] = {}
    remaining = iter(range(len(chunks)))
    claiming = threading.Lock()

    def drain() -> None:
        while True:
            with claiming:
                i = next(remaining, None)
            if i is None:
                return
            results[i] = work(chunks[i])

    if pool is None:
        with _starting:
            own = _shared_pool()
        futures = [own.submit(drain) for _ in range(n_threads)]
    else:
        futures = [pool.submit(drain) for _ in range(n_threads - 1)]
        try:
            drain()
        finally:
            # A helper that has not started has no chunk left.
            futures = [future for future in futures if not future.cancel()]
            wait(futures)
    wait(futures)
    for future in futures:
        future.result()
    return [results[i] for i in range(len(chunks))]
