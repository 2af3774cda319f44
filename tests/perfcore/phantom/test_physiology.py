"""Tests of bolus, residue functions and tissue curves against independent integration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from perfcore.aif.curves import disperse, fine_grid, gamma_variate, gamma_variate_area, gamma_variate_width, sample
from perfcore.errors import ArgumentError
from perfcore.phantom.physiology import (
    BORDER_CBF,
    CORE_LEVEL,
    PERFUSION,
    Bolus,
    Tissue,
    perfusion_levels,
    residue,
    residue_integral,
    tissue_curve,
)
from perfcore.units import CBF_PER_K, CBV_PER_RATIO

FAMILIES = ("exponential", "box", "gamma", "box-exponential")
FINE = fine_grid(120.0)
FIRST_PASS = Bolus(recirculation_hu=0.0, plateau_hu=0.0)


def test_gamma_variate_rises_at_its_onset_and_peaks_at_alpha_beta() -> None:
    curve = gamma_variate(FINE, 8.0, 3.0, 1.5, 320.0)
    assert (curve[FINE <= 8.0] == 0).all()
    assert curve.max() == pytest.approx(320.0)
    assert FINE[curve.argmax()] == pytest.approx(8.0 + 4.5)


@pytest.mark.parametrize(("alpha", "beta"), [(3.0, 1.5), (2.0, 2.5), (4.0, 0.9)])
def test_gamma_variate_area_is_the_integral(alpha: float, beta: float) -> None:
    area, _ = quad(lambda t: float(gamma_variate(np.array(t), 0.0, alpha, beta, 7.0)), 0, 200, limit=200)
    assert gamma_variate_area(alpha, beta, 7.0) == pytest.approx(area, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(tau=st.floats(0.05, 8.0), onset=st.floats(2.0, 20.0))
def test_dispersion_keeps_the_area_and_moves_the_mean_by_tau(tau: float, onset: float) -> None:
    curve = gamma_variate(FINE, onset, 3.0, 1.2, 100.0)
    late = disperse(curve, 0.1, tau)
    assert late.sum() == pytest.approx(curve.sum(), rel=1e-3)
    assert (FINE * late).sum() / late.sum() - (FINE * curve).sum() / curve.sum() == pytest.approx(tau, abs=0.06)


def test_dispersion_equals_the_integral_of_its_definition() -> None:
    tau = 2.5
    late = disperse(gamma_variate(FINE, 5.0, 3.0, 1.5, 320.0), 0.1, tau)
    for t in (6.0, 9.5, 14.0, 30.0):
        exact, _ = quad(
            lambda s, t=t: float(gamma_variate(np.array(s), 5.0, 3.0, 1.5, 320.0)) * np.exp((s - t) / tau) / tau,
            5.0, t, limit=200,
        )  # fmt: skip
        assert sample(late, 0.1, np.array(t)) == pytest.approx(exact, rel=2e-3, abs=0.05)


def test_dispersion_is_batched_and_zero_tau_is_identity() -> None:
    curves = np.stack([gamma_variate(FINE, t0, 3.0, 1.5, 1.0) for t0 in (3.0, 6.0)])
    assert np.array_equal(disperse(curves, 0.1, 0.0), curves)
    both = disperse(curves, 0.1, 2.0)
    assert np.allclose(both[1], disperse(curves[1], 0.1, 2.0), atol=1e-12)


def test_sampling_delays_and_extends_the_ends() -> None:
    ramp = np.arange(101, dtype=np.float64)
    assert np.allclose(sample(ramp, 0.1, np.array([-1.0, 2.0, 5.0, 99.0]), 1.0), [0.0, 10.0, 40.0, 100.0])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: gamma_variate(FINE, 0.0, 0.0, 1.0, 1.0), "alpha"),
        (lambda: gamma_variate(FINE, 0.0, 3.0, -1.0, 1.0), "beta_s"),
        (lambda: disperse(FINE, 0.1, -1.0), "tau_s"),
        (lambda: disperse(FINE, 0.0, 1.0), "dt_s"),
        (lambda: fine_grid(float("nan")), "duration_s"),
    ],
)
def test_invalid_curve_parameters_raise(call, name: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=name):
        call()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("mtt", [3.0, 4.0, 9.75])
def test_residues_start_at_one_decrease_and_have_the_given_mtt(family: str, mtt: float) -> None:
    time = fine_grid(200.0, 0.01)
    r = residue(time, mtt, family)  # type: ignore[arg-type]
    assert r[0] == 1.0
    assert (np.diff(r) <= 1e-12).all()
    assert r.min() >= 0
    integral = residue_integral(time, mtt, family)  # type: ignore[arg-type]
    assert integral[-1] == pytest.approx(mtt, rel=1e-6)
    numeric = np.concatenate([[0.0], np.cumsum((r[1:] + r[:-1]) / 2 * 0.01)])
    assert np.allclose(integral, numeric, atol=0.011)


def test_residue_families_have_different_shapes() -> None:
    shapes = [residue(FINE, 4.0, family) for family in FAMILIES]  # type: ignore[arg-type]
    for i, a in enumerate(shapes):
        assert all(np.abs(a - b).max() > 0.05 for b in shapes[i + 1 :])


def test_an_unknown_residue_is_refused() -> None:
    with pytest.raises(ArgumentError, match="residue must be"):
        residue(FINE, 4.0, "sinus")  # type: ignore[arg-type]


@pytest.mark.parametrize("family", FAMILIES)
def test_tissue_is_the_convolution_of_artery_and_residue(family: str) -> None:
    """Against adaptive quadrature of the definition, with the density and hematocrit factor."""
    artery = FIRST_PASS.artery(FINE)
    curve = tissue_curve(artery, 0.1, 60.0, 4.0, family)  # type: ignore[arg-type]
    for t in (10.0, 13.0, 16.5, 22.0):
        kinks = [t - 4.0, t - 2.0]
        exact, _ = quad(
            lambda s, t=t: float(gamma_variate(np.array(s), 8.0, 3.0, 1.5, 320.0))
            * float(residue(np.array(t - s), 4.0, family)),  # type: ignore[arg-type]
            8.0, t, points=[k for k in kinks if 8.0 < k < t] or None, limit=400,
        )  # fmt: skip
        exact *= 60.0 * 1.04 / (0.55 / 0.75) / 6000.0
        assert curve[round(t / 0.1)] == pytest.approx(exact, rel=4e-3, abs=2e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_area_ratio_equals_cbv(family: str) -> None:
    artery = FIRST_PASS.artery(FINE)
    curve = tissue_curve(artery, 0.1, 60.0, 4.0, family)  # type: ignore[arg-type]
    assert CBV_PER_RATIO * curve.sum() / artery.sum() == pytest.approx(60.0 * 4.0 / 60.0, rel=1e-4)


def test_cbf_is_the_first_value_of_the_impulse_response() -> None:
    spike = np.zeros(400)
    spike[1] = 1.0 / 0.1
    response = tissue_curve(spike, 0.1, 60.0, 4.0, "exponential")
    assert CBF_PER_K * response[2:].max() / 0.1 * 0.1 == pytest.approx(60.0, rel=0.05)


def test_tissue_labels_satisfy_the_central_volume_theorem() -> None:
    assert list(PERFUSION) == ["normal", "penumbra", "core"]
    for state in PERFUSION.values():
        for label in state.values():
            assert label.cbv == pytest.approx(label.cbf * label.mtt_s / 60.0)
    for kind in ("gm", "wm"):
        delays = [state[kind].delay_s for state in PERFUSION.values()]  # type: ignore[index]
        flows = [state[kind].cbf for state in PERFUSION.values()]  # type: ignore[index]
        assert delays == sorted(delays)
        assert flows == sorted(flows, reverse=True)


def test_bolus_is_independent_of_grid_length() -> None:
    bolus = Bolus()
    long, short = bolus.artery(fine_grid(90.0)), bolus.artery(fine_grid(25.0))
    assert np.allclose(long[: short.size], short, atol=1e-9)


def test_bolus_recirculates_with_lower_amplitude() -> None:
    bolus = Bolus()
    curve = bolus.artery(FINE)
    second = curve[bolus.onset_s + 15.0 < FINE]
    assert 25.0 < second.max() < 80.0
    assert curve[-1] == pytest.approx(bolus.plateau_hu, rel=0.05)


def test_vein_is_delayed_with_equal_area() -> None:
    artery, vein = FIRST_PASS.artery(FINE), FIRST_PASS.vein(FINE)
    assert vein.sum() == pytest.approx(artery.sum(), rel=1e-3)
    assert vein.max() < artery.max()
    assert 4.0 < FINE[vein.argmax()] - FINE[artery.argmax()] < 8.0


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 3.0), (3.0, 1.5), (9.0, 1.2)])
def test_the_width_of_a_gamma_variate_is_that_of_its_samples(alpha: float, beta: float) -> None:
    time = fine_grid(120.0, 0.002)
    curve = gamma_variate(time, 5.0, alpha, beta, 100.0)
    assert gamma_variate_width(alpha, beta) == pytest.approx(np.ptp(time[curve >= 50.0]), abs=0.005)


def test_a_bolus_of_a_width_has_it() -> None:
    bolus = Bolus.of_width(
        11.0, 5.0, 200.0, recirculation=0.1, recirculation_delay_s=13.0, plateau=0.2, onset_s=6.0,
        vein_delay_s=4.0, vein_tau_s=1.0,
    )  # fmt: skip
    assert bolus.width_s == pytest.approx(11.0)
    assert (bolus.recirculation_hu, bolus.plateau_hu) == pytest.approx((20.0, 40.0))


@pytest.mark.parametrize("kind", ["gm", "wm"])
def test_levels_lead_from_penumbra_to_core(kind: Tissue) -> None:
    levels = perfusion_levels(kind)
    assert len(levels) == CORE_LEVEL + 1
    for at, state in ((0, "normal"), (1, "penumbra"), (CORE_LEVEL, "core")):
        named = PERFUSION[state][kind]
        assert (levels[at].cbf, levels[at].cbv) == pytest.approx((named.cbf, named.cbv))
        assert levels[at].delay_s == named.delay_s
    flows = [level.cbf for level in levels[1:]]
    assert flows == sorted(flows, reverse=True)
    assert flows[CORE_LEVEL // 2] == pytest.approx(BORDER_CBF)
    assert all(12.0 <= round(level.mtt_s, 6) <= 16.2 for level in levels[1:])


def test_bolus_duration_can_be_extended() -> None:
    bolus = Bolus(beta_s=1.7).ending(44.0, 0.7)
    vein = bolus.vein(FINE)
    assert sample(vein, 0.1, np.array(44.0)) == pytest.approx(0.7 * vein.max(), rel=0.03)
    assert FINE[vein.argmax()] < 44.0


def test_the_vein_falls_to_a_fraction_of_its_peak() -> None:
    bolus = Bolus()
    vein = bolus.vein(FINE)
    at = bolus.vein_fall_s(0.5)
    assert at > FINE[vein.argmax()]
    assert sample(vein, 0.1, np.array(at)) == pytest.approx(0.5 * vein.max(), rel=0.02)
    with pytest.raises(ArgumentError, match=r"never falls to 0\.01 of its peak"):
        bolus.vein_fall_s(0.01)
