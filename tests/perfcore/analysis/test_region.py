"""Regions, their mirror and their statistics, against scikit-image, SimpleITK and heads of known midline."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import SimpleITK
from nibabel.affines import apply_affine
from skimage.measure import grid_points_in_poly

from perfcore.analysis import region as module
from perfcore.analysis.region import MAX_VERTICES, Region, polygon_mask, region_curve, region_statistics
from perfcore.errors import ArgumentError
from perfcore.preprocess import prepare
from perfcore.preprocess.hemispheres import Midplane
from perfcore.settings import Settings
from tests.support.synthetic_head import draw_head


def circle(centre: tuple[float, float], radius: float, n: int = 48) -> np.ndarray:
    angle = 2 * np.pi * np.arange(n) / n
    return np.column_stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)])


def oblique(rng: np.random.Generator) -> np.ndarray:
    """An affine with turned axes and anisotropic voxels."""
    turn, _ = np.linalg.qr(np.eye(3) + 0.2 * rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(rng.uniform(0.4, 6, 3))
    affine[:3, 3] = rng.normal(0, 100, 3)
    return affine


@pytest.mark.parametrize("seed", range(20))
def test_polygon_mask_equals_scikit_image(seed: int) -> None:
    """Random polygons cross themselves and leave the image."""
    rng = np.random.default_rng(seed)
    vertices = rng.uniform(-6, 26, (rng.integers(3, 40), 2))
    found = polygon_mask(vertices, (20, 17))
    np.testing.assert_array_equal(found, grid_points_in_poly((20, 17), vertices))
    np.testing.assert_array_equal(polygon_mask(vertices[::-1], (20, 17)), found)


def test_neighbouring_polygons_share_no_voxel_and_leave_none_out() -> None:
    """Edges through voxel centres: each centre lies on one side."""
    left = polygon_mask(np.array([[0.0, 0], [4, 0], [4, 6], [0, 6]]), (8, 8))
    right = polygon_mask(np.array([[4.0, 0], [7, 0], [7, 6], [4, 6]]), (8, 8))
    both = polygon_mask(np.array([[0.0, 0], [7, 0], [7, 6], [0, 6]]), (8, 8))
    assert not (left & right).any()
    np.testing.assert_array_equal(left | right, both)
    assert both.sum() == 7 * 6


def test_voxels_lie_in_the_slice_and_in_the_mask() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((30, 20, 4)) < 0.7
    found = Region(2, circle((14.2, 9.7), 6.3)).voxels(mask)
    x, y, z = np.indices(mask.shape)
    inside = (np.hypot(x - 14.2, y - 9.7) < 6.3 * np.cos(np.pi / 48)) & (z == 2) & mask  # the polygon's incircle
    assert set(np.flatnonzero(inside)) <= set(found)
    outside = (np.hypot(x - 14.2, y - 9.7) > 6.3) | (z != 2) | ~mask
    assert not set(np.flatnonzero(outside)) & set(found)
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("seed", range(10))
def test_mirror_is_the_reflection_in_the_midline_in_millimetres(seed: int) -> None:
    """On oblique axes with anisotropic voxels, against vectors in world coordinates."""
    rng = np.random.default_rng(seed)
    affine = oblique(rng)
    # A plane that is upright on the slices to within 25°, through the middle of the image.
    up = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    normal = rng.normal(size=3)
    normal -= (normal @ up) * up
    normal = normal / np.linalg.norm(normal) + np.tan(np.deg2rad(25)) * rng.uniform(-1, 1) * up
    normal /= np.linalg.norm(normal)
    plane = Midplane(normal, float(normal @ apply_affine(affine, [20, 20, 3]) + rng.normal(0, 4)), 1.0)
    region = Region(3, rng.uniform(0, 40, (12, 2)))
    mirror = region.mirrored(plane, affine)
    assert mirror is not None

    def world(vertices: np.ndarray) -> np.ndarray:
        return apply_affine(affine, np.column_stack([vertices, np.full(len(vertices), 3)]))

    here, there = world(region.vertices), world(mirror.vertices)
    middle, way = (here + there) / 2, there - here
    np.testing.assert_allclose(middle @ plane.normal, plane.offset, atol=1e-7, err_msg="half way at the midline")
    midline = np.cross(plane.normal, np.cross(affine[:3, 0], affine[:3, 1]))
    np.testing.assert_allclose(way @ midline, 0, atol=1e-6, err_msg="perpendicular to the midline")
    again = mirror.mirrored(plane, affine)
    assert again is not None
    np.testing.assert_allclose(again.vertices, region.vertices, atol=1e-9)


@pytest.mark.parametrize("yaw_deg", [-15.0, 0.0, 20.0])
@pytest.mark.parametrize("flip_x", [False, True])
def test_mirror_of_a_turned_head_is_its_other_half(yaw_deg: float, flip_x: bool) -> None:
    """The region is the lesion of the drawn head; its mirror is the lesion of the same head on the other side."""
    heads = {side: draw_head(n=96, yaw_deg=yaw_deg, shift_mm=6, noise=1, side=side, flip_x=flip_x)
             for side in ("right", "left")}  # fmt: skip
    series = heads["right"].series
    prepared = prepare(series, Settings())
    turn = np.deg2rad(yaw_deg)
    angle = 2 * np.pi * np.arange(64) / 64
    x, y = 42 + 22 * np.cos(angle), 35 * np.sin(angle)  # mm, in the axes of the head
    world = np.column_stack([np.cos(turn) * x - np.sin(turn) * y + 6, np.sin(turn) * x + np.cos(turn) * y])
    indices = apply_affine(np.linalg.inv(series.affine), np.column_stack([world, np.full(64, 5.0)]))
    region = Region(1, indices[:, :2])
    mirror = region.mirrored(prepared.midplane, prepared.affine)
    assert mirror is not None
    everywhere = np.ones(series.grid, bool)
    for one, side in ((region, "right"), (mirror, "left")):
        found = np.zeros(series.grid, bool)
        found.reshape(-1)[one.voxels(everywhere)] = True
        drawn = heads[side].lesion[..., 1]
        # The fitted line lies within 0.5 mm of the drawn one: some pixels of a border of about 75.
        assert (found[..., 1] ^ drawn).sum() < 0.03 * drawn.sum()
        assert not found[..., [0, 2]].any()


def test_a_sagittal_slice_has_no_mirror() -> None:
    affine = np.array([[0.0, 0, 3, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])  # slices along the patient's x
    square = Region(0, [[0, 0], [4, 0], [4, 4], [0, 4]])
    assert square.mirrored(Midplane(np.array([1.0, 0, 0]), 0.0, 1.0), affine) is None
    leaning = np.array([np.sin(np.deg2rad(40)), np.cos(np.deg2rad(40)), 0])
    assert square.mirrored(Midplane(leaning, 0.0, 1.0), affine) is not None


def test_statistics_equal_those_of_simpleitk() -> None:
    rng = np.random.default_rng(4)
    values = rng.gamma(2.0, 20.0, (40, 30)).astype(np.float32)
    inside = polygon_mask(circle((18, 14), 11.5), (40, 30))
    found = region_statistics(values[inside])
    image, labels = SimpleITK.GetImageFromArray(values), SimpleITK.GetImageFromArray(inside.astype(np.uint8))
    own = SimpleITK.LabelStatisticsImageFilter()
    own.Execute(image, labels)
    assert found.n_voxels == own.GetCount(1)
    assert found.mean == pytest.approx(own.GetMean(1), rel=1e-6)
    assert found.sd == pytest.approx(own.GetSigma(1), rel=1e-6)
    ordered = sorted(values[inside].tolist())
    middle = len(ordered) // 2
    assert found.median == (ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def test_statistics_leave_out_values_that_are_not_finite() -> None:
    assert region_statistics(np.array([1.0, np.nan, 3.0, np.inf])) == region_statistics(np.array([1.0, 3.0]))
    one, none = region_statistics(np.array([5.0])), region_statistics(np.array([np.nan]))
    assert (one.n_voxels, one.mean, one.median) == (1, 5.0, 5.0)
    assert np.isnan(one.sd)
    assert none.n_voxels == 0
    assert np.isnan([none.mean, none.sd, none.median]).all()


def test_curve_is_the_mean_of_the_measured_enhancement() -> None:
    head = draw_head(n=64, n_time=30, noise=2)
    prepared = prepare(head.series, Settings())
    voxels = Region(1, circle((20, 32), 4)).voxels(prepared.mask)
    x, y, z = np.unravel_index(voxels, prepared.grid)
    data = head.series.data[x, y, z].astype(float)
    expected = (data - data[:, : prepared.n_baseline].mean(1, keepdims=True)).mean(0)
    np.testing.assert_allclose(region_curve(prepared, voxels), expected, atol=1e-3)
    with pytest.raises(ArgumentError, match="no voxel"):
        region_curve(prepared, voxels[:0])


@pytest.mark.parametrize(
    "vertices",
    [
        [[0, 0], [1, 1]], [[0, 0, 0]] * 3, [0, 1, 2], np.zeros((MAX_VERTICES + 1, 2)),
        [[0, 0], [1, 1], [np.nan, 0]], [[0, 0], [1, 1], [np.inf, 0]], [[0, 0], [1, 1], [1e300, 0]],
    ],
)  # fmt: skip
def test_invalid_vertices_are_refused(vertices: list[list[float]]) -> None:
    with pytest.raises(ArgumentError, match="region"):
        Region(0, vertices)


def test_doctest_runs() -> None:
    outcome = doctest.testmod(module)
    assert outcome.attempted and not outcome.failed
