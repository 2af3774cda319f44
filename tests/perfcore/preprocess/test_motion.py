"""Tests of in-plane and rigid motion correction: estimates, realignment, no false motion."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from perfcore.phantom.recipe import Recipe
from perfcore.preprocess import prepare
from perfcore.preprocess.motion import displacement_mm, estimate_motion, realign
from perfcore.preprocess.motion_rigid import estimate_rigid_motion, rigid_displacement_mm, rigid_realign
from perfcore.settings import Settings
from perfcore.types import PerfusionSeries
from tests.support.synthetic_head import Head, draw_head
from tools.motion_figures import errors, moving_scan, noisy


def moved(head: Head, frames: slice, shift_mm: tuple[float, float], degrees: float) -> np.ndarray:
    """Turn and shift the head in some frames; the head at p goes to R p + shift."""
    data = head.series.data.copy()
    scale, centre = np.array(head.series.spacing_mm[:2]), (np.array(data.shape[:2]) - 1) / 2
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for t in range(*frames.indices(data.shape[3])):
        offset = centre - turn.T @ (centre + np.array(shift_mm) / scale)
        for z in range(data.shape[2]):
            frame = data[:, :, z, t]
            data[:, :, z, t] = ndimage.affine_transform(frame, turn.T, offset, order=1, cval=-1000)
    return data


@pytest.fixture(scope="module")
def head() -> Head:
    return draw_head(n=160, n_slices=2, n_time=40)


@pytest.mark.parametrize(
    ("shift_mm", "degrees"), [((1.5, 0.0), 0.0), ((-3.0, 2.0), 0.0), ((0.0, 0.0), 2.5), ((2.0, -3.5), -3.0)]
)
def test_estimated_motion_matches_applied_shift_and_rotation(head, shift_mm, degrees) -> None:
    motion = estimate_motion(moved(head, slice(15, 20), shift_mm, degrees), head.series.spacing_mm)
    np.testing.assert_allclose(motion[15:20, :2], np.tile(shift_mm, (5, 1)), atol=0.3)
    np.testing.assert_allclose(np.rad2deg(motion[15:20, 2]), degrees, atol=0.2)
    assert not motion[:15].any()
    assert not motion[20:].any()


@pytest.mark.parametrize("noise", [3.0, 12.0])
def test_contrast_bolus_is_not_taken_for_motion(noise: float) -> None:
    head = draw_head(n=128, noise=noise)
    assert not estimate_motion(head.series.data, head.series.spacing_mm).any()
    assert prepare(head.series, Settings()).warnings == ()


def test_image_without_edges_has_no_motion() -> None:
    flat = np.zeros((40, 40, 1, 12), np.float32)
    assert not estimate_motion(flat, (1.0, 1.0, 5.0)).any()


def test_realigned_frames_match_the_first_frames() -> None:
    head = draw_head(n=160, n_slices=2, n_time=40, noise=0)
    data = moved(head, slice(15, 30), (2.0, -3.0), 2.0)
    motion = estimate_motion(data, head.series.spacing_mm)
    far = displacement_mm(motion, head.series.grid, head.series.spacing_mm) > 0.4
    still = realign(data, motion, far, head.series.spacing_mm)
    inner = ndimage.binary_erosion(head.brain[..., 0], iterations=3)
    before, after = (np.abs(d[inner, 0, 15:30] - head.series.data[inner, 0, 15:30]).mean() for d in (data, still))
    assert after < 0.25 * before
    np.testing.assert_array_equal(still[..., :15], data[..., :15])


def test_displacement_increases_with_rotation_and_shift() -> None:
    motion = np.array([[0, 0, 0], [3.0, 4.0, 0], [0, 0, 0.1]])
    np.testing.assert_allclose(displacement_mm(motion, (200, 240, 3), (1.0, 1.0, 5.0)), [0, 5.0, 5.0])


def test_sudden_motion_is_corrected_and_flagged(head) -> None:
    data = moved(head, slice(17, 26), (3.0, -2.0), 2.5)
    series = dataclasses.replace(head.series, data=data)
    still, jerked = (prepare(s, Settings()) for s in (head.series, series))
    assert [flag for flag in jerked.warnings if "moves by up to" in flag.sentence and "9 frames" in flag.sentence]
    common = np.intersect1d(still.index, jerked.index)
    a, b = (p.tissue[np.searchsorted(p.index, common)] for p in (still, jerked))
    assert np.sqrt(((a - b) ** 2).mean()) < 1.0
    assert jerked.diseased_side == "right"
    np.testing.assert_array_equal(series.data, data)


SLAB = Recipe(
    "slab", "", "", "", (5, 1), (5, 2), n_slices=8, slice_mm=5.0, n_time=6, dt_s=5.0, centre_mm=30.0,
)  # fmt: skip
SPACING = (SLAB.pixel_mm, SLAB.pixel_mm, SLAB.slice_mm)
PATH = np.array([
    [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 2, 0, 0, 0], [0, 0, 0, 2, 0, 0], [0, 0, 0, 0, -2, 0],
    [1.2, -1.2, 1.2, 1.2, 1.2, -1.2],
])  # fmt: skip


@pytest.fixture(scope="module")
def moving() -> np.ndarray:
    """A head that rises, nods and leans while contrast passes; mm and degrees in `PATH`."""
    return moving_scan(SLAB, PATH)


@pytest.fixture(scope="module")
def nodding(moving: np.ndarray) -> np.ndarray:
    return noisy(moving, 5.0, SLAB)


def test_rigid_motion_through_the_plane_is_measured(nodding: np.ndarray) -> None:
    found = estimate_rigid_motion(nodding, SPACING)
    off = errors(found, PATH, SLAB)
    assert off["voxels"].max() < 0.3
    assert off["degrees"].max() < 0.5
    assert not found[:2].any()
    plane = np.zeros_like(PATH)
    plane[:, [0, 1, 5]] = estimate_motion(nodding, SPACING)
    assert (errors(plane, PATH, SLAB)["brain_mm"][2:] > 2 * off["brain_mm"][2:]).all()


@pytest.mark.parametrize("noise", [3.0, 12.0])
def test_rigid_contrast_bolus_is_not_taken_for_motion(noise: float) -> None:
    head = draw_head(n=128, n_slices=6, noise=noise)
    assert not estimate_rigid_motion(head.series.data, head.series.spacing_mm).any()


def test_rigid_image_without_edges_has_no_motion() -> None:
    assert not estimate_rigid_motion(np.zeros((40, 40, 5, 12), np.float32), (1.0, 1.0, 5.0)).any()


def test_rigid_realignment_restores_brain_without_bone(moving: np.ndarray) -> None:
    scan, still = moving, moving_scan(SLAB, np.zeros_like(PATH))
    soft = (still[..., 0] > 0) & (still[..., 0] < 100)
    brain = ndimage.binary_erosion(soft, np.ones((3, 3, 1)), iterations=6)
    motion = np.concatenate([PATH[:, :3], np.radians(PATH[:, 3:])], axis=1)
    far = rigid_displacement_mm(motion, scan.shape[:3], SPACING) > 0.4
    np.testing.assert_array_equal(far, [False, False, True, True, True, True])
    back = rigid_realign(scan, motion, far, SPACING)
    np.testing.assert_array_equal(back[..., :2], scan[..., :2])
    for t in range(2, 6):
        inner = brain.copy()
        inner[..., 1:-1] &= brain[..., 2:] & brain[..., :-2]
        inner[..., [0, -1]] = False
        for where, gain in ((inner, 0.9), (brain, 1.0)):
            before, after = (np.sqrt(((d[where, t] - still[where, t]) ** 2).mean()) for d in (scan, back))
            assert after < gain * before


def test_rigid_displacement_is_the_maximum_over_six_points() -> None:
    motion = np.array([[0, 0, 0, 0, 0, 0], [0, 3.0, 4.0, 0, 0, 0], [0, 0, 0, 0, 0, 0.1], [0, 0, 0, 0.1, 0, 0]])
    chord = 2 * np.sin(0.05)
    expected = [0, 5.0, 60 * chord, 60 * chord]
    np.testing.assert_allclose(rigid_displacement_mm(motion, (200, 240, 8), (1.0, 1.0, 5.0)), expected)


def test_the_motion_setting_selects_the_correction(nodding) -> None:
    series = PerfusionSeries(nodding, np.diag([*SPACING, 1.0]), SLAB.dt_s)
    mask = np.zeros(nodding.shape[:3], bool)
    mask[100:156, 90:166] = True
    series = dataclasses.replace(series, mask=mask)
    off, plane, rigid = (prepare(series, Settings(motion=kind)) for kind in ("off", "in-plane", "rigid"))
    assert not any("moves" in flag.sentence for flag in off.warnings)
    assert any("mm in the plane" in flag.sentence for flag in plane.warnings)
    assert any("mm (4 frames" in flag.sentence for flag in rigid.warnings)
    np.testing.assert_array_equal(off.enhancement + off.baseline[..., None], nodding)
    thin = dataclasses.replace(series, data=nodding[:, :, 3:6].copy(), mask=mask[..., 3:6])
    few, same = (prepare(thin, Settings(motion=kind)) for kind in ("rigid", "in-plane"))
    np.testing.assert_array_equal(few.enhancement, same.enhancement)


@pytest.mark.parametrize("shape", [(1, 40, 2, 20), (40, 1, 2, 20), (1, 1, 1, 20)])
def test_degenerate_grid_has_no_motion(shape: tuple[int, ...]) -> None:
    data = np.random.default_rng(1).normal(30, 20, shape).astype(np.float32)
    assert not estimate_motion(data, (1.0, 1.0, 5.0)).any()
