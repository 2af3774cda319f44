"""Head pose: transform from scanner coordinates to the MNI template.

The transform is a rigid motion, a scale per axis, and a smooth asymmetric displacement of a few millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfcore.types import DoubleArray, FloatArray


@dataclass(frozen=True, eq=False)
class HeadPose:
    """Transform from scanner coordinates to template coordinates, in mm.

    Attributes
    ----------
    matrix
        Rotation and scale. Shape ``(3, 3)``.
    shift_mm
        MNI position of the scanner's origin. Shape ``(3,)``.
    waves
        Wave vectors of the displacement in rad/mm. Shape ``(n_waves, 3)``.
    phases
        Shape ``(n_waves, 3)``, one per displaced axis.
    amplitudes_mm
        Shape ``(n_waves, 3)``.
    """

    matrix: DoubleArray
    shift_mm: DoubleArray
    waves: DoubleArray
    phases: DoubleArray
    amplitudes_mm: DoubleArray

    @classmethod
    def draw(cls, rng: np.random.Generator, tilt: float = 1.0) -> HeadPose:
        """Draw a random pose: turned by a few degrees, 88 to 98 % of the template's size, asymmetric.

        Parameters
        ----------
        rng
            Source of randomness.
        tilt
            Multiplies the rotation, ≥ 0.
        """
        pitch, roll, yaw = np.radians(tilt * rng.uniform((-7, -4, -5), (7, 4, 5)))
        scale = rng.uniform(0.90, 0.97) * rng.uniform(0.98, 1.02, 3)
        n_waves = 5
        direction = rng.standard_normal((n_waves, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        return cls(
            matrix=_rotation(pitch, roll, yaw) / scale,
            shift_mm=np.array([0.0, -18.0, 0.0]) + rng.uniform(-3, 3, 3) * (1, 1, 0),
            waves=direction * (2 * np.pi / rng.uniform(70, 150, (n_waves, 1))),
            phases=rng.uniform(0, 2 * np.pi, (n_waves, 3)),
            amplitudes_mm=rng.uniform(0.3, 1.1, (n_waves, 3)) * (1.0, 1.0, 0.7),
        )

    def to_mni(self, points_mm: DoubleArray) -> DoubleArray:
        """Map scanner points to the template. Shape ``(n_points, 3)`` in and out, millimetres."""
        straight = points_mm @ self.matrix.T + self.shift_mm
        return straight + self._displacement(straight)

    def to_scanner(self, points_mni_mm: DoubleArray) -> DoubleArray:
        """Invert :meth:`to_mni` by fixed-point iteration, to better than 0.05 mm."""
        straight = points_mni_mm
        for _ in range(6):
            straight = points_mni_mm - self._displacement(straight)
        return np.asarray(np.linalg.solve(self.matrix, (straight - self.shift_mm).T).T, np.float64)

    def grid_to_mni(self, x_mm: DoubleArray, y_mm: DoubleArray, z_mm: float) -> FloatArray:
        """Map an axial grid to the template; the displacement is taken every 8th pixel and interpolated.

        Parameters
        ----------
        x_mm, y_mm
            Even grids in the scanner, millimetres. Shapes ``(nx,)`` and ``(ny,)``.
        z_mm
            Height of the plane.

        Returns
        -------
        Shape ``(3, nx, ny)``, MNI millimetres, float32.
        """
        ix, iy = _knots(x_mm.size), _knots(y_mm.size)
        kx, ky = np.meshgrid(x_mm[ix], y_mm[iy], indexing="ij")
        knots = self.to_mni(np.stack([kx.ravel(), ky.ravel(), np.full(kx.size, z_mm)], axis=1))
        field = knots.T.reshape(3, ix.size, iy.size).astype(np.float32)
        along_x = _stretch(field, ix, x_mm.size)
        return _stretch(along_x.swapaxes(1, 2), iy, y_mm.size).swapaxes(1, 2)

    def _displacement(self, points_mm: DoubleArray) -> DoubleArray:
        angle = (points_mm @ self.waves.T)[:, :, None] + self.phases
        return np.asarray((np.sin(angle) * self.amplitudes_mm).sum(axis=1), np.float64)


def _rotation(pitch: float, roll: float, yaw: float) -> DoubleArray:
    cp, sp, cr, sr, cy, sy = *_cs(pitch), *_cs(roll), *_cs(yaw)
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


def _cs(angle: float) -> tuple[float, float]:
    return float(np.cos(angle)), float(np.sin(angle))


def _knots(n: int) -> NDArray[np.int64]:
    return np.unique(np.append(np.arange(0, n, 8), n - 1))


def _stretch(field: FloatArray, knots: NDArray[np.int64], n: int) -> FloatArray:
    """Interpolate axis 1 linearly from knots to all ``n`` indices (no matrix product: too small for threads)."""
    at = np.arange(n)
    left = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, knots.size - 2)
    share = ((at - knots[left]) / (knots[left + 1] - knots[left])).astype(np.float32)[None, :, None]
    stretched: FloatArray = field[:, left] * (1 - share) + field[:, left + 1] * share
    return stretched
