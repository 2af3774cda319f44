"""Voxel grid of the scanner: axial slices of 256 × 256, RAS+, isocentre at the centre of the plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.types import DoubleArray, FloatArray

N_PIXELS: Final = 256


@dataclass(frozen=True)
class VoxelGrid:
    """Voxel grid of one slab.

    Attributes
    ----------
    pixel_mm, slice_mm
        Size of a voxel in the plane and across it.
    n_slices
        Number of slices, from the feet up.
    centre_mm
        Height of the slab's middle.
    """

    pixel_mm: float
    slice_mm: float
    n_slices: int
    centre_mm: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along x, y, z."""
        return N_PIXELS, N_PIXELS, self.n_slices

    @property
    def plane_mm(self) -> DoubleArray:
        """Pixel centres along x and along y. Shape ``(256,)``."""
        return (np.arange(N_PIXELS, dtype=np.float64) - (N_PIXELS - 1) / 2) * np.float64(self.pixel_mm)

    @property
    def z_mm(self) -> DoubleArray:
        """Slice centres from the feet up. Shape ``(n_slices,)``."""
        steps = np.arange(self.n_slices, dtype=np.float64) - (self.n_slices - 1) / 2
        return np.float64(self.centre_mm) + steps * np.float64(self.slice_mm)

    @property
    def affine(self) -> DoubleArray:
        """Voxel indices to millimetres. Shape ``(4, 4)``."""
        affine = np.diag(np.array([self.pixel_mm, self.pixel_mm, self.slice_mm, 1.0]))
        affine[:3, 3] = self.plane_mm[0], self.plane_mm[0], self.z_mm[0]
        return affine

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel in cubic millimetres."""
        return self.pixel_mm**2 * self.slice_mm

    def rasterise(self, points_mm: DoubleArray, volume_mm3: DoubleArray) -> FloatArray:
        """Add up small volumes in the voxels that hold them.

        Parameters
        ----------
        points_mm
            Positions in the scanner. Shape ``(n_points, 3)``.
        volume_mm3
            Shape ``(n_points,)``.

        Returns
        -------
        Filled fraction of each voxel, 0 to 1. Shape ``(256, 256, n_slices)``.
        """
        first = np.array([self.plane_mm[0], self.plane_mm[0], self.z_mm[0]])
        index = np.rint((points_mm - first) / (self.pixel_mm, self.pixel_mm, self.slice_mm)).astype(np.int64)
        inside = ((index >= 0) & (index < self.shape)).all(axis=1)
        x, y, z = index[inside].T
        flat = (x * N_PIXELS + y) * self.n_slices + z
        filled = np.bincount(flat, volume_mm3[inside], minlength=N_PIXELS * N_PIXELS * self.n_slices)
        return np.minimum(filled.reshape(self.shape) / self.voxel_mm3, 1.0).astype(np.float32)
