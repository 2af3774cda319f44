"""Tests of the brain mask, tissue classes and the vessel search region on a synthetic head."""

import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.preprocess.mask import (
    away_from_bone,
    brain_mask,
    in_plane_disk,
    largest_in_each_slice,
    tissue_classes,
    without_csf,
)
from tests.support.synthetic_head import bolus, draw_head


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def masks(head):
    data = head.series.data
    return brain_mask(data[..., :8].mean(axis=3), data.max(axis=3), head.series.spacing_mm)


@pytest.mark.parametrize("noise", [2.0, 10.0])
def test_mask_contains_brain_without_skull_and_scalp(noise: float) -> None:
    head = draw_head(n=128, noise=noise)
    mask, hull = masks(head)
    assert dice(mask, head.brain) > 0.96
    still = head.series.data[..., 0]
    assert not (mask & (still > 400)).any()
    assert (hull | ~mask).all()
    assert mask.dtype == bool


def test_hull_contains_vessels() -> None:
    head = draw_head(n=128)
    _, hull = masks(head)
    assert hull[head.artery].all()
    assert hull[head.vein].mean() > 0.8


def test_holes_are_filled_and_scalp_is_excluded() -> None:
    head = draw_head(n=128)
    data = head.series.data.copy()
    data[64:70, 60:66] = 900  # a clip or a calcification
    mask, _ = brain_mask(data[..., :8].mean(axis=3), data.max(axis=3), head.series.spacing_mm)
    assert mask[64:70, 60:66].all()


def test_slice_above_brain_is_empty() -> None:
    head = draw_head(n=128)
    data = head.series.data.copy()
    data[:, :, 2] = -1000
    data[60:66, 60:66, 2] = 30
    mask, _ = brain_mask(data[..., :8].mean(axis=3), data.max(axis=3), head.series.spacing_mm)
    assert mask[:, :, :2].any(axis=(0, 1)).all()
    assert not mask[:, :, 2].any()


@pytest.mark.parametrize("value", [-1000.0, 0.0, 500.0])
def test_series_without_soft_tissue_raises(value: float) -> None:
    volume = np.full((40, 40, 2), value, np.float32)
    with pytest.raises(InputDataError, match=r"^The brain mask is empty: .*\.$") as caught:
        brain_mask(volume, volume, (1, 1, 5))
    assert "\n" not in str(caught.value)


def test_largest_component_is_chosen_per_slice() -> None:
    volume = np.zeros((20, 20, 2), bool)
    volume[1:4, 1:4, 0] = volume[10:18, 10:18, 0] = True
    volume[1:9, 1:9, 1] = volume[12:15, 12:15, 1] = True
    kept = largest_in_each_slice(volume)
    assert kept[..., 0].sum() == 64 == kept[..., 1].sum()
    assert kept[12, 12, 0]
    assert kept[2, 2, 1]


def test_csf_is_removed_with_partial_volume_voxels() -> None:
    head = draw_head(n=128)
    data = head.series.data
    baseline = data[..., :8].mean(axis=3)
    mask, _ = brain_mask(baseline, data.max(axis=3), head.series.spacing_mm)
    tissue = without_csf(mask, baseline, head.series.spacing_mm)
    assert not (tissue & head.ventricle).any()
    assert (tissue <= mask).all()
    lost = mask & ~tissue
    assert lost.sum() < 1.6 * head.ventricle.sum()
    with pytest.raises(InputDataError, match="The brain mask is empty"):
        without_csf(mask, np.full_like(baseline, 5.0), head.series.spacing_mm)


def test_voxels_near_bone_are_removed() -> None:
    baseline = np.full((30, 30, 1), 30, np.float32)
    baseline[:10] = 800
    region = np.ones((30, 30, 1), bool)
    kept = away_from_bone(region, baseline, (1.0, 1.0, 5.0), 2.5)
    assert np.flatnonzero(kept[:, 15, 0])[0] == 12
    assert np.flatnonzero(away_from_bone(region, baseline, (1, 1, 5), 0.1)[:, 15, 0])[0] == 11
    np.testing.assert_array_equal(away_from_bone(region, baseline + 900, (1, 1, 5), 1.0), region)


def test_disk_equals_its_definition() -> None:
    assert in_plane_disk(2).sum() == 13
    assert in_plane_disk(2).shape == (5, 5, 1)


def test_tissue_with_a_low_baseline_is_not_taken_for_vessels() -> None:
    """An error of the baseline raises the area of a whole curve: without a floor, of a third of the tissue."""
    rng = np.random.default_rng(2)
    curve = 4 * bolus(np.arange(45.0), 10.0)
    enhancement = np.broadcast_to(curve, (64, 64, 1, 45)) - rng.normal(0, 6, (64, 64, 1, 1))
    enhancement[30:33, 30:33] = 60 * bolus(np.arange(45.0), 8.0)
    inside = np.ones((64, 64, 1), bool)
    _, vessels = tissue_classes(None, enhancement.astype(np.float32), inside, (1.0, 1.0, 5.0))
    vessels = vessels.reshape(64, 64)
    assert vessels[31, 31]
    vessels[28:35, 28:35] = False
    assert vessels.mean() < 0.01
