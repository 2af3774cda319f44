r"""Rigid motion correction in 3D: registration of every frame to the first frames (SimpleITK), and realignment.

It also corrects through-plane motion, and takes about twenty times as long as :mod:`perfcore.preprocess.motion`,
whose result is its initial value. The mean square of :math:`f_t(R x + s) - f_0(x)` is minimised over reference
points with a steep gradient in the plane and little curvature across slices: where the head is curved between
thick slices, interpolation alone makes a difference that biases the estimate towards no motion. A wide HU range
and a wide blur reduce the same bias, and make the contrast small in comparison.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perfcore.preprocess.mask import DENOISING_MM, SOFT_TISSUE_HU, in_plane_disk, in_plane_filter
from perfcore.preprocess.motion import MAX_RESIDUAL_RATIO, REFERENCE_FRAMES, estimate_motion
from perfcore.preprocess.slabs import map_slabs
from perfcore.types import BoolArray, DoubleArray, FloatArray

MIN_SLICES: Final = 4
"""The outermost slices only serve interpolation; at least two more are needed between them."""
CLIP_HU: Final = (-1000.0, 1000.0)
PIXEL_MM: Final = 4.0
BLUR_MM: Final = 7.0
STEEPEST_FRACTION: Final = 0.4
MAX_BEND: Final = 0.5
"""Second difference across slices, as a fraction of the central one."""
FLAT_HU: Final = 5.0
"""Central differences count as at least this."""
MAX_POINTS: Final = 20_000
MIN_POINTS: Final = 200
MARGIN: Final = 2
"""Erosion of soft tissue in the plane, in voxels, before interpolation between slices."""
_FIRST_STEP, _LAST_STEP, _RELAXATION, _STEPS = 0.5, 0.001, 0.6, 300


def rotation_matrix(turn_rad: NDArray[Any]) -> DoubleArray:
    """Return the matrix of a rotation vector, shape ``(3,)``: its direction is the axis, its length the angle."""
    from scipy.spatial.transform import Rotation  # noqa: PLC0415  (scipy.spatial is needed only here)

    return np.asarray(Rotation.from_rotvec(turn_rad).as_matrix(), np.float64)


def estimate_rigid_motion(data: FloatArray, spacing_mm: tuple[float, float, float]) -> DoubleArray:
    """Estimate the rigid motion of every frame relative to the first two.

    Parameters
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``, HU, at least 4 slices.
    spacing_mm
        Voxel size.

    Returns
    -------
    DoubleArray
        Shape ``(n_time, 6)``: shift along x, y, z in mm, and rotation vector in radians, about the volume's centre
        and in the directions of its axes: a point at ``p`` in the first frames is at ``R p + shift`` in frame t.
        Without steep points, or if the registration does not improve a frame, only the in-plane estimate.
    """
    motion = np.zeros((data.shape[3], 6))
    motion[:, [0, 1, 5]] = estimate_motion(data, spacing_mm)
    blurred, spacing = _reduced(data, spacing_mm)
    reference = np.asarray(blurred[:REFERENCE_FRAMES].mean(axis=0))
    points = _straight_edges(reference, spacing)
    if points.sum() < MIN_POINTS:
        return motion
    fixed, mask = _image(reference, spacing), _image(points.astype(np.uint8), spacing)

    def fit(frame: FloatArray, start: DoubleArray) -> DoubleArray:
        return _fit(fixed, mask, _image(frame, spacing), start)

    with ThreadPoolExecutor(max(1, min(8, os.cpu_count() or 1))) as pool:
        return np.array(list(pool.map(fit, blurred, motion)))


def rigid_displacement_mm(
    motion: DoubleArray, grid: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> DoubleArray:
    """Return the maximum displacement in mm of points halfway between the centre and the faces, per frame.

    Parameters
    ----------
    motion
        Shape ``(n_time, 6)``, of :func:`estimate_rigid_motion`.
    grid, spacing_mm
        Grid and voxel size of the series.
    """
    half = np.diag(0.25 * np.array(grid) * np.array(spacing_mm))
    places = np.concatenate([half, -half])
    apart = [places @ (rotation_matrix(row[3:]) - np.eye(3)).T + row[:3] for row in motion]
    return np.asarray(np.linalg.norm(apart, axis=2).max(axis=1))


def rigid_realign(
    data: FloatArray, motion: DoubleArray, moved: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> FloatArray:
    """Return the series with the moved frames realigned by linear interpolation.

    Interpolation between slices is limited to soft tissue with soft tissue above and below, because a small share
    of bone or air would dominate the voxel. Beyond the volume the nearest voxel is used.

    Parameters
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``.
    motion
        Shape ``(n_time, 6)``, of :func:`estimate_rigid_motion`.
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
    scale = np.array(spacing_mm)
    centre = (np.array(data.shape[:3]) - 1) / 2
    early = in_plane_filter(np.asarray(data[..., :REFERENCE_FRAMES].mean(axis=3)), DENOISING_MM, spacing_mm)
    across = _between_soft(early)

    def work(part: slice) -> None:
        for t in np.flatnonzero(moved)[part]:
            turn = rotation_matrix(motion[t, 3:]) * scale[None, :] / scale[:, None]
            offset = centre + motion[t, :3] / scale - turn @ centre
            frame = np.ascontiguousarray(data[..., t])
            within = [
                ndimage.affine_transform(
                    frame[..., z], turn[:2, :2], offset[:2] + turn[:2, 2] * z, order=1, mode="nearest"
                )
                for z in range(frame.shape[2])
            ]
            between = ndimage.affine_transform(frame, turn, offset, order=1, mode="nearest")
            out[..., t] = np.where(across, between, np.stack(within, axis=2))

    map_slabs(work, int(moved.sum()))
    return out


