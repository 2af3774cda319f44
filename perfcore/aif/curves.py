"""Bolus curves: gamma variate, dispersion, delay and sampling.

Pure functions of float64 arrays; time is the last axis, in seconds. Curves are computed on a fine, even grid that
starts at 0 s and sampled at the frames last, so that integrals have the accuracy of the fine grid.
"""

from __future__ import annotations

from math import lgamma

import numpy as np
from scipy.special import lambertw

from perfcore.errors import ArgumentError
from perfcore.types import DoubleArray


def fine_grid(duration_s: float, dt_s: float = 0.1) -> DoubleArray:
    """Return an even time grid from 0 to at least ``duration_s``.

    Parameters
    ----------
    duration_s
        Last time that the grid must cover, seconds, > 0.
    dt_s
        Step, seconds, > 0.

    Returns
    -------
    Times in seconds. Shape ``(ceil(duration_s / dt_s) + 1,)``.

    Raises
    ------
    ArgumentError
        The duration or the step is not positive and finite.
    """
    _check_positive("duration_s", duration_s)
    _check_positive("dt_s", dt_s)
    n = int(np.ceil(duration_s / dt_s - 1e-9)) + 1
    return np.arange(n, dtype=np.float64) * dt_s


def gamma_variate(time_s: DoubleArray, onset_s: float, alpha: float, beta_s: float, peak: float) -> DoubleArray:
    r"""Return a gamma variate scaled to its peak.

    .. math:: a(t) = a_\mathrm{max} \left(\frac{u}{\alpha\beta}\right)^{\alpha}
              e^{\alpha - u/\beta}, \qquad u = \max(t - t_0, 0)

    It peaks at :math:`t_0 + \alpha\beta`. Shape after Thompson (1964, doi:10.1161/01.RES.14.6.502), with the
    peak as a parameter after Madsen (1992, doi:10.1088/0031-9155/37/7/010).

    Parameters
    ----------
    time_s
        Times in seconds. Shape ``(..., n_time)``.
    onset_s
        Arrival :math:`t_0` in seconds.
    alpha
        Shape parameter, > 0; about 3 for a cerebral artery.
    beta_s
        Scale in seconds, > 0; about 1.5, larger at low cardiac output.
    peak
        Peak enhancement, in the units of the result.

    Returns
    -------
    Enhancement. Shape ``(..., n_time)``.

    Raises
    ------
    ArgumentError
        ``alpha`` or ``beta_s`` is not positive and finite.
    """
    _check_positive("alpha", alpha)
    _check_positive("beta_s", beta_s)
    u = np.maximum(np.asarray(time_s, np.float64) - onset_s, 0.0) / (alpha * beta_s)
    return np.asarray(peak * (u * np.exp(1.0 - u)) ** alpha, np.float64)


def gamma_variate_area(alpha: float, beta_s: float, peak: float) -> float:
    r"""Return the area under :func:`gamma_variate` from its onset to infinity.

    .. math:: \int_0^\infty a\,dt = a_\mathrm{max}\,\beta\,\Gamma(\alpha+1)\,(e/\alpha)^{\alpha}
    """
    _check_positive("alpha", alpha)
    _check_positive("beta_s", beta_s)
    return float(peak * beta_s * np.exp(lgamma(alpha + 1.0) + alpha - alpha * np.log(alpha)))


def gamma_variate_width(alpha: float, beta_s: float) -> float:
    r"""Return the full width at half maximum of :func:`gamma_variate`, seconds.

    Half the peak is reached where :math:`u\,e^{1-u} = 2^{-1/\alpha}` with :math:`u = (t-t_0)/(\alpha\beta)`; both
    solutions are branches of Lambert's W (Corless 1996, doi:10.1007/BF02124750).
    """
    _check_positive("alpha", alpha)
    _check_positive("beta_s", beta_s)
    at = -(2.0 ** (-1.0 / alpha)) / np.e
    early, late = -lambertw(at, 0).real, -lambertw(at, -1).real
    return float(alpha * beta_s * (late - early))


def disperse(curve: DoubleArray, dt_s: float, tau_s: float) -> DoubleArray:
    r"""Convolve a curve with an exponential vascular transport function of unit area.

    .. math:: y(t) = \int_0^t a(s)\, \tfrac{1}{\tau} e^{-(t-s)/\tau}\, ds

    Exact for a curve that is piecewise linear between its samples and 0 before the first
    (Calamante 2000, doi:10.1002/1522-2594(200009)44:3<466::AID-MRM18>3.0.CO;2-M). The mean
    arrival moves by ``tau_s``; the area is unchanged.

    Parameters
    ----------
    curve
        Enhancement on an even grid. Shape ``(..., n_time)``.
    dt_s
        Step of the grid in seconds, > 0.
    tau_s
        Time constant in seconds, ≥ 0; 0 returns a copy.

    Returns
    -------
    The dispersed curve. Shape ``(..., n_time)``.

    Raises
    ------
    ArgumentError
        The step is not positive or the time constant is negative.
    """
    _check_positive("dt_s", dt_s)
    if not (np.isfinite(tau_s) and tau_s >= 0):
        raise ArgumentError(f"tau_s must be finite and at least 0 s; got {tau_s}.")
    values = np.array(curve, np.float64)
    if tau_s == 0:
        return values
    x = dt_s / tau_s
    decay = np.exp(-x)
    ratio = -np.expm1(-x) / x
    now, before = 1.0 - ratio, ratio - decay
    n = values.shape[-1]
    kernel = decay ** (np.arange(n) - 1.0) * (decay * now + before)
    kernel[0] = now
    flat = values.reshape(-1, n)
    for row in flat:
        row[:] = np.convolve(row, kernel)[:n]
    return flat.reshape(values.shape)


def sample(curve: DoubleArray, dt_s: float, time_s: DoubleArray, delay_s: float = 0.0) -> DoubleArray:
    """Interpolate a delayed curve from its fine grid at given times.

    Parameters
    ----------
    curve
        Enhancement on an even grid from 0 s. Shape ``(n_fine,)``.
    dt_s
        Step of that grid in seconds.
    time_s
        Times of the samples. Shape ``(...)``.
    delay_s
        Delay of the curve in seconds; negative values advance it.

    Returns
    -------
    ``curve(time_s − delay_s)`` by linear interpolation, constant outside the grid.
    Shape of ``time_s``.
    """
    _check_positive("dt_s", dt_s)
    grid = np.arange(curve.shape[-1], dtype=np.float64) * dt_s
    return np.asarray(np.interp(np.asarray(time_s, np.float64) - delay_s, grid, curve), np.float64)


def _check_positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ArgumentError(f"{name} must be positive and finite; got {value}.")
