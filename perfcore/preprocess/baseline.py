"""The frames before the bolus: when contrast arrives, and how many frames come before it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.types import BoolArray, FloatArray

ARRIVAL_FRACTION: Final = 0.10
"""Arrival is where a curve crosses this fraction of its range ..."""
SUSTAINED_FRAMES: Final = 3
"""... and stays above it for so many frames."""
MARGIN_FRAMES: Final = 3
"""Frames left out between the baseline and arrival."""
BRIGHTEST_FRACTION: Final = 0.005
MAX_SAMPLED_VOXELS: Final = 60_000
"""Larger regions are sampled evenly down to about this size."""
CLEAR_SNR: Final = 15.0
MIN_CLEAR_CURVES: Final = 8
EARLY_QUANTILE: Final = 0.10


def brightest_curves(data: FloatArray, region: BoolArray) -> FloatArray:
    """Return the curves of the voxels that change most in time.

    The rank is the standard deviation over all frames, which favours no frame over another (a rank by
    "maximum minus first frames" would pick voxels whose noise is low in the first frames).

    Parameters
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``, C-contiguous, HU or enhancement.
    region
        Shape ``(nx, ny, nz)``, at least one voxel.

    Returns
    -------
    FloatArray
        Shape ``(n, n_time)``: the upper 0.5 % of the region, at least 8 voxels where there are.
    """
    flat = np.flatnonzero(region)
    curves = data.reshape(-1, data.shape[3])[flat[:: max(1, len(flat) // MAX_SAMPLED_VOXELS)]]
    centred = curves - curves.mean(axis=1, keepdims=True)
    power = np.einsum("vt,vt->v", centred, centred)
    n_bright = min(len(power), max(8, round(BRIGHTEST_FRACTION * len(power))))
    chosen = np.argpartition(power, len(power) - n_bright)[len(power) - n_bright :]
    return np.asarray(curves[chosen])


def arrival_frames(curves: NDArray[Any]) -> NDArray[np.int64]:
    """Return the first frame of the first sustained rise of each curve.

    The rise has to cross 10 % of the curve's range and to stay above it for 3 frames. The level at rest is
    the median of the first three frames.

    Parameters
    ----------
    curves
        Shape ``(n, n_time)``, ``n_time`` ≥ 3.

    Returns
    -------
    NDArray[np.int64]
        Shape ``(n,)``; 0 where a curve starts above the level or never rises.
    """
    rest = np.median(curves[:, :3], axis=1, keepdims=True)
    above = curves > rest + ARRIVAL_FRACTION * (curves.max(axis=1, keepdims=True) - rest)
    sustained = above.copy()
    for step in range(1, SUSTAINED_FRAMES):
        sustained[:, :-step] &= above[:, step:]
        sustained[:, -step:] = False
    return np.asarray(np.argmax(sustained, axis=1), np.int64)


def first_arrival(curves: FloatArray) -> int:
    """Return the frame in which contrast first arrives among the brightest voxels.

    Their mean is mostly venous and rises seconds after the arteries. So each curve that stands far out of its
    noise is asked as well, and the tenth percentile of their arrivals counts where it is earlier.

    Parameters
    ----------
    curves
        Shape ``(n, n_time)``, of :func:`brightest_curves`.
    """
    whole = int(arrival_frames(curves.mean(axis=0, dtype=np.float64)[None])[0])
    height = curves.max(axis=1) - np.median(curves[:, :3], axis=1)
    noise = np.median(np.abs(np.diff(curves, 2, axis=1)), axis=1) / (0.6745 * np.sqrt(6.0))
    clear = curves[height > CLEAR_SNR * noise]
    if len(clear) < MIN_CLEAR_CURVES:
        return whole
    return min(whole, int(np.quantile(arrival_frames(clear), EARLY_QUANTILE)))


def baseline_frames(arrival: int) -> int:
    """Return how many frames make the baseline: up to 3 before arrival, but 2 where that leaves fewer.

    Parameters
    ----------
    arrival
        Index of the frame where contrast arrives, ≥ 0.

    Returns
    -------
    int
        At least 1.
    """
    return max(arrival - MARGIN_FRAMES, min(arrival, 2), 1)
