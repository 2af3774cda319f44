"""Resampling of a 3D volume through its affine onto the grid of a series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.types import BoolArray, DoubleArray, PerfusionSeries

_MAX_SAMPLES: Final = 8
"""Maximum number of points along each edge of a voxel at which a finer volume is sampled."""
_ROUNDING: Final = 1e-3
"""Rounding error of affines in float32, in voxels."""


@dataclass(frozen=True, eq=False)
class VolumeGrid:
    """Grid of a volume.

    Attributes
    ----------
    shape
        ``(nx, ny, nz)``.
    affine
        Shape ``(4, 4)``, voxel indices to millimetres (RAS+).
    known
        Whether the affine places the volume in the patient; False for one that tools write where they know none.
    """

    shape: tuple[int, int, int]
    affine: DoubleArray
    known: bool = True

    @classmethod
    def of_series(cls, series: PerfusionSeries) -> VolumeGrid:
        """Return the grid of a series."""
        return cls(series.grid, series.affine)

    @classmethod
    def of_stored(cls, series: PerfusionSeries) -> VolumeGrid:
        """Return the same grid in the order of the input's axes."""
        return cls(series.stored_voxel(series.grid), series.stored_affine)


def distance_mm(own: DoubleArray, grid: VolumeGrid) -> float:
    """Return the maximum distance of a grid's corners under another affine, mm; 0 if at most half a voxel."""
    corners = np.stack(np.meshgrid(*[(0.0, n - 1.0) for n in grid.shape], [1.0], indexing="ij"), -1).reshape(-1, 4)
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    away = np.linalg.norm((corners @ (own - grid.affine).T)[:, :3], axis=1).max()
    return float(away) if away > 0.5 * spacing.min() else 0.0


def same_voxels(own: VolumeGrid, grid: VolumeGrid) -> bool:
    """Return whether two grids have the same voxels, in whatever order of their axes and directions."""
    step = _index_affine(own, grid)
    whole = np.round(step)
    corner = (np.array(grid.shape) - 1) @ np.abs(step - whole)[:3, :3].T + np.abs(step - whole)[:3, 3]
    is_order = (np.abs(whole[:3, :3]).sum(0) == 1).all() and (np.abs(whole[:3, :3]).sum(1) == 1).all()
    if not is_order or corner.max() > 0.5:
        return False
    first, last = whole[:3, 3], whole[:3, :3] @ (np.array(grid.shape) - 1) + whole[:3, 3]
    ends = np.sort(np.stack([first, last]), axis=0)
    return bool((ends[0] == 0).all() and (ends[1] == np.array(own.shape) - 1).all())


def coverage(own: VolumeGrid, grid: VolumeGrid) -> float:
    """Return the fraction of a slice of ``grid`` that a volume covers, where it is smallest; 0 to 1."""
    step = _index_affine(own, grid)
    x, y = (np.unique(np.linspace(0, n - 1, min(n, 64)).round()) for n in grid.shape[:2])
    return min(float(_inside(_places(step, x, y, float(z)), own.shape).mean()) for z in range(grid.shape[2]))


def resampled_mask(mask: BoolArray, own: VolumeGrid, grid: VolumeGrid) -> BoolArray:
    """Bring a mask onto another grid: nearest neighbour, or the majority within each voxel of a coarser grid.

    Parameters
    ----------
    mask
        Shape ``own.shape``.
    own, grid
        Grid of the mask, and the grid that is wanted.

    Returns
    -------
    numpy.ndarray
        Shape ``grid.shape``, bool; False outside ``own``. Where exactly half of a voxel is set, one of its sample
        points decides, so that volumes are unbiased.
    """
    found = np.empty(grid.shape, bool)
    for z, samples in enumerate(_samples(own, grid)):
        n_set, first, n = np.zeros(grid.shape[:2], np.intp), None, 0
        for places in samples:
            nearest = np.round(places).astype(np.intp)
            index = tuple(at.clip(0, size - 1) for at, size in zip(nearest, own.shape, strict=True))
            value = mask[index] & _inside(places, own.shape)
            first = value if first is None else first
            n_set += value
            n += 1
        found[:, :, z] = 2 * n_set + first > n
    return found


def _index_affine(own: VolumeGrid, grid: VolumeGrid) -> DoubleArray:
    """Return the affine from the indices of ``grid`` to those of ``own``; whole where it is to rounding errors."""
    return np.asarray(np.linalg.solve(own.affine, grid.affine))


def _places(step: DoubleArray, x: DoubleArray, y: DoubleArray, z: float) -> DoubleArray:
    """Return the indices in a volume of the points of a slice. Shape ``(3, nx, ny)``."""
    along = step[:3, 0, None, None] * x[:, None] + step[:3, 1, None, None] * y[None, :]
    return np.asarray(along + (step[:3, 2] * z + step[:3, 3])[:, None, None])


def _inside(places: DoubleArray, shape: tuple[int, int, int]) -> BoolArray:
    """Return which places lie within the voxels of a volume. Shape ``places.shape[1:]``."""
    slack = 0.5 + _ROUNDING
    inside = [(at >= -slack) & (at <= size - 1 + slack) for at, size in zip(places, shape, strict=True)]
    return np.asarray(np.logical_and.reduce(inside))


def _samples(own: VolumeGrid, grid: VolumeGrid) -> Iterator[Iterator[DoubleArray]]:
    """Yield for each slice of ``grid`` the places in ``own`` of one or more points in each of its voxels."""
    step = _index_affine(own, grid)
    n_points = np.clip(np.round(np.abs(step[:3, :3]).max(axis=0)), 1, _MAX_SAMPLES).astype(int)
    offsets = [(np.arange(n) + 0.5) / n - 0.5 for n in n_points]
    x, y = (np.arange(n, dtype=np.float64) for n in grid.shape[:2])
    for z in range(grid.shape[2]):
        yield (
            _places(step, x + offsets[0][i], y + offsets[1][j], z + offsets[2][k])
            for i, j, k in np.ndindex(*n_points)
        )
