"""Arterial input function by recursive hierarchical clustering.

Source: Peruzzo et al. 2011, doi:10.1016/j.cmpb.2011.02.003.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage

from perfcore.aif.select import SelectorInfo
from perfcore.aif.select.candidates import arrives_by, no_artery_error, search_region, voxel_curves
from perfcore.aif.select.features import area, bolus_features, median3, roughness
from perfcore.aif.select.selection import Selection, select_by_arrival
from perfcore.preprocess import Prepared
from perfcore.types import DoubleArray, FloatArray

ELLIPSE_FRACTION: Final = 0.7
"""Half axes of the search ellipse, as a fraction of the brain's half extent; excludes sinuses at the skull."""
DROPPED_AREA_FRACTION: Final = 0.40
DROPPED_LATE_FRACTION: Final = 0.40
DROPPED_CURVATURE_FRACTION: Final = 0.05
PEAK_TIE_FRACTION: Final = 0.04
MAX_AIF_VOXELS: Final = 6
MAX_TREE_LEAVES: Final = 2_000
"""Maximum number of clustered voxels, those of largest area: the memory of a tree grows with its square."""


def peruzzo(prepared: Prepared) -> Selection:
    """Select the AIF by hierarchical clustering: descend to the branch of higher peak until six voxels remain.

    Within an ellipse inside the brain, the 40 % of curves with the smallest area, the 40 % with the latest peak
    and the 5 % with the highest roughness are dropped, and (our addition) those later than healthy tissue.
    Ward's tree of the rest is descended from its root, at each node to the branch whose mean curve has the higher
    peak or, if the two peaks differ by at most 4 %, the earlier one. One tree is sufficient for all steps, because
    Ward merges within a branch depend on its members alone.

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
        No voxel remains, or its curve is not clearly above the tissue.
    """
    flat = _ellipse(prepared)
    curves = voxel_curves(prepared, flat)
    for measure, dropped in (
        (_negative_area, DROPPED_AREA_FRACTION),
        (_peak_frame, DROPPED_LATE_FRACTION),
        (roughness, DROPPED_CURVATURE_FRACTION),
    ):
        value = measure(curves)
        kept = value <= np.quantile(value, 1.0 - dropped, method="lower")  # the roughness of no curve is infinite
        flat, curves = flat[kept], curves[kept]
    arrival = bolus_features(median3(curves)).arrival

    def choose(max_lag_s: float) -> NDArray[np.int64]:
        early = np.flatnonzero(arrives_by(prepared, arrival, max_lag_s))
        if len(early) == 0:
            raise no_artery_error("no vessel arrives before the tissue")
        largest = early[np.sort(np.argsort(area(curves[early]))[-MAX_TREE_LEAVES:])]
        return flat[largest[_descend(curves[largest])]]

    return select_by_arrival(
        prepared, choose, "peruzzo", "the branch of highest and earliest peak in a hierarchical clustering"
    )


def _negative_area(curves: FloatArray) -> FloatArray:
    return np.asarray(-area(curves), np.float32)


def _peak_frame(curves: FloatArray) -> FloatArray:
    return np.asarray(curves.argmax(axis=1), np.float32)


def _ellipse(prepared: Prepared) -> NDArray[np.int64]:
    """Return flat indices of the voxels within the search ellipse of each slice."""
    region = np.zeros(prepared.grid, bool)
    region.reshape(-1)[search_region(prepared)] = True
    for z in range(prepared.grid[2]):
        xs, ys = np.flatnonzero(region[..., z].any(axis=1)), np.flatnonzero(region[..., z].any(axis=0))
        if len(xs) == 0:
            continue
        x, y = np.ogrid[: prepared.grid[0], : prepared.grid[1]]
        reach_x, reach_y = max(np.ptp(xs) / 2, 1) * ELLIPSE_FRACTION, max(np.ptp(ys) / 2, 1) * ELLIPSE_FRACTION
        middle_x, middle_y = (xs[0] + xs[-1]) / 2, (ys[0] + ys[-1]) / 2
        region[..., z] &= ((x - middle_x) / reach_x) ** 2 + ((y - middle_y) / reach_y) ** 2 <= 1
    return np.flatnonzero(region)


def _descend(curves: FloatArray) -> NDArray[np.int64]:
    """Descend Ward's tree from its root to a branch of at most six leaves; return their positions."""
    if len(curves) <= MAX_AIF_VOXELS:
        return np.arange(len(curves))
    tree = linkage(curves.astype(np.float64), method="ward")
    members = _leaves(tree, 2 * len(curves) - 2, len(curves))
    node = 2 * len(curves) - 2
    while len(members) > MAX_AIF_VOXELS:
        branches = [int(branch) for branch in tree[node - len(curves), :2]]
        leaves = [_leaves(tree, branch, len(curves)) for branch in branches]
        means = [curves[part].mean(axis=0) for part in leaves]
        heights = [float(mean.max()) for mean in means]
        if abs(heights[0] - heights[1]) <= PEAK_TIE_FRACTION * max(heights):
            best = int(means[1].argmax() < means[0].argmax())
        else:
            best = int(heights[1] > heights[0])
        node, members = branches[best], leaves[best]
    return np.sort(members)


def _leaves(tree: DoubleArray, node: int, n: int) -> NDArray[np.int64]:
    """Return the leaves below a node of a scipy linkage of ``n`` leaves (nodes from ``n`` on are merges)."""
    leaves, open_nodes = [], [node]
    while open_nodes:
        here = open_nodes.pop()
        if here < n:
            leaves.append(here)
        else:
            open_nodes += [int(branch) for branch in tree[here - n, :2]]
    return np.array(leaves, np.int64)


INFO: Final = SelectorInfo("peruzzo", "Peruzzo", "#3f9fe0", peruzzo)
