"""Agreement of lesions, each figure against another way to compute it."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from scipy.spatial.distance import cdist
from sklearn.metrics import f1_score, jaccard_score, roc_auc_score

from perfcore.maps import PerfusionMaps
from perfcore.metric_info import METRICS, MetricInfo, evaluated
from perfcore.metrics import (
    Numbers,
    agreement,
    auc_below,
    binned_auc_below,
    dice,
    hausdorff95,
    lesion_numbers,
    roc_below,
    voxel_numbers,
)
from perfcore.settings import Settings

few = hypothesis_settings(max_examples=40, deadline=None, derandomize=True)
SPACING = (0.9, 1.3, 5.0)


def blob(seed, shape=(14, 12, 6), level=0.55, sigma=1.5):
    """A random lesion, often in several pieces and up to the border."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return field > np.quantile(field, level)


def masks(shape):
    return hnp.arrays(bool, shape)


# Dice


@few
@given(a=masks((3, 4, 2)), b=masks((3, 4, 2)))
def test_dice_equals_f1_score(a, b):
    if not b.any():
        assert dice(a, b) is None
        return
    assert dice(a, b) == pytest.approx(f1_score(b.ravel(), a.ravel(), zero_division=0), abs=1e-12)
    assert dice(b, b) == 1


def test_dice_of_known_lesions():
    a, b = np.zeros((2, 4, 4, 4), bool)
    a[:2], b[1:3] = True, True
    assert dice(a, b) == 0.5
    assert dice(a, ~a) == 0
    assert dice(np.zeros_like(a), a) == 0
    assert dice(a, np.zeros_like(a)) is None


# AUC


SCORES = st.sampled_from(np.float32([0, 0.1, 0.3, 0.38, 0.5, 1, 1.7, np.nan]))


@few
@given(score=hnp.arrays(np.float32, 30, elements=SCORES), known=masks(30))
def test_auc_equals_sklearn_and_ignores_nan(score, known):
    valid = np.isfinite(score)
    found = auc_below(score, known)
    if len(set(known[valid].tolist())) < 2:
        assert found is None
        return
    assert found == pytest.approx(roc_auc_score(known[valid], -score[valid]), abs=1e-12)


def test_auc_of_known_scores():
    known = np.array([True, True, False, False])
    assert auc_below(np.float32([0.1, 0.2, 0.8, 0.9]), known) == 1
    assert auc_below(np.float32([0.8, 0.9, 0.1, 0.2]), known) == 0
    assert auc_below(np.float32([1, 1, 1, 1]), known) == 0.5
    assert auc_below(np.float32([0.1, 0.5, 0.3, 0.9]), known) == 0.75
    assert auc_below(np.float32([1, 2, 3, 4]), np.zeros(4, bool)) is None
    assert auc_below(np.float32([1, 2, 3, 4]), np.ones(4, bool)) is None
    assert auc_below(np.float32([np.nan, np.nan, 3, 4]), known) is None


def test_auc_of_many_voxels():
    rng = np.random.default_rng(0)
    known = rng.random(20_000) < 0.03
    score = (rng.normal(size=20_000) - known).astype(np.float32)
    assert auc_below(score, known) == pytest.approx(roc_auc_score(known, -score), abs=1e-12)


def test_roc_equals_counts_at_each_threshold():
    """Counted threshold by threshold; voxels without a score do not count, and a lower score means lesion."""
    rng = np.random.default_rng(3)
    known = np.arange(400) % 3 == 0
    score = np.float32(rng.normal(np.where(known, -0.4, 0.4)))
    score[::17] = np.nan
    valid = np.isfinite(score)
    lesion, healthy = score[known & valid], score[~known & valid]
    for threshold in np.quantile(healthy, [0.05, 0.2, 0.5, 0.9], method="lower"):
        false_rate = np.array([np.mean(healthy <= threshold)])
        sensitivity = roc_below(score, known, false_rate)
        assert sensitivity.dtype == np.float64
        # Lesion voxels between this healthy voxel and the next one share its false positive rate.
        following = healthy[healthy > threshold].min()
        assert np.mean(lesion <= threshold) - 1e-12 <= sensitivity[0] <= np.mean(lesion < following) + 1e-12


def test_roc_integrates_to_auc():
    rng = np.random.default_rng(4)
    known = rng.random(3000) < 0.3
    score = np.float32(rng.normal(np.where(known, -1.0, 0.0)))
    rates = np.linspace(0, 1, 4001)
    sensitivity = roc_below(score, known, rates)
    assert sensitivity[0] >= 0
    assert sensitivity[-1] == 1
    assert (np.diff(sensitivity) >= 0).all()
    area = np.sum((sensitivity[1:] + sensitivity[:-1]) / 2 * np.diff(rates))
    assert area == pytest.approx(roc_auc_score(known, -score), abs=1 / 4000)


