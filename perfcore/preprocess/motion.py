r"""In-plane motion correction: estimate shift and rotation of every frame at the steepest edges, and realign.

A frame :math:`f_t` is the reference :math:`f_0` rotated by a small angle and shifted. With the parameters
:math:`p` of the movement and the warp :math:`W_p`, Gauss-Newton steps (Lucas and Kanade 1981; inverse
compositional form of Baker and Matthews 2004, doi:10.1023/B:VISI.0000011205.11775.fd) minimise

.. math:: \sum_i \rho\big(f_t(W_p(x_i)) - f_0(x_i)\big)

over the steepest points of the reference, which lie at skull and skin. Tukey's :math:`\rho` rejects differences
with other causes, such as contrast.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perfcore.preprocess.slabs import map_slabs
from perfcore.preprocess.smoothing import smooth_plane
from perfcore.types import DoubleArray, FloatArray

REFERENCE_FRAMES: Final = 2
CORRECTED_MM: Final = 0.4
"""Frames that moved further than this are realigned."""
BLURS_MM: Final = (5.0, 2.0)
CLIP_HU: Final = (-200.0, 500.0)
STEEPEST_FRACTION: Final = 0.06
MAX_POINTS: Final = 1_200
STILL_MM: Final = 0.2
"""If the first step is shorter than this at all points, the frame is taken as not moved."""
MAX_RESIDUAL_RATIO: Final = 0.8
"""A motion estimate is accepted if it reduces the median difference at least to this fraction."""
_STEPS: Final = 8
_MIN_STEP_MM: Final = 0.03
_TUKEY: Final = 4.685


def estimate_motion(data: FloatArray, spacing_mm: tuple[float, float, float]) -> DoubleArray:
    """Estimate the in-plane motion of every frame relative to the first two, on the middle slice.

    Parameters
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``, HU.
    spacing_mm
        Voxel size.

    Returns
    -------
    DoubleArray
        Shape ``(n_time, 3)``: shift along x and y in mm, and rotation in radians about the slice's centre
        (positive from x to y): a point at ``p`` in the first frames is at ``R p + shift`` in frame t.
    """
    small, scale, centre = _middle_slice(data, np.array(spacing_mm[:2]))
    motion = np.zeros((data.shape[3], 3))
    if min(small.shape[:2]) < 2:  # a line has no edges to follow
        return motion
    for blur in BLURS_MM:
        blurred = np.ascontiguousarray(np.moveaxis(smooth_plane(small, blur / scale[0], blur / scale[1]), 2, 0))
        edges = _find_edges(np.asarray(blurred[:REFERENCE_FRAMES].mean(axis=0)), scale, centre)
        if len(edges.levels) < 16:
            return motion
        map_slabs(partial(_refine, blurred, edges, motion), len(blurred))
    return motion


def displacement_mm(
    motion: DoubleArray, grid: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> DoubleArray:
    """Return the displacement in mm of a point halfway between the centre and the border of a slice, per frame.

    Parameters
    ----------
    motion
        Shape ``(n_time, 3)``, of :func:`estimate_motion`.
    grid, spacing_mm
        Grid and voxel size of the series.
    """
    radius = 0.25 * min(grid[0] * spacing_mm[0], grid[1] * spacing_mm[1])
    return np.asarray(np.linalg.norm(motion[:, :2], axis=1) + np.abs(motion[:, 2]) * radius)


def realign(
    data: FloatArray, motion: DoubleArray, moved: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> FloatArray:
    """Return the series with the moved frames realigned (linear interpolation in the plane).

    Parameters
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``.
    motion
        Shape ``(n_time, 3)``, of :func:`estimate_motion`.
    moved
        Shape ``(n_time,)``: True for the frames to realign.
    spacing_mm
        Voxel size.

    Returns
    -------
    FloatArray
        A new array of the same shape.
    """
    out = data.copy()
    scale = np.array(spacing_mm[:2])
    centre = (np.array(data.shape[:2]) - 1) / 2

    def work(part: slice) -> None:
        for t in np.flatnonzero(moved)[part]:
            turn = _rotation(float(motion[t, 2])) * scale[None, :] / scale[:, None]
            offset = centre + motion[t, :2] / scale - turn @ centre
            for z in range(data.shape[2]):
                frame = np.ascontiguousarray(data[:, :, z, t])
                out[:, :, z, t] = ndimage.affine_transform(frame, turn, offset, order=1, mode="nearest")

    map_slabs(work, int(moved.sum()))
    return out


def _rotation(angle: float) -> DoubleArray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@dataclass(frozen=True, eq=False)
class _Edges:
    """Steepest points of the reference.

    ``places``, shape ``(n, 2)``, mm from the slice's centre; ``levels``, shape ``(n,)``, HU; ``slopes``, shape
    ``(n, 3)``, derivative of the levels by shift along x and y (1/mm) and by angle (1/rad).
    """

    places: DoubleArray
    levels: DoubleArray
    slopes: DoubleArray
    scale: DoubleArray
    centre: DoubleArray

    def difference(self, frame: FloatArray, motion: DoubleArray) -> DoubleArray:
        """Return a frame at the moved points minus the reference, shape ``(n,)``."""
        where = (self.places @ _rotation(float(motion[2])).T + motion[:2]) / self.scale + self.centre
        there = ndimage.map_coordinates(frame, where.T, order=1, mode="nearest")
        return np.asarray(there - self.levels, np.float64)


def _middle_slice(data: FloatArray, pixel_mm: DoubleArray) -> tuple[FloatArray, DoubleArray, DoubleArray]:
    """Return the middle slice with pixels of about 2 mm, their size, and the slice's centre."""
    nx, ny, nz = data.shape[:3]
    bx, by = (max(1, min(int(2.0 / size), n // 16)) for size, n in zip(pixel_mm, (nx, ny), strict=True))
    whole = np.clip(data[: nx // bx * bx, : ny // by * by, nz // 2], *CLIP_HU)
    small = np.add.reduce([whole[i::bx, j::by] for i in range(bx) for j in range(by)]) / np.float32(bx * by)
    bins = np.array([bx, by])
    centre = ((np.array([nx, ny]) - 1) / 2 - (bins - 1) / 2) / bins
    return np.ascontiguousarray(small), pixel_mm * bins, centre


def _find_edges(reference: FloatArray, scale: DoubleArray, centre: DoubleArray) -> _Edges:
    slope = np.gradient(reference.astype(np.float64), float(scale[0]), float(scale[1]))
    along_x, along_y = np.asarray(slope[0]), np.asarray(slope[1])
    steepness = np.hypot(along_x, along_y)
    steep = steepness >= max(float(np.quantile(steepness, 1.0 - STEEPEST_FRACTION)), 1e-6)
    points = np.stack(np.nonzero(steep), axis=1)
    points = points[:: max(1, len(points) // MAX_POINTS)]
    gx, gy = along_x[points[:, 0], points[:, 1]], along_y[points[:, 0], points[:, 1]]
    places = (points - centre) * scale
    slopes = np.stack([gx, gy, places[:, 0] * gy - places[:, 1] * gx], axis=1)
    return _Edges(places, reference[tuple(points.T)].astype(np.float64), slopes, scale, centre)


def _refine(frames: FloatArray, edges: _Edges, motion: DoubleArray, part: slice) -> None:
    """Refine the motion of a range of frames, in place."""
    reach = float(np.abs(edges.places).max())
    for t in range(part.start, part.stop):
        now = motion[t].copy()
        for turn in range(_STEPS):
            step = _step(edges.difference(frames[t], now), edges.slopes)
            length = float(np.abs(step[:2]).max()) + abs(float(step[2])) * reach
            if turn == 0 and length < STILL_MM and not motion[t].any():
                break
            now -= step
            if length < _MIN_STEP_MM:
                break
        if now.any():
            before, after = (np.median(np.abs(edges.difference(frames[t], m))) for m in (np.zeros(3), now))
            motion[t] = now if after <= MAX_RESIDUAL_RATIO * before else 0.0


def _step(difference: DoubleArray, slopes: DoubleArray) -> NDArray[np.float64]:
    """Return one weighted least-squares step (mm, mm, rad), with Tukey weights for outliers."""
    off = difference - np.median(difference)
    spread = 1.4826 * float(np.median(np.abs(off))) + 1e-9
    weight = np.clip(1 - (off / (_TUKEY * spread)) ** 2, 0, None) ** 2
    normal = (slopes * weight[:, None]).T @ slopes
    ridge = np.diag(1e-6 * np.diag(normal) + 1e-9)
    return np.asarray(np.linalg.solve(normal + ridge, (slopes * weight[:, None]).T @ difference))
