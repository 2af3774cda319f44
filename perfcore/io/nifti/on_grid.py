"""A 3D NIfTI volume brought onto the grid of a series through its affine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from scipy import ndimage

from perfcore.errors import InputDataError
from perfcore.io.nifti.geometry import affine_mm
from perfcore.io.nifti.volumes import read_values
from perfcore.quality_flags import Flag
from perfcore.types import BoolArray, DoubleArray, FloatArray

HALF_VOXEL: Final = 0.5 + 1e-3
"""Distance from the outermost voxel centres to the border of a volume, with the rounding error of an affine."""

MIN_WEIGHT: Final = 0.5
"""Minimum weight of the neighbours that have a value."""


def read_on_grid(
    source: Path | bytes,
    grid: tuple[int, int, int],
    affine: DoubleArray,
    what: str,
    *,
    empty: float | None = None,
) -> tuple[FloatArray, tuple[Flag, ...]]:
    """Read any volume, such as a map of another package, and bring it onto the grid of a series.

    Parameters
    ----------
    source
        A path, or the content of an upload.
    grid, affine
        Shape of the series in space, and its affine (voxel indices to mm).
    what
        Name of the volume in error messages, such as ``"Tmax map"``.
    empty
        Value that stands for none, as 0 does where packages write nothing; None: every finite value counts.

    Returns
    -------
    tuple
        Map, shape ``grid``, float32, interpolated linearly between voxels that have a value, so that a border is
        not mixed with what lies outside it; NaN where most of the weight has none. Quality flags about its header.

    Raises
    ------
    InputDataError
        The file is refused, is not one volume, or has no finite value on the grid.
    """
    stored, header = read_values(source, what)
    own, flags = affine_mm(header, what)
    with np.errstate(over="ignore"):
        values = stored.astype(np.float32)
    found = _resampled(
        values, np.isfinite(values) & (values != empty), np.asarray(np.linalg.solve(own, affine), np.float64), grid
    )
    if not np.isfinite(found).any():
        raise InputDataError(
            f"The {what} has no finite value where the series is; give one of the same patient in its coordinates."
        )
    return found, flags


def _resampled(values: FloatArray, known: BoolArray, step: DoubleArray, grid: tuple[int, int, int]) -> FloatArray:
    """Interpolate known values linearly, with the weights of the known neighbours scaled to 1.

    ``step`` is the affine from the indices of the grid to those of the values.
    """
    found = np.empty(grid, np.float32)
    filled, weights = np.where(known, values, np.float32(0)), known.astype(np.float32)
    x, y = (np.arange(n, dtype=np.float64)[:, None] for n in grid[:2])
    for z in range(grid[2]):
        places = [row[0] * x + row[1] * y.T + row[2] * z + row[3] for row in step[:3]]
        sampled, weight = (
            ndimage.map_coordinates(volume, places, order=1, mode="nearest") for volume in (filled, weights)
        )
        inside = [
            (p >= -HALF_VOXEL) & (p <= n - 1 + HALF_VOXEL) for p, n in zip(places, values.shape, strict=True)
        ]
        is_known = np.logical_and.reduce(inside) & (weight >= MIN_WEIGHT)
        found[..., z] = np.where(is_known, sampled / np.maximum(weight, MIN_WEIGHT), np.nan)
    return found
