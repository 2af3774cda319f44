"""Work on large arrays slab by slab in threads (numpy releases the interpreter's lock)."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np


def in_slabs(work: Callable[[slice], Any], n: int, *, n_slabs: int = 16) -> list[Any]:
    """Call ``work`` on consecutive slices that together cover ``range(n)``, in threads.

    Parameters
    ----------
    work
        Called with a slice of the first axis; it writes into its own part of a shared array or returns one.
    n
        Length of the axis, ≥ 0.
    n_slabs
        Number of pieces, ≥ 1; more pieces keep the temporaries small.

    Returns
    -------
    list
        What ``work`` returned, in the order of the axis.
    """
    edges = np.linspace(0, n, min(n_slabs, max(n, 1)) + 1).astype(int)
    pieces = [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]
    with ThreadPoolExecutor(max_workers=max(1, min(8, os.cpu_count() or 1))) as pool:
        return list(pool.map(work, pieces))
