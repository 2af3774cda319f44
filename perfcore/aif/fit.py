"""Gamma-variate fit to the first pass of a curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.aif.curves import gamma_variate
from perfcore.errors import InputDataError
from perfcore.types import DoubleArray

FIRST_PASS_END: Final = 0.4
"""The fit ends where the curve has fallen to this fraction of its peak, before recirculation."""
_MIN_POINTS: Final = 5


@dataclass(frozen=True)
class GammaFit:
    """Parameters of :func:`perfcore.aif.curves.gamma_variate` and the error of the fit.

    ``onset_s`` and ``beta_s`` in seconds, ``peak`` in the curve's units; ``rms`` is the root-mean-square residual
    over the first pass, relative to the peak.
    """

    onset_s: float
    alpha: float
    beta_s: float
    peak: float
    rms: float

    def curve(self, time_s: DoubleArray) -> DoubleArray:
        """Return the fitted curve at times in seconds, shape of ``time_s``."""
        return gamma_variate(time_s, self.onset_s, self.alpha, self.beta_s, self.peak)


def fit_gamma_variate(curve: DoubleArray, dt_s: float) -> GammaFit:
    """Fit a gamma variate to the first pass by least squares.

    The fit covers the scan from its start to where the curve has fallen to 40 % of its peak, as in Thompson 1964
    (doi:10.1161/01.RES.14.6.502), or to the end if it does not fall that far.

    Parameters
    ----------
    curve
        Enhancement from 0 s on an even grid, shape ``(n_time,)``.
    dt_s
        Step in seconds.

    Raises
    ------
    InputDataError
        The curve has no bolus, or its first pass has fewer than five points.
    """
    values = np.asarray(curve, np.float64)
    top = int(values.argmax())
    peak = float(values[top])
    below = np.flatnonzero(values[top:] < FIRST_PASS_END * peak)
    stop = top + int(below[0]) + 1 if below.size else values.size
    time: DoubleArray = np.arange(stop) * np.float64(dt_s)
    if not peak > 0 or values.min() == peak:
        raise InputDataError(
            "The curve has no positive bolus, so no gamma variate can be fitted; draw a bolus first."
        )
    rising = np.flatnonzero(values[:top] < 0.1 * peak)
    onset = float(rising[-1]) * dt_s if rising.size else -dt_s
    if stop < _MIN_POINTS or top * dt_s <= onset:
        raise InputDataError(
            f"The first pass has {stop} points; a gamma-variate fit needs at least {_MIN_POINTS} with a rise."
        )

    # The time to peak is a parameter in place of beta: the data determine it best.
    def residual(x: DoubleArray) -> DoubleArray:
        onset_s, alpha, peak_s, scale = (float(v) for v in x)
        return gamma_variate(time, onset_s, alpha, (peak_s - onset_s) / alpha, scale) - values[:stop] / peak

    start = np.array([onset, 3.0, top * dt_s, 1.0])
    low = np.array([min(onset, 0.0) - 10 * dt_s, 0.3, max(top - 2, 0) * dt_s, 0.3])
    high = np.array([max(top - 2.5, 0.0) * dt_s, 30.0, (top + 2) * dt_s, 3.0])
    high[0] = max(high[0], low[0] + dt_s)
    start = np.clip(start, low + 1e-6, high - 1e-6)
    scales = [dt_s, 1.0, dt_s, 0.1]
    from scipy.optimize import least_squares  # noqa: PLC0415  (slow to import, needed only here)

    found = least_squares(residual, start, bounds=(low, high), x_scale=scales, xtol=1e-12, ftol=1e-14)
    onset_s, alpha, peak_s, scale = (float(v) for v in found.x)
    rms = float(np.sqrt(np.mean(found.fun**2)))
    return GammaFit(onset_s, alpha, (peak_s - onset_s) / alpha, scale * peak, rms)
