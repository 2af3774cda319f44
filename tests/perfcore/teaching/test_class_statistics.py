"""Statistics of a class against pandas, scipy and formulas written out."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perfcore.metric_info import METRICS
from perfcore.teaching.class_statistics import PUBLISHED, Spread, curve_band, spread_of

VALUES = st.lists(st.integers(0, 10**7).map(lambda v: v / 1000), min_size=2, max_size=40)
"""Volumes in steps of a microlitre."""


@given(VALUES)
def test_spread_against_independent_formulas(values: list[float]) -> None:
    found, series = spread_of(values), pd.Series(values)
    assert found.n == len(values)
    assert found.mean == pytest.approx(math.fsum(values) / len(values))
    assert found.median == pytest.approx(statistics.median(values))
    assert found.sd == pytest.approx(statistics.stdev(values), rel=1e-6, abs=1e-9 * max(values))
    assert (found.low, found.high) == pytest.approx((series.quantile(0.1), series.quantile(0.9)))
    if found.mean:
        assert found.cv == pytest.approx(stats.variation(values, ddof=1), rel=1e-6, abs=1e-9)


@given(VALUES, st.floats(0.1, 10))
def test_the_coefficient_of_variation_has_no_unit(values: list[float], factor: float) -> None:
    one, other = spread_of(values), spread_of([factor * v for v in values])
    if one.mean:
        assert other.cv == pytest.approx(one.cv, abs=1e-9)


def test_undefined_values_are_left_out() -> None:
    assert spread_of([None, 3.0, float("nan"), float("inf"), 5.0]) == spread_of([3.0, 5.0])
    assert spread_of([]) == spread_of([None]) == Spread(0)
    one = spread_of([4.0])
    assert (one.mean, one.median, one.low, one.high, one.sd, one.cv) == (4.0, 4.0, 4.0, 4.0, None, None)
    assert spread_of([0.0, 0.0]).cv is None
    assert spread_of([-1.0, 1.0]).cv is None


def test_a_band_lies_pointwise_between_its_percentiles() -> None:
    curves = np.random.default_rng(3).gamma(2.0, size=(11, 7))
    low, middle, high = curve_band(list(curves))
    ranked = np.sort(curves, axis=0)
    for curve, place in ((low, 1), (middle, 5), (high, 9)):  # ranks 10, 50 and 90 % of 0 to 10
        np.testing.assert_allclose(curve, ranked[place])
    same = curve_band([curves[0]])
    for curve in same:
        np.testing.assert_array_equal(curve, curves[0])


def test_published_values_are_fractions_of_known_metrics() -> None:
    for one in PUBLISHED:
        assert one.metric in METRICS
        assert 0 < one.cv < 1
        assert one.doi.startswith("10.")