def _between_soft(early: FloatArray) -> BoolArray:
    """Return soft-tissue voxels with soft tissue, eroded by a margin, above and below."""
    soft = (early > SOFT_TISSUE_HU[0]) & (early < SOFT_TISSUE_HU[1])
    inner = ndimage.binary_erosion(soft, in_plane_disk(MARGIN))
    padded = np.pad(inner, ((0, 0), (0, 0), (1, 1)), mode="edge")
    return np.asarray(soft & padded[..., :-2] & padded[..., 2:])


def _reduced(
    data: FloatArray, spacing_mm: tuple[float, float, float]
) -> tuple[FloatArray, tuple[float, float, float]]:
    """Return frames with pixels of about 4 mm, clipped and blurred, shape ``(n_time, …)``, and their spacing."""
    nx, ny, nz, n_time = data.shape
    bx, by = (max(1, min(int(PIXEL_MM / spacing_mm[i]), data.shape[i] // 16)) for i in (0, 1))
    spacing = (bx * spacing_mm[0], by * spacing_mm[1], spacing_mm[2])
    sigma = (0.0, BLUR_MM / spacing[0], BLUR_MM / spacing[1])
    out = np.empty((n_time, nx // bx, ny // by, nz), np.float32)

    def work(part: slice) -> None:
        for z in range(part.start, part.stop):
            whole = np.clip(data[: nx // bx * bx, : ny // by * by, z], *CLIP_HU)
            small = whole.reshape(nx // bx, bx, ny // by, by, n_time).mean(axis=(1, 3))
            out[..., z] = ndimage.gaussian_filter(np.moveaxis(small, 2, 0), sigma, mode="nearest")

    map_slabs(work, nz)
    return out, spacing


def _straight_edges(reference: FloatArray, spacing: tuple[float, float, float]) -> BoolArray:
    """Return registration points: steep in the plane, low curvature across slices, not in the outermost slices."""
    slopes = np.gradient(reference.astype(np.float64), *spacing[:2], axis=(0, 1))
    steepness = np.hypot(*slopes)
    steep = steepness >= max(float(np.quantile(steepness, 1.0 - STEEPEST_FRACTION)), 1e-6)
    below, here, above = reference[..., :-2], reference[..., 1:-1], reference[..., 2:]
    limit = MAX_BEND * np.maximum(np.abs(above - below) / 2, FLAT_HU)
    steep[..., 1:-1] &= np.abs(above - 2 * here + below) < limit
    steep[..., [0, -1]] = False
    found = np.flatnonzero(steep)
    thin = np.zeros(steep.size, bool)
    thin[found[:: -(-len(found) // MAX_POINTS) or 1]] = True
    return thin.reshape(steep.shape)


def _image(volume: NDArray[Any], spacing: tuple[float, float, float]) -> Any:
    """Return a volume as an image whose origin is its centre."""
    import SimpleITK as sitk  # noqa: PLC0415, N813  (slow to import, needed only here)

    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.T))
    image.SetSpacing([float(size) for size in spacing])
    image.SetOrigin([-0.5 * (n - 1) * float(size) for n, size in zip(volume.shape, spacing, strict=True)])
    return image


def _fit(fixed: Any, mask: Any, moving: Any, start: DoubleArray) -> DoubleArray:
    """Return the motion of one frame, shape ``(6,)``, or ``start`` if the registration is not clearly better."""
    import SimpleITK as sitk  # noqa: PLC0415, N813

    transform = sitk.Euler3DTransform()
    transform.SetMatrix(rotation_matrix(start[3:]).ravel().tolist())
    transform.SetTranslation(start[:3].tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)  # frames are distributed over threads
    method.SetMetricAsMeanSquares()
    method.SetMetricFixedMask(mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(_FIRST_STEP, _LAST_STEP, _STEPS, _RELAXATION)
    method.SetOptimizerScalesFromIndexShift()
    method.SetInitialTransform(transform, inPlace=True)
    try:
        before = method.MetricEvaluate(fixed, moving)
        method.Execute(fixed, moving)
    except RuntimeError:  # too few points are left in both frames
        return start
    if method.GetMetricValue() > MAX_RESIDUAL_RATIO * before:
        return start
    from scipy.spatial.transform import Rotation  # noqa: PLC0415

    turn = Rotation.from_matrix(np.reshape(transform.GetMatrix(), (3, 3))).as_rotvec()
    return np.array([*transform.GetTranslation(), *turn])
