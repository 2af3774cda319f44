"""Preview of a case: the voxels on the preview grid, their tissue and their flow."""

from __future__ import annotations

import weakref
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pages.live.compute.flow import Flow, FlowJob, Tissue, chunk_jobs, window_flow
from pages.live.compute.preview_grid import MAX_PREVIEW_ERROR, PreviewGrid
from perfcore.deconvolution.fused import WIDTH, Tiles
from perfcore.deconvolution.inverse import Operator
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.maps import FlowOperator
from perfcore.settings import Settings

if TYPE_CHECKING:
    from pages.live.compute.case import LiveCase


class Preview:
    """Flow on the preview grid of one case; every part is computed at its first use.

    Parameters
    ----------
    case
        The prepared case, which owns this object.
    """

    def __init__(self, case: LiveCase) -> None:
        # A weak reference: a cycle would keep a closed case in memory until the next garbage collection.
        self._case: LiveCase = weakref.proxy(case)

    @cached_property
    def grid(self) -> PreviewGrid:
        """The voxels that are computed during a drag of all slices."""
        prepared = self._case.prepared
        voxels = np.stack(np.unravel_index(prepared.index[self._case.order], prepared.grid), 1)
        return PreviewGrid.of(voxels, prepared.grid)

    @cached_property
    def error(self) -> float:
        """Mean relative error of CBF interpolated from the preview grid, for the default AIF."""
        default = next(iter(self._case.sources.values())).value
        return self.grid.error(self._case.volume_flow(default, Settings()).cbf)

    @property
    def is_accurate(self) -> bool:
        """Whether that error is small enough for a drag; otherwise every voxel is computed."""
        return self.error <= MAX_PREVIEW_ERROR

    @cached_property
    def _tissue(self) -> tuple[Tiles, TemporalBasis | None]:
        case = self._case
        kept = case.order[self.grid.kept]
        # Narrow tiles: a slice has few voxels here, and shares its tiles with voxels of other slices.
        tiles = Tiles.from_curves(torch.from_numpy(case.prepared.tissue[kept]).to(case.device), WIDTH // 2)
        return tiles, None if case.basis is None else case.basis.project(tiles)

    @property
    def tiles(self) -> Tiles:
        """The tissue of the voxels on the preview grid."""
        return self._tissue[0]

    def tissue(self, operator: FlowOperator) -> Tissue:
        """Return the tissue that an operator is applied to: the temporal basis if it is accurate and linear."""
        tiles, basis = self._tissue
        return basis if basis is not None and isinstance(operator, Operator) else tiles

    @cached_property
    def _starts(self) -> list[int]:
        """Index of the first voxel of each slice among those on the preview grid."""
        return [int(n) for n in np.concatenate([[0], np.cumsum(self.grid.kept)])[self._case.starts]]

    def slice_flow(self, operator: FlowOperator, z: int, *, scale: float = 1.0) -> Flow:
        """Return one slice on the preview grid; the healthy mean is that of `LiveCase.slice_flow`."""
        mean = self._case.sample_mean(operator, preview=True) * scale
        return Flow(*window_flow(operator, self.tissue(operator), (self._starts[z], self._starts[z + 1])), mean)

    def chunks(self, operator: FlowOperator, n_jobs: int) -> list[FlowJob]:
        """Return at most ``n_jobs`` jobs of equal size that cover the preview grid of all slices."""
        tiles = self.tiles
        step = -(-len(tiles.data) // n_jobs) * tiles.data.shape[-1]
        return chunk_jobs(operator, self.tissue(operator), tiles.n_voxels, step)

    def gather(self, parts: list[tuple[Tensor, Tensor]], sample_mean: float) -> Flow:
        """Join the results of `chunks`; ``sample_mean`` is the healthy mean."""
        cbf, tmax = (torch.cat([part[i] for part in parts]).cpu().numpy() for i in (0, 1))
        return Flow(cbf, tmax, sample_mean)

    def interpolate(self, coarse: Flow) -> Flow:
        """Return all voxels from those on the preview grid, as the browser does."""
        return Flow(self.grid.interpolate(coarse.cbf), self.grid.interpolate(coarse.tmax), coarse.reference_cbf)
