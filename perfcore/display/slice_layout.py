"""Slice layout: orientation of a slice on the screen and on paper (radiological)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layout:
    """Orientation of a slice on the screen, radiological.

    Axial and coronal slices have the patient's right on the left, sagittal ones anterior on the left; anterior
    (axial) or superior (others) is up.

    Attributes
    ----------
    swap
        Whether the second voxel axis runs across.
    flip_x, flip_y
        Whether columns and rows run against the voxel indices.
    marks
        Letters of the left and the right edge: the patient's side, or anterior and posterior.
    """

    swap: bool
    flip_x: bool
    flip_y: bool
    marks: tuple[str, str] = ("R", "L")

    @classmethod
    def of(cls, affine: NDArray[np.float64]) -> Layout:
        """Choose the layout of slices along the third voxel axis from the directions of all axes."""
        codes = nib.orientations.aff2axcodes(affine)  # type: ignore[no-untyped-call]
        swap = codes[1] in "RL" or (codes[0] in "SI" and codes[1] in "AP")
        across, down = (codes[1], codes[0]) if swap else (codes[0], codes[1])
        marks = ("R", "L") if across in "RL" else ("A", "P")
        # Screen x runs from the patient's right to left (anterior to posterior), screen y downwards.
        return cls(swap, flip_x=across == marks[0], flip_y=down in "AS", marks=marks)

    def apply(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Return ``(nx, ny, ...)`` as rows and columns of the screen."""
        screen = plane if self.swap else plane.swapaxes(0, 1)
        if self.flip_y:
            screen = screen[::-1]
        return screen[:, ::-1] if self.flip_x else screen
