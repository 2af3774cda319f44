"""Arterial and venous input functions by a cost of height, arrival and width.

Source: Straka, Albers, Bammer 2010, doi:10.1002/jmri.22338.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perfcore.aif.select.features import Features, bolus_features, median3
from perfcore.aif.select.selection import Selection, as_aif, candidate_region, curves_of, no_artery
from perfcore.preprocess import Prepared
from perfcore.types import Aif, DoubleArray, FloatArray

ARRIVAL_WEIGHT: Final = 3.5
BRIGHT_FRACTION: Final = 0.05
"""Only this fraction of the voxels, the tallest, can be an artery."""
TALLEST: Final = 50
TALL_FRACTION: Final = 0.25
"""... and of those only the ones that reach this fraction of the 50 tallest."""
CHEAP_FRACTION: Final = 0.05
"""Clusters are sought among the cheapest of those."""
SMALLEST_CLUSTER: Final = 3
GROW_FRACTION: Final = 0.6
WEAK_HU: Final = 15.0
VENOUS_DELAY_S: Final = 2.0
LEAST_CONTRAST: Final = 2.0
"""An artery's peak is at least this multiple of the tissue's."""
LEAST_SNR: Final = 4.0
_NEIGHBOURS: Final = np.ones((3, 3, 3), bool)


def straka(prepared: Prepared) -> Selection:
    """Choose the cluster of voxels that is tall, early and narrow, and a tall one later as the vein.

    Per voxel, after a running median of three frames: peak *h*, arrival *a* and width *w*, and the cost
    ``−z(h) + 3.5 z(a) + z(w)``. The best connected cluster of at least three cheap voxels is grown by neighbours
    of at least 60 % of its peak. The vein is the tallest cluster that peaks at least 2 s later. In slabs without
    a large artery (peak below 15 HU) clusters of two voxels are accepted.

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
    flat, curves, features = _candidates(prepared)
    cost = -_z(features.height) + ARRIVAL_WEIGHT * _z(features.arrival) + _z(features.width)

    chosen = _best_cluster(prepared, flat, features, cost)
    chosen = _grown(prepared, flat, curves, chosen)
    aif = as_aif(prepared, flat[chosen], "straka")
    _refuse_tissue(prepared, aif)
    vof = _vein(prepared, flat, features, aif)
    return Selection(aif, vof, _why(aif, vof))


def _candidates(prepared: Prepared) -> tuple[NDArray[np.int64], FloatArray, Features]:
    """Return flat indices, filtered curves and features of the voxels that could be a vessel."""
    region = candidate_region(prepared)
    tall = prepared.tmip.reshape(-1)[region]
    n_bright = min(len(region), max(200, round(BRIGHT_FRACTION * len(region))))
    flat = np.sort(region[np.argpartition(tall, len(tall) - n_bright)[len(tall) - n_bright :]])
    raw = curves_of(prepared, flat)
    curves = median3(raw)
    features = bolus_features(curves)
    noise = np.median(np.abs(np.diff(raw, 2, axis=1)), axis=1) / (0.6745 * np.sqrt(6.0))
    tallest = float(np.sort(features.height)[-min(len(flat), TALLEST) :].mean())
    vessel = (features.height >= TALL_FRACTION * tallest) & (features.height >= LEAST_SNR * noise)
    vessel &= features.arrival >= prepared.n_baseline - 1
    if vessel.sum() < SMALLEST_CLUSTER - 1:
        raise no_artery("no voxel enhances clearly more than its noise")
    kept = Features(*(value[vessel] for value in vars(features).values()))
    return flat[vessel], curves[vessel], kept


def _z(values: FloatArray) -> DoubleArray:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0), np.float64)


