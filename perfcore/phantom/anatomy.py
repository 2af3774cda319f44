"""A head on the scanner's grid: tissue fractions, skull, and the CT before contrast."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from perfcore.phantom.pose import Pose
from perfcore.phantom.templates import load_templates
from perfcore.types import BoolArray, DoubleArray, FloatArray

N_PIXELS: Final = 256
HU: Final = {"gm": 35.0, "wm": 29.0, "csf": 12.0, "blood": 40.0, "bone": 900.0, "scalp": 25.0, "air": -1000.0}
CSF_GAP_MM: Final = 1.8
SCALP_MM: Final = 5.0


@dataclass(frozen=True, eq=False)
class Grid:
    """The scanner's voxels: axial, 256 × 256, RAS+ with the isocentre in the middle of the plane."""

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
        return (np.arange(N_PIXELS) - (N_PIXELS - 1) / 2) * self.pixel_mm

    @property
    def z_mm(self) -> DoubleArray:
        """Slice centres from the feet up. Shape ``(n_slices,)``."""
        return self.centre_mm + (np.arange(self.n_slices) - (self.n_slices - 1) / 2) * self.slice_mm

    @property
    def affine(self) -> DoubleArray:
        """Voxel indices to millimetres. Shape ``(4, 4)``."""
        affine = np.diag([self.pixel_mm, self.pixel_mm, self.slice_mm, 1.0])
        affine[:3, 3] = self.plane_mm[0], self.plane_mm[0], self.z_mm[0]
        return affine

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in millilitres."""
        return self.pixel_mm**2 * self.slice_mm / 1000.0

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
        flat = np.ravel_multi_index(tuple(index[inside].T), self.shape)
        filled = np.bincount(flat, volume_mm3[inside], minlength=int(np.prod(self.shape)))
        return np.minimum(filled.reshape(self.shape) / (1000.0 * self.voxel_ml), 1.0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Head:
    """One head on one grid.

    Attributes
    ----------
    gm, wm
        Fractions of the voxel, 0 to 1; what is left inside the skull is CSF. Shape ``(nx, ny, nz)``.
    inside
        Within the skull. Shape ``(nx, ny, nz)``.
    baseline
        HU before contrast, without noise. Shape ``(nx, ny, nz)``.
    mni_mm
        MNI position of every voxel centre. Shape ``(3, nx, ny, nz)``.
    """

    gm: FloatArray
    wm: FloatArray
    inside: BoolArray
    baseline: FloatArray
    mni_mm: FloatArray


def make_head(pose: Pose, grid: Grid, skull_phase: float = 0.0, bone_mm: float = 6.0) -> Head:
    """Put the template into the scanner.

    Parameters
    ----------
    pose
        How the head lies.
    grid
        The scanner's voxels. A slice is the mean of two or three planes within it, so that it
        carries the partial volume of its thickness.
    skull_phase
        Where the skull is thickest, radians.
    bone_mm
        Its mean thickness.
    """
    with ThreadPoolExecutor(2) as pool:
        slices = list(pool.map(lambda k: _slice(pose, grid, k, skull_phase, bone_mm), range(grid.n_slices)))
    gm, wm, inside, baseline = (np.stack([s[i] for s in slices], axis=2) for i in range(4))
    return Head(gm, wm, inside.astype(bool), baseline, np.stack([s[4] for s in slices], axis=3))


def _slice(
    pose: Pose, grid: Grid, k: int, skull_phase: float, bone_mm: float
) -> tuple[FloatArray, FloatArray, BoolArray, FloatArray, FloatArray]:
    templates = load_templates()
    n_planes = 3 if grid.slice_mm > 6 else 2
    offsets = ((np.arange(n_planes) + 0.5) / n_planes - 0.5) * grid.slice_mm
    planes = np.zeros((3, N_PIXELS, N_PIXELS), np.float32)
    origin = templates.origin_mm.astype(np.float32)[:, None, None]
    for offset in offsets:
        at = pose.grid_to_mni(grid.plane_mm, grid.plane_mm, grid.z_mm[k] + offset) - origin
        for total, volume in zip(planes, (templates.t1, templates.gm, templates.wm), strict=True):
            total += ndimage.map_coordinates(volume, at, np.float32, order=1, prefilter=False)
    t1, gm, wm = planes / (255.0 * n_planes)
    tissue = gm + wm
    white = _ramp(wm / np.maximum(tissue, 1e-3), 0.15, 0.85)
    tissue = _ramp(tissue, 0.2, 0.7)
    gm, wm = tissue * (1 - white), tissue * white
    inside, bone, scalp = _skull(t1 > 0.12, grid.pixel_mm, skull_phase, bone_mm)
    tissue = np.where(inside, tissue, 0)
    texture = 6.0 * np.where(tissue > 0.5, t1 - np.float32(0.62) - np.float32(0.25) * white, 0)
    hu = np.full(t1.shape, HU["air"], np.float32)
    hu[scalp] = HU["scalp"]
    hu[bone] = HU["bone"]
    brain = HU["gm"] * gm + HU["wm"] * wm + HU["csf"] * (1 - tissue) + np.clip(-texture, -1.5, 1.5)
    hu[inside] = brain[inside]
    mni = pose.grid_to_mni(grid.plane_mm, grid.plane_mm, grid.z_mm[k])
    baseline = ndimage.gaussian_filter(hu, 0.6)
    return gm * inside, wm * inside, inside, baseline, mni


def _skull(
    brain: BoolArray, pixel_mm: float, phase: float, bone_mm: float
) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return the inside of the skull, the bone and the scalp around a skull-stripped brain, each (nx, ny)."""
    reach = 14.0
    if not brain.any():
        return brain, brain, brain
    padded = np.pad(brain, 24)
    grown = ndimage.distance_transform_edt(~padded) * pixel_mm <= reach
    closed = ndimage.distance_transform_edt(ndimage.binary_fill_holes(grown)) * pixel_mm > reach - CSF_GAP_MM
    inside = closed[24:-24, 24:-24]
    out = ndimage.distance_transform_edt(~inside) * pixel_mm
    x, y = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in brain.shape), indexing="ij")
    cx, cy = (float(c) for c in ndimage.center_of_mass(inside))
    angle = np.arctan2(y - cy, x - cx)
    bone = bone_mm * (1 + 0.2 * np.cos(2 * angle + np.pi) + 0.08 * np.cos(3 * angle + phase))
    return inside, (out > 0) & (out <= bone), (out > bone) & (out <= bone + SCALP_MM)


def _ramp(x: FloatArray, low: float, high: float) -> FloatArray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
