"""Arterial input function by a cost of height, arrival and width.

Source: Straka, Albers, Bammer 2010, doi:10.1002/jmri.22338.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perfcore.aif.select.candidates import (
    NEIGHBOURS,
    SMALLEST_CLUSTER,
    Candidates,
    as_volume,
    connected,
    find_candidates,
    no_artery,
)
from perfcore.aif.select.judge import WEAK_HU
from perfcore.aif.select.selection import Selection, finish
from perfcore.preprocess import Prepared
from perfcore.types import DoubleArray, FloatArray

ARRIVAL_WEIGHT: Final = 3.5
CHEAP_FRACTION: Final = 0.05
"""Clusters are sought among the cheapest of the candidates."""
GROW_FRACTION: Final = 0.6


def straka(prepared: Prepared) -> Selection:
    """Choose the cluster of voxels that is tall, early and narrow, and a tall one later as the vein.

    Per voxel, after a running median of three frames: peak *h*, arrival *a* and width *w*, and the cost
    ``−z(h) + 3.5 z(a) + z(w)``. The best connected cluster of at least three cheap voxels is grown by neighbours
    of at least 60 % of its peak. In slabs without a large artery (peak below 15 HU) two voxels are enough.

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
        No cluster stands out of the tissue as an artery does.
    """
    found = find_candidates(prepared)
    traits = found.features
    cost = -_z(traits.height) + ARRIVAL_WEIGHT * _z(traits.arrival) + _z(traits.width)
    chosen = _grow(prepared, found, _best_cluster(prepared, found, cost))
    return finish(prepared, found.flat[chosen], "straka", "neighbours that enhance high, early and briefly", found)


def _z(values: FloatArray) -> DoubleArray:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0), np.float64)


def _best_cluster(prepared: Prepared, found: Candidates, cost: DoubleArray) -> NDArray[np.int64]:
    """Return the candidates of the connected cluster of cheap voxels with the lowest mean cost."""
    cheap = np.flatnonzero(cost <= np.quantile(cost, CHEAP_FRACTION))
    label, n = connected(prepared.grid, found.flat[cheap])
    size = np.bincount(label, minlength=n)
    mean = np.bincount(label, weights=cost[cheap], minlength=n) / size
    height = np.bincount(label, weights=found.features.height[cheap].astype(np.float64), minlength=n) / size
    enough = size >= SMALLEST_CLUSTER
    if not (enough & (height >= WEAK_HU)).any():
        enough = size >= SMALLEST_CLUSTER - 1
    if not enough.any():
        raise no_artery("no two neighbouring voxels enhance early and high")
    best = int(np.argmin(np.where(enough, mean, np.inf)))
    return np.asarray(cheap[label == best])


def _grow(prepared: Prepared, found: Candidates, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add the neighbours that reach 60 % of the cluster's height when the cluster peaks."""
    mean = found.curves[chosen].mean(axis=0)
    at = int(mean.argmax())
    near = ndimage.binary_dilation(as_volume(prepared.grid, found.flat[chosen]), NEIGHBOURS)
    grown = near.reshape(-1)[found.flat] & (found.curves[:, at] >= GROW_FRACTION * mean[at])
    grown[chosen] = True
    return np.flatnonzero(grown)
