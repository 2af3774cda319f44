"""Network input: curves of vessels and tissue on a grid of 4 mm cells with one frame per second.

The curve of a cell is the mean of its voxel curves, weighted by the fourth power of their peak enhancement. The
weighting keeps the curve of a vessel that crosses the cell; other cells average tissue curves, which reduces
noise. Enhancement is in HU. Concentration is scaled so that healthy tissue has the same peak as in HU.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.select.candidates import healthy_curve
from perfcore.aif.select.features import bolus_features
from perfcore.preprocess import Prepared
from perfcore.types import BoolArray, DoubleArray, FloatArray

GRID_SIDE: Final = 48
"""Number of cells along x and y: 192 mm, which covers a brain with its vessels."""
CELL_MM: Final = 4.0
N_FRAMES: Final = 64
FRAME_S: Final = 1.0
TISSUE_ARRIVAL_S: Final = 16.0
"""Arrival time of healthy tissue on the network's time axis.

A fixed arrival makes the prediction equivariant to time shifts: a delayed series gives an equally delayed AIF.
"""
PEAK_WEIGHT_EXPONENT: Final = 4
HEALTHY_PEAK_HU: Final = 9.0
"""Peak of the healthy tissue curve in phantoms, HU; concentration in any unit is scaled to it."""


@dataclass(frozen=True, eq=False)
class FrameMapping:
    """Linear interpolation between the frames of the series and those of the network.

    Attributes
    ----------
    n_time, dt_s
        Number of frames and time step (seconds) of the series.
    start_s
        Time of the network's first frame in the series, seconds. Both axes extrapolate with their end values.
    """

    n_time: int
    dt_s: float
    start_s: float = 0.0

    @property
    def to_network(self) -> FloatArray:
        """Interpolation matrix from series frames to network frames, shape ``(64, n_time)``."""
        wanted = self.start_s + FRAME_S * np.arange(N_FRAMES, dtype=np.float64)
        return _interpolation(wanted / self.dt_s, self.n_time)

    @property
    def from_network(self) -> FloatArray:
        """Interpolation matrix from network frames to series frames, shape ``(n_time, 64)``."""
        wanted = self.dt_s * np.arange(self.n_time, dtype=np.float64) - self.start_s
        return _interpolation(wanted / FRAME_S, N_FRAMES)


@dataclass(frozen=True, eq=False)
class GridInput:
    """Input of a network: curves of the non-empty cells.

    Attributes
    ----------
    curves
        Shape ``(n_cells, n_time)``: enhancement of the non-empty cells in HU, on the frames of the series.
    cell
        Shape ``(n_cells,)``: flat index of each cell in ``shape``, increasing.
    shape
        Shape of the grid, ``(48, 48, nz)``.
    frame_mapping
        Time axes of the series and the network.
    hu_factor
        Factor from the enhancement of the series to HU; 1 for a series in HU.
    """

    curves: FloatArray
    cell: NDArray[np.int64]
    shape: tuple[int, int, int]
    frame_mapping: FrameMapping
    hu_factor: float = 1.0

    def volume(self, frame_mapping: FrameMapping | None = None) -> FloatArray:
        """Return the curves on the network frames, shape ``(64, 48, 48, nz)``; 0 in empty cells."""
        frames = (frame_mapping or self.frame_mapping).to_network
        out = np.zeros((N_FRAMES, int(np.prod(self.shape))), np.float32)
        out[:, self.cell] = frames @ self.curves.T
        return out.reshape(N_FRAMES, *self.shape)

    def mapping(self, *, scan_clock: bool) -> FrameMapping:
        """Return the time axes with a network axis that starts with the scan, or with that of the case."""
        return replace(self.frame_mapping, start_s=0.0) if scan_clock else self.frame_mapping

    @staticmethod
    def grid_shape(n_slices: int) -> tuple[int, int, int]:
        """Return the grid shape for a number of slices, ``(48, 48, n_slices)``."""
        return GRID_SIDE, GRID_SIDE, n_slices

    @property
    def inside(self) -> BoolArray:
        """Mask of the non-empty cells, shape ``(48, 48, nz)``."""
        out = np.zeros(int(np.prod(self.shape)), bool)
        out[self.cell] = True
        return out.reshape(self.shape)


def assign_cells(prepared: Prepared) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int, int]]:
    """Assign the voxels of the brain and its surrounding vessels to cells.

    The grid is centred on the middle of the brain mask; voxels more than 96 mm from it along x or y are left out.

    Returns
    -------
    Flat voxel indices in the series, shape ``(n,)``; flat cell index of each, shape ``(n,)``; shape of the grid.
    """
    region = np.flatnonzero(prepared.mask if prepared.hull is None else prepared.hull | prepared.mask)
    x, y, z = np.unravel_index(region, prepared.grid)
    place = []
    for axis, position in enumerate((x, y)):
        used = np.flatnonzero(prepared.mask.any(axis=tuple(a for a in range(3) if a != axis)))
        middle = (used[0] + used[-1]) / 2
        from_middle = (position - middle) * prepared.spacing_mm[axis] / CELL_MM
        place.append(np.floor(from_middle + GRID_SIDE / 2).astype(np.int64))
    inside = (place[0] >= 0) & (place[0] < GRID_SIDE) & (place[1] >= 0) & (place[1] < GRID_SIDE)
    shape = GridInput.grid_shape(prepared.grid[2])
    cell = np.ravel_multi_index((place[0][inside], place[1][inside], z[inside]), shape)
    return region[inside], np.asarray(cell, np.int64), shape


def hu_factor(prepared: Prepared) -> float:
    """Return the factor from enhancement to HU; 1 for a series in HU or without tissue enhancement."""
    if prepared.in_hu:
        return 1.0
    peak = float(healthy_curve(prepared).max())
    return HEALTHY_PEAK_HU / peak if peak > 0 else 1.0


def voxel_weights(prepared: Prepared, voxel: NDArray[np.int64]) -> FloatArray:
    """Return the weight of each voxel in its cell: the fourth power of its peak enhancement, shape ``(n,)``."""
    height = np.maximum(prepared.tmip.reshape(-1)[voxel] * np.float32(hu_factor(prepared)), 1.0)
    return np.asarray((height / 100.0) ** PEAK_WEIGHT_EXPONENT, np.float32)


def make_grid_input(prepared: Prepared) -> GridInput:
    """Build the network input of a prepared case."""
    voxel, cell, shape = assign_cells(prepared)
    order = np.argsort(cell, kind="stable")
    voxel, cell = voxel[order], cell[order]
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    factor = hu_factor(prepared)
    weight = voxel_weights(prepared, voxel)
    curves = prepared.enhancement.reshape(-1, prepared.n_time)[voxel] * weight[:, None]
    total = np.add.reduceat(weight, first)
    mean = np.add.reduceat(curves, first, axis=0) / total[:, None] * np.float32(factor)
    arrival_s = float(bolus_features(healthy_curve(prepared)[None]).arrival[0]) * prepared.dt_s
    return GridInput(np.ascontiguousarray(mean, np.float32), cell[first], shape,
                FrameMapping(prepared.n_time, prepared.dt_s, arrival_s - TISSUE_ARRIVAL_S), factor)  # fmt: skip


def _interpolation(wanted: DoubleArray, n: int) -> FloatArray:
    """Return the matrix that interpolates ``n`` samples at fractional positions, constant beyond the ends."""
    place = np.clip(wanted, 0, n - 1)
    left = np.minimum(place.astype(np.int64), n - 2)
    part = place - left
    matrix = np.zeros((len(place), n), np.float32)
    rows = np.arange(len(place))
    matrix[rows, left] = 1 - part
    matrix[rows, left + 1] += part
    return matrix