# Hausdorff


def surface_points(volume, spacing):
    """Voxels with one of the six neighbours outside the lesion or the volume."""
    points = []
    for index in zip(*np.nonzero(volume), strict=True):
        for axis, step in product(range(3), (-1, 1)):
            at = list(index)
            at[axis] += step
            if not 0 <= at[axis] < volume.shape[axis] or not volume[tuple(at)]:
                points.append(index)
                break
    return np.array(points) * spacing


def hausdorff95_by_hand(a, b, spacing):
    distance = cdist(surface_points(a, spacing), surface_points(b, spacing))
    return max(np.percentile(distance.min(1), 95), np.percentile(distance.min(0), 95))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), SPACING, (3.0, 0.4, 0.7)])
@pytest.mark.parametrize("seed", range(8))
def test_hausdorff95_equals_brute_force_distances(seed, spacing):
    a, b = blob(seed, level=0.5 + 0.06 * (seed % 8)), blob(seed + 100, level=0.9)
    found = hausdorff95(a, b, spacing)
    assert found == pytest.approx(hausdorff95_by_hand(a, b, spacing), rel=1e-12)
    assert hausdorff95(b, a, spacing) == found
    assert hausdorff95(a, a, spacing) == 0


@few
@given(a=masks((4, 3, 2)), b=masks((4, 3, 2)))
def test_hausdorff95_of_any_masks_equals_brute_force(a, b):
    found = hausdorff95(a, b, SPACING)
    if not a.any() or not b.any():
        assert found is None
    else:
        assert found == pytest.approx(hausdorff95_by_hand(a, b, SPACING), rel=1e-12)


@pytest.mark.parametrize(
    ("step", "expected"), [((3, 0, 0), 2.7), ((0, 2, 0), 2.6), ((0, 0, 1), 5.0), ((2, 1, 1), 5.4708)]
)
def test_hausdorff95_of_two_voxels_is_their_distance(step, expected):
    a, b = np.zeros((2, 9, 9, 9), bool)
    a[4, 4, 4] = b[4 + step[0], 4 + step[1], 4 + step[2]] = True
    assert hausdorff95(a, b, SPACING) == pytest.approx(expected, abs=1e-4)


def test_hausdorff95_is_invariant_to_padding():
    a, b = blob(1), blob(2)
    wide = [np.pad(x, ((20, 5), (0, 9), (3, 3))) for x in (a, b)]
    assert hausdorff95(*wide, SPACING) == hausdorff95(a, b, SPACING)


def test_hausdorff95_ignores_a_single_outlier():
    a = np.zeros((60, 3, 3), bool)
    a[:40] = True
    b = a.copy()
    b[59, 1, 1] = True  # one stray voxel among some 360
    assert hausdorff95(b, a, (1, 1, 1)) == 0


# A whole case


def maps_of(rcbf, core, hypoperfused):
    empty = np.zeros(rcbf.shape, np.float32)
    tmax = np.random.default_rng(7).uniform(-2, 14, rcbf.shape).astype(np.float32)
    tmax[np.isnan(rcbf)] = np.nan
    return PerfusionMaps(
        cbf=empty,
        rcbf=rcbf,
        cbv=empty,
        mtt=empty,
        tmax=tmax,
        ttp=empty,
        core_probability=empty,
        core=core,
        hypoperfused=hypoperfused,
        reference_cbf=41.5,
    )


VOXEL_ML = float(np.prod(SPACING)) / 1000


@pytest.fixture
def maps():
    rcbf = np.random.default_rng(0).random((14, 12, 6)).astype(np.float32)
    rcbf[:2] = np.nan
    core, hypoperfused = blob(3, level=0.9), blob(4, level=0.7)
    return maps_of(rcbf, core, hypoperfused)


