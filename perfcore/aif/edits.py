"""Global edits of an AIF curve: smoothing, width, dispersion, shift, tail, amplitude, baseline and cut.

Pure functions of float64 curves on an even grid that starts at 0 s. The JavaScript port
(``pages/live/frontend/curve/curve_edits.js``) is tested against these functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from perfcore.aif.curves import disperse
from perfcore.errors import ArgumentError
from perfcore.ranges import Span
from perfcore.types import DoubleArray

SAME_TIME: Final = 1e-6
"""Tolerance for equal times, as a fraction of a time step."""


@dataclass(frozen=True)
class CurveEdit:
    """Parameters of the global edits of a curve; the defaults leave it unchanged.

    Attributes
    ----------
    smooth_s
        Standard deviation of the Gaussian in time, seconds, 0 to 20.
    width
        Stretch factor in time about the peak, 0.2 to 5.
    dispersion_s
        Time constant of an exponential transport function, seconds, 0 to 20.
    shift_s
        Delay of the curve in seconds, −60 to 60.
    tail
        Factor on recirculation and plateau, after the first pass, 0 to 5.
    amplitude
        Factor on all values, 0.01 to 20.
    baseline
        Enhancement added to all values, −500 to 500.
    cut_s
        Values after this time, in seconds, are set to 0; None disables the cut.

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
            low, high = HANDLES[field.name].limits
            if not low <= value <= high:
                raise ArgumentError(f"{field.name} must lie between {low:g} and {high:g}; got {value}.")


@dataclass(frozen=True)
class HandleInfo:
    """A handle of the whole curve and how it is shown.

    Attributes
    ----------
    id
        Field of `CurveEdit`.
    label, unit, help
        In the interface.
    limits
        Lowest and highest value.
    slider
        From time step in s, number of frames and peak of the curve to the range of the slider.
    tornado
        The two settings that the tornado chart compares; None: the handle is not in it.
    derivative_step
        A small change for derivatives at the unedited curve; None: there is no map of this edit.
    """

    id: str
    label: str
    unit: str
    help: str
    limits: tuple[float, float]
    slider: Callable[[float, int, float], Span]
    tornado: tuple[float, float] | None = None
    derivative_step: float | None = None

    @property
    def neutral(self) -> float | None:
        """Neutral value: leaves the curve unchanged."""
        value: float | None = getattr(CurveEdit, self.id)
        return value


_LEAST_PEAK: Final = 1e-6
"""Of a curve without a bolus, so that its slider has a step."""


def _baseline_slider(_dt_s: float, _n_time: int, peak: float) -> Span:
    step = _round_step(0.3 * max(peak, _LEAST_PEAK) / 60)
    return Span(-60 * step, 60 * step, step)


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is at least a value > 0."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= least)


HANDLES: Final[dict[str, HandleInfo]] = {
    info.id: info
    for info in (
        HandleInfo(
            "amplitude", "Amplitude", "×", "Every value times this factor", (0.01, 20.0),
            lambda *_: Span(0.2, 3, 0.02), (0.5, 2.0), 0.01,
        ),
        HandleInfo(
            "shift_s", "Shift", "s", "Later (or earlier) by this many seconds", (-60.0, 60.0),
            lambda dt_s, *_: Span(-15, 15, min(dt_s / 4, 0.25)), (-3.0, 3.0), 0.05,
        ),
        HandleInfo(
            "width", "Width", "×", "Stretched in time about its peak", (0.2, 5.0),
            lambda *_: Span(0.4, 2.5, 0.02), (0.7, 1.4), 0.01,
        ),
        HandleInfo(
            "dispersion_s", "Dispersion", "s", "Convolved with an exponential of this time constant", (0.0, 20.0),
            lambda *_: Span(0, 10, 0.1), (0.0, 3.0), 0.05,
        ),
        HandleInfo(
            "tail", "Tail", "×", "Values after the first pass, times this factor", (0.0, 5.0),
            lambda *_: Span(0, 3, 0.02), (0.0, 2.0), 0.01,
        ),
        HandleInfo(
            "cut_s", "Cut at", "s", "Nothing after this time", (0.0, math.inf),
            lambda dt_s, n_time, _: Span(0, dt_s * (n_time - 1), dt_s),
        ),
        HandleInfo(
            "baseline", "Baseline", "HU", "Added to every value", (-500.0, 500.0), _baseline_slider,
        ),
        HandleInfo(
            "smooth_s", "Smooth", "s", "Gaussian in time, standard deviation", (0.0, 20.0),
            lambda *_: Span(0, 6, 0.1), (0.0, 2.0),
        ),
    )
}  # fmt: skip
"""By id, in the order of the interface."""


def edit_curve(curve: DoubleArray, dt_s: float, edit: CurveEdit) -> DoubleArray:
    """Apply the edits in a fixed order: smooth, width, dispersion, shift, tail, amplitude, baseline, cut.

    Parameters
    ----------
    curve
        Enhancement, shape ``(n_time,)``, n_time ≥ 2.
    dt_s
        Step in seconds, > 0.
    edit
        Parameters of the edits.

    Returns
    -------
    Edited enhancement, shape ``(n_time,)``.

    Raises
    ------
    ArgumentError
        The curve is not one-dimensional, has fewer than two samples, or the step is not positive.
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
    """Convolve with a Gaussian of standard deviation ``sigma_s``; weights are normalised within the scan."""
    if sigma_s == 0:
        return curve.copy()
    reach = int(np.ceil(4 * sigma_s / dt_s))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) * dt_s / sigma_s) ** 2)
    n = curve.size
    total = np.convolve(curve, weights)[reach : reach + n]
    return np.asarray(total / np.convolve(np.ones(n), weights)[reach : reach + n], np.float64)


def widen(curve: DoubleArray, dt_s: float, width: float) -> DoubleArray:
    """Stretch the curve in time about its peak; linear interpolation, constant beyond both ends."""
    time = np.arange(curve.size) * dt_s
    peak_s = dt_s * int(curve.argmax())
    return np.asarray(np.interp(peak_s + (time - peak_s) / width, time, curve), np.float64)


def shift(curve: DoubleArray, dt_s: float, shift_s: float) -> DoubleArray:
    """Delay the curve by ``shift_s``; linear interpolation, constant beyond both ends."""
    time = np.arange(curve.size) * dt_s
    return np.asarray(np.interp(time - shift_s, time, curve), np.float64)


def scale_tail(curve: DoubleArray, dt_s: float, factor: float) -> DoubleArray:
    """Scale the curve after the first pass: recirculation and plateau.

    The factor rises as a smooth step. It starts where the curve has fallen to half its peak and is complete after
    the same time that the fall from the peak took (at least half a time step). A curve that does not fall to half
    its peak has no tail and is returned unchanged.
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
    """Set the values after ``cut_s`` to 0; None returns a copy."""
    if cut_s is None:
        return curve.copy()
    return np.where(np.arange(curve.size) <= cut_s / dt_s + SAME_TIME, curve, 0.0)
