"""Which voxels can belong to a vessel, their curves, and their connected clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perfcore.aif.select.features import Features, bolus_features, median3
from perfcore.errors import NoArteryError
from perfcore.preprocess import Prepared
from perfcore.types import BoolArray, FloatArray

BRIGHT_FRACTION: Final = 0.05
"""Only this fraction of the voxels, the tallest, can be a vessel ..."""
TALLEST: Final = 50
TALL_FRACTION: Final = 0.25
"""... and of those only the ones that reach this fraction of the 50 tallest."""
LEAST_SNR: Final = 4.0
SMALLEST_CLUSTER: Final = 3
NEIGHBOURS: Final = np.ones((3, 3, 3), bool)
_MAD: Final = 0.6745


@dataclass(frozen=True, eq=False)
class Candidates:
    """Voxels that could be a vessel.

    Attributes
    ----------
    flat
        Shape ``(n,)``, flat voxel indices, increasing.
    curves
        Shape ``(n, n_time)``, enhancement after a running median of three frames.
    features
        Of those curves.
    """

    flat: NDArray[np.int64]
    curves: FloatArray
    features: Features


def no_artery(reason: str) -> NoArteryError:
    """Return the error for a series in which no artery is found; ``reason`` is a clause."""
    return NoArteryError(
        f"No artery was found: {reason}; give an input function (--aif FILE.csv) or click voxels of an artery."
    )


def search_region(prepared: Prepared) -> NDArray[np.int64]:
    """Return flat indices of the voxels in which vessels are sought: the hull, or the mask without one."""
    return np.flatnonzero(prepared.mask if prepared.hull is None else prepared.hull)


def curves_of(prepared: Prepared, flat: NDArray[np.int64]) -> FloatArray:
    """Return unsmoothed curves of flat voxel indices, shape ``(n, n_time)``."""
    return prepared.enhancement.reshape(-1, prepared.n_time)[flat]


def frame_noise(curves: FloatArray) -> FloatArray:
    """Estimate each curve's noise from its second differences, robustly, shape ``(n,)``."""
    return np.asarray(np.median(np.abs(np.diff(curves, 2, axis=-1)), axis=-1) / (_MAD * np.sqrt(6.0)), np.float32)


def find_candidates(prepared: Prepared) -> Candidates:
    """Find the voxels that are tall, stand out of their noise and rise after the baseline.

    Parameters
    ----------
    prepared
        The case.

    Returns
    -------
    Candidates

    Raises
    ------
    NoArteryError
        Fewer than two voxels are left.
    """
    region = search_region(prepared)
    tall = prepared.tmip.reshape(-1)[region]
    n_bright = min(len(region), max(200, round(BRIGHT_FRACTION * len(region))))
    flat = np.sort(region[np.argpartition(tall, len(tall) - n_bright)[len(tall) - n_bright :]])
    raw = curves_of(prepared, flat)
    curves = median3(raw)
    features = bolus_features(curves)
    tallest = float(np.sort(features.height)[-min(len(flat), TALLEST) :].mean())
    vessel = (features.height >= TALL_FRACTION * tallest) & (features.height >= LEAST_SNR * frame_noise(raw))
    vessel &= (features.arrival >= prepared.n_baseline - 1) & (features.height > 0)
    if vessel.sum() < SMALLEST_CLUSTER - 1:
        raise no_artery("no voxel enhances clearly more than its noise")
    kept = Features(*(value[vessel] for value in vars(features).values()))
    return Candidates(flat[vessel], curves[vessel], kept)


def connected(grid: tuple[int, int, int], flat: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the connected component (26 neighbours) of each voxel, from 0, and their number."""
    labels, n = ndimage.label(as_volume(grid, flat), NEIGHBOURS)
    return np.asarray(labels.reshape(-1)[flat] - 1, np.int64), int(n)


def as_volume(grid: tuple[int, int, int], flat: NDArray[np.int64]) -> BoolArray:
    """Return a volume that is true at flat voxel indices."""
    volume = np.zeros(grid, bool)
    volume.reshape(-1)[flat] = True
    return volume
