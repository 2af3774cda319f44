"""Hemispheres: midplane of best mirror symmetry of the brain mask, and the side with the later bolus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy import ndimage

from perfcore.preprocess.nelder_mead import minimize_simplex
from perfcore.types import BoolArray, DoubleArray, FloatArray

Side = Literal["left", "right"]

MIN_SIDE_VOXELS: Final = 50
"""Minimum number of voxels of a hemisphere used as reference."""
MAX_YAW_DEG: Final = 36.0
MAX_ROLL_DEG: Final = 15.0
_COARSE_MM: Final = 3.0
_BLUR_MM: Final = 5.0
_MAX_FIT_POINTS: Final = 6_000
_MIN_ROLL_HEIGHT_MM: Final = 30.0
"""Minimum height of a slab for fitting the roll angle."""
MAX_LEAN_DEG: Final = 60.0
"""Maximum angle between midplane and normal of a slice; a slice beyond it is sagittal and has no mirror."""


@dataclass(frozen=True, eq=False)
class Midplane:
    """Plane between the hemispheres in world coordinates (RAS+, mm): ``normal · p = offset``.

    Attributes
    ----------
    normal
        Shape ``(3,)``, of length 1, pointing to the patient's right.
    offset
        Millimetres.
    overlap
        Fraction of the mask that its mirror image covers, 0 to 1.
    """

    normal: DoubleArray
    offset: float
    overlap: float

    def right_of(self, mask: BoolArray, affine: DoubleArray) -> BoolArray:
        """Return which voxels of a mask lie on the patient's right, shape ``(n_voxels,)``, in C order."""
        x, y, z = (step * np.arange(n) for step, n in zip(self.normal @ affine[:3, :3], mask.shape, strict=True))
        place = x[:, None, None] + y[:, None] + z
        return np.asarray(place[mask] > self.offset - self.normal @ affine[:3, 3])

    def mirror_in_slice(self, affine: DoubleArray, slice_index: int) -> DoubleArray | None:
        """Return the reflection of a slice in its midline, the line where the plane cuts it.

        The image stays in its slice, as on a reading console. A plane that leans to a side has another midline in
        each slice. Distances are millimetres, so pixels need not be square.

        Parameters
        ----------
        affine
            Shape ``(4, 4)``, voxel indices to mm.
        slice_index
            Index along the third axis.

        Returns
        -------
        ndarray or None
            Shape ``(2, 3)``: in-plane voxel indices ``p`` have the image ``m[:, :2] @ p + m[:, 2]``. None where
            the plane is more than 60° from upright on the slice: a sagittal slice has no mirror.
        """
        axes = affine[:3, :2]
        gradient = axes.T @ self.normal
        across = np.linalg.solve(axes.T @ axes, gradient)
        upright = float(gradient @ across)  # squared length of the normal's part within the slice
        if upright < np.cos(np.deg2rad(MAX_LEAN_DEG)) ** 2:
            return None
        offset = self.offset - self.normal @ (affine[:3, 3] + slice_index * affine[:3, 2])
        image = np.eye(2, 3)
        image[:, :2] -= 2.0 * np.outer(across, gradient) / upright
        image[:, 2] = 2.0 * offset / upright * across
        return image


