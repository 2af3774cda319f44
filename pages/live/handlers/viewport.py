"""What a person looks at while the server moves a curve, and the maps of just that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from pages.live.compute.case import Flow, LiveCase
from pages.live.compute.preview_grid import MAX_PREVIEW_ERROR
from pages.live.server.session import WORKERS
from perfcore.settings import Settings

R = TypeVar("R")

HELPER_POOL: Final = ThreadPoolExecutor(max(WORKERS - 1, 1), thread_name_prefix="lab-helper")
"""Threads that share one turn's tiles; whoever waits for them holds a place in the queue of all."""


def run_parallel(jobs: Sequence[Callable[[], R]]) -> list[R]:
    """Return the results of jobs of one turn, every second one done by a helper."""
    helped = [HELPER_POOL.submit(job) for job in jobs[1::2]]
    own = [job() for job in jobs[::2]]
    results: list[R] = []
    for i, result in enumerate(own):
        results.append(result)
        if i < len(helped):
            results.append(helped[i].result())
    return results


@dataclass(eq=False)
class Viewport:
    """One slice or all of them; the browser says it with every frame that it has seen."""

    slice_index: int = 0
    all_slices: bool = False

    @classmethod
    def read(cls, told: Any) -> Viewport:
        """Read what the browser says, a table with ``slice`` and ``all``."""
        view = cls()
        view.take(told)
        return view

    def take(self, told: Any) -> None:
        """Follow the browser; nothing said changes nothing."""
        if told is not None:
            self.slice_index, self.all_slices = int(told["slice"]), bool(told["all"])

    def flow(
        self, case: LiveCase, curve: NDArray[np.float64], settings: Settings, cbf: NDArray[np.float32], mean: float
    ) -> tuple[str, int, Flow]:
        """Return what is visible of a curve whose CBF is known: kind of frame, slice, maps.

        Parameters
        ----------
        case, curve, settings
            What Tmax is computed of.
        cbf, mean
            Of all voxels in slice order, with the healthy mean.
        """
        if not self.all_slices:
            z = min(max(self.slice_index, 0), case.n_slices - 1)
            part = slice(int(case.starts[z]), int(case.starts[z + 1]))
            tmax = case.slice_flow(curve, settings, z, preview=True).tmax
            return "slice", z, Flow(cbf[part], tmax, mean)
        if case.preview_error <= MAX_PREVIEW_ERROR:
            jobs = case.preview_chunks(curve, settings, WORKERS)
            kept = case.preview_grid.kept
            return "coarse", 0, Flow(cbf[kept], case.gather_preview(run_parallel(jobs), mean).tmax, mean)
        jobs = case.chunks(curve, settings, preview=True)
        return "volume", 0, Flow(cbf, case.gather(run_parallel(jobs)).tmax, mean)
