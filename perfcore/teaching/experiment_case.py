"""Case of teaching experiments: prepared tissue, known AIFs and regions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from perfcore.deconvolution.fused import Tiles
from perfcore.preprocess import Prepared
from perfcore.preprocess.smoothing import smooth_masked, spatial_sigmas
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray, DoubleArray, FloatArray


@dataclass(frozen=True, eq=False)
class ExperimentCase:
    """Tissue, AIFs and regions of a case; all arrays have the same voxel order.

    Attributes
    ----------
    prepared
        The case.
    tiles
        Its tissue curves.
    reference, lesion, non_vessel, slice_of
        Shape ``(n_voxels,)``: healthy voxels, known core (None without one), tissue without vessels, slice index.
    order
        Place of each voxel in the order of `prepared`, shape ``(n_voxels,)``.
    curves
        AIFs by name: ``truth``, ``vein`` and selectors.
    n_lesion
        Number of voxels of the known core, also of those outside the mask, which count as missed; 0 without one.
    """

    prepared: Prepared
    tiles: Tiles
    reference: BoolArray
    lesion: BoolArray | None
    non_vessel: BoolArray
    slice_of: NDArray[np.int64]
    order: NDArray[np.int64]
    curves: dict[str, Aif]
    n_lesion: int = 0

    @classmethod
    def of(
        cls,
        prepared: Prepared,
        curves: dict[str, Aif],
        *,
        tiles: Tiles | None = None,
        order: NDArray[np.int64] | None = None,
        n_lesion: int | None = None,
    ) -> ExperimentCase:
        """Build from a prepared case in a voxel ``order``; existing ``tiles`` have that order.

        Without ``n_lesion`` the known core has no voxels outside the mask.
        """
        p = prepared
        inside = 0 if p.lesion is None else int(p.lesion.sum())
        at = np.arange(p.n_voxels) if order is None else order
        return cls(
            p, Tiles.from_curves(torch.from_numpy(p.tissue[at])) if tiles is None else tiles,
            p.reference[at],
            None if p.lesion is None else p.lesion[at], ~p.vessels[at], p.index[at] % p.grid[2], at, curves,
            inside if n_lesion is None else n_lesion,
        )  # fmt: skip

    @property
    def dt_s(self) -> float:
        """Time step in seconds."""
        return self.prepared.dt_s

    @cached_property
    def area(self) -> DoubleArray:
        """Area under each tissue curve, enhancement × s, shape ``(n_voxels,)``."""
        total = self.tiles.data.sum(1, dtype=torch.float64).reshape(-1)[: self.tiles.n_voxels]
        return np.asarray(total.cpu().numpy() * self.dt_s, np.float64)

    @property
    def ttp_s(self) -> FloatArray:
        """Time to peak of each tissue curve of the full scan, s, shape ``(n_voxels,)``."""
        return self.prepared.ttp_s[self.order]

    def mean_curve(self, where: BoolArray) -> DoubleArray:
        """Return the mean tissue curve of a region, shape ``(n_time,)``."""
        weight = torch.zeros(self.tiles.data.shape[0] * self.tiles.data.shape[2])
        weight[: len(where)] = torch.from_numpy(where.astype(np.float32))
        weight = weight.reshape(self.tiles.data.shape[0], -1, 1)
        total = torch.bmm(self.tiles.data, weight.to(self.tiles.data.device)).sum(0)[:, 0]
        return np.asarray(total.cpu().numpy(), np.float64) / max(int(where.sum()), 1)

    def truncated(self, last_s: float) -> ExperimentCase:
        """Return the case with the scan ended at a time in seconds."""
        n = int(np.floor(last_s / self.dt_s + 1e-6)) + 1
        tiles = Tiles(self.tiles.data[:, :n].contiguous(), self.tiles.n_voxels)
        curves = {
            name: replace(aif, time_s=aif.time_s[:n], value=aif.value[:n]) for name, aif in self.curves.items()
        }
        return replace(self, tiles=tiles, curves=curves)

    def smoothed(self, settings: Settings) -> ExperimentCase:
        """Return the case with the smoothing of other settings."""
        p = self.prepared
        weight = p.mask.copy()
        weight[p.mask] = ~p.vessels
        sigmas = (
            *spatial_sigmas(settings.spatial_sigma_mm, p.spacing_mm), settings.temporal_sigma_s / p.dt_s,
        )  # fmt: skip
        return ExperimentCase.of(
            replace(p, tissue=smooth_masked(p.enhancement, weight, p.mask, sigmas)), self.curves, order=self.order,
            n_lesion=self.n_lesion,
        )  # fmt: skip
