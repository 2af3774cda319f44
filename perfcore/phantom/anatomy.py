"""Head anatomy on the scanner grid: tissue fractions, skull, and non-contrast CT."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from perfcore.phantom.head_pose import HeadPose
from perfcore.phantom.templates import load_templates
from perfcore.phantom.voxel_grid import N_PIXELS, VoxelGrid
from perfcore.types import BoolArray, FloatArray

HU: Final = {"gm": 35.0, "wm": 29.0, "csf": 12.0, "blood": 40.0, "bone": 900.0, "scalp": 25.0, "air": -1000.0}
CSF_GAP_MM: Final = 1.8
SCALP_MM: Final = 5.0
BRIDGED_MM: Final = 16.0
"""Half the maximum width of a gap in the brain outline that the skull bridges."""
BRAIN_REACH_MM: Final = (82.0, 98.0)
"""Maximum extent of the brain from the isocentre along x and y."""


@dataclass(frozen=True, eq=False)
class Head:
    """A head sampled on a voxel grid.

    Attributes
    ----------
    gm, wm
        Fractions of grey and white matter, 0 to 1; the rest inside the skull is CSF. Shape ``(nx, ny, nz)``.
    inside
        Mask of the inside of the skull. Shape ``(nx, ny, nz)``.
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


@dataclass(frozen=True)
class Skull:
    """Skull shape: mean bone thickness in mm, and phase of its variation around the head in radians."""

    bone_mm: float = 6.0
    phase: float = 0.0


def make_head(pose: HeadPose, grid: VoxelGrid, skull: Skull) -> Head:
    """Resample the template to the scanner grid.

    Parameters
    ----------
    pose
        Position and shape of the head.
    grid
        Voxel grid of the scanner. A slice is the mean of two or three planes, which models the partial volume of
        its thickness.
    skull
        Shape of the skull.
    """
    load_templates()
    with ThreadPoolExecutor(2) as pool:
        slices = list(pool.map(lambda k: _slice(pose, grid, k, skull), range(grid.n_slices)))
    return Head(
        gm=np.stack([s.gm for s in slices], axis=2),
        wm=np.stack([s.wm for s in slices], axis=2),
        inside=np.stack([s.inside for s in slices], axis=2),
        baseline=np.stack([s.baseline for s in slices], axis=2),
        mni_mm=np.stack([s.mni_mm for s in slices], axis=3),
    )


def _slice(pose: HeadPose, grid: VoxelGrid, k: int, skull: Skull) -> Head:
    t1, gm, wm = _resample(pose, grid, k)
    tissue = gm + wm
    white = _ramp(wm / np.maximum(tissue, np.float32(1e-3)), 0.15, 0.85)
    tissue = _ramp(tissue, 0.2, 0.7)
    inside, bone, scalp = _skull(t1 > 0.12, grid.pixel_mm, skull)
    tissue = tissue * inside
    gm, wm = tissue * (1 - white), tissue * white
    texture = np.clip(6.0 * (0.62 + 0.25 * white - t1), -1.5, 1.5) * (tissue > 0.5)
    hu = np.full(t1.shape, HU["air"], np.float32)
    hu[scalp] = HU["scalp"]
    hu[bone] = HU["bone"]
    brain = HU["gm"] * gm + HU["wm"] * wm + HU["csf"] * (1 - tissue) + texture
    hu[inside] = brain[inside]
    baseline = np.asarray(ndimage.gaussian_filter(hu, 0.6), np.float32)
    mni = pose.grid_to_mni(grid.plane_mm, grid.plane_mm, float(grid.z_mm[k]))
    return Head(gm, wm, inside, baseline, mni)


def _resample(pose: HeadPose, grid: VoxelGrid, k: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return T1, grey and white matter of a slice, 0 to 1, each of shape ``(nx, ny)``."""
    templates = load_templates()
    n_planes = 3 if grid.slice_mm > 6 else 2
    offsets = ((np.arange(n_planes) + 0.5) / n_planes - 0.5) * grid.slice_mm
    x, y = (np.flatnonzero(np.abs(grid.plane_mm) <= reach) for reach in BRAIN_REACH_MM)
    box = (slice(x[0], x[-1] + 1), slice(y[0], y[-1] + 1))
    means = np.zeros((3, N_PIXELS, N_PIXELS), np.float32)
    origin = templates.origin_mm.astype(np.float32)[:, None, None]
    for offset in offsets:
        at = pose.grid_to_mni(grid.plane_mm[x], grid.plane_mm[y], float(grid.z_mm[k] + offset)) - origin
        for mean, volume in zip(means, (templates.t1, templates.gm, templates.wm), strict=True):
            mean[box] += ndimage.map_coordinates(volume, at, np.float32, order=1, prefilter=False)
    means /= 255.0 * n_planes
    return means[0], means[1], means[2]


def _skull(brain: BoolArray, pixel_mm: float, skull: Skull) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return the inside of the skull, the bone and the scalp around a skull-stripped brain, each (nx, ny).

    The outline is closed and offset by distance maps on every second pixel, which are smooth enough to
    be interpolated.
    """
    if not brain.any():
        return brain, brain, brain
    step, margin = 2, 16
    coarse = np.pad(brain[::step, ::step], margin)
    grown = _distance(~coarse, step * pixel_mm) <= BRIDGED_MM
    closed = _distance(ndimage.binary_fill_holes(grown), step * pixel_mm) - (BRIDGED_MM - CSF_GAP_MM)
    outward = np.where(closed > 0, -closed, _distance(closed <= 0, step * pixel_mm))
    fine = ndimage.zoom(outward[margin:-margin, margin:-margin], step, order=1, grid_mode=True, mode="nearest")
    inside = fine <= 0
    along = np.arange(N_PIXELS, dtype=np.float32) - (N_PIXELS - 1) / 2
    angle = np.arctan2(along[None, :], along[:, None])
    bone = skull.bone_mm * (1 - 0.2 * np.cos(2 * angle) + 0.08 * np.cos(3 * angle + skull.phase))
    return inside, ~inside & (fine <= bone), (fine > bone) & (fine <= bone + SCALP_MM)


def _distance(mask: BoolArray, pixel_mm: float) -> FloatArray:
    """Return each true pixel's distance to the nearest false one, millimetres."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=pixel_mm), np.float32)


def _ramp(x: FloatArray, low: float, high: float) -> FloatArray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