def _clusters(prepared: Prepared, flat: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the connected component of each voxel (from 0), and their number."""
    volume = np.zeros(prepared.grid, bool)
    volume.reshape(-1)[flat] = True
    labels, n = ndimage.label(volume, _NEIGHBOURS)
    return np.asarray(labels.reshape(-1)[flat] - 1, np.int64), int(n)


def _best_cluster(
    prepared: Prepared, flat: NDArray[np.int64], features: Features, cost: DoubleArray
) -> NDArray[np.int64]:
    """Return positions (in ``flat``) of the connected cluster of cheap voxels with the lowest mean cost."""
    cheap = np.flatnonzero(cost <= np.quantile(cost, CHEAP_FRACTION))
    label, n = _clusters(prepared, flat[cheap])
    size = np.bincount(label, minlength=n)
    mean = np.bincount(label, weights=cost[cheap], minlength=n) / size
    height = np.bincount(label, weights=features.height[cheap].astype(np.float64), minlength=n) / size
    for smallest in (SMALLEST_CLUSTER, SMALLEST_CLUSTER - 1):
        fits = size >= smallest
        if fits.any():
            best = int(np.argmin(np.where(fits, mean, np.inf)))
            if height[best] >= WEAK_HU or smallest < SMALLEST_CLUSTER:
                return np.asarray(cheap[label == best])
    if (size >= SMALLEST_CLUSTER).any():
        best = int(np.argmin(np.where(size >= SMALLEST_CLUSTER, mean, np.inf)))
        return np.asarray(cheap[label == best])
    raise no_artery("no two neighbouring voxels enhance early and high")


def _grown(
    prepared: Prepared, flat: NDArray[np.int64], curves: FloatArray, chosen: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Add connected voxels with at least 60 % of the cluster's height at the cluster's own peak."""
    mean = curves[chosen].mean(axis=0)
    at = int(mean.argmax())
    similar = np.flatnonzero(curves[:, at] >= GROW_FRACTION * mean[at])
    similar = np.union1d(similar, chosen)
    label, _ = _clusters(prepared, flat[similar])
    mine = np.unique(label[np.searchsorted(similar, chosen)])
    connected = similar[np.isin(label, mine)]
    volume = np.zeros(prepared.grid, bool)
    volume.reshape(-1)[flat[chosen]] = True
    near = ndimage.binary_dilation(volume, _NEIGHBOURS).reshape(-1)[flat[connected]]
    return np.asarray(connected[near])


def _refuse_tissue(prepared: Prepared, aif: Aif) -> None:
    """Raise where the curve is no taller than tissue, or drowns in its own noise."""
    curve = aif.value
    tissue = prepared.tissue[prepared.reference] if prepared.reference.any() else prepared.tissue
    typical = float(np.median(tissue.max(axis=1)))
    noise = float(np.std(np.diff(curve, 2))) / np.sqrt(6.0)
    if aif.peak <= max(LEAST_CONTRAST * typical, 0.0) or aif.peak < LEAST_SNR * noise:
        raise no_artery("no cluster of voxels enhances clearly more than the tissue")


def _vein(prepared: Prepared, flat: NDArray[np.int64], features: Features, aif: Aif) -> Aif | None:
    """Return the tallest cluster that peaks at least 2 s after the artery, or None."""
    later = features.peak * prepared.dt_s >= aif.peak_time_s + VENOUS_DELAY_S
    later &= ~np.isin(flat, _flat_of(prepared, aif))
    if later.sum() < SMALLEST_CLUSTER:
        return None
    late = np.flatnonzero(later)
    top = late[features.height[late] >= GROW_FRACTION * np.quantile(features.height[late], 0.995)]
    label, n = _clusters(prepared, flat[top])
    size = np.bincount(label, minlength=n)
    height = np.bincount(label, weights=features.height[top].astype(np.float64), minlength=n) / size
    height[size < SMALLEST_CLUSTER] = -np.inf
    if not np.isfinite(height).any():
        return None
    members = top[label == int(height.argmax())]
    best = members[np.argsort(features.height[members])[::-1][: max(SMALLEST_CLUSTER, len(members) // 4)]]
    return as_aif(prepared, flat[np.sort(best)], "straka", arterial=False)


def _flat_of(prepared: Prepared, aif: Aif) -> NDArray[np.int64]:
    if not aif.voxels:
        return np.empty(0, np.int64)
    x, y, z = np.array(aif.voxels).T
    return np.asarray(np.ravel_multi_index((x, y, z), prepared.grid), np.int64)


def _why(aif: Aif, vof: Aif | None) -> str:
    text = (
        f"{len(aif.voxels)} neighbouring voxels that enhance high, early and briefly: "
        f"peak {aif.peak:.0f} at {aif.peak_time_s:.0f} s."
    )
    if vof is None:
        return f"{text} No vein was found."
    return f"{text} The vein peaks {vof.peak_time_s - aif.peak_time_s:.0f} s later at {vof.peak:.0f}."
