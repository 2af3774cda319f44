"""Tests of teaching experiments against the pipeline, closed forms and known truth."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from perfcore.aif.curves import gamma_variate
from perfcore.aif.edits import CurveEdit
from perfcore.errors import ArgumentError
from perfcore.phantom.cases import make_from_recipe
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.pipeline import analyse, make_maps, tile
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.teaching import CurveExperiment, ExperimentCase, FinetuneExperiment, SweepExperiment
from perfcore.teaching.challenge import (
    MIN_ARTERY,
    MIN_CORE_ML,
    _arteries,
    draw_challenge,
    score_challenge,
    true_cbf,
    true_voxels,
)
from perfcore.types import Aif
from tests.support import oracle

SETTINGS = Settings()


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


@pytest.fixture(scope="module")
def made():
    recipe = replace(DEMONSTRATIONS["m1-occlusion"], n_slices=2, n_time=50)
    return make_from_recipe(recipe)


@pytest.fixture(scope="module")
def case(made):
    prepared = prepare(made.series, SETTINGS)
    return ExperimentCase.of(prepared, {"truth": made.truth.aif, "vein": made.truth.vof})


def test_curve_experiment_matches_pipeline(made, case):
    found = CurveExperiment("", curve="truth", settings={"core_threshold": 0.3}).run(case, SETTINGS)
    settings = SETTINGS.replace(core_threshold=0.3)
    true = analyse(made.series, made.truth.aif, settings, prepared=case.prepared)
    assert found.core_ml == pytest.approx(true.numbers.core_ml)
    assert found.hypoperfused_ml == pytest.approx(true.numbers.hypoperfused_ml)
    assert found.mismatch_ml == pytest.approx(true.numbers.mismatch_ml)
    assert found.healthy.cbf == pytest.approx(true.numbers.reference_cbf, rel=1e-6)
    volume = true.maps.cbv.ravel()[case.prepared.index]
    assert found.healthy.cbv == pytest.approx(volume[case.reference].mean(), rel=1e-5)
    assert found.lesion.tmax == pytest.approx(
        np.nanmean(true.maps.tmax.ravel()[case.prepared.index][case.lesion]), rel=1e-5
    )


def test_an_experiment_counts_tmax_from_healthy_tissue_as_the_pipeline(made, case):
    settings = SETTINGS.replace(tmax_reference="healthy")
    late = CurveExperiment("", edit=CurveEdit(shift_s=3.0)).run(case, settings)
    aif = Aif(case.prepared.time_s, late.curve)
    true = analyse(made.series, aif, settings, prepared=case.prepared)
    assert true.maps.tmax_shift_s > 2
    assert late.hypoperfused_ml == pytest.approx(true.numbers.hypoperfused_ml)
    absolute = CurveExperiment("", edit=CurveEdit(shift_s=3.0)).run(case, SETTINGS)
    assert late.healthy.tmax - absolute.healthy.tmax == pytest.approx(true.maps.tmax_shift_s, abs=1e-4)
    assert late.leading == absolute.leading > 0
    np.testing.assert_allclose(late.residue_s - absolute.residue_s, true.maps.tmax_shift_s, atol=1e-6)


def test_tile_order_does_not_change_results(case):
    order = np.random.default_rng(3).permutation(case.prepared.n_voxels)
    from perfcore.deconvolution.fused import Tiles

    tiles = Tiles.from_curves(torch.from_numpy(case.prepared.tissue[order]))
    mixed = ExperimentCase.of(case.prepared, case.curves, tiles=tiles, order=order)
    one, two = (CurveExperiment("").run(b, SETTINGS) for b in (case, mixed))
    assert one.core_ml == two.core_ml
    assert one.leading == two.leading
    assert one.lesion.cbv == pytest.approx(two.lesion.cbv, rel=1e-9)
    np.testing.assert_allclose(one.healthy_residue, two.healthy_residue, rtol=1e-5, atol=1e-9)


def test_mean_curve_of_region(case):
    curve = case.mean_curve(case.lesion)
    np.testing.assert_allclose(curve, case.prepared.tissue[case.lesion].mean(0, dtype=np.float64), atol=1e-4)
    area = case.prepared.tissue.sum(1, dtype=np.float64) * case.dt_s
    np.testing.assert_allclose(case.area, area, rtol=1e-9, atol=1e-6)


def test_brain_reference_is_mean_of_all_voxels(case):
    found = CurveExperiment("", settings={"reference": "brain"}).run(case, SETTINGS)
    maps = make_maps(case.prepared, tile(case.prepared), case.curves["truth"], SETTINGS)
    assert found.healthy.cbf == pytest.approx(np.nanmean(maps.cbf, dtype=np.float64), rel=1e-6)


def test_truncated_scan_matches_shorter_series(case):
    found = CurveExperiment("", stop_s=25.0).run(case, SETTINGS)
    short = replace(case.prepared, tissue=case.prepared.tissue[:, :26], n_time=26)
    aif = case.curves["truth"]
    cut = Aif(aif.time_s[:26], aif.value[:26])
    maps = make_maps(short, tile(short), cut, SETTINGS)
    assert found.curve.size == 26
    assert found.core_ml == pytest.approx(maps.core.sum() * short.voxel_ml)


def test_smoothing_matches_preprocessing(made, case):
    other = SETTINGS.replace(spatial_sigma_mm=1.0, temporal_sigma_s=0.0)
    # The healthy side is determined on smoothed curves; the tissue must be identical.
    wanted = prepare(made.series, other).tissue
    np.testing.assert_allclose(case.smoothed(other).prepared.tissue, wanted, atol=1e-4)


def test_unknown_curve_and_curve_without_bolus_raise(case):
    with pytest.raises(ArgumentError, match="no AIF named 'dream'"):
        CurveExperiment("", curve="dream").run(case, SETTINGS)
    with pytest.raises(ArgumentError):
        CurveExperiment("", edit=CurveEdit(cut_s=0.0)).run(case, SETTINGS)


@pytest.fixture(scope="module")
def narrow(case):
    """A case whose bolus is narrow and over when the scan ends, so that nothing of it is lost."""
    time_s = case.prepared.time_s
    return replace(case, curves={"truth": Aif(time_s, gamma_variate(time_s, 8.0, 3.0, 1.5, 300.0))})


def test_sweep_is_unbiased_without_regularization(narrow):
    """Without regularisation the error is that of sampling, about dt/MTT for Volterra."""
    found = SweepExperiment("", mtt_s=(8, 20), settings={"lambda_rel": 1e-3, "deconvolution": "causal"}).run(
        narrow, SETTINGS
    )
    assert found.ratio[20] == pytest.approx(1.0, abs=0.06)
    assert found.ratio[8] == pytest.approx(1.0, abs=0.1)
    assert abs(found.excess[20]) < 1.0


def test_delay_shifts_tmax_and_keeps_cbf(narrow):
    here, there = (SweepExperiment("", mtt_s=(4, 8), delay_s=d).run(narrow, SETTINGS) for d in (0.0, 4.0))
    for mtt in (4, 8):
        assert there.tmax[mtt] - here.tmax[mtt] == pytest.approx(4.0, abs=0.05)
        assert there.ratio[mtt] == pytest.approx(here.ratio[mtt], rel=0.01)


def test_noise_floor_is_proportional_to_noise(case):
    found = SweepExperiment("", noise_hu=(0.5, 1.0, 2.0)).run(case, SETTINGS)
    assert found.floor[1.0] == pytest.approx(2 * found.floor[0.5], rel=1e-4)
    assert found.floor[2.0] == pytest.approx(4 * found.floor[0.5], rel=1e-4)
    assert found.floor[0.5] > 0.01


def test_finetuning_improves_truncated_curve(case):
    found = FinetuneExperiment("", parametrization="free", curvature=0.0, n_steps=10).run(case, SETTINGS)
    assert found.dice.shape == (11,)
    assert found.last == found.dice[-1]
    assert found.dice.max() > found.first
    assert found.curve.sum() == pytest.approx(found.start.sum(), rel=1e-9)
    with pytest.raises(ArgumentError, match="no known core"):
        FinetuneExperiment("").run(replace(case, lesion=None), SETTINGS)


# Challenge


@pytest.fixture(scope="module")
def challenge():
    return draw_challenge(3)


def test_challenge_hides_truth_and_is_reproducible(challenge):
    again = draw_challenge(3)
    np.testing.assert_array_equal(challenge.series.data, again.series.data)
    np.testing.assert_array_equal(challenge.core, again.core)
    assert challenge.series.lesion is None
    assert challenge.core.sum() * challenge.series.voxel_ml >= MIN_CORE_ML
    assert challenge.hypoperfused[challenge.core].all()
    assert challenge.notes
    assert not np.array_equal(draw_challenge(4).truth.value, challenge.truth.value)
    with pytest.raises(ArgumentError, match="seed must be at least 0"):
        draw_challenge(-1)


def test_the_artery_counts_where_its_voxels_are_picked(challenge):
    prepared = prepare(challenge.series, SETTINGS)
    tiles = tile(prepared)
    wanted = true_cbf(prepared, tiles, challenge, SETTINGS)
    true = true_voxels(challenge, prepared)
    assert true
    fractions = [challenge.artery_fraction[voxel] for voxel in true]
    assert fractions == sorted(fractions, reverse=True) and min(fractions) >= MIN_ARTERY
    beside = next(
        voxel for voxel in map(tuple, np.argwhere(prepared.mask)) if not challenge.artery_fraction[voxel]
    )

    def score_of(*voxels):
        return score_challenge(
            prepared, tiles, challenge, challenge.truth.value, SETTINGS, true_cbf=wanted, voxels=voxels
        )

    assert score_of(*true).artery == 1
    assert score_of(true[0], beside).artery == 0.5
    assert score_of().artery == 0
    assert score_of().points <= 75, "no curve alone is worth more"
    assert score_of(*true).points == pytest.approx(score_of().points + 25)


def test_arteries_beyond_the_clot_count_only_where_there_is_no_other():
    shape = (4, 1, 1)
    artery, distal = (np.array(v, np.float32).reshape(shape) for v in ((0.5, 0.3, 0.4, 0.2), (0, 0.3, 0, 0)))
    vein = np.array((0, 0, 0.6, 0), np.float32).reshape(shape)
    truth = SimpleNamespace(artery_fraction=artery, distal_fraction=distal, vein_fraction=vein)
    assert _arteries(truth).ravel().tolist() == pytest.approx([0.5, 0, 0, 0.2])
    only_distal = SimpleNamespace(artery_fraction=distal, distal_fraction=distal, vein_fraction=vein)
    assert _arteries(only_distal).ravel().tolist() == pytest.approx([0, 0.3, 0, 0])


def test_score_matches_pipeline_and_definition(challenge):
    prepared = prepare(challenge.series, SETTINGS)
    tiles = tile(prepared)
    wanted = true_cbf(prepared, tiles, challenge, SETTINGS)

    def score_of(curve):
        return score_challenge(prepared, tiles, challenge, curve, SETTINGS, true_cbf=wanted)

    truth = score_of(challenge.truth.value)
    maps = make_maps(prepared, tiles, challenge.truth, SETTINGS)
    inside = prepared.mask

    def overlap(a, b):
        return 2 * (a & b).sum() / (a.sum() + b.sum())

    assert truth.core_dice == pytest.approx(overlap(maps.core[inside], challenge.core[inside]))
    low = overlap(maps.hypoperfused[inside], challenge.hypoperfused[inside])
    assert truth.hypoperfused_dice == pytest.approx(low)
    assert truth.points == pytest.approx(100 * (0 + truth.core_dice + truth.hypoperfused_dice + 1) / 4)

    half = score_of(challenge.truth.value / 2)
    assert half.core_dice == pytest.approx(truth.core_dice, abs=2e-3)
    assert half.points == pytest.approx(truth.points - 100 / 8, abs=0.5)  # the flow's quarter is halved
    assert score_of(np.roll(challenge.truth.value, 5)).hypoperfused_dice < truth.hypoperfused_dice - 0.2
