"""Movement in the plane: measured, undone, and not invented."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from perfcore.preprocess import prepare
from perfcore.preprocess.motion import displacement_mm, estimate_motion, realign
from perfcore.settings import Settings
from tests.core.synthetic_head import Head, draw_head


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
def test_measures_shift_and_rotation(head, shift_mm, degrees) -> None:
    motion = estimate_motion(moved(head, slice(15, 20), shift_mm, degrees), head.series.spacing_mm)
    np.testing.assert_allclose(motion[15:20, :2], np.tile(shift_mm, (5, 1)), atol=0.3)
    np.testing.assert_allclose(np.rad2deg(motion[15:20, 2]), degrees, atol=0.2)
    assert not motion[:15].any()
    assert not motion[20:].any()


@pytest.mark.parametrize("noise", [3.0, 12.0])
def test_a_still_head_does_not_move_though_contrast_passes(noise: float) -> None:
    head = draw_head(n=128, noise=noise)
    assert not estimate_motion(head.series.data, head.series.spacing_mm).any()
    assert prepare(head.series, Settings()).warnings == ()


def test_no_edges_no_motion() -> None:
    flat = np.zeros((40, 40, 1, 12), np.float32)
    assert not estimate_motion(flat, (1.0, 1.0, 5.0)).any()


def test_realigned_frames_fit_the_first_ones() -> None:
    head = draw_head(n=160, n_slices=2, n_time=40, noise=0)
    data = moved(head, slice(15, 30), (2.0, -3.0), 2.0)
    motion = estimate_motion(data, head.series.spacing_mm)
    far = displacement_mm(motion, head.series.grid, head.series.spacing_mm) > 0.4
    still = realign(data, motion, far, head.series.spacing_mm)
    inner = ndimage.binary_erosion(head.brain[..., 0], iterations=3)
    before, after = (np.abs(d[inner, 0, 15:30] - head.series.data[inner, 0, 15:30]).mean() for d in (data, still))
    assert after < 0.25 * before
    np.testing.assert_array_equal(still[..., :15], data[..., :15])


def test_displacement_grows_with_the_turn_and_the_shift() -> None:
    motion = np.array([[0, 0, 0], [3.0, 4.0, 0], [0, 0, 0.1]])
    np.testing.assert_allclose(displacement_mm(motion, (200, 240, 3), (1.0, 1.0, 5.0)), [0, 5.0, 5.0])


def test_a_head_that_jerks_keeps_its_curves_and_gets_a_flag(head) -> None:
    data = moved(head, slice(17, 26), (3.0, -2.0), 2.5)
    series = dataclasses.replace(head.series, data=data)
    still, jerked = (prepare(s, Settings()) for s in (head.series, series))
    assert [flag for flag in jerked.warnings if "moves by up to" in flag and "9 frames" in flag]
    common = np.intersect1d(still.index, jerked.index)
    a, b = (p.tissue[np.searchsorted(p.index, common)] for p in (still, jerked))
    assert np.sqrt(((a - b) ** 2).mean()) < 1.0
    assert jerked.diseased_side == "right"
    np.testing.assert_array_equal(series.data, data)
