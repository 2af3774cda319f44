"""Tests of prepare: shapes, regions, reference and errors on whole cases."""

import dataclasses

import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.preprocess import prepare
from perfcore.preprocess.slabs import as_time_contiguous, map_slabs
from perfcore.settings import Settings
from perfcore.types import PerfusionSeries
from tests.support.synthetic_head import draw_head


@pytest.fixture(scope="module")
def head():
    return draw_head()


@pytest.fixture(scope="module")
def prepared(head):
    return prepare(head.series, Settings())


def test_shapes_types_and_order(head, prepared) -> None:
    n = prepared.n_voxels
    assert prepared.tissue.shape == (n, head.series.n_time)
    assert prepared.tissue.flags.c_contiguous
    assert prepared.tissue.dtype == np.float32 == prepared.enhancement.dtype
    assert prepared.enhancement.shape == head.series.data.shape
    assert (np.diff(prepared.index) > 0).all()
    assert (prepared.mask.ravel()[prepared.index]).all()
    assert prepared.mask.sum() == n
    for name in ("ttp_s", "csf", "vessels", "reference", "lesion"):
        assert getattr(prepared, name).shape == (n,), name
    assert prepared.grid == head.series.grid
    assert prepared.time_s[-1] == head.series.time_s[-1]


def test_every_array_is_read_only(prepared) -> None:
    arrays = [v for v in vars(prepared).values() if isinstance(v, np.ndarray)]
    assert len(arrays) >= 13
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[(0,) * array.ndim] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        prepared.dt_s = 2.0


def test_the_series_is_not_modified(head) -> None:
    before = head.series.data.copy()
    prepare(head.series, Settings())
    np.testing.assert_array_equal(head.series.data, before)
    turned = PerfusionSeries(np.asfortranarray(before), head.series.affine, 1.0)
    prepare(turned, Settings())
    np.testing.assert_array_equal(turned.data, before)


def test_memory_order_does_not_matter(head, prepared) -> None:
    turned = PerfusionSeries(np.asfortranarray(head.series.data), head.series.affine, 1.0, lesion=head.lesion)
    other = prepare(turned, Settings())
    for name in ("tissue", "enhancement", "baseline", "mask", "reference", "tmip"):
        np.testing.assert_array_equal(getattr(other, name), getattr(prepared, name), err_msg=name)
    assert other.enhancement.flags.c_contiguous


def test_enhancement_is_data_minus_the_baseline(head, prepared) -> None:
    n = prepared.n_baseline
    data = head.series.data
    np.testing.assert_allclose(prepared.baseline, data[..., :n].mean(axis=3), atol=1e-2)
    np.testing.assert_allclose(prepared.enhancement, data - prepared.baseline[..., None], atol=1e-4)
    np.testing.assert_allclose(prepared.tmip, prepared.enhancement.max(axis=3), atol=1e-3)
    assert n == pytest.approx(head.arrival_s - 1, abs=2)


def test_tissue_curves_match_truth_with_reduced_noise(head) -> None:
    noisy = prepare(head.series, Settings())
    clean = prepare(draw_head(noise=0).series, Settings())
    common = np.intersect1d(noisy.index, clean.index)
    a = noisy.tissue[np.searchsorted(noisy.index, common)]
    b = clean.tissue[np.searchsorted(clean.index, common)]
    assert np.sqrt(((a - b) ** 2).mean()) < 1.0  # 3 HU went in
    assert abs((a - b).mean()) < 0.05


def test_vessels_are_labelled_and_csf_is_excluded(head, prepared) -> None:
    assert prepared.vessels[head.artery[prepared.mask]].mean() > 0.9
    assert prepared.vessels.mean() < 0.05
    assert not (prepared.mask & head.ventricle).any()
    assert not prepared.csf.any()


def test_csf_inside_a_given_mask_is_kept_and_labelled(head) -> None:
    given = prepare(dataclasses.replace(head.series, mask=head.brain), Settings())
    csf = given.csf[head.ventricle[head.brain]]
    assert csf.mean() > 0.8
    assert given.csf.sum() < 1.3 * csf.size
    assert not (given.csf & given.reference).any()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("yaw_deg", "flip"), [(0.0, False), (17.0, False), (-12.0, True)])
def test_reference_is_in_the_contralateral_hemisphere(side: str, yaw_deg: float, flip: bool) -> None:
    head = draw_head(side=side, yaw_deg=yaw_deg, flip_x=flip)
    prepared = prepare(head.series, Settings())
    assert prepared.diseased_side == side
    assert not (prepared.reference & prepared.lesion).any()
    assert not (prepared.reference & (prepared.csf | prepared.vessels)).any()
    assert 0.35 < prepared.reference.mean() < 0.52


