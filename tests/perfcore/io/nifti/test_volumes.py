"""Masks, lesions and maps: accepted variants, refused ones, and grids that differ from that of the series."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation

from perfcore.errors import InputDataError
from perfcore.io.nifti.reader import read_series
from perfcore.io.nifti.resampling import VolumeGrid, coverage, resampled_mask
from perfcore.io.nifti.volumes import read_mask
from perfcore.quality_flags import make_flag
from tests.perfcore.io.nifti.test_reader import AFFINE, GRID, image, packed, values


def mask_bytes(mask: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> bytes:
    if mask is None:
        mask = np.zeros(GRID, np.uint8)
        mask[1:3, 2, :] = 1
    return nib.Nifti1Image(mask, affine).to_bytes()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_masks_of_any_dtype(dtype: Any) -> None:
    expected = values(4, GRID) > 300
    for shape in (GRID, (*GRID, 1), (*GRID, 1, 1)):
        mask = read_mask(mask_bytes(expected.astype(dtype).reshape(shape)), VolumeGrid(GRID, AFFINE))
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, expected)


def test_a_mask_of_one_slice_may_have_two_dimensions() -> None:
    mask = np.eye(5, 4, dtype=np.uint8)
    assert read_mask(mask_bytes(mask), VolumeGrid((5, 4, 1), AFFINE)).shape == (5, 4, 1)


@pytest.mark.parametrize(
    ("mask", "part"),
    [
        (
            np.ones((5, 4, 2), np.uint8),
            "shape 5 × 4 × 2, the series 5 × 4 × 3, and by its affine it does not reach",
        ),
        (np.ones((3, 4, 3), np.uint8), "by its affine it covers 60 % of a slice"),
        (np.ones((*GRID, 2), np.uint8), "has 4 dimensions .5 × 4 × 3 × 2.; expected 3"),
        (np.zeros(GRID, np.uint8), "brain mask is empty"),
        (-np.ones(GRID, np.int16), "brain mask is empty"),
        (np.full(GRID, np.nan, np.float32), "brain mask holds NaN"),
    ],
)
def test_invalid_masks_are_refused(mask: np.ndarray, part: str) -> None:
    with pytest.raises(InputDataError, match=part):
        read_series(packed(), mask=mask_bytes(mask))


def test_series_with_mask_and_lesion(tmp_path: Path) -> None:
    lesion = np.zeros(GRID, np.uint8)
    (tmp_path / "mask.nii").write_bytes(mask_bytes())
    series = read_series(packed(), mask=tmp_path / "mask.nii", lesion=mask_bytes(lesion), case="case_7")
    assert series.mask is not None
    assert series.mask.sum() == 6
    assert series.lesion is not None
    assert not series.lesion.any()
    assert (series.case, series.warnings) == ("case_7", ())
    with pytest.raises(InputDataError, match="lesion mask has shape"):
        read_series(packed(), lesion=mask_bytes(lesion[:2]))
    with pytest.raises(InputDataError, match="lesion mask has shape"):
        read_series(packed(), lesion=nib.Nifti1Image(lesion[:2], None).to_bytes())
    with pytest.raises(InputDataError, match="brain mask does not exist"):
        read_series(packed(), mask=tmp_path / "none.nii")


def test_an_empty_volume_is_accepted_as_lesion_but_not_as_mask() -> None:
    empty = mask_bytes(np.zeros(GRID, np.uint8))
    with pytest.raises(InputDataError, match="brain mask is empty"):
        read_series(packed(), mask=empty, lesion=empty)


# Grids that differ from that of the series: a head of 24 × 20 × 6 voxels, and a mask known in millimetres

SHAPE = (24, 20, 6)
OBLIQUE = np.array([[-1.8, 0.1, 0.3, 22], [0.1, 1.8, -0.4, -18], [0.1, 0.2, 5.0, 40], [0, 0, 0, 1]])
SERIES = image(values(8, (*SHAPE, 12)), affine=OBLIQUE).to_bytes()


def ellipsoid(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """A mask drawn in millimetres on any grid."""
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
    centre = OBLIQUE[:3, :3] @ ((np.array(SHAPE) - 1) / 2) + OBLIQUE[:3, 3]
    away = (ijk @ affine[:3, :3].T + affine[:3, 3] - centre) / [14, 11, 13]
    return (np.linalg.norm(away, axis=-1) < 1).astype(np.uint8)


HEAD = ellipsoid(SHAPE, OBLIQUE)


def with_mask(shape: tuple[int, ...], affine: np.ndarray, data: np.ndarray | None = None) -> Any:
    mask = ellipsoid(shape, affine) if data is None else data
    return read_series(SERIES, mask=nib.Nifti1Image(mask, affine).to_bytes())


def test_a_mask_on_the_grid_of_the_series_is_used_as_it_is() -> None:
    series = with_mask(SHAPE, OBLIQUE)
    np.testing.assert_array_equal(series.mask, HEAD > 0)
    assert series.warnings == ()
    nearly = OBLIQUE.copy()
    nearly[0, 3] += 0.2
    series = with_mask(SHAPE, nearly, HEAD)
    np.testing.assert_array_equal(series.mask, HEAD > 0)
    assert series.warnings == ()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_a_mask_stored_in_another_order_or_direction(order: tuple[int, ...], flips: tuple[int, ...]) -> None:
    stored = nib.Nifti1Image(HEAD, OBLIQUE).as_reoriented(
        [[order.index(axis), -1 if axis in flips else 1] for axis in range(3)]
    )
    series = read_series(SERIES, mask=stored.to_bytes())
    np.testing.assert_array_equal(series.mask, HEAD > 0)
    assert series.warnings == ()


def test_a_mask_of_another_resolution_is_resampled_through_its_affine() -> None:
    """Nearest neighbour from a coarser grid, the majority of the points in a voxel from a finer one."""
    fine = OBLIQUE @ np.diag([0.5, 0.5, 0.25, 1.0])
    fine[:3, 3] = OBLIQUE[:3, 3] + OBLIQUE[:3, :3] @ [-0.25, -0.25, -0.375]
    shape = (48, 40, 24)
    series = with_mask(shape, fine)
    share = ellipsoid(shape, fine).reshape(24, 2, 20, 2, 6, 4).mean((1, 3, 5))
    np.testing.assert_array_equal(series.mask[share != 0.5], share[share != 0.5] > 0.5)
    sentence = (
        "The brain mask has 48 × 40 × 24 voxels, the series 24 × 20 × 6: it was brought onto that grid through "
        "its affine."
    )
    assert series.warnings == (make_flag("mask_resampled", sentence),)
    coarse = OBLIQUE @ np.diag([2, 2, 1, 1.0])
    coarse[:3, 3] = OBLIQUE[:3, 3] + OBLIQUE[:3, :3] @ [0.5, 0.5, 0]
    mask = ellipsoid((12, 10, 6), coarse)
    np.testing.assert_array_equal(with_mask((12, 10, 6), coarse).mask, mask.repeat(2, 0).repeat(2, 1) > 0)


def test_a_mask_of_another_orientation_is_resampled_through_its_affine() -> None:
    """An isotropic grid along the scanner's axes: nearest neighbour, checked by an interpolator of its own."""
    shape, affine = (70, 64, 50), np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -35, -30, 30
    series = with_mask(shape, affine)
    (flag,) = series.warnings
    assert flag.code == "mask_resampled"
    wrong = series.mask != (HEAD > 0)
    edge = ndimage.binary_dilation(HEAD) & ~ndimage.binary_erosion(HEAD)
    assert not (wrong & ~edge).any()
    assert series.mask.sum() == pytest.approx(HEAD.sum(), rel=0.03)


