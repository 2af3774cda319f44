"""Planes of a volume in the coordinates of DICOM (LPS+), from the affine of the series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfcore.types import DoubleArray


@dataclass(frozen=True, eq=False)
class Planes:
    """Positions of the slices of a volume, each an image of DICOM.

    Attributes
    ----------
    positions
        Shape ``(n_slices, 3)``: centre of the first pixel of each slice, mm.
    orientation
        Shape ``(6,)``: direction cosines of row and column.
    pixel_mm
        Spacing between rows and between columns, mm.
    slice_mm
        Distance between slices along their normal, mm; less than that of their centres if the gantry was tilted.
    """

    positions: DoubleArray
    orientation: DoubleArray
    pixel_mm: tuple[float, float]
    slice_mm: float

    @classmethod
    def of(cls, affine: DoubleArray, grid: tuple[int, int, int]) -> Planes:
        """Return the planes of a volume as the reader of DICOM makes it: (column, row from the last, slice).

        Parameters
        ----------
        affine
            Shape ``(4, 4)``, voxel indices to mm in RAS+.
        grid
            Numbers of columns, rows and slices.
        """
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
        column_mm, row_mm = (float(np.linalg.norm(lps[:3, axis])) for axis in (0, 1))
        along, across = lps[:3, 0] / column_mm, -lps[:3, 1] / row_mm
        _, rows, n_slices = grid
        first = lps @ np.array([0.0, rows - 1, 0.0, 1.0])
        positions = first[:3] + np.arange(n_slices)[:, None] * lps[:3, 2]
        slice_mm = abs(float(lps[:3, 2] @ np.cross(along, across)))
        return cls(positions, np.concatenate([along, across]), (row_mm, column_mm), slice_mm)


def frames(volume: NDArray[Any]) -> NDArray[Any]:
    """Return a volume of shape ``(columns, rows, n_slices, …)`` as images, ``(n_slices, rows, columns, …)``."""
    return np.ascontiguousarray(np.moveaxis(volume[:, ::-1], (2, 1, 0), (0, 1, 2)))
