"""Order of the stored axes: any order gives the same series, and results go back into the stored order."""

from __future__ import annotations

import itertools
import json

import nibabel as nib
import numpy as np
import pytest

from perfcore.io import downsampling
from perfcore.io.nifti.reader import read_series
from perfcore.io.nifti.resampling import VolumeGrid
from tests.perfcore.io.nifti.test_reader import image, values

SHAPE = (7, 6, 4, 14)
DATA = values(2, SHAPE)
AFFINE = np.array([[-1.8, 0.1, 0.3, 22], [0.1, 1.8, -0.9, -18], [0.1, 0.4, 5.0, 40], [0, 0, 0, 1]])
ORDERS = list(itertools.permutations(range(3)))
FLIPS = list(itertools.product([False, True], repeat=3))


def stored(order: tuple[int, ...], data: np.ndarray = DATA, affine: np.ndarray = AFFINE) -> bytes:
    return image(data.transpose(*order, 3), affine=affine[:, [*order, 3]], dt=1.0).to_bytes()


def flipped(flips: tuple[bool, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The same image with its voxels counted from the other end of some axes."""
    turn = np.diag([*(-1.0 if flip else 1.0 for flip in flips), 1.0])
    turn[:3, 3] = [n - 1 if flip else 0 for n, flip in zip(SHAPE[:3], flips, strict=True)]
    return np.flip(DATA, [axis for axis in range(3) if flips[axis]]), AFFINE @ turn


@pytest.mark.parametrize("order", ORDERS)
def test_any_order_of_the_axes_gives_the_same_series(order: tuple[int, ...]) -> None:
    content = stored(order)
    series, file = read_series(content), nib.Nifti1Image.from_bytes(content)
    np.testing.assert_array_equal(series.data, DATA)
    assert series.data.flags.c_contiguous
    np.testing.assert_allclose(series.affine, AFFINE, rtol=1e-6)
    assert series.warnings == ()
    np.testing.assert_allclose(series.stored_affine, file.affine, rtol=1e-6)
    np.testing.assert_array_equal(series.as_stored(series.data[..., 3]), file.get_fdata()[..., 3])
    assert VolumeGrid.of_stored(series).shape == file.shape[:3]
    voxel = series.stored_voxel((5, 2, 1))
    assert file.get_fdata()[(*voxel, 3)] == DATA[5, 2, 1, 3]
    world = series.stored_affine @ [*voxel, 1]
    np.testing.assert_allclose(world, AFFINE @ [5, 2, 1, 1], rtol=1e-5)


@pytest.mark.parametrize("flips", FLIPS)
def test_directions_of_the_axes_are_left_as_they_are(flips: tuple[bool, ...]) -> None:
    data, affine = flipped(flips)
    for order in ((0, 1, 2), (2, 0, 1)):
        series = read_series(stored(order, data, affine))
        np.testing.assert_array_equal(series.data, data)
        np.testing.assert_allclose(series.affine, affine, rtol=1e-6)


@pytest.mark.parametrize("tilt_deg", [-40, 25, 40])
def test_slices_lie_across_the_axis_closest_to_the_direction_from_feet_to_head(tilt_deg: float) -> None:
    """Isotropic voxels, whose size says nothing, with a tilted head or gantry."""
    c, s = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    affine = np.eye(4)
    affine[:3, :3] = 2 * np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    for order in ORDERS:
        series = read_series(stored(order, affine=affine))
        np.testing.assert_array_equal(series.data, DATA)
        assert series.stored_axes == tuple(order.index(axis) for axis in range(3))


@pytest.mark.parametrize("order", ORDERS)
def test_thick_slices_stay_slices_whatever_the_affine_says(order: tuple[int, ...]) -> None:
    """An affine that puts slices of 5 mm upright is wrong, or they are a reformat: slices either way."""
    upright = np.diag([0.9, 0.9, 5.0, 1.0])[[0, 2, 1, 3]]
    series = read_series(stored(order, affine=upright))
    np.testing.assert_array_equal(series.data, DATA)
    np.testing.assert_allclose(series.affine, upright, rtol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_averaging_and_resampling_in_time_follow_the_order_of_the_axes(
    order: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against numpy: 2 × 2 pixels of an axial slice, and frames at uneven times."""
    times = np.concatenate([np.arange(10), 9 + 2.0 * np.arange(1, 5)])
    sidecar = json.dumps({"FrameTimesStart": times.tolist()}).encode()
    monkeypatch.setattr(downsampling, "MAX_VOXEL_BYTES", 4 * 3 * 3 * 4 * 18)
    lesion = (DATA[..., 0] > 0).astype(np.uint8)
    stored_lesion = nib.Nifti1Image(lesion.transpose(order), AFFINE[:, [*order, 3]]).to_bytes()
    series = read_series(stored(order), sidecar=sidecar, lesion=stored_lesion)
    mean = DATA[:6].astype(float).reshape(3, 2, 3, 2, 4, 14).mean((1, 3))
    expected = np.array([np.interp(np.arange(18), times, curve) for curve in mean.reshape(-1, 14)])
    np.testing.assert_allclose(series.data.reshape(-1, 18), expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(series.affine @ [0, 0, 0, 1], AFFINE @ [0.5, 0.5, 0, 1], rtol=1e-5)
    share = lesion[:6].reshape(3, 2, 3, 2, 4).mean((1, 3))
    assert series.lesion is not None
    np.testing.assert_array_equal(series.lesion[share != 0.5], share[share != 0.5] > 0.5)
    codes = [flag.code for flag in series.warnings]
    assert codes == ["downsampled", "frame_times", "frames_resampled"]