@pytest.mark.parametrize("moved_mm", [5.0, -3.5])
def test_a_mask_of_the_same_shape_follows_its_affine(moved_mm: float) -> None:
    moved = OBLIQUE.copy()
    moved[:3, 3] += moved_mm * OBLIQUE[:3, 0] / np.linalg.norm(OBLIQUE[:3, 0])
    series = with_mask(SHAPE, moved)
    step = round(moved_mm / np.linalg.norm(OBLIQUE[:3, 0]))
    np.testing.assert_array_equal(series.mask, np.roll(ellipsoid(SHAPE, moved), step, 0) > 0)
    (flag,) = series.warnings
    assert flag.code == "mask_resampled"
    assert f"lies up to {abs(moved_mm):.1f} mm away from the grid of the series" in flag.sentence


def unset() -> bytes:
    content = bytearray(nib.Nifti1Image(HEAD, np.diag([1.8, 1.8, 5, 1])).to_bytes())
    content[252:256] = bytes(4)  # qform_code, sform_code
    return bytes(content)


def far() -> bytes:
    moved = OBLIQUE.copy()
    moved[2, 3] += 200
    return nib.Nifti1Image(HEAD, moved).to_bytes()


def singular() -> bytes:
    content = bytearray(nib.Nifti1Image(HEAD, OBLIQUE).to_bytes())
    content[280:328] = bytes(48)
    return bytes(content)


CARELESS: dict[str, tuple[bytes, str]] = {
    "identity": (nib.Nifti1Image(HEAD, np.eye(4)).to_bytes(), "has no usable affine"),
    "identity of LPS": (nib.Nifti1Image(HEAD, np.diag([-1.0, -1, 1, 1])).to_bytes(), "has no usable affine"),
    "no form": (unset(), "has no usable affine"),
    "singular": (singular(), "has no usable affine"),
    "far away": (far(), "lies up to 200.0 mm away from the series by its affine, and would not cover it"),
}