def test_the_reference_can_be_the_brain(head, prepared) -> None:
    brain = prepare(head.series, Settings(reference="brain"))
    assert brain.reference.all()
    assert brain.diseased_side == prepared.diseased_side
    np.testing.assert_array_equal(brain.tissue, prepared.tissue)


def test_one_hemisphere_uses_mask_as_reference_with_a_warning(head) -> None:
    mask = np.zeros_like(head.brain)
    mask[60:69, 45:50, 0] = True
    series = dataclasses.replace(head.series, mask=mask)
    prepared = prepare(series, Settings())
    assert prepared.diseased_side is None
    assert prepared.reference.all()
    assert any("fewer than 50 voxels" in flag.sentence for flag in prepared.warnings)


def test_a_given_mask_is_not_changed(head) -> None:
    mask = head.brain.copy()
    mask[:, :20] = False
    prepared = prepare(dataclasses.replace(head.series, mask=mask), Settings())
    np.testing.assert_array_equal(prepared.mask, mask)
    assert prepared.hull is not None
    assert prepared.hull[mask].all()


def test_concentration_is_not_changed(head, prepared) -> None:
    values = np.where(head.brain[..., None], prepared.enhancement, 0)
    series = PerfusionSeries(values, head.series.affine, 1.0, units="concentration")
    other = prepare(series, Settings())
    np.testing.assert_array_equal(other.enhancement, values)
    assert not other.baseline.any()
    assert not other.csf.any()
    assert (other.mask <= head.brain).all()
    assert other.mask.sum() > 0.99 * head.brain.sum()
    scaled = prepare(PerfusionSeries(values * 1e-3, head.series.affine, 1.0, units="concentration"), Settings())
    np.testing.assert_array_equal(scaled.mask, other.mask)
    np.testing.assert_array_equal(scaled.reference, other.reference)
    assert scaled.diseased_side == other.diseased_side == "right"


@pytest.mark.parametrize("units", ["hu", "concentration"])
def test_an_empty_mask_is_an_error(head, units: str) -> None:
    series = dataclasses.replace(head.series, units=units, mask=np.zeros(head.series.grid, bool))
    with pytest.raises(InputDataError, match="The brain mask is empty: the mask given holds no voxel"):
        prepare(series, Settings())


def test_a_series_without_signal_is_an_error() -> None:
    empty = PerfusionSeries(np.zeros((16, 16, 2, 20), np.float32), np.eye(4), 1.0, units="concentration")
    with pytest.raises(InputDataError, match="The brain mask is empty: no voxel has a signal"):
        prepare(empty, Settings())
    air = np.full((32, 32, 2, 20), -1000.0, np.float32)
    with pytest.raises(InputDataError, match="The brain mask is empty"):
        prepare(PerfusionSeries(air, np.eye(4), 1.0), Settings())


def test_a_series_constant_in_time_is_an_error(head) -> None:
    still = np.repeat(head.series.data[..., :1], 20, axis=3)
    with pytest.raises(InputDataError, match="constant in time"):
        prepare(PerfusionSeries(still, head.series.affine, 1.0), Settings())


@pytest.mark.parametrize("dt_s", [1.0, 2.0])
def test_times_are_in_seconds(dt_s: float) -> None:
    prepared = prepare(draw_head(n_time=int(50 / dt_s), dt_s=dt_s, noise=1.0).series, Settings())
    healthy = prepared.ttp_s[prepared.reference]
    assert np.median(healthy) == pytest.approx(19.5, abs=2.0)


def test_time_to_peak_is_after_the_baseline(head, prepared) -> None:
    assert prepared.ttp_s.min() >= prepared.n_baseline
    n = prepared.n_baseline
    expected = n + prepared.tissue[:, n:].argmax(axis=1)
    np.testing.assert_array_equal(prepared.ttp_s, expected.astype(np.float32))


@pytest.mark.parametrize("n_time", [27, 35])
def test_diseased_side_is_found_in_a_truncated_scan(n_time: int) -> None:
    head = draw_head(n_time=n_time, noise=6.0)
    assert prepare(head.series, Settings()).diseased_side == "right"


@pytest.mark.parametrize("n", [0, 1, 5, 16, 33])
def test_slabs_partition_an_axis(n: int) -> None:
    parts = map_slabs(lambda part: np.arange(n)[part], n)
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(n))


def test_as_time_contiguous_accepts_any_memory_order() -> None:
    data = np.random.default_rng(0).standard_normal((7, 6, 3, 5)).astype(np.float32)
    assert as_time_contiguous(data) is data
    for order in ((3, 2, 1, 0), (1, 0, 2, 3), (2, 3, 0, 1)):
        turned = np.ascontiguousarray(data.transpose(order)).transpose(np.argsort(order))
        np.testing.assert_array_equal(as_time_contiguous(turned), data)
        assert as_time_contiguous(turned).flags.c_contiguous
