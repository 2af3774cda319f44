r"""Posterior of the true AIF given the vessels of a case, learned from cases whose AIF is known.

A curve is described by :math:`y`: arrival and logarithm of the width, both relative to the healthy tissue, and
``N_SHAPE`` principal components of its shape. With the features :math:`x` of the vessels, :math:`y` is the mean of
a Gaussian process (kernel ridge regression; Rasmussen 2006, ISBN 026218253X) plus a residual:

.. math:: y = m(x) + s\,\varepsilon, \qquad
          m(x) = \sum_i k(x, x_i)\,\alpha_i, \qquad
          k(x, x') = e^{-\lVert x-x'\rVert^2/2dw^2} + x\cdot x'/d + c

Residuals are drawn from the leave-one-out residuals of the calibration cases nearest to :math:`x` (a smoothed
bootstrap: Silverman 1987, doi:10.1093/biomet/74.3.469), so that their size and correlation are those of similar
cases. The factor :math:`s` is such that the interval of the core volume covers that of the true AIF at its nominal
rate on other cases (conformal prediction: Vovk 2005, doi:10.1007/b106715; Angelopoulos 2023,
doi:10.1561/2200000101).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.analysis.aif_posterior.bolus_shape import BolusShape, curve_at
from perfcore.analysis.aif_posterior.vessels import Components, VesselFeatures, Vessels, relative_times
from perfcore.errors import ArgumentError
from perfcore.types import DoubleArray

N_SHAPE: Final = 6
N_NEAREST: Final = 128
"""Calibration cases whose residuals are drawn."""
KERNEL_WIDTH: Final = 0.7
"""Of the Gaussian kernel, in root mean squared standardised features."""
RIDGE: Final = 0.1
CONSTANT: Final = 10.0
MAX_FEATURE: Final = 4.0
"""Standardised features are limited to this, so that an unusual case is not extrapolated far."""
JITTER: Final = 0.3
"""Standard deviation of the smoothing of the residuals, over their own; their variance is kept."""


@dataclass(frozen=True, eq=False)
class AifPosterior:
    r"""A fitted posterior.

    Attributes
    ----------
    features
        Features of the vessels.
    family
        Principal components of the shapes of true AIFs.
    centre, scale
        Mean and standard deviation of the features, shape ``(n_features,)``.
    cases
        Standardised features of the calibration cases, shape ``(n_cases, n_features)``.
    weights
        :math:`\alpha`, shape ``(n_cases, 2 + N_SHAPE)``.
    offset
        Mean of ``y``, shape ``(2 + N_SHAPE,)``.
    residuals
        Leave-one-out residuals, shape ``(n_cases, 2 + N_SHAPE)``.
    spread
        The factor :math:`s` of the residuals, > 0.
    """

    features: VesselFeatures
    family: Components
    centre: DoubleArray
    scale: DoubleArray
    cases: DoubleArray
    weights: DoubleArray
    offset: DoubleArray
    residuals: DoubleArray
    spread: float = 1.0

    @classmethod
    def fit(cls, vessels: Sequence[Vessels], truths: Sequence[BolusShape]) -> AifPosterior:
        """Fit the posterior to cases with known AIFs.

        Parameters
        ----------
        vessels, truths
            Of the same cases; more of them than ``N_NEAREST``.

        Raises
        ------
        ArgumentError
            There are too few cases.
        """
        if len(vessels) != len(truths) or len(vessels) <= N_NEAREST:
            raise ArgumentError(
                f"The AIF posterior is fitted to more than {N_NEAREST} cases with one AIF each; "
                f"got {len(vessels)} cases and {len(truths)} AIFs."
            )
        features = VesselFeatures.of(vessels)
        family = Components.of([truth.shape for truth in truths], N_SHAPE)
        values = np.stack([features.values(case) for case in vessels])
        centre, scale = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
        cases = _standardised(values, centre, scale)
        known = np.stack([_parameters(t, v, family) for v, t in zip(vessels, truths, strict=True)])
        offset = known.mean(axis=0)
        inverse = np.linalg.inv(_kernel(cases, cases) + RIDGE * np.eye(len(cases)))
        weights = inverse @ (known - offset)
        # The residual of a case that was left out, without fitting again (Rasmussen 2006, equation 5.12).
        residuals = weights / np.diag(inverse)[:, None]
        return cls(features, family, centre, scale, cases, weights, offset, residuals)

    def with_spread(self, spread: float) -> AifPosterior:
        """Return the posterior with another factor of the residuals."""
        return replace(self, spread=spread)

    def draw(self, vessels: Vessels, time_s: DoubleArray, n: int, seed: int = 0) -> DoubleArray:
        """Draw AIFs of a case.

        Parameters
        ----------
        vessels
            Measured vessels of the case.
        time_s
            Times of the frames, seconds, from 0.
        n
            Number of curves.
        seed
            Seed of the random generator.

        Returns
        -------
        Shape ``(n, n_time)``, of height about 1: volumes do not depend on the scale of an AIF.
        """
        case = _standardised(self.features.values(vessels)[None], self.centre, self.scale)
        mean = self.offset + (_kernel(case, self.cases) @ self.weights)[0]
        return self._curves(mean + self._residuals(self._nearest(case), n, seed), vessels.tissue, time_s)

    def _nearest(self, case: DoubleArray) -> NDArray[np.int64]:
        return np.sort(np.argsort(_distance(case, self.cases)[0], kind="stable")[:N_NEAREST])

    def _residuals(self, nearest: NDArray[np.int64], n: int, seed: int) -> DoubleArray:
        rng = np.random.default_rng(seed)
        pool = self.residuals[nearest]
        centre = pool.mean(axis=0)
        picked = pool[rng.integers(len(pool), size=n)] - centre
        # A mean of the deviations with random weights is Gaussian with their covariance.
        noise = rng.standard_normal((n, len(pool))) @ (pool - centre) / np.sqrt(len(pool))
        return np.asarray(self.spread * (centre + np.sqrt(1 - JITTER**2) * picked + JITTER * noise), np.float64)

    def _curves(self, drawn: DoubleArray, tissue: BolusShape, time_s: DoubleArray) -> DoubleArray:
        arrival_s = tissue.arrival_s + tissue.width_s * drawn[:, 0]
        shapes = self.family.shapes(drawn[:, 2:])
        return curve_at(time_s, arrival_s, tissue.width_s * np.exp(drawn[:, 1]), shapes)


def _parameters(truth: BolusShape, vessels: Vessels, family: Components) -> DoubleArray:
    return np.concatenate([relative_times(truth, vessels.tissue), family.project(truth.shape)])


def _standardised(values: DoubleArray, centre: DoubleArray, scale: DoubleArray) -> DoubleArray:
    """Return standardised features; a missing one has the mean of the others."""
    unit = np.where(scale > 1e-6, scale, 1.0)  # a constant feature differs by rounding
    return np.nan_to_num((values - centre) / unit).clip(-MAX_FEATURE, MAX_FEATURE)


def _distance(a: DoubleArray, b: DoubleArray) -> DoubleArray:
    """Return mean squared differences of the features, ``(n, d)`` and ``(m, d)`` → ``(n, m)``."""
    squares = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
    return np.asarray(squares.clip(min=0.0) / a.shape[1], np.float64)


def _kernel(a: DoubleArray, b: DoubleArray) -> DoubleArray:
    """Return the kernel of features, ``(n, d)`` and ``(m, d)`` → ``(n, m)``."""
    gaussian = np.exp(-_distance(a, b) / (2 * KERNEL_WIDTH**2))
    return np.asarray(gaussian + a @ b.T / a.shape[1] + CONSTANT, np.float64)
