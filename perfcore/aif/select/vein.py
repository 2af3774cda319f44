"""The venous output function, and what it says about partial volume in the artery."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.select.candidates import MIN_CLUSTER_VOXELS, Candidates, connected_components
from perfcore.preprocess import Prepared
from perfcore.types import Aif

VENOUS_DELAY_S: Final = 2.0
VEIN_PEAK_FRACTION: Final = 0.6
MAX_PARTIAL_VOLUME_RATIO: Final = 2.5


def find_vein(
    prepared: Prepared, candidates: Candidates, artery: NDArray[np.int64], peak_time_s: float
) -> NDArray[np.int64] | None:
    """Find the tallest cluster of at least three voxels that peaks 2 s after the artery or later.

    Parameters
    ----------
    prepared
        The case.
    candidates
        Voxels that could be a vessel.
    artery
        Flat indices of the artery's voxels, which are left out.
    peak_time_s
        When the artery peaks.

    Returns
    -------
    NDArray[np.int64] or None
        Flat indices: the tallest quarter of that cluster, at least three.
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
    """Say whether a curve has not fallen to half its peak by its end (mean of the last three frames)."""
    return float(curve.value[-3:].mean()) > 0.5 * curve.peak


def partial_volume_ratio(aif: Aif, vof: Aif | None) -> float | None:
    """Return by how much an artery's curve is too small, from the area of a vein that fills its voxels.

    All blood that passes the artery passes the vein, so that their areas agree but for partial volume. The AIF
    times this ratio has the vein's area.

    Parameters
    ----------
    aif, vof
        Enhancement of artery and vein on the same frames.

    Returns
    -------
    float or None
        At least 1. None without a vein, where its curve is cut off by the scan's end, or where the ratio is above
        2.5, which says that the two do not belong together.
    """
    if vof is None or is_truncated(vof) or aif.area <= 0:
        return None
    ratio = vof.area / aif.area
    return max(ratio, 1.0) if ratio <= MAX_PARTIAL_VOLUME_RATIO else None
