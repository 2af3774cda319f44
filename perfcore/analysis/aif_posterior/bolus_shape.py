"""Bolus shape: a curve as arrival, width and height, and its shape on an axis in units of its width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from perfcore.aif.curves import fine_grid
from perfcore.aif.select.features import bolus_features
from perfcore.errors import ArgumentError
from perfcore.types import DoubleArray

SHAPE_AXIS: Final = np.concatenate([np.linspace(-0.6, 3.4, 81), np.linspace(3.6, 9.0, 28)])
"""Points of a shape: time after arrival in units of the width; a narrow bolus is scanned for 8 widths."""
FINE_DT_S: Final = 0.1


@dataclass(frozen=True, eq=False)
class BolusShape:
    """A bolus curve, independent of its time axis.

    Attributes
    ----------
    arrival_s
        Last upward crossing of 20 % of the peak before the peak, seconds.
    width_s
        Full width at half maximum, seconds, > 0.
    height
        Peak, > 0, in the units of the curve.
    shape
        The curve over its height at ``arrival_s + width_s * SHAPE_AXIS``; constant outside the scan.
    """

    arrival_s: float
    width_s: float
    height: float
    shape: DoubleArray


def measure_bolus(curve: DoubleArray, dt_s: float, smoothing_s: float = 0.0) -> BolusShape:
    """Measure a curve on an even time axis from 0 s.

    Parameters
    ----------
    curve
        Shape ``(n_time,)``, enhancement.
    dt_s
        Time step in seconds.
    smoothing_s
        Standard deviation of a Gaussian filter before the measurement, seconds; 0 is none.

    Raises
    ------
    ArgumentError
        The curve has no positive peak.
    """
    values = np.asarray(curve, np.float64)
    if smoothing_s > 0:
        values = gaussian_filter1d(values, smoothing_s / dt_s, mode="nearest")
    time = np.arange(values.size) * dt_s
    fine = fine_grid(float(time[-1]), FINE_DT_S)[: int(time[-1] / FINE_DT_S + 1e-6) + 1]
    found = bolus_features(np.asarray(CubicSpline(time, values)(fine), np.float32)[None])
    height, arrival_s, width_s = (
        float(found.height[0]),
        float(found.arrival[0]) * FINE_DT_S,
        float(found.width[0]) * FINE_DT_S,
    )
    if not (height > 0 and width_s > 0):
        raise ArgumentError("The curve has no positive peak, so that it has no shape.")
    shape = np.interp(arrival_s + width_s * SHAPE_AXIS, time, values) / height
    return BolusShape(arrival_s, width_s, height, shape)


def curve_at(
    time_s: DoubleArray, arrival_s: DoubleArray, width_s: DoubleArray, shapes: DoubleArray
) -> DoubleArray:
    """Return curves of height about 1 from arrivals, widths and shapes; never negative.

    Parameters
    ----------
    time_s
        Shape ``(n_time,)``.
    arrival_s, width_s
        Shape ``(n,)``, seconds.
    shapes
        Shape ``(n, len(SHAPE_AXIS))``.

    Returns
    -------
    Shape ``(n, n_time)``: linear between the points of a shape, constant outside its axis.
    """
    axes = (time_s - arrival_s[:, None]) / width_s[:, None]
    return np.stack([np.interp(a, SHAPE_AXIS, s) for a, s in zip(axes, shapes, strict=True)]).clip(min=0.0)
