"""Tests of the AIF posterior: bolus shapes, features, and draws against a second fit and theory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open

from perfcore.aif.curves import gamma_variate, gamma_variate_width
from perfcore.aif.select import select
from perfcore.analysis.aif_posterior import posterior_aifs
from perfcore.analysis.aif_posterior.bolus_shape import SHAPE_AXIS, curve_at, measure_bolus
from perfcore.analysis.aif_posterior.posterior import N_NEAREST, AifPosterior
from perfcore.analysis.aif_posterior.storage import CALIBRATION, load_posterior, save_posterior
from perfcore.analysis.aif_posterior.vessels import VesselFeatures, Vessels, measure_vessels
from perfcore.errors import ArgumentError, InputDataError, NoArteryError
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from tests.support.synthetic_head import draw_head

TIME = np.arange(60.0)
N_CASES = N_NEAREST + 60


def bolus(width_s, alpha=3.0, onset_s=8.0, peak=100.0, time=TIME):
    return gamma_variate(time, onset_s, alpha, width_s / gamma_variate_width(alpha, 1.0), peak)


def cases(n=N_CASES, seed=0, noise=0.05):
    """Vessels that are noisy copies of a known AIF."""
    rng = np.random.default_rng(seed)
    vessels, truths = [], []
    for i in range(n):
        width, alpha, onset = rng.uniform(6, 14), rng.uniform(2, 8), rng.uniform(4, 9)
        truth = measure_bolus(bolus(width, alpha, onset), 1.0)

        def seen(delay_s, wider, width=width, alpha=alpha, onset=onset):
            factor = wider * np.exp(noise * rng.standard_normal())
            late = onset + delay_s * np.exp(noise * rng.standard_normal())
            return measure_bolus(bolus(width * factor, alpha, late, peak=10.0), 1.0)

        vein = seen(4.0, 1.2) if i % 5 else None
        vessels.append(Vessels(seen(2.5, 1.3), seen(0.5, 1.05), vein, 4, 0.02, TIME[-1]))
        truths.append(truth)
    return vessels, truths


@pytest.fixture(scope="module")
def fitted():
    vessels, truths = cases()
    return vessels, truths, AifPosterior.fit(vessels, truths)


# Shapes


@pytest.mark.parametrize("dt_s", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("width_s", [6.0, 11.5, 18.0])
def test_measured_bolus_has_the_width_and_arrival_of_the_gamma_variate(width_s, dt_s):
    time = np.arange(0, 60, dt_s)
    found = measure_bolus(bolus(width_s, time=time), dt_s)
    assert found.width_s == pytest.approx(width_s, abs=0.1)
    assert found.height == pytest.approx(100, rel=5e-3)
    early = np.arange(0, 60, 0.001)
    rising = bolus(width_s, time=early)[: int(bolus(width_s, time=early).argmax())]
    assert found.arrival_s == pytest.approx(early[np.flatnonzero(rising <= 20)[-1]], abs=0.1)


def test_curve_of_a_measured_bolus_is_the_curve():
    curve = bolus(10.0)
    found = measure_bolus(curve, 1.0)
    again = curve_at(TIME, np.array([found.arrival_s]), np.array([found.width_s]), found.shape[None])[0]
    within = found.arrival_s + found.width_s * SHAPE_AXIS[[0, -1]]
    inside = (within[0] <= TIME) & (within[1] >= TIME)
    # Two linear interpolations, of a curve that bends by at most 8 HU in a frame.
    np.testing.assert_allclose(found.height * again[inside], curve[inside], atol=1.0)


def test_shape_depends_on_neither_scale_nor_time_nor_width():
    first, other = (
        measure_bolus(bolus(w, onset_s=t, peak=p), 1.0).shape for w, t, p in ((8, 5, 30), (12, 9, 300))
    )
    # Linear between frames of 1 s, of curves that bend by up to 0.12 of their height in one.
    np.testing.assert_allclose(first, other, atol=0.02)


def test_negative_shapes_are_cut_at_zero():
    shapes = np.linspace(-1, 1, len(SHAPE_AXIS))[None]
    assert curve_at(TIME, np.array([5.0]), np.array([10.0]), shapes).min() == 0


@pytest.mark.parametrize("curve", [np.zeros(40), -bolus(10.0)[:40] - 1])
def test_curve_without_a_peak_raises(curve):
    with pytest.raises(ArgumentError, match="no positive peak"):
        measure_bolus(curve, 1.0)


# Features


def test_features_do_not_depend_on_the_scale_or_the_start_of_the_scan():
    features = VesselFeatures.of(cases(20)[0])

    def values(scale, start_s):
        times = (8 + start_s, 10.5 + start_s, 12 + start_s)
        artery, tissue, vein = (
            measure_bolus(scale * bolus(9.0 + k, onset_s=t, time=np.arange(80.0)), 1.0)
            for k, t in enumerate(times)
        )
        return features.values(Vessels(tissue, artery, vein, 5, 0.03, 60 + start_s))

    # Measured on a grid of 0.1 s, of a width of 10 s.
    np.testing.assert_allclose(values(1.0, 0.0), values(7.0, 4.0), atol=0.02)


def test_missing_vein_has_nan_features():
    vessels, _ = cases(20)
    features = VesselFeatures.of(vessels)
    with_vein, without = features.values(vessels[1]), features.values(vessels[0])
    assert np.isfinite(with_vein).all()
    assert np.isnan(without).sum() == 5
    assert (with_vein[-1], without[-1]) == (1, 0)


def test_vessels_of_a_case_are_those_of_its_curves():
    prepared = prepare(draw_head(64, 2, 44, 1.0).series, Settings())
    found = select(prepared)
    measured = measure_vessels(prepared, found.corrected(), found.vof)
    raw = np.mean([prepared.enhancement[v] for v in found.aif.voxels], axis=0, dtype=np.float64)
    assert measured.artery.height == pytest.approx(raw.max(), rel=0.1)
    assert measured.n_voxels == len(found.aif.voxels)
    assert measured.tissue.arrival_s > measured.artery.arrival_s
    assert (measured.vein is None) == (found.vof is None)
    drawn = posterior_aifs(prepared, found.aif, found.vof, 30)
    assert drawn.shape == (30, 44)
    np.testing.assert_array_equal(drawn, posterior_aifs(prepared, found.corrected(), found.vof, 30))
    with pytest.raises(NoArteryError, match="needs the voxels of an artery"):
        measure_vessels(prepared, replace(found.aif, voxels=()), None)


# Posterior


def test_residuals_and_mean_are_those_of_kernel_ridge_regression(fitted):
    """Residuals against fits without the case: the kernel is written out here, the features are those of all."""
    vessels, truths, posterior = fitted
    x = posterior.cases
    gram = np.exp(-((x[:, None] - x[None]) ** 2).mean(axis=-1) / (2 * 0.7**2)) + x @ x.T / x.shape[1] + 10.0
    known = np.array([
        [
            (truth.arrival_s - case.tissue.arrival_s) / case.tissue.width_s,
            np.log(truth.width_s / case.tissue.width_s),
            *posterior.family.project(truth.shape),
        ]
        for case, truth in zip(vessels, truths, strict=True)
    ])  # fmt: skip
    centred = known - known.mean(axis=0)
    for i in (0, 7, 100):
        kept = np.delete(np.arange(N_CASES), i)
        solved = np.linalg.solve(gram[np.ix_(kept, kept)] + 0.1 * np.eye(N_CASES - 1), centred[kept])
        np.testing.assert_allclose(posterior.residuals[i], centred[i] - gram[i, kept] @ solved, atol=1e-8)
        mean = known.mean(axis=0) + gram[i] @ np.linalg.solve(gram + 0.1 * np.eye(N_CASES), centred)
        tissue = vessels[i].tissue
        expected = curve_at(
            TIME, np.array([tissue.arrival_s + tissue.width_s * mean[0]]), tissue.width_s * np.exp(mean[1:2]),
            posterior.family.shapes(mean[None, 2:]),
        )  # fmt: skip
        np.testing.assert_allclose(posterior.with_spread(0.0).draw(vessels[i], TIME, 1), expected, atol=1e-8)


def test_mean_is_closer_to_the_true_aif_than_the_artery(fitted):
    vessels, truths = cases(40, seed=5)
    own, artery = [], []
    for case, truth in zip(vessels, truths, strict=True):
        curve = fitted[2].with_spread(0.0).draw(case, TIME, 1)[0]
        found = measure_bolus(curve, 1.0)
        own.append([np.log(found.width_s / truth.width_s), found.arrival_s - truth.arrival_s])
        artery.append([np.log(case.artery.width_s / truth.width_s), case.artery.arrival_s - truth.arrival_s])
    assert (np.abs(own).mean(axis=0) < np.abs(artery).mean(axis=0)).all()


def test_interval_of_the_width_covers_unseen_aifs_at_its_nominal_rate(fitted):
    vessels, truths = cases(300, seed=9)
    covered = []
    for case, truth in zip(vessels, truths, strict=True):
        widths = [measure_bolus(c, 1.0).width_s for c in fitted[2].draw(case, TIME, 60)]
        low, high = np.quantile(widths, [0.1, 0.9])
        covered.append(low <= truth.width_s <= high)
    # Three standard deviations of 300 cases, and an interval from 60 draws.
    assert np.mean(covered) == pytest.approx(0.8, abs=0.08)


def test_draws_spread_in_proportion_and_are_reproducible(fitted):
    vessels, _, posterior = fitted
    case = vessels[3]
    np.testing.assert_array_equal(posterior.draw(case, TIME, 20, seed=1), posterior.draw(case, TIME, 20, seed=1))
    assert not np.array_equal(posterior.draw(case, TIME, 20, seed=1), posterior.draw(case, TIME, 20, seed=2))
    # A narrow spread is linear in the curve.
    mean, one, two = (posterior.with_spread(s).draw(case, TIME, 50) for s in (0.0, 1e-4, 2e-4))
    np.testing.assert_allclose(two - mean, 2 * (one - mean), atol=1e-6)
    assert np.abs(one - mean).max() > 1e-6


def test_unusual_case_is_not_extrapolated(fitted):
    vessels, _, posterior = fitted
    odd = replace(vessels[0], noise=1e3, n_voxels=10**6)
    curves = posterior.draw(odd, TIME, 50)
    assert np.isfinite(curves).all()
    assert (curves.max(axis=1) > 0).all()


def test_too_few_cases_raise():
    vessels, truths = cases(20)
    with pytest.raises(ArgumentError, match="fitted to more than 128 cases"):
        AifPosterior.fit(vessels, truths)


# File


def test_posterior_is_read_as_it_was_written(fitted, tmp_path):
    vessels, _, posterior = fitted
    path = tmp_path / "one.safetensors"
    save_posterior(posterior.with_spread(1.25), {"command": "test"}, path)
    again = load_posterior(path)
    assert again.spread == 1.25
    # The file holds float32; the weights are of both signs and cancel in part.
    for spread in (0.0, 1.25):
        first, second = (p.with_spread(spread).draw(vessels[4], TIME, 9) for p in (posterior, again))
        np.testing.assert_allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all"])
def test_damaged_calibration_raises(tmp_path, content):
    path = tmp_path / "damaged.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputDataError, match="missing or damaged"):
        load_posterior(path)


def test_calibration_of_the_package_says_how_it_was_made():
    with safe_open(CALIBRATION, framework="np") as file:
        about = file.metadata()
    assert about["command"].startswith("python -m tools.calibrate_posterior --fit --seed ")
    assert int(about["cases"]) == len(load_posterior().cases)
