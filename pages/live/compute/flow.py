"""CBF and Tmax of a run of voxels, and their computation from a prebuilt operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from perfcore.deconvolution.fused import Tiles
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.maps import FlowOperator, flow_and_delay

Tissue = Tiles | TemporalBasis
FlowJob = Callable[[], tuple[Tensor, Tensor]]
"""Returns CBF and Tmax of one chunk of voxels."""


@dataclass(frozen=True)
class Flow:
    """CBF and Tmax of a run of voxels in slice order, with the healthy mean."""

    cbf: NDArray[np.float32]
    tmax: NDArray[np.float32]
    reference_cbf: float

    @property
    def nbytes(self) -> int:
        """Memory of the maps in bytes."""
        return self.cbf.nbytes + self.tmax.nbytes


def window_flow(
    operator: FlowOperator, tissue: Tissue, window: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return CBF and Tmax of the voxels ``window[0]:window[1]`` of a tissue."""
    if window[0] == window[1]:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    part, inside = tissue.window(*window)
    cbf, tmax = flow_and_delay(operator, part)
    return cbf[inside].cpu().numpy(), tmax[inside].cpu().numpy()


def chunk_jobs(operator: FlowOperator, tissue: Tissue, n_voxels: int, step: int) -> list[FlowJob]:
    """Return jobs of ``step`` voxels each that cover a tissue in order."""
    parts = [tissue.window(start, min(start + step, n_voxels))[0] for start in range(0, n_voxels, step)]
    return [partial(flow_and_delay, operator, part) for part in parts]
