"""Edits of a whole curve: what a person does to an input function with one handle.

Pure functions of float64 curves on an even grid that starts at 0 s. The dashboard's copy in JavaScript
(``pages/live/frontend/curve/curve_edits.js``) is tested against these.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from perfcore.aif.curves import disperse
from perfcore.errors import ArgumentError
from perfcore.types import DoubleArray

SAME_TIME: Final = 1e-6
"""Fraction of a step within which two times are the same."""
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "smooth_s": (0.0, 20.0),
    "width": (0.2, 5.0),
    "dispersion_s": (0.0, 20.0),
    "shift_s": (-60.0, 60.0),
    "tail": (0.0, 5.0),
    "amplitude": (0.01, 20.0),
    "baseline": (-500.0, 500.0),
}


@dataclass(frozen=True)
class CurveEdit:
    """What the handles of a whole curve are set to; the defaults change nothing.

    Attributes
    ----------
    smooth_s
        Standard deviation of the Gaussian in time, seconds, 0 to 20.
    width
        Factor by which the curve is stretched in time about its peak, 0.2 to 5.
    dispersion_s
        Time constant of an exponential transport function, seconds, 0 to 20.
    shift_s
        The curve is moved later by this many seconds, −60 to 60.
    tail
        Factor on what follows the first pass, 0 to 5.
    amplitude
        Factor on all values, 0.01 to 20.
    baseline
        Enhancement added to all values, −500 to 500.
    cut_s
        Values after this time are set to 0; None cuts nothing.

    Raises
    ------
    ArgumentError
        A value is not finite or out of its range.
    """

    smooth_s: float = 0.0
    width: float = 1.0
    dispersion_s: float = 0.0
    shift_s: float = 0.0
    tail: float = 1.0
    amplitude: float = 1.0
    baseline: float = 0.0
    cut_s: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "cut_s":
                if value is not None and not (np.isfinite(value) and value >= 0):
                    raise ArgumentError(f"cut_s must be finite and at least 0 s; got {value}.")
                continue
            low, high = _RANGES[field.name]
            if not low <= value <= high:
                raise ArgumentError(f"{field.name} must lie between {low:g} and {high:g}; got {value}.")


def edit_curve(curve: DoubleArray, dt_s: float, edit: CurveEdit) -> DoubleArray:
    """Apply the handles in a fixed order: smooth, width, dispersion, shift, tail, amplitude, baseline, cut.

    Parameters
    ----------
    curve
        Enhancement, shape ``(n_time,)``, n_time ≥ 2.
    dt_s
        Step in seconds, > 0.
    edit
        What the handles are set to.

    Returns
    -------
    Shape ``(n_time,)``.
    """
    values = np.array(curve, np.float64)
    if values.ndim != 1 or values.size < 2 or not dt_s > 0:
        raise ArgumentError(f"A curve has shape (n_time,) and a positive step; got {values.shape} and {dt_s}.")
    values = smooth(values, dt_s, edit.smooth_s)
    values = widen(values, dt_s, edit.width)
    values = disperse(values, dt_s, edit.dispersion_s)
    values = shift(values, dt_s, edit.shift_s)
    values = scale_tail(values, dt_s, edit.tail)
    return cut(values * edit.amplitude + edit.baseline, dt_s, edit.cut_s)


def smooth(curve: DoubleArray, dt_s: float, sigma_s: float) -> DoubleArray:
    """Return the Gaussian mean over time, normalised by the weights that lie within the scan."""
    if sigma_s == 0:
        return curve.copy()
    reach = int(np.ceil(4 * sigma_s / dt_s))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) * dt_s / sigma_s) ** 2)
    n = curve.size
    total = np.convolve(curve, weights)[reach : reach + n]
    return np.asarray(total / np.convolve(np.ones(n), weights)[reach : reach + n], np.float64)


def widen(curve: DoubleArray, dt_s: float, width: float) -> DoubleArray:
    """Stretch the curve in time about its largest sample; read linearly, beyond the ends its end values."""
    time = np.arange(curve.size) * dt_s
    peak_s = dt_s * int(curve.argmax())
    return np.asarray(np.interp(peak_s + (time - peak_s) / width, time, curve), np.float64)


def shift(curve: DoubleArray, dt_s: float, shift_s: float) -> DoubleArray:
    """Move the curve later by ``shift_s``; read linearly, beyond the ends its end values."""
    time = np.arange(curve.size) * dt_s
    return np.asarray(np.interp(time - shift_s, time, curve), np.float64)


def scale_tail(curve: DoubleArray, dt_s: float, factor: float) -> DoubleArray:
    """Scale what follows the first pass: recirculation and plateau.

    The factor begins where the curve has fallen to half its peak and is whole after as long again as it took to
    fall there (half a step at least); a smooth step lies between. A curve that does not fall so far has no tail.
    """
    top = int(curve.argmax())
    half = 0.5 * curve[top]
    below = np.flatnonzero(curve[top + 1 :] <= half)
    if not below.size or half <= 0:
        return curve.copy()
    after = top + 1 + int(below[0])
    fall = (curve[after - 1] - half) / (curve[after - 1] - curve[after])
    half_s = dt_s * (after - 1 + fall)
    span_s = max(half_s - dt_s * top, 0.5 * dt_s)
    u = np.clip((np.arange(curve.size) * dt_s - half_s) / span_s, 0.0, 1.0)
    return np.asarray(curve * (1.0 + (factor - 1.0) * u * u * (3.0 - 2.0 * u)), np.float64)


def cut(curve: DoubleArray, dt_s: float, cut_s: float | None) -> DoubleArray:
    """Set the values after a time to 0, as if the bolus had not been followed further."""
    if cut_s is None:
        return curve.copy()
    return np.where(np.arange(curve.size) <= cut_s / dt_s + SAME_TIME, curve, 0.0)
