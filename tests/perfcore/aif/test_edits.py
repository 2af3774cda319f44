"""Tests of curve edits and the gamma-variate fit: identity, closed forms, invariants, errors."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfcore.aif.curves import gamma_variate
from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.aif.fit import fit_gamma_variate
from perfcore.errors import ArgumentError, InputDataError

DT = 0.5
TIME = np.arange(160) * DT
BOLUS = gamma_variate(TIME, 10.0, 3.0, 1.5, 200.0)


def mean_time(curve: np.ndarray) -> float:
    return float((curve * TIME).sum() / curve.sum())


def spread(curve: np.ndarray) -> float:
    return sqrt(float((curve * (TIME - mean_time(curve)) ** 2).sum() / curve.sum()))


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(st.floats(-500, 500), min_size=2, max_size=80), st.floats(0.2, 3.0))
def test_default_edit_is_identity(values: list[float], dt_s: float) -> None:
    curve = np.array(values)
    np.testing.assert_allclose(edit_curve(curve, dt_s, CurveEdit()), curve, rtol=0, atol=1e-10)


def test_amplitude_and_baseline_scale_and_offset() -> None:
    np.testing.assert_allclose(edit_curve(BOLUS, DT, CurveEdit(amplitude=0.5, baseline=7)), 0.5 * BOLUS + 7)


@pytest.mark.parametrize("shift_s", [-4.0, 3.5, 8.0])
def test_shift_by_whole_steps_moves_samples(shift_s: float) -> None:
    moved = edit_curve(BOLUS, DT, CurveEdit(shift_s=shift_s))
    steps = round(shift_s / DT)
    kept = slice(max(steps, 0), min(BOLUS.size, BOLUS.size + steps))
    np.testing.assert_allclose(moved[kept], BOLUS[kept.start - steps : kept.stop - steps], atol=1e-9)
    assert mean_time(moved) == pytest.approx(mean_time(BOLUS) + shift_s, abs=1e-6)


def test_dispersion_delays_mean_by_tau_and_keeps_area() -> None:
    wide = edit_curve(BOLUS, DT, CurveEdit(dispersion_s=3.0))
    assert wide.sum() == pytest.approx(BOLUS.sum(), rel=1e-3)
    assert mean_time(wide) == pytest.approx(mean_time(BOLUS) + 3.0, abs=0.02)
    assert spread(wide) == pytest.approx(np.hypot(spread(BOLUS), 3.0), rel=0.01)


@pytest.mark.parametrize("width", [0.5, 2.0])
def test_width_stretches_about_peak(width: float) -> None:
    wide = edit_curve(BOLUS, DT, CurveEdit(width=width))
    assert wide.argmax() == BOLUS.argmax()
    assert wide.max() == BOLUS.max()
    assert spread(wide) == pytest.approx(width * spread(BOLUS), rel=0.02)


def test_smoothing_adds_variance_and_keeps_constant() -> None:
    soft = edit_curve(BOLUS, DT, CurveEdit(smooth_s=2.0))
    assert spread(soft) == pytest.approx(np.hypot(spread(BOLUS), 2.0), rel=2e-3)
    np.testing.assert_allclose(edit_curve(np.full(30, 5.0), DT, CurveEdit(smooth_s=4.0)), 5.0)


def test_tail_factor_leaves_first_pass_unchanged() -> None:
    curve = BOLUS + np.where(TIME > 16, 18.0, 0.0)
    none = edit_curve(curve, DT, CurveEdit(tail=0.0))
    double = edit_curve(curve, DT, CurveEdit(tail=2.0))
    top = int(curve.argmax())
    after = top + 1 + int(np.flatnonzero(curve[top + 1 :] <= curve[top] / 2)[0])
    np.testing.assert_array_equal(none[:after], curve[:after])
    late = TIME[top] + 2.1 * (TIME[after] - TIME[top]) < TIME
    assert late.sum() > 50
    np.testing.assert_allclose(none[late], 0.0, atol=1e-12)
    np.testing.assert_allclose(double[late], 2 * curve[late])


def test_monotonic_curve_has_no_tail() -> None:
    rising = np.linspace(0, 9, 30)
    np.testing.assert_array_equal(edit_curve(rising, DT, CurveEdit(tail=0.0)), rising)


def test_cut_zeroes_samples_after_cut_time() -> None:
    cut = edit_curve(BOLUS, DT, CurveEdit(cut_s=15.0, baseline=3.0))
    np.testing.assert_array_equal(cut[:31], BOLUS[:31] + 3)
    np.testing.assert_array_equal(cut[31:], 0)


@pytest.mark.parametrize(
    "bad", [{"width": 0}, {"amplitude": -1}, {"shift_s": float("nan")}, {"cut_s": -1}, {"cut_s": float("inf")}]
)
def test_values_out_of_range_raise(bad: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(bad))):
        CurveEdit(**bad)
    with pytest.raises(ArgumentError, match="positive step"):
        edit_curve(BOLUS, 0.0, CurveEdit())


@pytest.mark.parametrize(("onset", "alpha", "beta"), [(10.0, 3.0, 1.5), (4.3, 5.5, 0.9), (12.7, 2.0, 3.1)])
def test_fit_recovers_exact_gamma_variate(onset: float, alpha: float, beta: float) -> None:
    curve = gamma_variate(TIME, onset, alpha, beta, 180.0)
    fit = fit_gamma_variate(curve, DT)
    np.testing.assert_allclose(
        [fit.onset_s, fit.alpha, fit.beta_s, fit.peak], [onset, alpha, beta, 180.0], rtol=1e-4
    )
    np.testing.assert_allclose(fit.curve(TIME), curve, atol=1e-3)
    assert fit.rms < 1e-6


def test_fit_ignores_recirculation_and_noise() -> None:
    rng = np.random.default_rng(4)
    second = gamma_variate(TIME, 21.0, 3.0, 3.0, 30.0)
    fit = fit_gamma_variate(BOLUS + second + rng.normal(0, 2.0, TIME.size), DT)
    np.testing.assert_allclose(fit.curve(TIME), BOLUS, atol=0.04 * BOLUS.max())
    assert 0.003 < fit.rms < 0.03


@pytest.mark.parametrize("curve", [np.zeros(40), -np.ones(40), np.full(40, 3.0), np.r_[5.0, np.zeros(39)]])
def test_fit_without_bolus_raises(curve: np.ndarray) -> None:
    with pytest.raises(InputDataError, match="gamma"):
        fit_gamma_variate(curve, DT)
