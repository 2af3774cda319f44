"""Tests of the Nelder–Mead search against scipy's."""

import numpy as np
import pytest
from scipy import optimize

from perfcore.preprocess.nelder_mead import minimize_simplex


@pytest.mark.parametrize("max_evaluations", [5, 23, 90, 400])
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_nelder_mead_steps_match_scipy(seed: int, n: int, max_evaluations: int) -> None:
    rng = np.random.default_rng(seed)
    valley, centre = rng.standard_normal((n, n)), 2 * rng.standard_normal(n)

    def cost(x: np.ndarray) -> float:
        away = valley @ (x - centre)
        return float(away @ away + np.sin(5 * x).sum())

    limit = rng.uniform(1.0, 3.0, n)
    start = rng.uniform(-1, 1, n) * limit
    simplex = np.vstack([start, start + np.diag(rng.uniform(0.1, 2.0, n))])
    expected = optimize.minimize(
        cost,
        start,
        method="Nelder-Mead",
        bounds=optimize.Bounds(-limit, limit),
        options={"initial_simplex": simplex, "xatol": 2e-3, "fatol": 1e-4, "maxfev": max_evaluations},
    )
    found, least = minimize_simplex(
        cost, simplex, limit, x_tolerance=2e-3, cost_tolerance=1e-4, max_evaluations=max_evaluations
    )
    np.testing.assert_allclose(found, expected.x, rtol=1e-12, atol=1e-12)
    assert least == pytest.approx(expected.fun, rel=1e-12)
