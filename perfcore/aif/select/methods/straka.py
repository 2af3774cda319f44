"""Arterial input function by a cost of height, arrival and width.

Source: Straka, Albers, Bammer 2010, doi:10.1002/jmri.22338.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perfcore.aif.select import SelectorInfo
from perfcore.aif.select.candidates import (
    MIN_CLUSTER_VOXELS,
    NEIGHBOURS,
    Candidates,
    arrives_by,
    connected_components,
    find_candidates,
    mask_volume,
    no_artery_error,
)
from perfcore.aif.select.selection import Selection, select_by_arrival
from perfcore.plausibility.artery import WEAK_PEAK_HU
from perfcore.preprocess import Prepared
from perfcore.types import DoubleArray, FloatArray

ARRIVAL_WEIGHT: Final = 3.5
N_HIGHEST: Final = 20
CANDIDATE_PEAK_FRACTION: Final = 0.85
"""Minimum peak of a candidate, as a fraction of the mean of the 20 highest early vessels."""
LOW_COST_FRACTION: Final = 0.05
MIN_LOW_COST_VOXELS: Final = 30
"""Clusters are formed from the 5 % of candidates with the lowest cost, at least 30 of them."""
GROWTH_PEAK_FRACTION: Final = 0.6
MAX_GROWTH_LAG_S: Final = 0.5


def straka(prepared: Prepared) -> Selection:
    """Select the AIF as the cluster of voxels with a high, early and narrow bolus.

    Candidates arrive no later than healthy tissue (our addition) and reach 85 % of the highest peaks. Per voxel,
    after a running median of three frames: peak *h*, arrival *a*, width *w* and the cost
    ``−z(h) + 3.5 z(a) + z(w)``. The connected cluster of at least three low-cost voxels with the lowest mean cost
    grows by connected voxels that reach 60 % of its peak. In slabs without a large artery (peak below 15 HU) two
    voxels are sufficient.

    Parameters
    ----------
    prepared
        The case.

    Returns
    -------
    Selection

    Raises
    ------
    NoArteryError
        No cluster is clearly above the tissue.
    """
    vessels = find_candidates(prepared)

    def choose(max_lag_s: float) -> NDArray[np.int64]:
        early = vessels.subset(arrives_by(prepared, vessels.features.arrival, max_lag_s))
        if len(early.flat) < MIN_CLUSTER_VOXELS - 1:
            raise no_artery_error("no vessel arrives before the tissue")
        tallest = float(np.sort(early.features.height)[-N_HIGHEST:].mean())
        found = early.subset(early.features.height >= CANDIDATE_PEAK_FRACTION * tallest)
        features = found.features
        cost = -_z(features.height) + ARRIVAL_WEIGHT * _z(features.arrival) + _z(features.width)
        cluster = np.searchsorted(early.flat, found.flat[_best_cluster(prepared, found, cost)])
        return early.flat[_grow(prepared, early, cluster)]

    return select_by_arrival(
        prepared, choose, "straka", "neighbouring voxels with a high, early and narrow bolus", vessels
    )


def _z(values: FloatArray) -> DoubleArray:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0), np.float64)


def _best_cluster(prepared: Prepared, found: Candidates, cost: DoubleArray) -> NDArray[np.int64]:
    """Return the candidates of the connected cluster of low-cost voxels with the lowest mean cost."""
    n_low = min(len(cost), max(MIN_LOW_COST_VOXELS, round(LOW_COST_FRACTION * len(cost))))
    low_cost = np.sort(np.argpartition(cost, n_low - 1)[:n_low])
    label, n = connected_components(prepared.grid, found.flat[low_cost])
    size = np.bincount(label, minlength=n)
    mean = np.bincount(label, weights=cost[low_cost], minlength=n) / size
    height = np.bincount(label, weights=found.features.height[low_cost].astype(np.float64), minlength=n) / size
    enough = size >= MIN_CLUSTER_VOXELS
    weak = prepared.in_hu and not (enough & (height >= WEAK_PEAK_HU)).any()
    if weak or not enough.any():
        enough = size >= MIN_CLUSTER_VOXELS - 1
    if not enough.any():
        raise no_artery_error("no two neighbouring voxels have an early and high bolus")
    best = int(np.argmin(np.where(enough, mean, np.inf)))
    return np.asarray(low_cost[label == best])


def _grow(prepared: Prepared, found: Candidates, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add connected voxels that reach 60 % of the cluster's peak at its peak time and arrive no later."""
    mean = found.curves[chosen].mean(axis=0)
    at = int(mean.argmax())
    latest = float(found.features.arrival[chosen].max()) + MAX_GROWTH_LAG_S / prepared.dt_s
    similar = (found.curves[:, at] >= GROWTH_PEAK_FRACTION * mean[at]) & (found.features.arrival <= latest)
    similar[chosen] = True
    seed = mask_volume(prepared.grid, found.flat[chosen])
    grown = ndimage.binary_propagation(seed, NEIGHBOURS, mask=mask_volume(prepared.grid, found.flat[similar]))
    return np.flatnonzero(np.asarray(grown).reshape(-1)[found.flat])


INFO: Final = SelectorInfo("straka", "Straka", "#ff5a5f", straka)
