"""Viewport: the visible slice or slices during a stream, and their maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pages.live.compute.case import LiveCase
from pages.live.compute.flow import Flow
from pages.live.server.session import WORKERS

R = TypeVar("R")

HELPER_POOL: Final = ThreadPoolExecutor(max(WORKERS - 1, 1), thread_name_prefix="lab-helper")
"""Threads that compute tiles for a job of the scheduler, which waits for them."""


def run_parallel(jobs: Sequence[Callable[[], R]]) -> list[R]:
    """Return the results of jobs in order; every second one runs in `HELPER_POOL`."""
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
    """The visible slice, or all slices; the browser sends it with each acknowledgement of a frame."""

    slice_index: int = 0
    all_slices: bool = False

    @classmethod
    def read(cls, fields: Any) -> Viewport:
        """Read a message's ``viewport``, a mapping with ``slice`` and ``all``; None is the first slice."""
        viewport = cls()
        viewport.update(fields)
        return viewport

    def update(self, fields: Any) -> None:
        """Update from a message's ``viewport``; None changes nothing."""
        if fields is not None:
            self.slice_index, self.all_slices = int(fields["slice"]), bool(fields["all"])

    def part(self, case: LiveCase, flow: Flow) -> tuple[str, int, Flow]:
        """Return the visible part of the maps of all slices: kind of frame, slice, maps."""
        if self.all_slices:
            return "volume", 0, flow
        z = min(max(self.slice_index, 0), case.n_slices - 1)
        voxels = slice(int(case.starts[z]), int(case.starts[z + 1]))
        return "slice", z, Flow(flow.cbf[voxels], flow.tmax[voxels], flow.reference_cbf)
