"""Sampled AIFs: bootstrap of the voxels of an AIF, and mixtures of the AIFs of several methods.

The bootstrap resamples the voxels of an AIF with replacement (Efron 1979, doi:10.1214/aos/1176344552).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.select.candidates import voxel_curves
from perfcore.errors import ArgumentError
from perfcore.preprocess import Prepared
from perfcore.types import Aif, DoubleArray

MIN_MEMBERS: Final = 2


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