def fit_midplane(mask: BoolArray, affine: DoubleArray) -> Midplane:
    """Fit the plane of best mirror overlap of a mask, starting from the sagittal plane through its centroid.

    Points whose mirror image falls above or below the slab are ignored.

    The search covers the offset, the rotation about the slice axis (yaw, up to 36°) and, for slabs taller than
    30 mm, the tilt to a side (roll, up to 15°). Left and right come from the affine (RAS+).

    Parameters
    ----------
    mask
        Shape ``(nx, ny, nz)``, not empty.
    affine
        Shape ``(4, 4)``, voxel indices to mm.

    Returns
    -------
    Midplane
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    step = np.maximum(1, np.round(_COARSE_MM / spacing)).astype(int)
    # Blurred edges: with binary ones the overlap peaks wherever the mirrored grid coincides with the grid.
    blur = (*(_BLUR_MM / spacing[:2]), 0.5 * step[2])
    soft = ndimage.gaussian_filter(mask.astype(np.float32), blur, mode=("constant", "constant", "nearest"))
    coarse = affine.copy()
    coarse[:3, :3] = affine[:3, :3] * step
    soft = np.pad(soft[:: step[0], :: step[1], :: step[2]], 1)
    coarse[:3, 3] -= coarse[:3, :3] @ np.ones(3)
    inverse = np.linalg.inv(coarse)
    places = np.argwhere(soft > min(0.02, 0.5 * float(soft.max())))  # a mask of few voxels is blurred below 0.02
    places = places[:: max(1, len(places) // _MAX_FIT_POINTS)]
    weight = soft[tuple(places.T)]
    points = places @ coarse[:3, :3].T + coarse[:3, 3]
    centre = np.average(points, axis=0, weights=weight)
    lean = float(np.ptp(points[:, 2])) >= _MIN_ROLL_HEIGHT_MM

    def overlap(parameters: DoubleArray) -> float:
        normal, offset = _plane(parameters, centre)
        mirrored = points - 2.0 * np.outer(points @ normal - offset, normal)
        place = inverse[:3, :3] @ mirrored.T + inverse[:3, 3:]
        seen = (place[2] > 0.5) & (place[2] < soft.shape[2] - 1.5)
        if 2 * seen.sum() < len(seen):
            return 0.0
        there = ndimage.map_coordinates(soft, place[:, seen], order=1)
        return float(np.minimum(there, weight[seen]).sum() / weight[seen].sum())

    yaws = np.deg2rad(np.arange(-MAX_YAW_DEG, MAX_YAW_DEG + 1, 6.0))
    start = max((np.array([yaw, shift, 0.0]) for yaw in yaws for shift in (-6.0, 0.0, 6.0)), key=overlap)
    n_free = 3 if lean else 2
    limit = np.array([np.deg2rad(45.0), 40.0, np.deg2rad(MAX_ROLL_DEG)])[:n_free]

    def cost(free: DoubleArray) -> float:
        return -overlap(np.append(free, np.zeros(3 - n_free)))

    found, least = minimize_simplex(
        cost, _simplex(start, n_free), limit, x_tolerance=2e-3, cost_tolerance=1e-4, max_evaluations=90
    )
    best = np.append(found, np.zeros(3 - n_free))
    normal, offset = _plane(best, centre)
    return Midplane(normal, offset, -least)


def _plane(parameters: DoubleArray, centre: DoubleArray) -> tuple[DoubleArray, float]:
    """Return normal and offset for (yaw, shift from the centroid in mm, roll)."""
    yaw, shift, roll = parameters
    normal = np.array([np.cos(roll) * np.cos(yaw), np.cos(roll) * np.sin(yaw), np.sin(roll)])
    return normal, float(centre @ normal + shift)


def _simplex(start: DoubleArray, n: int) -> DoubleArray:
    corners = np.tile(start[:n], (n + 1, 1))
    for row, size in enumerate(np.array([np.deg2rad(4.0), 3.0, np.deg2rad(4.0)])[:n]):
        corners[row + 1, row] += size
    return corners


def later_side(ttp_s: FloatArray, right: BoolArray, healthy: BoolArray) -> Side | None:
    """Return the hemisphere with the later mean time to peak, None if a side has fewer than 50 voxels.

    The result depends neither on an input function nor on a known lesion.

    Parameters
    ----------
    ttp_s
        Shape ``(n_voxels,)``, seconds.
    right
        Shape ``(n_voxels,)``: the patient's right.
    healthy
        Shape ``(n_voxels,)``: voxels that count (neither vessels nor CSF).
    """
    on_right, on_left = healthy & right, healthy & ~right
    if min(on_right.sum(), on_left.sum()) < MIN_SIDE_VOXELS:
        return None
    return "right" if ttp_s[on_right].mean() > ttp_s[on_left].mean() else "left"
