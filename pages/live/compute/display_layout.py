"""Display layout: orientation of a slice on the screen (radiological)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layout:
    """Orientation of a slice on the screen: radiological, the patient's right on the left, anterior up."""

    swap: bool
    flip_x: bool
    flip_y: bool

    @classmethod
    def of(cls, affine: NDArray[np.float64]) -> Layout:
        """Choose the layout from the voxel axes' directions."""
        codes = nib.orientations.aff2axcodes(affine)  # type: ignore[no-untyped-call]
        swap = codes[0] in "AP" or codes[1] in "RL"
        across, down = (codes[1], codes[0]) if swap else (codes[0], codes[1])
        # Screen x runs from the patient's right to left, screen y from anterior to posterior.
        return cls(swap, flip_x=across == "R", flip_y=down in "AS")

    def apply(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Return ``(nx, ny, ...)`` as rows and columns of the screen."""
        screen = plane if self.swap else plane.swapaxes(0, 1)
        if self.flip_y:
            screen = screen[::-1]
        return screen[:, ::-1] if self.flip_x else screen