def test_lesion_numbers_of_a_case(maps):
    lesion = blob(3, level=0.8)
    numbers = lesion_numbers(maps, lesion, VOXEL_ML, SPACING)
    core_ml, hypo_ml = maps.core.sum() * VOXEL_ML, maps.hypoperfused.sum() * VOXEL_ML
    inside = np.isfinite(maps.rcbf)
    expected = Numbers(
        core_ml=core_ml,
        hypoperfused_ml=hypo_ml,
        mismatch_ml=hypo_ml - core_ml,
        mismatch_ratio=hypo_ml / core_ml,
        reference_cbf=41.5,
        lesion_ml=lesion.sum() * VOXEL_ML,
        dice=f1_score(lesion.ravel(), maps.core.ravel()),
        jaccard=jaccard_score(lesion.ravel(), maps.core.ravel()),
        auc=roc_auc_score(lesion[inside], -maps.rcbf[inside]),
        hd95_mm=hausdorff95_by_hand(maps.core, lesion, SPACING),
        tmax_volumes_ml={str(s): (maps.tmax > s).sum() * VOXEL_ML for s in (4, 6, 8, 10)},
        hypoperfusion_index=(maps.tmax > 10).sum() / (maps.tmax > 6).sum(),
        target_mismatch=False,
        side=None,
    )
    for name, value in vars(expected).items():
        assert getattr(numbers, name) == pytest.approx(value, rel=1e-12), name


def test_agreement_metrics_are_none_without_a_known_lesion(maps):
    numbers = lesion_numbers(maps, None, VOXEL_ML, SPACING)
    assert numbers.core_ml > 0
    assert (numbers.lesion_ml, numbers.dice, numbers.jaccard, numbers.auc, numbers.hd95_mm) == (None,) * 5


def test_agreement_metrics_are_none_for_an_empty_known_lesion(maps):
    numbers = lesion_numbers(maps, np.zeros(maps.core.shape, bool), VOXEL_ML, SPACING)
    assert numbers.lesion_ml == 0
    assert (numbers.dice, numbers.jaccard, numbers.auc, numbers.hd95_mm) == (None,) * 4


def test_empty_core_has_zero_dice_and_no_mismatch_ratio(maps):
    none = np.zeros(maps.core.shape, bool)
    lesion = blob(3, level=0.8)
    numbers = lesion_numbers(maps_of(maps.rcbf, none, maps.hypoperfused), lesion, VOXEL_ML, SPACING)
    assert (numbers.core_ml, numbers.dice, numbers.jaccard) == (0, 0, 0)
    assert numbers.mismatch_ratio is None
    assert numbers.hd95_mm is None
    assert numbers.mismatch_ml == numbers.hypoperfused_ml > 0
    assert numbers.auc == lesion_numbers(maps, lesion, VOXEL_ML, SPACING).auc


def test_mismatch_is_never_negative(maps):
    numbers = lesion_numbers(maps_of(maps.rcbf, maps.hypoperfused, maps.core), None, VOXEL_ML, SPACING)
    assert numbers.mismatch_ml == 0
    assert numbers.mismatch_ratio == pytest.approx(maps.core.sum() / maps.hypoperfused.sum())


def test_an_empty_lesion_has_no_surface_distance():
    full = np.ones((3, 3, 3), bool)
    assert hausdorff95(np.zeros_like(full), full, (1.0, 1.0, 1.0)) is None
    assert hausdorff95(full, np.zeros_like(full), (1.0, 1.0, 1.0)) is None


def test_without_lesion_voxels_there_is_no_agreement():
    core, rcbf = np.array([True, False]), np.array([0.1, 0.9], np.float32)
    nothing = {"dice": None, "auc": None}
    assert agreement(core, rcbf, None, 3, exact=True) == nothing
    assert agreement(core, rcbf, np.array([False, False]), 0, exact=True) == nothing


def test_agreement_counts_lesion_voxels_outside_the_mask():
    core, rcbf, lesion = np.array([True, True, False]), np.array([0.1, 0.2, 0.9]), np.array([True, False, False])
    assert agreement(core, rcbf, lesion, 2, exact=True)["dice"] == 2 / (2 + 2)


def test_a_computed_map_is_found_by_its_id(maps):
    own = np.ones(maps.core.shape, np.float32)
    more = replace(maps, others={"own": own, "cbv": own})
    assert more.volume("rcbf") is maps.rcbf
    assert more.volume("own") is own
    assert more.volume("cbv") is own


# Figures of a live case: voxels of the mask, and an AUC from bins

SETTINGS = Settings(core_threshold=0.4, tmax_threshold_s=5.0)
CBF, TMAX = np.array([10, 16, 30, 40, 55], np.float32), np.array([7, 6, 5, 4, 1], np.float32)
LESION = np.array([True, False, True, False, False])


