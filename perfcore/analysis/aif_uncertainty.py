"""Noise in the choice: the same case with input functions that might as well have been chosen.

The mean of a cluster's voxels is one draw of many. Voxels are drawn again with replacement (the bootstrap, Efron
1979, doi:10.1214/aos/1176344552), each draw makes a curve, and each curve a core.
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
    """What is known after some draws.

    Attributes
    ----------
    n_done, n_total
        Draws so far, and wanted.
    core_ml
        Core volume of each draw so far, shape ``(n_done,)``.
    core_fraction
        In how many of the draws each voxel is core, 0 to 1, shape ``(n_voxels,)``.
    """

    n_done: int
    n_total: int
    core_ml: DoubleArray
    core_fraction: FloatArray


def bootstrap_aifs(prepared: Prepared, aif: Aif, n: int, seed: int = 0) -> DoubleArray:
    """Draw the voxels of an input function again, with replacement.

    Parameters
    ----------
    prepared
        The case.
    aif
        A mean of at least two voxels.
    n
        Number of draws.
    seed
        The same seed draws the same.

    Returns
    -------
    Shape ``(n, n_time)``, enhancement.

    Raises
    ------
    ArgumentError
        The curve is not the mean of at least two voxels.
    """
    if len(aif.voxels) < MIN_MEMBERS:
        raise ArgumentError(
            f"This curve is the mean of {len(aif.voxels)} voxels; drawing them again needs at least "
            f"{MIN_MEMBERS}, so choose a curve that a selector found or voxels of your own."
        )
    x, y, z = np.array(aif.voxels).T
    curves = voxel_curves(prepared, np.ravel_multi_index((x, y, z), prepared.grid)).astype(np.float64)
    picks: NDArray[np.int64] = np.random.default_rng(seed).integers(len(curves), size=(n, len(curves)))
    return np.asarray(curves[picks].mean(axis=1), np.float64)


def mixture_aifs(curves: list[Aif], n: int, seed: int = 0) -> DoubleArray:
    """Draw mixtures of several input functions of one case: random weights, sum 1 (a Dirichlet distribution).

    Raises
    ------
    ArgumentError
        There are fewer than two.
    """
    if len(curves) < MIN_MEMBERS:
        raise ArgumentError("Mixing choices needs at least two input functions of this case.")
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
    """Give the spread of the core over many input functions, more of them each time.

    Every draw is deconvolved in full; draws without a bolus are left out.

    Parameters
    ----------
    curves
        Shape ``(n, n_time)``, enhancement.
    tissue
        In full, or on a temporal basis: about half the time, with the basis' error.
    reference
        Healthy voxels, shape ``(n_voxels,)``, bool.
    settings
        Of the deconvolution; a linear one.
    dt_s, voxel_ml
        Time step in seconds, volume of a voxel.
    batch
        Draws between two results.
    pool
        As of :func:`perfcore.deconvolution.fused.peak`.

    Raises
    ------
    ArgumentError
        No draw has a bolus, or the settings are not linear.
    """
    if not settings.is_linear:
        raise ArgumentError("The oscillation index is too slow for many curves; choose another regularisation.")
    tiles = tissue.tiles if isinstance(tissue, TemporalBasis) else tissue
    usable = curves[(curves.max(axis=1) > 0) & (curves.sum(axis=1) > 0)]
    if not len(usable):
        raise ArgumentError("None of the curves drawn has a positive bolus.")
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
