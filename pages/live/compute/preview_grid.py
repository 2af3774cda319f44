"""Preview grid: every second voxel in the plane, for drags that show all slices; the others are interpolated.

The browser interpolates (``frontend/map/preview_grid.js``). The error is measured on the case itself; where it is
not small, as without smoothing in the plane, every voxel is computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MAX_PREVIEW_ERROR: Final = 0.02
"""Mean relative error of CBF above which every voxel is computed."""
_NEIGHBOURS: Final = (((-1, 0), (1, 0)), ((0, -1), (0, 1)), ((-1, -1), (1, 1)), ((-1, 1), (1, -1)))


@dataclass(frozen=True, eq=False)
class PreviewGrid:
    """The computed voxels, and the two from which each other voxel is interpolated.

    Attributes
    ----------
    kept
        Shape ``(n_voxels,)``, in the order of the case: computed or not.
    parents
        Shape ``(n_voxels, 2)``: indices among the kept voxels; a voxel is the mean of the two. A kept voxel has
        its own index twice.
    """

    kept: NDArray[np.bool_]
    parents: NDArray[np.int64]

    @classmethod
    def of(cls, voxels: NDArray[np.int64], grid: tuple[int, int, int]) -> PreviewGrid:
        """Make the preview grid of a mask's voxels, shape ``(n_voxels, 3)``."""
        x, y, z = voxels.T
        even = (x % 2 == 0) & (y % 2 == 0)
        number = np.full((grid[0] + 2, grid[1] + 2, grid[2]), -1, np.int64)  # with a margin of one voxel
        number[x[even] + 1, y[even] + 1, z[even]] = 0
        alone = np.ones(len(voxels), bool)
        for pair in _NEIGHBOURS:
            for dx, dy in pair:
                alone &= number[x + 1 + dx, y + 1 + dy, z] < 0
        kept = even | alone
        number[x[kept] + 1, y[kept] + 1, z[kept]] = np.arange(int(kept.sum()))
        own = number[x + 1, y + 1, z]
        parents = np.stack([own, own], 1)
        for pair in _NEIGHBOURS:
            a, b = (number[x + 1 + dx, y + 1 + dy, z] for dx, dy in pair)
            a, b = np.where(a < 0, b, a), np.where(b < 0, a, b)
            open_ = (parents[:, 0] < 0) & (a >= 0)
            parents[open_] = np.stack([a, b], 1)[open_]
        return cls(kept, parents)

    def interpolate(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return values of all voxels from those of the kept ones."""
        return np.asarray(values[self.parents].mean(1), np.float32)

    def error(self, full: NDArray[np.float32]) -> float:
        """Return the mean relative error of CBF interpolated from its kept voxels; inf without flow."""
        flowing = full > 0.02 * full.max()
        if not flowing.any():
            return math.inf
        return float(np.abs(self.interpolate(full[self.kept])[flowing] / full[flowing] - 1).mean())
