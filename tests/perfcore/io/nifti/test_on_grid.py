"""A volume on another grid, against SimpleITK's resampling, and volumes that are refused."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from perfcore.errors import InputDataError
from perfcore.io.nifti.on_grid import read_on_grid

GRID = (23, 19, 6)
AFFINE = np.array([[-1.9, 0.1, 0, 20], [0.1, 2.1, 0.2, -21], [0, -0.2, 5, -12], [0, 0, 0, 1]])
FAR = np.array([[1.0, 0, 0, 4000], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
OWN = np.array([[1.2, 0, 0.3, -40], [0, 1.5, 0, -35], [-0.2, 0, 2.8, -28], [0, 0, 0, 1]])


def volume(shape: tuple[int, ...] = (60, 50, 20)) -> np.ndarray:
    x, y, z = np.indices(shape)
    return (20 + 5 * np.sin(0.21 * x) + 7 * np.cos(0.17 * y) + 0.4 * z).astype(np.float32)


def packed(values: np.ndarray, affine: np.ndarray = OWN) -> bytes:
    return nib.Nifti1Image(values, affine).to_bytes()


def by_simpleitk(path: Path) -> np.ndarray:
    """Resample linearly onto the grid, in ITK's coordinates (LPS)."""
    lps = np.diag([-1.0, -1, 1, 1]) @ AFFINE
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    reference = SimpleITK.Image(*GRID, SimpleITK.sitkFloat32)
    reference.SetSpacing(spacing.tolist())
    reference.SetOrigin(lps[:3, 3].tolist())
    reference.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    found = SimpleITK.Resample(
        SimpleITK.ReadImage(str(path), SimpleITK.sitkFloat32), reference, SimpleITK.Transform(),
        SimpleITK.sitkLinear, -999.0,
    )  # fmt: skip
    return SimpleITK.GetArrayFromImage(found).T


def orthogonal(affine: np.ndarray) -> np.ndarray:
    """The nearest affine without shear, as ITK wants it."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    u, _, v = np.linalg.svd(affine[:3, :3] / spacing)
    out = affine.copy()
    out[:3, :3] = (u @ v) * spacing
    return out


def test_oblique_volume_equals_simpleitk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.perfcore.io.nifti.test_on_grid.AFFINE", orthogonal(AFFINE))
    path = tmp_path / "map.nii"
    path.write_bytes(packed(volume(), orthogonal(OWN)))
    expected = by_simpleitk(path)
    found, flags = read_on_grid(path, GRID, orthogonal(AFFINE), "map")
    inside = expected != -999
    assert inside.mean() > 0.3
    np.testing.assert_allclose(found[inside], expected[inside], atol=2e-3)
    assert flags == ()


def test_the_same_grid_is_returned_unchanged() -> None:
    values = volume(GRID)
    values[3, 4, 2] = np.nan
    found, _ = read_on_grid(packed(values, AFFINE), GRID, AFFINE, "map")
    kept = np.isfinite(found)
    np.testing.assert_allclose(found[kept], values[kept], rtol=1e-5)
    assert not kept[3, 4, 2]
    assert kept.sum() == kept.size - 1


def test_a_border_is_not_mixed_with_the_value_that_stands_for_none() -> None:
    """A plateau of 30 with 0 around it, on a grid of half the voxel size: no value between the two."""
    values = np.zeros((20, 20, 6), np.float32)
    values[6:14, 5:15, :] = 30
    half = np.diag([0.5, 0.5, 1, 1])
    half[:2, 3] = -0.25
    grid = (40, 40, 6)
    plain, _ = read_on_grid(packed(values, np.eye(4)), grid, half, "map")
    assert ((plain > 1) & (plain < 29)).any()
    found, _ = read_on_grid(packed(values, np.eye(4)), grid, half, "map", empty=0.0)
    inside = np.isfinite(found)
    np.testing.assert_allclose(found[inside], 30, rtol=1e-5)
    corners = (16 * 20 - inside[..., 2].sum()) / 4
    assert 0 <= corners <= 1, "but for the corners, the plateau keeps its size"


def test_flipped_axes_and_scaled_integers() -> None:
    values = np.arange(np.prod(GRID), dtype=np.int16).reshape(GRID) % 400
    flip = np.diag([-1.0, 1, -1, 1])
    flip[:3, 3] = GRID[0] - 1, 0, GRID[2] - 1
    image = nib.Nifti1Image(np.ascontiguousarray(values[::-1, :, ::-1]), AFFINE @ flip)
    image.header.set_slope_inter(0.1, 0)
    found, _ = read_on_grid(image.to_bytes(), GRID, AFFINE, "map")
    np.testing.assert_allclose(found, 0.1 * values, atol=1e-3)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (packed(np.zeros((4, 4, 4, 3), np.float32)), "expected 3 dimensions"),
        (packed(volume(), FAR), "no finite value"),
        (packed(np.full(GRID, np.nan, np.float32), AFFINE), "no finite value"),
        (packed(volume())[:-4000], "more data than the file holds"),
        (b"PK\x03\x04" + bytes(4000), "map"),
        (b"", "map"),
    ],
)
def test_what_is_no_map_of_the_series_is_refused_in_a_sentence(content: bytes, part: str) -> None:
    with pytest.raises(InputDataError, match=part) as refused:
        read_on_grid(content, GRID, AFFINE, "map")
    assert "\n" not in str(refused.value)
