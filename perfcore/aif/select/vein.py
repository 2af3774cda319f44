"""Venous output function (VOF) and the partial-volume ratio of the artery."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.select.candidates import MIN_CLUSTER_VOXELS, Candidates, connected_components
from perfcore.preprocess import Prepared
from perfcore.types import Aif

VENOUS_DELAY_S: Final = 2.0
VEIN_PEAK_FRACTION: Final = 0.6
MAX_PARTIAL_VOLUME_RATIO: Final = 10.0
"""In patients the vein's area is 1.3 to 8.3 times the artery's (5th and 95th percentile of 46 measured pairs)."""


def find_vein(
    prepared: Prepared, candidates: Candidates, artery: NDArray[np.int64], peak_time_s: float
) -> NDArray[np.int64] | None:
    """Find the cluster of highest mean peak, of at least three voxels, that peaks 2 s after the artery or later.

    Parameters
    ----------
    prepared
        The case.
    candidates
        Candidate vessel voxels.
    artery
        Flat indices of the artery voxels, which are excluded.
    peak_time_s
        Time to peak of the artery, seconds.

    Returns
    -------
    NDArray[np.int64] or None
        Flat indices of the quarter of that cluster with the highest peaks, at least three; None without one.
    """
    height = candidates.features.height
    late = candidates.features.peak * prepared.dt_s >= peak_time_s + VENOUS_DELAY_S
    late &= ~np.isin(candidates.flat, artery)
    places = np.flatnonzero(late)
    if len(places) < MIN_CLUSTER_VOXELS:
        return None
    top = places[height[places] >= VEIN_PEAK_FRACTION * np.quantile(height[places], 0.995)]
    label, n = connected_components(prepared.grid, candidates.flat[top])
    size = np.bincount(label, minlength=n)
    mean = np.bincount(label, weights=height[top].astype(np.float64), minlength=n) / size
    mean[size < MIN_CLUSTER_VOXELS] = -np.inf
    if not np.isfinite(mean).any():
        return None
    members = top[label == int(mean.argmax())]
    n_best = max(MIN_CLUSTER_VOXELS, len(members) // 4)
    return np.sort(candidates.flat[members[np.argsort(height[members])[::-1][:n_best]]])


def is_truncated(curve: Aif) -> bool:
    """Return whether the mean of the last three frames is above half the peak of a curve."""
    return float(curve.value[-3:].mean()) > 0.5 * curve.peak


def partial_volume_ratio(aif: Aif, vof: Aif | None) -> float | None:
    """Return the partial-volume ratio: area of the VOF over area of the AIF.

    The same blood passes artery and vein, so that their areas differ only by partial volume; the vein fills its
    voxels. The AIF times this ratio has the area of the VOF.

    Parameters
    ----------
    aif, vof
        Enhancement of artery and vein on the same frames.

    Returns
    -------
    float or None
        At least 1. None without a vein, if the VOF is truncated by the end of the scan, or if the ratio is above
        `MAX_PARTIAL_VOLUME_RATIO`, which is not plausible for partial volume.
    """
    if vof is None or is_truncated(vof) or aif.area <= 0:
        return None
    ratio = vof.area / aif.area
    return max(ratio, 1.0) if ratio <= MAX_PARTIAL_VOLUME_RATIO else None
