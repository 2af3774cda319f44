"""Candidate vessel voxels: their curves, features and connected components."""

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
from perfcore.preprocess.tissue_curve import mean_curve_of
from perfcore.types import BoolArray, FloatArray

MAX_CANDIDATE_FRACTION: Final = 0.05
"""Fraction of the voxels, those of highest peak, that are considered as vessels."""
MIN_VESSEL_CONTRAST: Final = 2.5
"""Minimum peak of a vessel, as a multiple of the peak of the mean healthy tissue curve."""
MIN_PEAK_SNR: Final = 4.0
MIN_CLUSTER_VOXELS: Final = 3
NEIGHBOURS: Final = np.ones((3, 3, 3), bool)
_MAD: Final = 0.6745


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidate vessel voxels.

    Attributes
    ----------
    flat
        Shape ``(n,)``, flat voxel indices, increasing.
    curves
        Shape ``(n, n_time)``, enhancement after a running median of three frames.
    features
        Features of ``curves``.
    """

    flat: NDArray[np.int64]
    curves: FloatArray
    features: Features

    def subset(self, kept: BoolArray) -> Candidates:
        """Return the candidates selected by a mask, shape ``(n,)``."""
        features = Features(*(value[kept] for value in vars(self.features).values()))
        return Candidates(self.flat[kept], self.curves[kept], features)


def no_artery_error(reason: str) -> NoArteryError:
    """Return the error for a series without an artery; ``reason`` is a clause."""
    return NoArteryError(
        f"No artery was found: {reason}; give an AIF (--aif FILE.csv) or click voxels of an artery."
    )


def search_region(prepared: Prepared) -> NDArray[np.int64]:
    """Return flat indices of the voxels searched for vessels: the hull, or the brain mask if there is no hull."""
    return np.flatnonzero(prepared.mask if prepared.hull is None else prepared.hull)


def voxel_curves(prepared: Prepared, flat: NDArray[np.int64]) -> FloatArray:
    """Return the unsmoothed curves at flat voxel indices, shape ``(n, n_time)``."""
    return prepared.enhancement.reshape(-1, prepared.n_time)[flat]


def frame_noise(curves: FloatArray) -> FloatArray:
    """Estimate the noise of each curve from the median absolute second difference, shape ``(n,)``."""
    return np.asarray(np.median(np.abs(np.diff(curves, 2, axis=-1)), axis=-1) / (_MAD * np.sqrt(6.0)), np.float32)


def healthy_curve(prepared: Prepared) -> FloatArray:
    """Return the mean unsmoothed curve of healthy tissue, shape ``(n_time,)``.

    Without smoothing, its arrival does not depend on the settings. The mean of thousands of voxels, evenly sampled
    from the reference region, has negligible noise.
    """
    flat = prepared.index[prepared.reference] if prepared.reference.any() else prepared.index
    return mean_curve_of(prepared.enhancement, flat)


def find_candidates(prepared: Prepared) -> Candidates:
    """Find voxels with a high peak, a sufficient signal-to-noise ratio and an arrival after the baseline.

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
        Fewer than two voxels qualify.
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


def arrives_by(prepared: Prepared, arrival: FloatArray, max_lag_s: float) -> BoolArray:
    """Return a mask of the arrivals (in frames) at most ``max_lag_s`` after that of healthy tissue.

    An artery enhances before the tissue that it supplies; later vessels are veins or lie distal to the clot.
    """
    tissue = bolus_features(healthy_curve(prepared)[None]).arrival[0]
    return np.asarray(arrival <= tissue + max_lag_s / prepared.dt_s)


def connected_components(grid: tuple[int, int, int], flat: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the connected component (26-neighbourhood) of each voxel, from 0, and the number of components."""
    labels, n = ndimage.label(mask_volume(grid, flat), NEIGHBOURS)
    return np.asarray(labels.reshape(-1)[flat] - 1, np.int64), int(n)


def mask_volume(grid: tuple[int, int, int], flat: NDArray[np.int64]) -> BoolArray:
    """Return a mask volume that is true at flat voxel indices."""
    volume = np.zeros(grid, bool)
    volume.reshape(-1)[flat] = True
    return volume
