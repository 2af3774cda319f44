"""Masks and lesions: accepted variants, refused ones, and a grid that differs from the series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.io.nifti.reader import read_series
from perfcore.io.nifti.volumes import read_mask
from tests.perfcore.io.nifti.test_reader import AFFINE, GRID, packed, values


def mask_bytes(mask: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> bytes:
    if mask is None:
        mask = np.zeros(GRID, np.uint8)
        mask[1:3, 2, :] = 1
    return nib.Nifti1Image(mask, affine).to_bytes()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_masks_of_any_dtype(dtype: Any) -> None:
    expected = values(4, GRID) > 300
    for shape in (GRID, (*GRID, 1), (*GRID, 1, 1)):
        mask = read_mask(mask_bytes(expected.astype(dtype).reshape(shape)), GRID)
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, expected)


def test_a_mask_of_one_slice_may_have_two_dimensions() -> None:
    mask = np.eye(5, 4, dtype=np.uint8)
    assert read_mask(mask_bytes(mask), (5, 4, 1)).shape == (5, 4, 1)


@pytest.mark.parametrize(
    ("mask", "part"),
    [
        (np.ones((5, 4, 2), np.uint8), "shape 5 × 4 × 2; expected 5 × 4 × 3"),
        (np.ones((*GRID, 2), np.uint8), "shape 5 × 4 × 3 × 2; expected 5 × 4 × 3"),
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
    with pytest.raises(InputDataError, match="brain mask does not exist"):
        read_series(packed(), mask=tmp_path / "none.nii")


def test_an_empty_volume_is_accepted_as_lesion_but_not_as_mask() -> None:
    empty = mask_bytes(np.zeros(GRID, np.uint8))
    with pytest.raises(InputDataError, match="brain mask is empty"):
        read_series(packed(), mask=empty, lesion=empty)


def test_a_displaced_mask_is_used_with_a_warning() -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 5
    series = read_series(packed(), mask=mask_bytes(affine=moved))
    assert "lies up to 5.0 mm away" in series.warnings[0].sentence
    nearly = AFFINE.copy()
    nearly[0, 3] += 0.1
    assert read_series(packed(), mask=mask_bytes(affine=nearly)).warnings == ()
