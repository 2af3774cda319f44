"""Tests of features, clustering, vein, partial volume, rating and flags."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from sklearn.cluster import AgglomerativeClustering

from perfcore.aif.select import select
from perfcore.aif.select.candidates import (
    Candidates,
    connected_components,
    find_candidates,
    frame_noise,
    mask_volume,
)
from perfcore.aif.select.clusters import fuzzy_c_means
from perfcore.aif.select.features import Features, area, bolus_features, first_moment, median3, roughness
from perfcore.aif.select.methods.peruzzo import MAX_AIF_VOXELS, _descend, _leaves
from perfcore.aif.select.methods.straka import _best_cluster
from perfcore.aif.select.quality import rate_aif
from perfcore.aif.select.selection import UNCORRECTED_FLAG
from perfcore.aif.select.vein import partial_volume_ratio
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.support.synthetic_head import bolus, draw_head

TIME = np.arange(60.0)


@pytest.fixture(scope="module")
def head():
    return draw_head(n=128)


@pytest.fixture(scope="module")
def prepared(head):
    return prepare(head.series, Settings())


def curve(start: float, height: float = 100.0, beta: float = 1.5) -> np.ndarray:
    return height * bolus(TIME, start, 3.0, beta)


def test_features_of_triangle_are_exact() -> None:
    triangle = np.interp(TIME, [10, 20, 30], [0, 50, 0]).astype(np.float32)
    found = bolus_features(triangle[None])
    assert found.height[0] == 50
    assert found.peak[0] == 20
    assert found.arrival[0] == pytest.approx(12.0)
    assert found.width[0] == pytest.approx(10.0)


def test_arrival_is_last_crossing_before_peak() -> None:
    triangle = np.interp(TIME, [20, 30, 40], [0, 50, 0]).astype(np.float32)
    triangle[3:5] = 30  # an early spike is not the arrival
    assert bolus_features(triangle[None]).arrival[0] == pytest.approx(22.0)


def test_width_of_monotonic_curve_ends_at_last_frame() -> None:
    step = np.where(TIME >= 20, 10.0, 0.0).astype(np.float32)
    found = bolus_features(step[None])
    assert found.width[0] == pytest.approx(59 - 19.5)
    flat = bolus_features(np.zeros((2, 60), np.float32))
    assert np.isfinite(flat.arrival).all()
    assert np.isfinite(flat.width).all()


@pytest.mark.parametrize("shift", [0.0, 3.0, 8.0])
def test_features_are_shift_equivariant_and_scale_invariant(shift: float) -> None:
    base, moved = (bolus_features(c[None].astype(np.float32)) for c in (curve(10), 7 * curve(10 + shift)))
    assert moved.arrival[0] - base.arrival[0] == pytest.approx(shift, abs=0.05)
    assert moved.width[0] == pytest.approx(base.width[0], abs=0.05)
    assert moved.height[0] == pytest.approx(7 * base.height[0], rel=0.01)


def test_median3_removes_spike_and_keeps_ramp() -> None:
    ramp = np.linspace(0, 1, 20, dtype=np.float32)
    spiked = ramp.copy()
    spiked[9] = 50
    np.testing.assert_allclose(median3(np.stack([ramp, spiked]))[0], ramp)
    assert median3(spiked[None])[0].max() <= 1.0
    noise = np.random.default_rng(0).standard_normal((5, 30)).astype(np.float32)
    expected = np.stack([np.median(noise[:, i - 1 : i + 2], axis=1) for i in range(1, 29)], axis=1)
    np.testing.assert_array_equal(median3(noise)[:, 1:-1], expected)


def test_roughness_of_noise_exceeds_bolus_at_any_scale() -> None:
    smooth = curve(10, 50, 2.0)
    noisy = smooth + 10 * np.random.default_rng(0).standard_normal(60)
    both = np.stack([smooth, noisy, 1e-3 * smooth]).astype(np.float32)
    values = roughness(both)
    assert values[1] > 3 * values[0]
    assert values[2] == pytest.approx(values[0], rel=1e-4)
    assert np.isinf(roughness(-both[:1]))[0]


def test_first_moment_and_area() -> None:
    point = np.zeros((1, 60), np.float32)
    point[0, 17] = 4
    assert first_moment(point)[0] == 17
    assert area(point)[0] == 4
    later = np.stack([curve(10), curve(14)]).astype(np.float32)
    assert np.diff(first_moment(later))[0] == pytest.approx(4, abs=0.05)


def test_frame_noise_ignores_bolus() -> None:
    rng = np.random.default_rng(0)
    many = (curve(10, 50, 3.0) + 4 * rng.standard_normal((500, 60))).astype(np.float32)
    assert frame_noise(many).mean() == pytest.approx(4.0, rel=0.1)


def test_fuzzy_c_means_separates_distinct_clusters() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(5), 40)
    curves = np.stack([curve(8 + 6 * k, 60 + 10 * k) for k in truth]) + rng.standard_normal((200, 60))
    label = fuzzy_c_means(curves.astype(np.float32), 5)
    assert all(len(np.unique(label[truth == k])) == 1 for k in range(5))
    assert len(np.unique(label)) == 5


def test_fuzzy_c_means_accepts_identical_curves() -> None:
    label = fuzzy_c_means(np.ones((30, 20), np.float32))
    assert label.shape == (30,)
    assert len(np.unique(label)) == 1


def test_one_ward_tree_equals_recursive_clustering() -> None:
    rng = np.random.default_rng(3)
    curves = (rng.uniform(20, 200, (120, 1)) * bolus(TIME, rng.uniform(8, 16, (120, 1)))).astype(np.float32)
    members = np.arange(120)
    while len(members) > MAX_AIF_VOXELS:  # the published way, with another library
        label = AgglomerativeClustering(2, linkage="ward").fit_predict(curves[members].astype(np.float64))
        means = [curves[members[label == k]].mean(axis=0) for k in (0, 1)]
        heights = [m.max() for m in means]
        if abs(heights[0] - heights[1]) <= 0.04 * max(heights):
            best = int(means[1].argmax() < means[0].argmax())
        else:
            best = int(heights[1] > heights[0])
        members = members[label == best]
    np.testing.assert_array_equal(_descend(curves), np.sort(members))


def test_leaves_of_root_are_all_leaves() -> None:
    tree = linkage(np.random.default_rng(0).standard_normal((9, 3)), method="ward")
    assert sorted(_leaves(tree, 16, 9)) == list(range(9))
    left, right = (_leaves(tree, int(k), 9) for k in tree[-1, :2])
    assert sorted([*left, *right]) == list(range(9))


def test_components_use_26_neighbours() -> None:
    grid = (6, 6, 3)
    flat = np.sort(np.ravel_multi_index(([0, 1, 2, 5], [0, 1, 2, 5], [0, 1, 2, 0]), grid))
    label, n = connected_components(grid, flat)
    assert n == 2
    assert (label == label[0]).sum() == 3
    assert mask_volume(grid, flat).sum() == 4


def test_candidates_are_vessels(head, prepared) -> None:
    found = find_candidates(prepared)
    vessel = (head.artery | head.vein).ravel()[found.flat]
    assert vessel.mean() > 0.8
    assert (np.diff(found.flat) > 0).all()
    assert found.curves.shape == (len(found.flat), prepared.n_time)


def test_partial_volume_ratio() -> None:
    artery, vein = Aif(TIME, curve(10, 50)), Aif(TIME, curve(14, 100))
    assert partial_volume_ratio(artery, vein) == pytest.approx(2.0, rel=0.01)
    assert partial_volume_ratio(vein, artery) == 1.0
    assert partial_volume_ratio(artery, None) is None
    assert partial_volume_ratio(Aif(TIME, curve(10, 12)), vein) == pytest.approx(100 / 12, rel=0.01)
    assert partial_volume_ratio(Aif(TIME, curve(10, 9)), vein) is None  # a ratio of 11
    cut = Aif(TIME[:20], curve(14, 100)[:20])
    assert partial_volume_ratio(Aif(TIME[:20], curve(10, 80)[:20]), cut) is None


def test_corrected_aif_has_vein_area(prepared) -> None:
    half = dataclasses.replace(select(prepared), partial_volume=2.0)
    np.testing.assert_allclose(half.corrected().value, 2 * half.aif.value)
    assert half.corrected().voxels == half.aif.voxels
    without = dataclasses.replace(half, partial_volume=None)
    kept = without.corrected()
    np.testing.assert_array_equal(kept.value, half.aif.value)
    assert kept.quality == (*half.aif.quality, UNCORRECTED_FLAG)
    # Beside numbers of the corrected curve the reason has both peaks, and one where they are the same.
    assert f"peaks at {2 * half.aif.peak:.3g} instead of {half.aif.peak:.3g}" in half.corrected_why
    assert without.corrected_why == without.why
    assert dataclasses.replace(half, partial_volume=1.0).corrected_why == half.why


@pytest.mark.parametrize(
    ("in_hu", "height", "size"), [(True, 100, 3), (True, 5, 2), (False, 5, 3), (False, 0.01, 3)]
)
def test_two_voxel_artery_is_allowed_for_weak_hu_series_only(in_hu, height, size) -> None:
    """A cluster of two voxels is selected only if no larger one reaches 15 HU; concentration has no such limit."""
    places = [(2, 2, 0), (3, 2, 0), (10, 10, 0), (11, 10, 0), (11, 11, 0)]
    cost = np.array([-3.0, -3.0, -1.0, -1.0, -1.0])
    flat = np.ravel_multi_index(np.array(places).T, (16, 16, 1))
    heights = np.full(5, height, np.float32)
    found = Candidates(flat, np.zeros((5, 8), np.float32), Features(heights, heights, heights, heights))
    best = _best_cluster(SimpleNamespace(grid=(16, 16, 1), in_hu=in_hu), found, cost)
    assert len(best) == size


def test_partial_volume_of_thin_artery_is_corrected() -> None:
    head = draw_head(n=128, noise=1.0)
    data = head.series.data.copy()
    still = data[..., :8].mean(axis=3, keepdims=True)
    diluted = np.where(head.artery[..., None], still + 0.5 * (data - still), data)
    chosen = select(prepare(dataclasses.replace(head.series, data=diluted), Settings()))
    assert chosen.partial_volume == pytest.approx(2.0 * head.vof.sum() / head.aif.sum(), rel=0.05)
    assert chosen.corrected().area == pytest.approx(head.vof.sum(), rel=0.05)


def test_artery_has_highest_rating(head, prepared) -> None:
    artery = rate_aif(prepared, Aif(prepared.time_s, head.aif))
    vein = rate_aif(prepared, Aif(prepared.time_s, head.vof))
    tissue = rate_aif(prepared, Aif(prepared.time_s, prepared.tissue[prepared.reference].mean(axis=0)))
    noise = rate_aif(prepared, Aif(prepared.time_s, 5 + np.random.default_rng(0).standard_normal(prepared.n_time)))
    assert artery.score > 0.9
    assert artery.reasons == ()
    assert artery.score > vein.score > tissue.score > noise.score
    assert any("later than the tissue" in reason for reason in vein.reasons)
    assert any("not clearly above" in reason for reason in tissue.reasons)
    assert any("noisy" in reason for reason in noise.reasons)
    assert all(0 <= rating <= 1 for j in (artery, vein, tissue, noise) for rating in j.criteria.values())


def test_disagreeing_voxels_lower_rating(head, prepared) -> None:
    vessel = [tuple(int(i) for i in v) for v in np.argwhere(head.artery)]
    bone = [tuple(int(i) for i in v) for v in np.argwhere(prepared.baseline > 500)[:40]]
    good, bad = (Aif(prepared.time_s, head.aif, voxels=tuple(v)) for v in (vessel, vessel[:1] + bone))
    assert rate_aif(prepared, good).criteria["agreement"] == 1.0
    assert rate_aif(prepared, bad).criteria["agreement"] < 0.5
