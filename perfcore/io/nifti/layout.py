"""Layout of a stored series: order of its axes, and the averaging that it needs to fit the size limit.

A series is analysed with its slices across the third axis. That is the stored axis along which voxels are clearly
longest; where none is, the one that the affine puts closest to the direction from feet to head, as CT is acquired.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import nibabel as nib
import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.downsampling import MAX_FACTOR, averaged_affine, averaged_flags, downsampling_factor
from perfcore.io.nifti.geometry import affine_mm, has_own_affine
from perfcore.io.nifti.header import NiftiHeader, by
from perfcore.io.nifti.resampling import VolumeGrid
from perfcore.quality_flags import Flag
from perfcore.types import DoubleArray

_THICK: Final = 2.0
"""Ratio of a slice's thickness to the pixels above which it alone tells the slices from the other directions."""


@dataclass(frozen=True, eq=False)
class SeriesLayout:
    """How a series as read follows from the stored one.

    Attributes
    ----------
    stored
        Grid in the file.
    axes
        Stored axis of each axis of the series: right to left, front to back, across the slices, or the opposite
        directions.
    factor
        Number of pixels along each side of the square that is averaged to one; 1 for none.
    grid
        Grid of the series as read.
    warnings
        Quality flags on corrected units and on averaging.
    """

    stored: VolumeGrid
    axes: tuple[int, int, int]
    factor: int
    grid: VolumeGrid
    warnings: tuple[Flag, ...]

    @property
    def stored_factors(self) -> tuple[int, int, int]:
        """Factor of averaging along each stored axis."""
        x, y, z = (1 if axis == self.axes[2] else self.factor for axis in range(3))
        return x, y, z


def series_layout(header: NiftiHeader, n_time: int) -> SeriesLayout:
    """Return the layout of a series.

    Parameters
    ----------
    header
        Header of the series.
    n_time
        Number of frames as read.

    Raises
    ------
    InputDataError
        The affine is refused, or the series is too large.
    """
    affine, warnings = affine_mm(header, "series")
    nx, ny, nz = header.shape[:3]
    known = has_own_affine(header, affine)
    stored = VolumeGrid((nx, ny, nz), affine, known)
    axes = _anatomical_axes(affine)
    x, y, z = (stored.shape[axis] for axis in axes)
    factor = downsampling_factor((x, y, z, n_time))
    if factor is None:
        raise InputDataError(
            f"The series of {by((*header.shape[:3], n_time))} voxels is too large, even with {MAX_FACTOR} × "
            f"{MAX_FACTOR} pixels averaged to one; crop or downsample it."
        )
    own = averaged_affine(affine[:, [*axes, 3]], factor)
    grid = VolumeGrid((x // factor, y // factor, z), own, known)
    return SeriesLayout(stored, axes, factor, grid, (*warnings, *averaged_flags(factor)))


def _anatomical_axes(affine: DoubleArray) -> tuple[int, int, int]:
    """Return the stored axes in the order left-right, front-back, across the slices."""
    closest = nib.orientations.io_orientation(affine)[:, 0]  # type: ignore[no-untyped-call]
    if not np.array_equal(np.sort(closest), [0, 1, 2]):  # nearly parallel axes
        return 0, 1, 2
    x, y, z = (int(axis) for axis in np.argsort(closest))
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    longest = int(spacing.argmax())
    if spacing[longest] >= _THICK * np.sort(spacing)[1]:
        x, y = (axis for axis in (x, y, z) if axis != longest)
        z = longest
    return x, y, z
