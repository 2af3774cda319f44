"""Arterial input function by clustering curves, with k-means or fuzzy c-means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.select.candidates import (
    MIN_VESSEL_CONTRAST,
    healthy_curve,
    no_artery_error,
    search_region,
    voxel_curves,
)
from perfcore.aif.select.features import area, first_moment, roughness
from perfcore.aif.select.selection import Selection, build_selection
from perfcore.preprocess import Prepared
from perfcore.preprocess.slabs import matmul_in_blocks
from perfcore.types import FloatArray

KEPT_AREA_FRACTION: Final = 0.10
DROPPED_ROUGH_FRACTION: Final = 0.25
N_CLUSTERS: Final = 5
N_PASSES: Final = 2
FUZZINESS: Final = 2.0
_STEPS: Final = 40
_TOLERANCE: Final = 1e-3

Clustering = Callable[[FloatArray], NDArray[np.int64]]


def earliest_cluster(prepared: Prepared, method: str, clustering: Clustering) -> Selection:
    """Select the AIF as the earliest of five clusters, in two passes.

    The 10 % of voxels with the largest area are kept, and the roughest quarter of these is dropped. The rest is
    clustered; the cluster whose mean curve has the smallest first moment is clustered again, and its earliest
    cluster is the artery. Clusters whose peak is not clearly above the tissue are ignored (our addition).

    Parameters
    ----------
    prepared
        The case.
    method
        Id of the selector.
    clustering
        Function from curves, shape ``(n, n_time)``, to cluster labels, shape ``(n,)``.

    Returns
    -------
    Selection

    Raises
    ------
    NoArteryError
        No cluster remains, or its curve is not clearly above the tissue.
    """
    flat = search_region(prepared)
    curves = voxel_curves(prepared, flat)
    areas = area(curves)
    large = areas >= np.quantile(areas, 1.0 - KEPT_AREA_FRACTION)
    flat, curves = flat[large], curves[large]
    rough = roughness(curves)
    smooth = rough <= np.quantile(rough, 1.0 - DROPPED_ROUGH_FRACTION)
    flat, curves = flat[smooth], curves[smooth]
    tissue = float(healthy_curve(prepared).max())
    for _ in range(N_PASSES):
        if len(curves) < 2 * N_CLUSTERS:
            break
        label = clustering(curves)
        means = np.stack([curves[label == k].mean(axis=0) for k in np.unique(label)])
        moment = np.where(means.max(axis=1) >= MIN_VESSEL_CONTRAST * tissue, first_moment(means), np.inf)
        earliest = np.unique(label)[int(moment.argmin())]
        flat, curves = flat[label == earliest], curves[label == earliest]
    if len(flat) == 0:
        raise no_artery_error("no curve is left after clustering")
    return build_selection(prepared, flat, method, "the earliest cluster of the smooth curves with a large area")


def k_means(curves: FloatArray) -> NDArray[np.int64]:
    """Return the k-means cluster of each curve, shape ``(n,)``; the same curves give the same clusters."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - takes seconds to import, and only this selector uses it

    found = KMeans(N_CLUSTERS, n_init=2, random_state=0).fit(curves)
    return np.asarray(found.labels_, np.int64)


def fuzzy_c_means(curves: FloatArray, n_clusters: int = N_CLUSTERS) -> NDArray[np.int64]:
    r"""Return the cluster of largest membership of each curve.

    Bezdek's iteration of

    .. math:: u_{ik} = \Big[\sum_j (d_{ik}/d_{ij})^{2/(m-1)}\Big]^{-1}, \qquad
              v_k = \frac{\sum_i u_{ik}^m c_i}{\sum_i u_{ik}^m}, \qquad m = 2.

    The initial centres are means of the curves in order of area, so that the result is deterministic.

    Parameters
    ----------
    curves
        Shape ``(n, n_time)``, n ≥ ``n_clusters``.
    n_clusters
        ≥ 2.

    Returns
    -------
    NDArray[np.int64]
        Shape ``(n,)``, 0 to ``n_clusters − 1``.
    """
    order = np.argsort(area(curves))
    centres = np.stack([curves[part].mean(axis=0) for part in np.array_split(order, n_clusters)])
    squares = np.einsum("vt,vt->v", curves, curves)
    membership = np.zeros((len(curves), n_clusters), np.float32)
    for _ in range(_STEPS):
        distance = (
            squares[:, None] - 2 * matmul_in_blocks(curves, centres.T) + np.einsum("kt,kt->k", centres, centres)
        )
        closeness = np.maximum(distance, 1e-12 * squares.max() + 1e-30) ** (-1.0 / (FUZZINESS - 1.0))
        now = closeness / closeness.sum(axis=1, keepdims=True)
        change = float(np.abs(now - membership).max())
        membership = now
        weight = membership**FUZZINESS
        centres = np.einsum("vk,vt->kt", weight, curves) / weight.sum(axis=0)[:, None]
        if change < _TOLERANCE:
            break
    return np.asarray(membership.argmax(axis=1), np.int64)
