"""Tests of phantom cases: ground truth, anatomy and confounders."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from perfcore.aif.curves import fine_grid, gamma_variate, sample
from perfcore.errors import ArgumentError
from perfcore.phantom.cases import (
    PhantomCase,
    demonstration_names,
    make_case,
    make_demonstration,
    make_from_recipe,
)
from perfcore.phantom.cohort import draw_recipe, patient_of
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.phantom.physiology import Bolus
from perfcore.phantom.recipe import CONFOUNDERS, Recipe
from perfcore.phantom.scanner import Scanner, add_noise, noise_gain
from perfcore.units import CBV_PER_RATIO
from tools.realism import PATIENTS, distance, shape_of

FIRST_PASS = Bolus(recirculation_hu=0.0, plateau_hu=0.0, peak_hu=1280.0)
"""A strong bolus, so that the curve of the core stands out of the rounding to whole HU."""
CLEAN = replace(
    DEMONSTRATIONS["m1-occlusion"], n_slices=2, centre_mm=12.0, n_time=140,
    scanner=Scanner(noise_hu=0.7, frame_s=0.0), bolus=FIRST_PASS,
)  # fmt: skip
"""A little noise, so that rounding to whole HU does not bias means over voxels, and time for the core to empty."""
BRIEF = replace(CLEAN, n_time=24, n_slices=1, scanner=Scanner(noise_hu=0.0))
CLEAN_BRIEF = replace(BRIEF, n_time=20, n_slices=3)


@cache
def clean() -> PhantomCase:
    return make_from_recipe(CLEAN)


@cache
def default() -> PhantomCase:
    return make_demonstration("m1-occlusion")


def enhancement(case: PhantomCase) -> np.ndarray:
    return case.series.data - case.series.data[..., :7].mean(axis=3, keepdims=True)


def tissue_of(case: PhantomCase, state: str, mtt: float) -> np.ndarray:
    """Voxels of one pure kind of tissue (known by its transit time), without vessels."""
    truth = case.truth
    normal = ~truth.core & ~truth.penumbra & (truth.delay_s < 3)
    where = {"core": truth.core, "penumbra": truth.penumbra, "normal": normal}[state]
    return where & (np.abs(truth.mtt - mtt) < 1e-3) & (truth.artery_fraction + truth.vein_fraction == 0)


KINDS = [
    ("normal", 4.0),
    ("normal", 4.8),
    ("penumbra", 12.0),
    ("penumbra", 12.5455),
    ("core", 15.0),
    ("core", 16.2),
]


# The truth


@pytest.mark.parametrize(("state", "mtt"), KINDS)
def test_tissue_curves_equal_convolution_of_the_truth(state: str, mtt: float) -> None:
    case = clean()
    where = tissue_of(case, state, mtt)
    assert where.sum() > 200
    fine = np.arange(0.0, 140.0, 0.02)
    artery = gamma_variate(fine, FIRST_PASS.onset_s, FIRST_PASS.alpha, FIRST_PASS.beta_s, FIRST_PASS.peak_hu)
    response = np.exp(-fine / mtt)
    unit = np.convolve(artery, response)[: fine.size] * 0.02 * 1.04 / (0.55 / 0.75) / 6000.0
    cbf, delay = case.truth.cbf[where], case.truth.delay_s[where]
    times = case.series.time_s
    expected = np.mean([f * np.interp(times - d, fine, unit) for f, d in zip(cbf, delay, strict=True)], axis=0)
    measured = enhancement(case)[where].mean(axis=0)
    assert np.abs(measured - expected).max() < 0.01 * expected.max() + 4 * 0.8 / np.sqrt(where.sum())


@pytest.mark.parametrize(("state", "mtt"), KINDS)
def test_curve_area_gives_cbv_and_first_moment_gives_delay(state: str, mtt: float) -> None:
    case = clean()
    where = tissue_of(case, state, mtt)
    tissue, artery, time = enhancement(case)[where].mean(axis=0), case.truth.aif.value, case.series.time_s
    cbv = CBV_PER_RATIO * tissue.sum() / artery.sum()
    chance = 3 * 0.8 / np.sqrt(7 * where.sum()) * time.size  # three standard errors of the baseline, as an area
    volume_chance = CBV_PER_RATIO * chance / artery.sum()
    assert cbv == pytest.approx(float(case.truth.cbv[where].mean()), rel=0.01, abs=volume_chance)
    centre = (time * tissue).sum() / tissue.sum() - (time * artery).sum() / artery.sum()
    delay_chance = time.size / 2 * chance / tissue.sum()  # an offset moves the centre towards the middle
    assert centre - mtt == pytest.approx(float(case.truth.delay_s[where].mean()), abs=0.15 + delay_chance)


def test_cbv_equals_cbf_times_mtt_in_every_voxel() -> None:
    truth = default().truth
    for name in ("cbf", "cbv", "mtt", "delay_s"):
        assert getattr(truth, name).dtype == np.float32
    assert np.allclose(truth.cbv, truth.cbf * truth.mtt / 60.0, rtol=1e-5, atol=1e-6)
    assert (truth.mtt[truth.cbf == 0] == 0).all()


@pytest.mark.parametrize("name", ["m1-occlusion", "small-core", "noisy", "truncated", "distal-aif"])
def test_labels_keep_a_margin_from_the_thresholds(name: str) -> None:
    """Where the core begins with a step."""
    recipe = replace(DEMONSTRATIONS[name], n_time=12, n_slices=3, core_border=0.0)
    case = make_from_recipe(recipe)
    truth, series = case.truth, case.series
    x_mm = series.affine[0, 3] + series.spacing_mm[0] * np.arange(series.grid[0])
    contralateral = (x_mm * recipe.side < 0)[:, None, None] & (truth.cbf > 15) & ~truth.core & ~truth.penumbra
    relative = truth.cbf / truth.cbf[contralateral].mean()
    assert truth.penumbra.any()
    assert relative[truth.penumbra].min() > 0.42
    assert relative[truth.core].max() < 0.34
    assert truth.delay_s[truth.penumbra].min() > 4.0


def test_labels_do_not_overlap_and_the_core_lies_within_the_penumbra() -> None:
    truth = default().truth
    assert not (truth.core & truth.penumbra).any()
    around = np.stack([ndimage.binary_dilation(truth.core[..., k], iterations=2) for k in range(8)], axis=2)
    rim = around & ~truth.core & (truth.cbf > 15)
    assert truth.penumbra[rim].mean() > 0.85  # the rest has a CSF share that hides its label


def test_lesion_border_is_irregular() -> None:
    """A disc has a circularity 4πA/P² of 1; a lesion with a ragged border is far below."""
    label = (default().truth.core | default().truth.penumbra)[..., 4]
    perimeter = (label & ~ndimage.binary_erosion(label)).sum()
    assert 4 * np.pi * label.sum() / perimeter**2 < 0.6


def test_lesion_is_on_the_named_side() -> None:
    for name, sign in (("m1-occlusion", -1), ("small-core", 1)):
        case = make_from_recipe(replace(DEMONSTRATIONS[name], n_time=10, n_slices=2))
        x = np.nonzero(case.truth.penumbra)[0] * case.series.spacing_mm[0] + case.series.affine[0, 3]
        assert (np.sign(x) == sign).mean() > 0.97
        assert case.description["side"] == {1: "right", -1: "left"}[sign]


def test_deconvolution_finds_core_and_penumbra() -> None:
    """A Fourier Tikhonov of its own, with the true input function, on four slices of the default case."""
    case = default()
    truth, data = case.truth, case.series.data[:, :, 2:6]
    core, risk = truth.core[..., 2:6], (truth.core | truth.penumbra)[..., 2:6]
    vessel = (truth.artery_fraction + truth.vein_fraction)[..., 2:6] > 0.05
    mask = (truth.cbf[..., 2:6] > 0) & ~vessel
    baseline = data[..., :7].mean(axis=3)
    mask &= baseline > 18
    sigma = 2.5 / case.series.spacing_mm[0]
    weight = ndimage.gaussian_filter(mask.astype(np.float32), (sigma, sigma, 0))
    smooth = ndimage.gaussian_filter((data - baseline[..., None]) * mask[..., None], (sigma, sigma, 0, 1.5))
    tissue = smooth[mask] / weight[mask][:, None]
    n, aif = 60, np.concatenate([truth.aif.value, np.zeros(60)])
    transfer = np.fft.rfft((np.roll(aif, 1) + 4 * aif + np.roll(aif, -1)) / 6)
    inverse = np.conj(transfer) / (np.abs(transfer) ** 2 + (0.3 * np.abs(transfer).max()) ** 2)
    response = np.fft.irfft(inverse * np.fft.rfft(tissue, 2 * n), 2 * n)
    response = np.concatenate([response[:, -15:], response[:, :n]], axis=1)
    flow = response.max(axis=1)
    contralateral = np.nonzero(mask)[0] > 130
    found = flow < 0.38 * flow[contralateral].mean()
    late = response.argmax(axis=1) - 15 > 6
    assert 2 * (found & core[mask]).sum() / (found.sum() + core[mask].sum()) > 0.8
    assert 2 * (late & risk[mask]).sum() / (late.sum() + risk[mask].sum()) > 0.9


@pytest.mark.parametrize("recipe", [draw_recipe(3, 1), DEMONSTRATIONS["m1-occlusion"]], ids=["cohort", "demo"])
def test_severity_is_a_continuum_between_penumbra_and_core(recipe: Recipe) -> None:
    """Tissue at risk has flows on either side of the border; the core is what lies below it."""
    recipe = replace(recipe, n_time=8)
    truth = make_from_recipe(recipe).truth
    x = np.arange(256) - 127.5
    healthy = (x * recipe.side < 0)[:, None, None] & (truth.cbf > 15) & ~truth.core & ~truth.penumbra
    relative = truth.cbf / truth.cbf[healthy].mean()
    lesion = truth.core | truth.penumbra
    shares = [
        ((relative > a) & (relative < a + 0.04) & lesion).sum() / lesion.sum() for a in (0.3, 0.34, 0.38, 0.42)
    ]
    assert min(shares) > 0.01
    assert relative[truth.core].max() < 0.36  # the reference of the label counts voxels with little tissue as well
    assert relative[truth.penumbra].min() > 0.32


def test_tissue_at_risk_has_the_transit_times_of_patients() -> None:
    """12 to 16 s (Kamalian 2012, doi:10.3174/ajnr.A2809)."""
    for recipe in (replace(draw_recipe(3, 1), n_time=8), replace(DEMONSTRATIONS["m1-occlusion"], n_time=8)):
        truth = make_from_recipe(recipe).truth
        mtt = truth.mtt[truth.core | truth.penumbra]
        assert 11.9 < mtt.min() < mtt.max() < 16.3
        assert np.median(truth.mtt[truth.core]) > np.median(truth.mtt[truth.penumbra]) + 1


def test_boluses_are_as_wide_as_those_of_patients() -> None:
    """Against quantiles of measured clinical curves, on seeds that the distributions were not fitted on."""
    shapes = []
    for recipe in (draw_recipe(seed, k) for seed in (31, 32) for k in range(1, 101)):
        fine, frames = fine_grid(recipe.n_time), np.arange(recipe.n_time, dtype=np.float64)
        artery, vein = (
            sample(curve, 0.1, frames) for curve in (recipe.bolus.artery(fine), recipe.bolus.vein(fine))
        )
        shapes.append((*shape_of(artery, 1.0), shape_of(vein, 1.0)[0], shape_of(vein, 1.0)[3], vein.max()))
    names = list(PATIENTS)[:7]
    distances = {
        name: distance(column, PATIENTS[name]) for name, column in zip(names, np.transpose(shapes), strict=True)
    }
    assert {name: found for name, found in distances.items() if found > 0.25} == {}


@pytest.mark.parametrize("name", DEMONSTRATIONS)
def test_boluses_of_the_demonstrations_are_those_of_usual_patients(name: str) -> None:
    """Between the 5th and the 95th percentile of measured clinical curves in width, rise and tail."""
    recipe = DEMONSTRATIONS[name]
    artery = sample(recipe.bolus.artery(fine_grid(recipe.n_time)), 0.1, np.arange(recipe.n_time, dtype=np.float64))
    width, rise, fall, tail = shape_of(artery, 1.0)
    for found, quantity in ((width, "width, s"), (rise, "rise 20 % to peak, s"), (fall, "fall peak to half, s")):
        assert PATIENTS[f"AIF {quantity}"][0] < found < PATIENTS[f"AIF {quantity}"][-1]
    assert PATIENTS["AIF tail / peak"][0] < tail < PATIENTS["AIF tail / peak"][-1]


# Appearance


def test_default_phantom_properties() -> None:
    assert demonstration_names()[0] == "m1-occlusion"
    assert len(demonstration_names()) == 6
    case = default()
    assert case.series.data.shape == (256, 256, 8, 60)
    assert case.series.dt_s == 1.0
    assert case.description["confounders"] == []
    assert case.description["core_ml"] >= 10
    assert case.series.lesion is not None
    assert np.array_equal(case.series.lesion, case.truth.core)
    assert case.series.units == "hu"
    assert all(DEMONSTRATIONS[name].n_slices == 8 for name in demonstration_names())


def test_values_are_12_bit_integer_hu() -> None:
    data = default().series.data
    assert data.dtype == np.float32
    assert np.array_equal(data, np.rint(data))
    assert data.min() >= -1024
    assert data.max() <= 3071


def test_baseline_hu_match_tissue_types() -> None:
    baseline = default().series.data[..., :6].mean(axis=3)
    truth = default().truth
    assert (baseline[:3] == -1000).all()
    assert np.median(baseline[truth.cbf > 50]) == pytest.approx(35, abs=1.5)
    white = (truth.cbf > 0) & (np.abs(truth.mtt - 4.8) < 1e-3) & (truth.cbf > 20)
    assert np.median(baseline[white]) == pytest.approx(29, abs=1.5)
    for k in range(8):
        bone = baseline[..., k] > 300
        inside = ndimage.binary_fill_holes(bone) & ~bone
        brain = truth.cbf[..., k] > 5
        assert 5000 < brain.sum() < 30000
        assert inside[brain].mean() > 0.98


def test_heads_are_not_mirror_images() -> None:
    brain = default().truth.cbf[..., 4] > 5
    both = brain & brain[::-1]
    assert both.sum() / (brain | brain[::-1]).sum() < 0.97


def test_arteries_lie_at_the_base_and_sinuses_at_the_back() -> None:
    truth = default().truth
    assert truth.artery_fraction[..., 0].max() == pytest.approx(1.0)
    _, y, _ = np.nonzero(truth.vein_fraction[..., :4] > 0.8)
    assert np.median(y) < 90
    _, y, _ = np.nonzero(truth.artery_fraction[..., :1] > 0.5)
    assert 100 < np.median(y) < 180


def test_artery_voxel_shows_the_aif() -> None:
    case = clean()
    full = case.truth.artery_fraction > 0.6
    assert full.sum() >= 3
    curve = enhancement(case)[full].mean(axis=0)
    assert 0.4 * case.truth.aif.peak < curve.max() <= 1.02 * case.truth.aif.peak


def test_affine_is_ras_and_centred() -> None:
    series = default().series
    assert (np.diag(series.affine)[:3] > 0).all()
    centre = series.affine @ [127.5, 127.5, 3.5, 1.0]
    assert np.allclose(centre[:2], 0.0, atol=1e-6)


def test_phantom_does_not_import_nilearn() -> None:
    code = "import sys, perfcore.phantom.cases, perfcore.phantom.templates as t; t.load_templates(); "
    code += "sys.exit('nilearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Randomness


def test_same_seed_is_reproducible_and_another_seed_differs() -> None:
    recipe = replace(BRIEF, n_time=10, scanner=Scanner(noise_hu=4.0))
    first, again = make_from_recipe(recipe), make_from_recipe(recipe)
    assert first.series.data.tobytes() == again.series.data.tobytes()
    assert first.description == again.description
    scan = make_from_recipe(replace(recipe, scan_seed=(2018, 1, 2)))
    assert scan.series.data.tobytes() != first.series.data.tobytes()
    assert np.array_equal(scan.truth.core, first.truth.core)
    other = make_from_recipe(replace(recipe, patient_seed=(2018, 99)))
    assert not np.array_equal(other.truth.core, first.truth.core)


@pytest.mark.parametrize("seed", range(4))
def test_first_cohort_case_has_no_confounder(seed: int) -> None:
    recipe = draw_recipe(seed, 1)
    assert recipe.confounders == ()
    assert recipe.n_slices == 8
    assert recipe.n_time == 60
    case = make_from_recipe(replace(recipe, n_time=8))
    assert case.description["core_ml"] >= 10
    assert (case.truth.artery_fraction > 0.8).sum() >= 3


def test_make_case_is_the_drawn_recipe() -> None:
    index = next(k for k in range(2, 40) if draw_recipe(5, k).n_slices == 2)
    case = make_case(5, index)
    assert case.series.grid == (256, 256, 2)
    assert case.description["name"] == f"case_{index}"
    assert case.series.data.tobytes() == make_case(5, index).series.data.tobytes()


def test_cohort_variation_matches_isles_2018() -> None:
    recipes = [draw_recipe(7, k) for k in range(1, 201)]
    slices = [recipe.n_slices for recipe in recipes]
    assert set(slices) == {2, 4, 8, 16}
    assert slices.count(2) > 100
    assert all(43 <= recipe.n_time <= 64 and recipe.dt_s == 1.0 for recipe in recipes)
    assert all(0.8 <= recipe.pixel_mm <= 1.0 and 5 <= recipe.slice_mm <= 10 for recipe in recipes)
    assert {recipe.site for recipe in recipes} == {"M1", "M2-superior", "M2-inferior", "ACA", "PCA", None}
    assert {recipe.side for recipe in recipes} == {-1, 1}
    assert {recipe.residue for recipe in recipes} == {"exponential", "box", "gamma", "box-exponential"}
    assert {name for recipe in recipes for name in recipe.confounders} == set(CONFOUNDERS)
    assert any(recipe.site is not None and recipe.core_ml == 0 for recipe in recipes)
    assert 100 < len({recipe.patient for recipe in recipes}) < 170


def test_two_scans_of_a_patient_share_anatomy_and_stroke() -> None:
    recipes = {k: draw_recipe(7, k) for k in range(1, 60)}
    pairs = [(a, b) for a in recipes for b in recipes if a < b and recipes[a].patient == recipes[b].patient]
    assert pairs
    for a, b in pairs:
        first, second = recipes[a], recipes[b]
        assert b == a + 1
        assert patient_of(a, 7)[0] == patient_of(b, 7)[0]
        assert first.patient_seed == second.patient_seed
        assert (first.site, first.side, first.core_ml) == (second.site, second.side, second.core_ml)
        assert first.scan_seed != second.scan_seed


@pytest.mark.parametrize(("seed", "index"), [(-1, 1), (0, 0)])
def test_cases_are_numbered_from_one(seed: int, index: int) -> None:
    with pytest.raises(ArgumentError, match=r"seed must be at least 0 and index at least 1"):
        make_case(seed, index)


def test_an_unknown_demonstration_is_refused() -> None:
    with pytest.raises(ArgumentError, match="demonstration must be one of m1-occlusion"):
        make_demonstration("unknown")


# The confounders


def test_truncated_scan_ends_before_vein_falls_to_half() -> None:
    drawn = [draw_recipe(seed, k) for seed in range(3) for k in range(1, 80)]
    found = [recipe for recipe in drawn if "truncated" in recipe.confounders]
    assert len(found) > 5
    for recipe in [*found, DEMONSTRATIONS["truncated"]]:
        time = np.arange(0, recipe.n_time, 0.1)
        vein = recipe.bolus.vein(time)
        assert vein[-1] > 0.5 * vein.max()
        assert time[vein.argmax()] < (recipe.n_time - 1) * recipe.dt_s
        assert recipe.bolus.onset_s > 5
    assert all(recipe.bolus.onset_s >= 3.0 for recipe in drawn)  # some frames come before the bolus
    complete = [recipe for recipe in drawn if "truncated" not in recipe.confounders]
    for recipe in complete:
        vein = recipe.bolus.vein(np.arange(0, recipe.n_time, 0.1))
        assert vein[-1] < 0.5 * vein.max()


def test_a_low_cardiac_output_widens_and_lowers_the_bolus() -> None:
    drawn = [draw_recipe(seed, k) for seed in range(3) for k in range(2, 80)]
    low = [r.bolus for r in drawn if "low-cardiac-output" in r.confounders]
    usual = [r.bolus for r in drawn if "low-cardiac-output" not in r.confounders]
    assert min(b.width_s for b in low) >= max(b.width_s for b in usual)
    assert np.mean([b.peak_hu for b in low]) < 0.8 * np.mean([b.peak_hu for b in usual])


def brightest(case: PhantomCase, n: int = 10) -> np.ndarray:
    """Mean curve of the brightest artery voxels."""
    series = enhancement(case)
    score = np.where(case.truth.artery_fraction > 0.15, series.max(axis=3), -1)
    at = np.unravel_index(np.argsort(score, axis=None)[-n:], score.shape)
    return np.asarray(series[at].mean(axis=0))


def test_thin_arteries_have_partial_volume() -> None:
    thin = make_from_recipe(replace(BRIEF, artery_scale=0.5, confounders=("partial-volume",)))
    full = make_from_recipe(BRIEF)
    assert brightest(thin).max() < 0.6 * brightest(full).max()


def test_distal_arteries_are_delayed_and_dispersed() -> None:
    recipe = replace(DEMONSTRATIONS["distal-aif"], n_slices=2, n_time=40, scanner=Scanner(noise_hu=0.0))
    case = make_from_recipe(recipe)
    curve, aif = brightest(case), case.truth.aif.value
    assert curve.argmax() - aif.argmax() >= 3
    assert (curve > curve.max() / 2).sum() > (aif > aif.max() / 2).sum()
    assert case.description["confounders"] == ["distal-aif"]


def test_venous_contamination_mixes_veins_into_artery_voxels() -> None:
    with_veins = make_from_recipe(replace(BRIEF, centre_mm=-10.0, confounders=("venous-contamination",))).truth
    without = make_from_recipe(replace(BRIEF, centre_mm=-10.0)).truth
    arteries = without.artery_fraction > 0.3
    assert with_veins.vein_fraction[arteries].mean() > 5 * without.vein_fraction[arteries].mean() + 0.02


def test_a_slab_without_artery_has_none() -> None:
    drawn = [draw_recipe(seed, k) for seed in range(4) for k in range(2, 80)]
    recipe = next(r for r in drawn if "no-artery" in r.confounders and r.n_slices == 2)
    assert make_from_recipe(replace(recipe, n_time=8)).truth.artery_fraction.max() < 0.2


def test_motion_starts_with_the_bolus_and_includes_the_skull() -> None:
    still = make_from_recipe(BRIEF).series.data
    moved = make_from_recipe(replace(BRIEF, scanner=Scanner(noise_hu=0.0, motion_mm=3.0))).series.data
    change = np.abs(moved - still).max(axis=(0, 1, 2))
    assert (change[:12] == 0).all()
    assert (change[12:] > 200).all()


def test_streak_artefacts_vary_over_time() -> None:
    still = make_from_recipe(BRIEF).series.data
    data = make_from_recipe(replace(BRIEF, scanner=Scanner(noise_hu=0.0, streak_hu=5.0))).series.data
    streaks = (data - still)[100:150, 100:150]
    assert 2.0 < streaks.std() < 9.0
    assert streaks.std(axis=3).mean() > 0.8


def noise_of(**scanner: float) -> np.ndarray:
    """The noise of a slice, without the rounding to whole HU."""
    block = np.zeros((192, 180, 60), np.float32)
    add_noise(block, Scanner(**scanner), np.random.default_rng(3), pixel_mm=0.9, dt_s=1.0)
    return block


@pytest.mark.parametrize("frame_s", [0.0, 2.0, 2.7])
@pytest.mark.parametrize("cutoff", [0.3, 0.4])
def test_noise_has_the_level_that_is_asked(frame_s: float, cutoff: float) -> None:
    noise = noise_of(noise_hu=8.0, frame_s=frame_s, cutoff_per_mm=cutoff)
    assert noise.std() == pytest.approx(8.0, rel=0.02)
    assert abs(noise.mean()) < 0.01  # the ramp has no power at frequency 0


def test_noise_in_the_brain_of_a_case_has_the_level_that_is_asked() -> None:
    quiet = make_from_recipe(CLEAN_BRIEF)
    noisy = make_from_recipe(replace(CLEAN_BRIEF, scanner=Scanner(noise_hu=8.0)))
    noise = (noisy.series.data - quiet.series.data)[quiet.truth.cbf > 0]
    assert np.sqrt((noise**2).mean()) == pytest.approx(8.0, rel=0.06)  # the brain is a little inside the skull


def test_noise_has_the_spectrum_of_a_ramp_filter() -> None:
    """The radial power over the frequency, f·exp(−(f/f_c)²), is a line in f² with no power at 0."""
    noise = noise_of(noise_hu=1.0, frame_s=0.0)
    power = (np.abs(np.fft.fft2(noise, axes=(0, 1))) ** 2).mean(axis=2)
    frequency = np.hypot(np.fft.fftfreq(192)[:, None], np.fft.fftfreq(180)[None]) / 0.9
    rings = np.digitize(frequency, np.arange(0.02, 0.5, 0.04))
    mean = np.array([power[rings == k].mean() for k in range(1, 12)])
    at = np.array([frequency[rings == k].mean() for k in range(1, 12)])
    expected = at * np.exp(-((at / Scanner().cutoff_per_mm) ** 2))
    np.testing.assert_allclose(mean / mean.sum(), expected / expected.sum(), rtol=0.05)
    assert power[0, 0] < 1e-6 * power.max()


def test_smoothing_leaves_as_little_of_the_noise_as_on_a_scanner() -> None:
    """A Gaussian of 2.5 mm leaves 0.083 of ramp-filtered noise, 0.23 of noise of a low-pass spectrum."""
    noise = noise_of(noise_hu=1.0)
    smooth = ndimage.gaussian_filter(noise, (2.5 / 0.9, 2.5 / 0.9, 0))
    assert smooth.std() / noise.std() == pytest.approx(0.083, abs=0.005)


def test_noise_is_correlated_in_time_as_frames_that_were_interpolated() -> None:
    def correlation(noise: np.ndarray, lag: int) -> float:
        return float((noise[..., lag:] * noise[..., :-lag]).mean() / noise.var())

    slow, fast = noise_of(noise_hu=1.0, frame_s=2.5), noise_of(noise_hu=1.0, frame_s=0.0)
    assert correlation(slow, 1) > 0.6
    assert abs(correlation(slow, 5)) < 0.02  # two frames of the scanner lie between
    assert abs(correlation(fast, 1)) < 0.02


def test_noise_is_stronger_in_the_centre_and_in_the_posterior_fossa() -> None:
    y, z = np.meshgrid(np.linspace(-100, 60, 41), np.array([-35.0, 20.0]), indexing="ij")
    mni = np.stack([np.zeros_like(y), y, z])[:, None].astype(np.float32)
    gain = noise_gain(mni, np.ones(mni.shape[1:], bool))[0]
    assert np.sqrt((gain**2).mean()) == pytest.approx(1.0, rel=1e-5)
    middle, edge = np.abs(y[:, 1] + 18).argmin(), 0
    assert gain[middle, 1] > 1.3 * gain[edge, 1]
    behind = y[:, 0] < -50
    assert (gain[behind, 0] > 1.15 * gain[behind, 1]).all()


def test_a_case_without_stroke_has_no_lesion() -> None:
    case = make_from_recipe(replace(DEMONSTRATIONS["no-stroke"], n_time=10, n_slices=2))
    assert not case.truth.core.any()
    assert not case.truth.penumbra.any()
    assert case.truth.delay_s.max() < 2.5
    assert case.description["occlusion"] is None
    assert case.description["side"] is None


def test_stroke_without_core_is_possible() -> None:
    case = make_from_recipe(replace(BRIEF, n_time=10, core_ml=0.0))
    assert not case.truth.core.any()
    assert case.truth.penumbra.sum() > 1000


@pytest.mark.parametrize("site", ["M2-superior", "M2-inferior", "ACA", "PCA"])
def test_each_site_affects_its_own_territory(site: str) -> None:
    slab = replace(BRIEF, n_time=8, n_slices=4, slice_mm=10.0, centre_mm=20.0)
    recipe: Recipe = replace(slab, hypoperfused_ml=60.0, side=1)
    here = make_from_recipe(replace(recipe, site=site)).truth  # type: ignore[arg-type]
    x, y, _ = (float(np.mean(i)) for i in np.nonzero(here.core | here.penumbra))
    expected = {
        "M2-superior": ("lateral", "front"),
        "M2-inferior": ("lateral", "back"),
        "ACA": ("medial", "front"),
        "PCA": ("medial", "back"),
    }
    assert ("medial" if x < 128 + 30 else "lateral", "front" if y > 128 else "back") == expected[site]