@pytest.mark.parametrize("name", CARELESS)
def test_a_mask_of_the_same_shape_without_a_usable_affine_is_applied_voxel_by_voxel(name: str) -> None:
    content, cause = CARELESS[name]
    series = read_series(SERIES, mask=content)
    np.testing.assert_array_equal(series.mask, HEAD > 0)
    sentence = f"The brain mask {cause}; as it has the shape of the series, it was applied voxel by voxel."
    assert series.warnings == (make_flag("mask_displaced", sentence),)


def test_a_mask_on_a_series_without_a_usable_affine_is_applied_voxel_by_voxel() -> None:
    bare = image(values(8, (*SHAPE, 12)), affine=np.eye(4)).to_bytes()
    series = read_series(bare, mask=nib.Nifti1Image(HEAD, OBLIQUE).to_bytes())
    np.testing.assert_array_equal(series.mask, HEAD > 0)
    assert "has an affine, but the series has none that is usable" in series.warnings[0].sentence


def test_a_mask_of_the_same_shape_without_an_affine_on_a_stored_series() -> None:
    """Voxel by voxel means the voxels of the file, in whatever order and however averaged the series is read."""
    order = [2, 0, 1]
    data, affine = values(8, (*SHAPE, 12)), OBLIQUE
    stored = image(data.transpose(*order, 3), affine=affine[:, [*order, 3]]).to_bytes()
    mask = nib.Nifti1Image(HEAD.transpose(order), np.eye(4)).to_bytes()
    series = read_series(stored, mask=mask)
    assert series.grid == SHAPE
    np.testing.assert_array_equal(series.mask, HEAD > 0)
    assert "applied voxel by voxel" in series.warnings[0].sentence


@pytest.mark.parametrize(
    ("shape", "shift_mm", "part"),
    [
        ((24, 20, 5), (0, 0, 0), "does not reach all slices"),
        ((30, 30, 9), (0, 0, 300), "does not reach all slices"),
        ((12, 20, 6), (0, 0, 0), "covers 50 % of a slice"),
    ],
)
def test_a_mask_that_does_not_cover_the_series_is_refused(
    shape: tuple[int, ...], shift_mm: tuple[float, ...], part: str
) -> None:
    affine = OBLIQUE.copy()
    affine[:3, 3] += shift_mm
    for name in ("mask", "lesion"):
        with pytest.raises(InputDataError, match=part):
            read_series(SERIES, **{name: nib.Nifti1Image(np.ones(shape, np.uint8), affine).to_bytes()})


def test_a_lesion_beside_the_series_is_empty_and_said() -> None:
    tall = OBLIQUE.copy()
    tall[:3, 3] -= 4 * OBLIQUE[:3, 2]
    lesion = np.zeros((24, 20, 12), np.uint8)
    lesion[10:14, 8:12, :3] = 1
    series = read_series(SERIES, lesion=nib.Nifti1Image(lesion, tall).to_bytes())
    assert not series.lesion.any()
    assert "none of its voxels is in it" in series.warnings[-1].sentence
    with pytest.raises(InputDataError, match="No voxel of the brain mask lies in the series"):
        read_series(SERIES, mask=nib.Nifti1Image(lesion, tall).to_bytes())


# Resampling


GRIDS = st.tuples(st.tuples(*[st.integers(2, 9)] * 3), st.integers(0, 10**6), st.tuples(*[st.floats(0.4, 3)] * 3))


@settings(max_examples=60, deadline=None)
@given(GRIDS, GRIDS)
def test_resampling_onto_any_grid_stays_within_its_source(one: Any, other: Any) -> None:
    own, grid = (VolumeGrid(shape, affine_of(seed, spacing)) for shape, seed, spacing in (one, other))
    rng = np.random.default_rng(one[1])
    mask = rng.random(own.shape) > 0.5
    found = resampled_mask(mask, own, grid)
    assert found.shape == grid.shape
    if not mask.any() or coverage(own, grid) == 1:
        assert found.any() <= mask.any()
    assert not resampled_mask(np.zeros(own.shape, bool), own, grid).any()
    assert 0 <= coverage(own, grid) <= 1
    np.testing.assert_array_equal(resampled_mask(mask, own, own), mask)


def affine_of(seed: int, spacing: tuple[float, ...]) -> np.ndarray:
    turn = Rotation.random(random_state=seed % 2**32).as_matrix() if seed % 3 else np.eye(3)
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = np.random.default_rng(seed).uniform(-3, 3, 3)
    return affine
