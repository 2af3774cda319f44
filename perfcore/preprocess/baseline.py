"""The frames before the bolus: when contrast arrives, and the mean without it."""

from __future__ import annotations

from typing import Final

import numpy as np

from perfcore.types import BoolArray, DoubleArray, FloatArray

ARRIVAL_FRACTION: Final = 0.10
"""Arrival is where the brightest curve crosses this fraction of its range ..."""
SUSTAINED_FRAMES: Final = 3
"""... and stays above it for so many frames."""
MARGIN_FRAMES: Final = 3
"""Frames left out between the baseline and arrival."""
BRIGHTEST_FRACTION: Final = 0.005
ENOUGH_VOXELS: Final = 40_000
"""Larger regions are sampled evenly down to this size."""


def brightest_curve(data: FloatArray, region: BoolArray) -> DoubleArray:
    """Return the mean curve of the voxels that change most in time.

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
    DoubleArray
        Shape ``(n_time,)``: the mean over the upper 0.5 % of the region (at least 8 voxels where there are).
    """
    flat = np.flatnonzero(region)
    curves = data.reshape(-1, data.shape[3])[flat[:: max(1, len(flat) // ENOUGH_VOXELS)]]
    centred = curves - curves.mean(axis=1, keepdims=True)
    power = np.einsum("vt,vt->v", centred, centred)
    n_bright = min(len(power), max(8, round(BRIGHTEST_FRACTION * len(power))))
    chosen = np.argpartition(power, len(power) - n_bright)[len(power) - n_bright :]
    return np.asarray(curves[chosen].mean(axis=0, dtype=np.float64))


def arrival_frame(curve: DoubleArray) -> int:
    """Return the first frame of the first sustained rise of a bolus curve.

    The rise has to cross 10 % of the curve's range and to stay above it for 3 frames. The level at rest is
    the median of the first three frames.

    Parameters
    ----------
    curve
        Shape ``(n_time,)``, ``n_time`` ≥ 3.

    Returns
    -------
    int
        Index of the frame, 0 where the curve starts above the level or never rises.
    """
    rest = float(np.median(curve[:3]))
    above = curve > rest + ARRIVAL_FRACTION * (float(curve.max()) - rest)
    sustained = above.copy()
    for step in range(1, SUSTAINED_FRAMES):
        sustained[:-step] &= above[step:]
        sustained[-step:] = False
    return int(np.argmax(sustained))


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
