"""Baseline: frame of contrast arrival, and number of frames before it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.types import BoolArray, FloatArray

ARRIVAL_FRACTION: Final = 0.10
"""Fraction of its range that a curve crosses at arrival."""
SUSTAINED_FRAMES: Final = 3
"""Number of frames that a curve stays above the arrival level."""
MARGIN_FRAMES: Final = 3
"""Frames left out between the baseline and arrival."""
BRIGHTEST_FRACTION: Final = 0.005
MAX_SAMPLED_VOXELS: Final = 60_000
"""Larger regions are subsampled evenly to about this number of voxels."""
CLEAR_SNR: Final = 15.0
MIN_CLEAR_CURVES: Final = 8
EARLY_QUANTILE: Final = 0.10


def brightest_curves(data: FloatArray, region: BoolArray) -> FloatArray:
    """Return the curves with the largest standard deviation over time.

    The standard deviation treats all frames equally; "maximum minus first frames" would select voxels whose noise
    is low in the first frames.

    Parameters
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``, C-contiguous, HU or enhancement.
    region
        Shape ``(nx, ny, nz)``, at least one voxel.

    Returns
    -------
    FloatArray
        Shape ``(n, n_time)``: the upper 0.5 % of the region, at least 8 voxels if it has as many.
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

    The curve has to cross 10 % of its range and stay above it for 3 frames. The resting level is the median of the
    first three frames.

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
    """Return the frame of contrast arrival in the brightest voxels.

    Their mean curve is mostly venous and rises seconds after the arteries. Therefore the 10th percentile of the
    arrivals of single curves with a high signal-to-noise ratio is used where it is earlier.

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
    """Return the number of baseline frames: those up to 3 frames before arrival, but at least 2 if available.

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
