"""Features of bolus curves, vectorised: peak, arrival, width, area, roughness, first moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.types import FloatArray

ARRIVAL_LEVEL: Final = 0.2


@dataclass(frozen=True, eq=False)
class Features:
    """Features of ``n`` curves, each of shape ``(n,)``; times in fractional frames.

    Attributes
    ----------
    height
        Peak enhancement.
    peak
        Frame of the peak.
    arrival
        Last upward crossing of 20 % of the peak before the peak.
    width
        Full width at half maximum; ends at the last frame if the curve does not fall to half its peak.
    """

    height: FloatArray
    peak: FloatArray
    arrival: FloatArray
    width: FloatArray


def median3(curves: FloatArray) -> FloatArray:
    """Return curves after a running median of three frames (the ends unchanged), shape ``(n, n_time)``."""
    out = curves.copy()
    before, here, after = curves[:, :-2], curves[:, 1:-1], curves[:, 2:]
    low, high = np.minimum(before, here), np.maximum(before, here)
    out[:, 1:-1] = np.maximum(low, np.minimum(high, after))
    return out


def bolus_features(curves: FloatArray) -> Features:
    """Measure peak enhancement, time to peak, arrival (20 %) and width (50 %).

    Parameters
    ----------
    curves
        Shape ``(n, n_time)``, enhancement, ``n_time`` ≥ 3.
    """
    peak = curves.argmax(axis=1)
    height = np.take_along_axis(curves, peak[:, None], axis=1)[:, 0]
    rise = _crossing_before(curves, peak, ARRIVAL_LEVEL * height)
    half = 0.5 * height
    up = _crossing_before(curves, peak, half)
    mirrored = curves[:, ::-1]
    last = curves.shape[1] - 1
    down = last - _crossing_before(mirrored, last - peak, half)
    return Features(height, peak.astype(np.float32), rise, np.asarray(down - up, np.float32))


def _crossing_before(curves: FloatArray, peak: np.ndarray, level: FloatArray) -> FloatArray:
    """Return the last upward crossing of a level before the peak, interpolated between frames; 0 without one."""
    frames = np.arange(curves.shape[1])
    below = (curves <= level[:, None]) & (frames <= peak[:, None])
    last_below = curves.shape[1] - 1 - below[:, ::-1].argmax(axis=1)
    never = ~below.any(axis=1)
    last_below = np.where(never, 0, np.minimum(last_below, curves.shape[1] - 2))
    rows = np.arange(len(curves))
    low, high = curves[rows, last_below], curves[rows, last_below + 1]
    step = np.where(high > low, (level - low) / np.where(high > low, high - low, 1), 0)
    return np.asarray(np.where(never, 0, last_below + np.clip(step, 0, 1)), np.float32)


def area(curves: FloatArray) -> FloatArray:
    """Return the sum over time, shape ``(n,)``."""
    return np.asarray(curves.sum(axis=1), np.float32)


def roughness(curves: FloatArray) -> FloatArray:
    r"""Return the curvature of the area-normalised curves, shape ``(n,)``.

    .. math:: \int \ddot c(t)^2\,dt \Big/ \Big(\int c(t)\,dt\Big)^2

    in units of frames; infinite where the area is not positive.
    """
    total = area(curves)
    bend = np.diff(curves, 2, axis=1)
    power = np.einsum("vt,vt->v", bend, bend)
    return np.asarray(np.where(total > 0, power / np.where(total > 0, total, 1) ** 2, np.inf), np.float32)


def first_moment(curves: FloatArray) -> FloatArray:
    """Return the first moment of the positive part of each curve in frames, shape ``(n,)``."""
    positive = np.maximum(curves, 0)
    total = positive.sum(axis=1)
    moment = positive @ np.arange(curves.shape[1], dtype=np.float32)
    return np.asarray(moment / np.where(total > 0, total, 1), np.float32)
