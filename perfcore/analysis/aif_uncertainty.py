"""AIF uncertainty: distribution of the core volume over plausible AIFs (bootstrap or mixtures).

The bootstrap resamples the voxels of an AIF with replacement (Efron 1979, doi:10.1214/aos/1176344552); mixtures
combine the AIFs of several methods. The case is deconvolved in full with every sampled AIF.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from perfcore.aif.select.candidates import voxel_curves
from perfcore.deconvolution.fused import Tiles, peak
from perfcore.deconvolution.inverse import build_operator
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.maps import is_core, relative_cbf
from perfcore.preprocess import Prepared
from perfcore.settings import Settings
from perfcore.types import Aif, DoubleArray, FloatArray

MIN_MEMBERS: Final = 2


@dataclass(frozen=True, eq=False)
class CoreDistribution:
    """Distribution of the core after some samples.

    Attributes
    ----------
    n_done, n_total
        Number of samples so far and in total.
    core_ml
        Core volume of each sample, shape ``(n_done,)``.
    core_fraction
        Fraction of the samples in which each voxel is core, 0 to 1, shape ``(n_voxels,)``.
    """

    n_done: int
    n_total: int
    core_ml: DoubleArray
    core_fraction: FloatArray


def bootstrap_aifs(prepared: Prepared, aif: Aif, n: int, seed: int = 0) -> DoubleArray:
    """Resample the voxels of an AIF with replacement; samples are scaled as the AIF is against their mean.

    Parameters
    ----------
    prepared
        The case.
    aif
        Mean curve of at least two voxels, as it is or corrected for partial volume.
    n
        Number of samples.
    seed
        Seed of the random generator.

    Returns
    -------
    Sampled AIFs, enhancement, shape ``(n, n_time)``.

    Raises
    ------
    ArgumentError
        The curve is not the mean of at least two voxels.
    """
    if len(aif.voxels) < MIN_MEMBERS:
        raise ArgumentError(
            f"The AIF is the mean of {len(aif.voxels)} voxels; the bootstrap needs at least {MIN_MEMBERS}. "
            "Choose an AIF from a selector or pick more voxels."
        )
    x, y, z = np.array(aif.voxels).T
    curves = voxel_curves(prepared, np.ravel_multi_index((x, y, z), prepared.grid)).astype(np.float64)
    picks: NDArray[np.int64] = np.random.default_rng(seed).integers(len(curves), size=(n, len(curves)))
    scale = float(aif.value.sum()) / float(curves.mean(axis=0).sum())
    return np.asarray(scale * curves[picks].mean(axis=1), np.float64)


def mixture_aifs(curves: list[Aif], n: int, seed: int = 0) -> DoubleArray:
    """Sample mixtures of several AIFs of one case, with Dirichlet weights of sum 1.

    Returns
    -------
    Sampled AIFs, enhancement, shape ``(n, n_time)``.

    Raises
    ------
    ArgumentError
        There are fewer than two AIFs.
    """
    if len(curves) < MIN_MEMBERS:
        raise ArgumentError("Mixtures need at least two AIFs of this case.")
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(curves)), size=n)
    return np.asarray(weights @ np.stack([curve.value for curve in curves]), np.float64)


@torch.no_grad()
def core_distribution(
    curves: DoubleArray,
    tissue: Tiles | TemporalBasis,
    reference: torch.Tensor,
    settings: Settings,
    *,
    dt_s: float,
    voxel_ml: float,
    batch: int = 10,
    pool: Executor | None = None,
) -> Iterator[CoreDistribution]:
    """Yield the distribution of the core over sampled AIFs, after every batch.

    Every sample is deconvolved in full; samples without a bolus are left out.

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
    counts = torch.zeros(tiles.n_voxels, dtype=torch.int32, device=tiles.data.device)
    volumes: list[float] = []
    for done, curve in enumerate(usable, 1):
        matrix = build_operator(torch.from_numpy(curve).to(tiles.data.device), dt_s, settings).matrix
        top = peak(tissue.operator(matrix) if isinstance(tissue, TemporalBasis) else matrix, tiles, pool)
        core = is_core(relative_cbf(top, float(top[reference].mean(dtype=torch.float64))), settings.core_threshold)
        counts += core
        volumes.append(float(core.sum()) * voxel_ml)
        if done % batch == 0 or done == len(usable):
            fraction = (counts.to(torch.float32) / done).cpu().numpy()
            yield CoreDistribution(done, len(usable), np.array(volumes), fraction)
