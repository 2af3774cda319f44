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
from perfcore.preprocess.baseline import MARGIN_FRAMES
from perfcore.types import BoolArray, FloatArray

MAX_CANDIDATE_FRACTION: Final = 0.05
"""Only this fraction of the voxels, the tallest, can be a vessel ..."""
MIN_VESSEL_CONTRAST: Final = 2.5
"""... and of those only the ones that reach this multiple of the healthy tissue's mean curve."""
MIN_PEAK_SNR: Final = 4.0
MIN_CLUSTER_VOXELS: Final = 3
N_HEALTHY_SAMPLES: Final = 8_000
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

    def subset(self, kept: BoolArray) -> Candidates:
        """Return some of them."""
        features = Features(*(value[kept] for value in vars(self.features).values()))
        return Candidates(self.flat[kept], self.curves[kept], features)


def no_artery_error(reason: str) -> NoArteryError:
    """Return the error for a series in which no artery is found; ``reason`` is a clause."""
    return NoArteryError(
        f"No artery was found: {reason}; give an input function (--aif FILE.csv) or click voxels of an artery."
    )


def search_region(prepared: Prepared) -> NDArray[np.int64]:
    """Return flat indices of the voxels in which vessels are sought: the hull, or the mask without one."""
    return np.flatnonzero(prepared.mask if prepared.hull is None else prepared.hull)


def voxel_curves(prepared: Prepared, flat: NDArray[np.int64]) -> FloatArray:
    """Return unsmoothed curves of flat voxel indices, shape ``(n, n_time)``."""
    return prepared.enhancement.reshape(-1, prepared.n_time)[flat]


def frame_noise(curves: FloatArray) -> FloatArray:
    """Estimate each curve's noise from its second differences, robustly, shape ``(n,)``."""
    return np.asarray(np.median(np.abs(np.diff(curves, 2, axis=-1)), axis=-1) / (_MAD * np.sqrt(6.0)), np.float32)


def healthy_curve(prepared: Prepared) -> FloatArray:
    """Return the mean unsmoothed curve of healthy tissue, shape ``(n_time,)``.

    Its arrival does not depend on the smoothing chosen. Thousands of voxels, evenly drawn from the reference,
    leave next to no noise.
    """
    flat = prepared.index[prepared.reference] if prepared.reference.any() else prepared.index
    some = flat[:: max(1, len(flat) // N_HEALTHY_SAMPLES)]
    return np.asarray(voxel_curves(prepared, some).mean(axis=0, dtype=np.float64), np.float32)


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
    n_bright = min(len(region), max(200, round(MAX_CANDIDATE_FRACTION * len(region))))
    flat = np.sort(region[np.argpartition(tall, len(tall) - n_bright)[len(tall) - n_bright :]])
    raw = voxel_curves(prepared, flat)
    curves = median3(raw)
    features = bolus_features(curves)
    tissue = float(healthy_curve(prepared).max())
    vessel = (features.height >= MIN_VESSEL_CONTRAST * tissue) & (
        features.height >= MIN_PEAK_SNR * frame_noise(raw)
    )
    vessel &= (features.arrival >= prepared.n_baseline - 1 - MARGIN_FRAMES) & (features.height > 0)
    if vessel.sum() < MIN_CLUSTER_VOXELS - 1:
        raise no_artery_error("no voxel enhances clearly more than its noise")
    return Candidates(flat, curves, features).subset(vessel)


def arrives_by(prepared: Prepared, arrival: FloatArray, latest_s: float) -> BoolArray:
    """Say which arrivals (frames) are at most ``latest_s`` later than that of healthy tissue.

    An artery rises before the tissue that it feeds; what rises later is a vein or lies behind the clot.
    """
    tissue = bolus_features(healthy_curve(prepared)[None]).arrival[0]
    return np.asarray(arrival <= tissue + latest_s / prepared.dt_s)


def connected_components(grid: tuple[int, int, int], flat: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the connected component (26 neighbours) of each voxel, from 0, and their number."""
    labels, n = ndimage.label(mask_volume(grid, flat), NEIGHBOURS)
    return np.asarray(labels.reshape(-1)[flat] - 1, np.int64), int(n)


def mask_volume(grid: tuple[int, int, int], flat: NDArray[np.int64]) -> BoolArray:
    """Return a volume that is true at flat voxel indices."""
    volume = np.zeros(grid, bool)
    volume.reshape(-1)[flat] = True
    return volume
