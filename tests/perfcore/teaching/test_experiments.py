"""Experiments for teaching: against the pipeline, closed forms and known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from perfcore.aif.edits import WholeEdit
from perfcore.errors import ArgumentError
from perfcore.phantom.cases import make_from_recipe
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.pipeline import analyse, make_maps, tile
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.teaching import Bench, Sweep, Trial, Tuning
from perfcore.teaching.challenge import LEAST_CORE_ML, draw_hidden, score, true_cbf
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
def bench(made):
    prepared = prepare(made.series, SETTINGS)
    return Bench.of(prepared, {"truth": made.truth.aif, "vein": made.truth.vof})


def test_a_trial_reads_what_the_pipeline_makes(made, bench):
    found = Trial("", curve="truth", settings={"core_threshold": 0.3}).run(bench, SETTINGS)
    settings = SETTINGS.replace(core_threshold=0.3)
    true = analyse(made.series, made.truth.aif, settings, prepared=bench.prepared)
    assert found.core_ml == pytest.approx(true.numbers.core_ml)
    assert found.hypoperfused_ml == pytest.approx(true.numbers.hypoperfused_ml)
    assert found.mismatch_ml == pytest.approx(true.numbers.mismatch_ml)
    assert found.healthy.cbf == pytest.approx(true.numbers.reference_cbf, rel=1e-6)
    volume = true.maps.cbv.ravel()[bench.prepared.index]
    assert found.healthy.cbv == pytest.approx(volume[bench.reference].mean(), rel=1e-5)
    assert found.lesion.tmax == pytest.approx(
        np.nanmean(true.maps.tmax.ravel()[bench.prepared.index][bench.lesion]), rel=1e-5
    )


def test_tiles_in_another_order_change_nothing(bench):
    order = np.random.default_rng(3).permutation(bench.prepared.n_voxels)
    from perfcore.deconvolution.fused import Tiles

    tiles = Tiles.of(torch.from_numpy(bench.prepared.tissue[order]))
    mixed = Bench.of(bench.prepared, bench.curves, tiles=tiles, order=order)
    one, two = (Trial("").run(b, SETTINGS) for b in (bench, mixed))
    assert one.core_ml == two.core_ml
    assert one.leading == two.leading
    assert one.lesion.cbv == pytest.approx(two.lesion.cbv, rel=1e-9)
    np.testing.assert_allclose(one.healthy_residue, two.healthy_residue, rtol=1e-5, atol=1e-9)


def test_the_mean_curve_of_a_region_is_its_mean(bench):
    curve = bench.mean_curve(bench.lesion)
    np.testing.assert_allclose(curve, bench.prepared.tissue[bench.lesion].mean(0, dtype=np.float64), atol=1e-4)
    area = bench.prepared.tissue.sum(1, dtype=np.float64) * bench.dt_s
    np.testing.assert_allclose(bench.area, area, rtol=1e-9, atol=1e-6)


def test_the_whole_brain_as_reference_is_the_mean_of_all(bench):
    found = Trial("", settings={"reference": "brain"}).run(bench, SETTINGS)
    maps = make_maps(bench.prepared, tile(bench.prepared), bench.curves["truth"], SETTINGS)
    assert found.healthy.cbf == pytest.approx(np.nanmean(maps.cbf, dtype=np.float64), rel=1e-6)


def test_a_scan_that_stops_is_the_scan_up_to_there(bench):
    found = Trial("", stop_s=25.0).run(bench, SETTINGS)
    short = replace(bench.prepared, tissue=bench.prepared.tissue[:, :26], n_time=26)
    aif = bench.curves["truth"]
    cut = Aif(aif.time_s[:26], aif.value[:26])
    maps = make_maps(short, tile(short), cut, SETTINGS)
    assert found.curve.size == 26
    assert found.core_ml == pytest.approx(maps.core.sum() * short.voxel_ml)


def test_other_smoothing_is_that_of_the_preparation(made, bench):
    other = SETTINGS.replace(spatial_sigma_mm=1.0, temporal_sigma_s=0.0)
    # The healthy side is chosen on smoothed curves; the tissue itself must be the same.
    wanted = prepare(made.series, other).tissue
    np.testing.assert_allclose(bench.smoothed(other).prepared.tissue, wanted, atol=1e-4)


def test_an_unknown_curve_and_a_curve_without_bolus_are_refused(bench):
    with pytest.raises(ArgumentError, match="no curve named dream"):
        Trial("", curve="dream").run(bench, SETTINGS)
    with pytest.raises(ArgumentError):
        Trial("", edit=WholeEdit(cut_s=0.0)).run(bench, SETTINGS)


def test_simulated_tissue_is_read_right_where_the_filter_lets_everything_pass(bench):
    """With next to no regularisation long transit times lose only what sampling loses (Volterra: about dt/MTT)."""
    found = Sweep("", mtt_s=(8, 20), settings={"lambda_rel": 1e-3, "deconvolution": "causal"}).run(bench, SETTINGS)
    assert found.ratio[20] == pytest.approx(1.0, abs=0.06)
    assert found.ratio[8] == pytest.approx(1.0, abs=0.1)
    assert abs(found.excess[20]) < 1.0


def test_delay_moves_tmax_by_itself_and_leaves_flow_alone(bench):
    here, there = (Sweep("", mtt_s=(4, 8), delay_s=d).run(bench, SETTINGS) for d in (0.0, 4.0))
    for mtt in (4, 8):
        assert there.tmax[mtt] - here.tmax[mtt] == pytest.approx(4.0, abs=0.05)
        assert there.ratio[mtt] == pytest.approx(here.ratio[mtt], rel=0.01)


def test_noise_reads_as_flow_in_proportion(bench):
    found = Sweep("", noise_hu=(0.5, 1.0, 2.0)).run(bench, SETTINGS)
    assert found.floor[1.0] == pytest.approx(2 * found.floor[0.5], rel=1e-4)
    assert found.floor[2.0] == pytest.approx(4 * found.floor[0.5], rel=1e-4)
    assert found.floor[0.5] > 0.01


def test_tuning_helps_a_cut_curve_on_its_own_slices(bench):
    found = Tuning("", form="free", curvature=0.0, n_steps=10).run(bench, SETTINGS)
    assert found.dice.shape == (11,)
    assert found.last == found.dice[-1]
    assert found.dice.max() > found.first
    assert found.curve.sum() == pytest.approx(found.start.sum(), rel=1e-9)
    with pytest.raises(ArgumentError, match="no known core"):
        Tuning("").run(replace(bench, lesion=None), SETTINGS)


# The challenge


@pytest.fixture(scope="module")
def hidden():
    return draw_hidden(3)


def test_a_hidden_patient_tells_nothing_and_comes_again(hidden):
    again = draw_hidden(3)
    np.testing.assert_array_equal(hidden.series.data, again.series.data)
    np.testing.assert_array_equal(hidden.core, again.core)
    assert hidden.series.lesion is None
    assert hidden.core.sum() * hidden.series.voxel_ml >= LEAST_CORE_ML
    assert hidden.hypoperfused[hidden.core].all()
    assert hidden.notes
    assert not np.array_equal(draw_hidden(4).truth.value, hidden.truth.value)
    with pytest.raises(ArgumentError, match="seed must be at least 0"):
        draw_hidden(-1)


def test_the_score_is_what_the_pipeline_and_the_definition_give(hidden):
    prepared = prepare(hidden.series, SETTINGS)
    tiles = tile(prepared)
    wanted = true_cbf(prepared, tiles, hidden, SETTINGS)

    def judge(curve):
        return score(prepared, tiles, hidden, curve, SETTINGS, true_cbf=wanted)

    truth = judge(hidden.truth.value)
    maps = make_maps(prepared, tiles, hidden.truth, SETTINGS)
    inside = prepared.mask

    def overlap(a, b):
        return 2 * (a & b).sum() / (a.sum() + b.sum())

    assert truth.core_dice == pytest.approx(overlap(maps.core[inside], hidden.core[inside]))
    low = overlap(maps.hypoperfused[inside], hidden.hypoperfused[inside])
    assert truth.hypoperfused_dice == pytest.approx(low)
    assert truth.points == pytest.approx(100 * (truth.core_dice + truth.hypoperfused_dice + 1) / 3)

    half = judge(hidden.truth.value / 2)
    assert half.core_dice == pytest.approx(truth.core_dice, abs=2e-3)
    assert half.points == pytest.approx(truth.points - 100 / 6, abs=0.5)  # the flow's third is halved
    assert judge(np.roll(hidden.truth.value, 5)).hypoperfused_dice < truth.hypoperfused_dice - 0.2
