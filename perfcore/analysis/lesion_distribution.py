"""Lesion distribution: core, hypoperfused volume and treatment decisions over many AIFs of one case."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from perfcore.deconvolution.fused import WIDTH, Tiles, peak_and_late
from perfcore.deconvolution.inverse import Operator, build_operator
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.maps import anchor_tmax, flow_and_delay, is_core, relative_cbf
from perfcore.settings import Settings
from perfcore.stroke_figures import (
    LARGE_CORE_ML,
    TARGET_RATIO,
    has_large_core,
    has_target_mismatch,
    has_target_ratio,
)
from perfcore.types import BoolArray, DoubleArray, FloatArray

DECISIONS: Final = {
    "large_core": f"Core ≥ {LARGE_CORE_ML:g} ml",
    "ratio": f"Mismatch ratio ≥ {TARGET_RATIO:g}",
    "target": "Target mismatch",
}
"""Labels of :func:`decisions`, by id."""


@dataclass(frozen=True, eq=False)
class LesionDistribution:
    """Distribution of the lesions after some samples.

    Attributes
    ----------
    n_done, n_total
        Number of samples so far and in total.
    core_ml, hypoperfused_ml
        Volumes of each sample, shape ``(n_done,)``.
    core_fraction
        Fraction of the samples in which each voxel is core, 0 to 1, shape ``(n_voxels,)``.
    """

    n_done: int
    n_total: int
    core_ml: DoubleArray
    hypoperfused_ml: DoubleArray
    core_fraction: FloatArray

    @property
    def decisions(self) -> dict[str, float]:
        """Fraction of the samples in which each of :func:`decisions` holds, by id."""
        return {name: float(held.mean()) for name, held in decisions(self.core_ml, self.hypoperfused_ml).items()}


def decisions(core_ml: DoubleArray, hypoperfused_ml: DoubleArray) -> dict[str, BoolArray]:
    """Return whether each decision holds, by id.

    ``large_core``: core ≥ 70 ml; ``ratio``: hypoperfused over core ≥ 1.8, also where there is no core but
    hypoperfused tissue; ``target``: target mismatch.

    Parameters
    ----------
    core_ml, hypoperfused_ml
        Of one shape.
    """
    return {
        "large_core": has_large_core(core_ml),
        "ratio": has_target_ratio(core_ml, hypoperfused_ml),
        "target": has_target_mismatch(core_ml, hypoperfused_ml),
    }


@torch.no_grad()
def lesion_distribution(
    curves: DoubleArray,
    tissue: Tiles | TemporalBasis,
    reference: torch.Tensor,
    settings: Settings,
    *,
    dt_s: float,
    voxel_ml: float,
    batch: int = 10,
    pool: Executor | None = None,
) -> Iterator[LesionDistribution]:
    """Yield the distribution of the lesions over sampled AIFs, after every batch.

    Every sample is deconvolved in full; samples without a bolus are left out. Where the settings count Tmax from
    healthy tissue, its median is that of up to 4096 healthy voxels.

    Parameters
    ----------
    curves
        Sampled AIFs, enhancement, shape ``(n, n_time)``.
    tissue
        Full curves, or coefficients on a temporal basis (about half the time, with the error of the basis).
    reference
        Mask of the healthy voxels, shape ``(n_voxels,)``.
    settings
        Settings of a linear deconvolution.
    dt_s, voxel_ml
        Time step in seconds, volume of a voxel in ml.
    batch
        Samples between two results.
    pool
        As in :func:`perfcore.deconvolution.fused.peak`.

    Raises
    ------
    ArgumentError
        No sample has a bolus, or the deconvolution is not linear.
    """
    if not settings.is_linear:
        raise ArgumentError("The oscillation index is too slow for many curves; choose another regularisation.")
    tiles = tissue.tiles if isinstance(tissue, TemporalBasis) else tissue
    usable = curves[(curves.max(axis=1) > 0) & (curves.sum(axis=1) > 0)]
    if not len(usable):
        raise ArgumentError("None of the sampled AIFs has a positive bolus.")
    healthy = _healthy_sample(tissue, reference)
    counts = torch.zeros(tiles.n_voxels, dtype=torch.int32, device=tiles.data.device)
    core_ml: list[float] = []
    hypoperfused_ml: list[float] = []
    for done, curve in enumerate(usable, 1):
        operator = build_operator(torch.from_numpy(curve).to(tiles.data.device), dt_s, settings)
        row = _threshold_row(operator, healthy, settings)
        matrix = tissue.operator(operator.matrix) if isinstance(tissue, TemporalBasis) else operator.matrix
        top, late = peak_and_late(matrix, tiles, row, pool)
        core = is_core(relative_cbf(top, float(top[reference].mean(dtype=torch.float64))), settings.core_threshold)
        counts += core
        core_ml.append(float(core.sum()) * voxel_ml)
        hypoperfused_ml.append(float(late.sum()) * voxel_ml)
        if done % batch == 0 or done == len(usable):
            fraction = (counts.to(torch.float32) / done).cpu().numpy()
            yield LesionDistribution(done, len(usable), np.array(core_ml), np.array(hypoperfused_ml), fraction)


def _healthy_sample(tissue: Tiles | TemporalBasis, reference: torch.Tensor) -> Tiles | TemporalBasis:
    """Return at most ``WIDTH`` healthy voxels, evenly spread."""
    tiles = tissue.tiles if isinstance(tissue, TemporalBasis) else tissue
    voxels = reference.nonzero()[:, 0].to(tiles.data.device)
    some = voxels[:: max(1, -(-len(voxels) // WIDTH))]
    width = tiles.data.shape[-1]
    sample = Tiles.from_curves(tiles.data[some // width, :, some % width])
    return TemporalBasis(tissue.vectors, sample) if isinstance(tissue, TemporalBasis) else sample


def _threshold_row(operator: Operator, healthy: Tiles | TemporalBasis, settings: Settings) -> float:
    """Return the row of k(t) at which Tmax reaches its threshold."""
    shift_s = 0.0
    if settings.tmax_reference == "healthy":
        tmax = flow_and_delay(operator, healthy)[1]
        shift_s = float(anchor_tmax(tmax, torch.ones_like(tmax, dtype=torch.bool), settings)[1])
    return (settings.tmax_threshold_s - shift_s - operator.start_s) / operator.dt_s
