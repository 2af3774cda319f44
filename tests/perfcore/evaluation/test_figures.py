"""Tests of the agreement of AIFs: invariances and limits of the correlation."""

from __future__ import annotations

import numpy as np
import pytest

from perfcore.evaluation.figures import shape_correlation, tmax_difference
from perfcore.types import Aif

TIME_S = np.arange(60.0)


def bolus(start_s: float, width_s: float = 3.0, tail: float = 0.15) -> np.ndarray:
    t = np.clip(TIME_S - start_s, 0, None)
    return (t / width_s) ** 2 * np.exp(2 - 2 * t / width_s) + tail * (1 - np.exp(-t / width_s))


@pytest.mark.parametrize(("scale", "shift_s"), [(1.0, 0), (0.1, 0), (7.0, 4), (0.5, -6), (2.0, 10), (1.0, -10)])
def test_r_does_not_depend_on_scale_and_shift(scale: float, shift_s: float) -> None:
    true = Aif(TIME_S, 200 * bolus(15.0))
    other = Aif(TIME_S, scale * bolus(15.0 + shift_s))
    # The curves end and begin at other values than the frames show, hence less than 1.
    assert shape_correlation(other, true) == pytest.approx(1, abs=2e-3)


def test_r_is_1_for_the_curve_itself_and_less_for_another_shape() -> None:
    true = Aif(TIME_S, bolus(15.0))
    assert shape_correlation(true, true) == pytest.approx(1, abs=1e-12)
    widths = [shape_correlation(Aif(TIME_S, bolus(15.0, width)), true) for width in (3.0, 4.5, 7.0, 12.0)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.9
    assert shape_correlation(Aif(TIME_S, -bolus(15.0)), true) < 0.9


def test_shifts_beyond_10_s_are_not_searched() -> None:
    true = Aif(TIME_S, bolus(12.0))
    inside, outside = (shape_correlation(Aif(TIME_S, bolus(12.0 + late)), true) for late in (10.0, 16.0))
    assert inside > 0.99 > outside + 0.05


def test_shifts_have_a_resolution_of_a_tenth_of_a_second() -> None:
    time_s = np.arange(0, 60, 0.1)
    true = Aif(time_s, np.interp(time_s, TIME_S, bolus(15.0)))
    for late in (0.1, 0.7, 3.4):
        other = Aif(time_s, np.interp(time_s - late, TIME_S, bolus(15.0)))
        assert shape_correlation(other, true) == pytest.approx(1, abs=1e-4)


def test_a_constant_aif_has_no_r() -> None:
    true = Aif(TIME_S, bolus(15.0))
    assert shape_correlation(Aif(TIME_S, np.full(60, 0.1)), true) is None
    assert shape_correlation(true, Aif(TIME_S, np.full(60, 0.1))) is None


def test_tmax_difference_by_hand() -> None:
    one = np.array([[4.0, 6.0], [np.nan, 9.0]], np.float32)
    other = np.array([[3.0, 7.0], [1.0, 6.0]], np.float32)
    assert tmax_difference(one, other) == pytest.approx((1.0, np.sqrt(8 / 3)))
    assert tmax_difference(one, None) == (None, None)
    assert tmax_difference(np.full((2, 2), np.nan, np.float32), other) == (None, None)