def test_numbers_of_voxels_equal_their_definition():
    found = voxel_numbers(CBF, TMAX, 50.0, SETTINGS, voxel_ml=0.5, lesion=LESION, n_lesion=3)
    assert found == Numbers(
        core_ml=1.0, hypoperfused_ml=1.0, mismatch_ml=0.0, mismatch_ratio=1.0, reference_cbf=50.0,
        lesion_ml=None, dice=2 * 1 / (2 + 3), jaccard=None, auc=5 / 6, hd95_mm=None,
        tmax_volumes_ml={"4": 1.5, "6": 0.5, "8": 0.0, "10": 0.0}, hypoperfusion_index=0.0,
        target_mismatch=False, side=None,
    )  # fmt: skip


def test_numbers_of_voxels_without_a_lesion_have_no_agreement():
    found = voxel_numbers(CBF, TMAX, 50.0, SETTINGS, voxel_ml=0.5)
    assert (found.dice, found.auc) == (None, None)
    assert found.core_ml == 1.0


@pytest.mark.parametrize("exact", [True, False])
def test_the_auc_is_exact_or_from_bins(exact):
    rcbf = np.array([0.1, 0.3001, 0.3002, 0.9], np.float32)  # two values of one bin, in the right order
    lesion = np.array([True, True, False, False])
    found = agreement(rcbf < 0.38, rcbf, lesion, 2, exact=exact)
    assert found == {"dice": 2 * 2 / (3 + 2), "auc": 1.0 if exact else 0.875}


def test_the_binned_auc_needs_both_classes_and_bins_all_values():
    score = np.array([0.0, 1.0, 3.999, 4.0, 9.0, np.nan], np.float32)
    known = np.array([False, True, False, True, False, False])
    exact = auc_below(np.where(score >= 3.999, 4, np.nan_to_num(score)), known)
    assert binned_auc_below(score, known) == pytest.approx(exact, abs=1e-12)
    assert binned_auc_below(score, np.zeros(6, bool)) is None
    assert binned_auc_below(score, np.ones(6, bool)) is None


@given(st.integers(0, 2**32 - 1))
@few
def test_the_binned_auc_is_near_the_exact_one(seed):
    rng = np.random.default_rng(seed)
    score, known = rng.gamma(4, 0.2, 4000).astype(np.float32), rng.random(4000) < 0.2
    assert binned_auc_below(score, known) == pytest.approx(auc_below(score, known), abs=1e-3)


# The registry


def test_the_metrics_of_an_evaluation_are_those_with_a_better_side():
    assert evaluated() == tuple(name for name, info in METRICS.items() if info.better)
    assert {"auc", "dice", "hd95_mm"} <= set(evaluated())
    assert "core_ml" not in evaluated()


def test_a_value_is_shown_with_its_digits():
    info = MetricInfo("a", "A", "A", "ml", 2)
    assert [info.text(value) for value in (1.234, -0.5, None)] == ["1.23", "−0.50", "–"]
    assert [info.text(value) for value in (True, False, "left")] == ["yes", "no", "left"]


def test_every_figure_of_a_case_has_an_entry_in_the_registry(maps):
    numbers = lesion_numbers(maps, blob(3), 1.0, SPACING, np.ones(maps.core.shape, bool))
    flat = numbers.by_metric()
    levels = {f"tmax_{level}_ml" for level in (4, 6, 8, 10)}
    assert set(flat) == set(vars(numbers)) - {"tmax_volumes_ml"} | levels
    assert flat["tmax_8_ml"] == numbers.tmax_volumes_ml["8"] > 0
    assert flat["side"] == "right"


def test_the_figures_of_voxels_have_the_exact_auc_by_default():
    cbf = np.array([5.0, 15.005, 15.01, 45.0], np.float32)  # two values of one bin, in the right order
    lesion = np.array([True, True, False, False])
    given = {"voxel_ml": 1.0, "lesion": lesion}
    tmax = np.zeros(4, np.float32)
    assert voxel_numbers(cbf, tmax, 50.0, SETTINGS, n_lesion=2, **given).auc == 1.0
    assert voxel_numbers(cbf, tmax, 50.0, SETTINGS, n_lesion=2, exact=False, **given).auc == 0.875
    assert voxel_numbers(cbf, tmax, 50.0, SETTINGS, **given).dice is None


def test_the_binned_auc_has_all_of_its_bins():
    """The first two and the last two bins are divided; values below 0 share the first."""
    step = 4.0 / 2048
    for low, high in ((0.5 * step, 1.5 * step), (4 - 1.5 * step, 4 - 0.5 * step), (-0.3, 1.5 * step)):
        assert binned_auc_below(np.array([low, high], np.float32), np.array([True, False])) == 1.0
    assert binned_auc_below(np.array([-1.0, -2.0], np.float32), np.array([True, False])) == 0.5
