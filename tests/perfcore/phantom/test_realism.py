"""Tests of the comparison of a cohort with patients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from perfcore.aif.curves import gamma_variate, gamma_variate_width
from tools.realism import PATIENTS, PROBABILITIES, distance, shape_of


def test_a_sample_with_the_quantiles_of_the_patients_has_no_distance() -> None:
    sample = np.linspace(0.0, 1.0, 2001)
    assert distance(sample, np.quantile(sample, PROBABILITIES)) < 1e-3


def test_the_distance_is_a_lower_bound_of_the_full_one() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(0.4, 1.3, 400), rng.normal(0.0, 1.0, 4000)
    found = distance(ours, np.quantile(theirs, PROBABILITIES))
    assert 0.1 < found <= stats.ks_2samp(ours, theirs).statistic + 1e-3


def test_unknown_quantiles_are_left_out() -> None:
    assert distance([1.0, 2.0, 3.0], (None, None, 2.0, None, None)) < 0.2
    assert distance([1.0, 2.0, 3.0], (None, None, 9.0, None, None)) == pytest.approx(0.5)


def test_the_shape_of_a_gamma_variate() -> None:
    time = np.arange(0.0, 80.0, 0.1)
    curve = gamma_variate(time, 10.0, 6.0, 1.4, 90.0) + 0.0
    width, rise, fall, tail = shape_of(curve, 0.1)
    above = time[curve >= 45.0]
    assert width == pytest.approx(gamma_variate_width(6.0, 1.4), abs=0.02)
    assert fall == pytest.approx(above[-1] - 18.4, abs=0.15)
    assert rise == pytest.approx(18.4 - time[np.argmax(curve >= 18.0)], abs=0.15)
    assert tail < 1e-3


def test_a_curve_that_is_cut_off_ends_with_the_scan() -> None:
    curve = np.concatenate([np.zeros(5), np.linspace(0, 1, 11), np.linspace(1, 0.8, 5)])
    width, _, fall, tail = shape_of(curve, 1.0)
    assert (width, fall) == pytest.approx((10.0, 5.0))
    assert tail == pytest.approx(np.linspace(1, 0.8, 5).mean())


def test_the_patients_quantiles_increase() -> None:
    assert all(list(row) == sorted(row) and len(row) == len(PROBABILITIES) for row in PATIENTS.values())
