"""Baseline: frame of contrast arrival, and number of frames before it."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.types import BoolArray, FloatArray

ARRIVAL_FRACTION: Final = 0.10
"""Fraction of its range that a curve crosses at arrival."""
MARGIN_FRAMES: Final = 3
"""Frames left out between the baseline and arrival."""
BRIGHTEST_FRACTION: Final = 0.005
MAX_SAMPLED_VOXELS: Final = 60_000
"""Larger regions are subsampled evenly to about this number of voxels."""
CLEAR_SNR: Final = 10.0
NOISE_LAG_S: Final = 3.0
"""Frames this far apart have independent noise: those resampled from 2 to 3 s share it with their neighbours."""
SECOND_DIFFERENCE: Final = 0.6745 * math.sqrt(6.0)
"""Median absolute second difference of white noise, in standard deviations."""
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
    """Return the frame at which the rise to the peak of each curve begins.

    It follows the last frame before the peak at or below 10 % of the range: searched backward, so that noise or
    drift long before the bolus is not taken for it. The resting level is the median of the first three frames.

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
    rise = curves.max(axis=1, keepdims=True) - rest
    n_time = curves.shape[1]
    before_peak = np.arange(n_time) < curves.argmax(axis=1)[:, None]
    below = (curves <= rest + ARRIVAL_FRACTION * rise) & before_peak
    found = below.any(axis=1) & (rise[:, 0] > 0)
    return np.asarray(np.where(found, n_time - below[:, ::-1].argmax(axis=1), 0), np.int64)


def curve_noise(curves: FloatArray, dt_s: float) -> FloatArray:
    """Return the noise of each curve, shape ``(n,)``: the median absolute second difference over `NOISE_LAG_S`.

    Parameters
    ----------
    curves
        Shape ``(n, n_time)``, ``n_time`` ≥ 3.
    dt_s
        Time step in seconds.
    """
    n_time = curves.shape[1]
    lag = int(np.clip(round(NOISE_LAG_S / dt_s), 1, max(1, (n_time - 1) // 4)))
    bend = curves[:, 2 * lag :] - 2 * curves[:, lag : n_time - lag] + curves[:, : n_time - 2 * lag]
    return np.asarray(np.median(np.abs(bend), axis=1) / SECOND_DIFFERENCE, np.float32)


def first_arrival(curves: FloatArray, dt_s: float) -> int:
    """Return the frame of contrast arrival in the brightest voxels.

    Their mean curve is mostly venous and rises seconds after the arteries. Therefore the 10th percentile of the
    arrivals of single curves with a high signal-to-noise ratio is used where it is earlier.

    Parameters
    ----------
    curves
        Shape ``(n, n_time)``, of :func:`brightest_curves`.
    dt_s
        Time step in seconds.
    """
    whole = int(arrival_frames(curves.mean(axis=0, dtype=np.float64)[None])[0])
    height = curves.max(axis=1) - np.median(curves[:, :3], axis=1)
    clear = curves[height > CLEAR_SNR * curve_noise(curves, dt_s)]
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
