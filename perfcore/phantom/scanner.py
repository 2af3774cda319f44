"""Scanner model: noise, head motion and streak artefacts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from perfcore.types import DoubleArray, FloatArray


@dataclass(frozen=True)
class Scanner:
    """Image quality of one scan.

    Attributes
    ----------
    noise_hu
        Standard deviation of the noise in a voxel, HU.
    correlation_px
        Width (σ) of the noise's in-plane correlation kernel, pixels.
    motion_mm
        Size of the head's sudden movement during the bolus; 0 is none.
    streak_hu
        Standard deviation of the streaks through the base of the skull, HU; 0 is none.
    """

    noise_hu: float = 4.0
    correlation_px: float = 0.7
    motion_mm: float = 0.0
    streak_hu: float = 0.0


def add_noise(block: FloatArray, scanner: Scanner, rng: np.random.Generator) -> None:
    """Add Gaussian noise, correlated in the plane and independent in time, in place.

    Parameters
    ----------
    block
        One slice over time in HU. Shape ``(nx, ny, n_time)``.
    scanner
        Its ``noise_hu`` is the noise's standard deviation after correlation.
    rng
        Source of randomness.
    """
    if scanner.noise_hu == 0:
        return
    nx, ny, n_time = block.shape
    noise = rng.standard_normal((nx + 2, ny + 2, n_time), dtype=np.float32)
    side = np.exp(-0.5 / scanner.correlation_px**2) if scanner.correlation_px > 0 else 0.0
    side32 = np.float32(side)
    rows = noise[:-2] + noise[2:]
    rows *= side32
    rows += noise[1:-1]
    plane = rows[:, :-2] + rows[:, 2:]
    plane *= side32
    plane += rows[:, 1:-1]
    plane *= np.float32(scanner.noise_hu / (1 + 2 * side**2))
    block += plane


def draw_motion(n_time: int, start: int, size_mm: float, rng: np.random.Generator) -> DoubleArray:
    """Draw the head's in-plane movement: a sudden shift and turn, held for some frames, and a partial return.

    Parameters
    ----------
    n_time
        Number of frames.
    start
        Frame of the movement.
    size_mm
        Its length.
    rng
        Source of randomness.

    Returns
    -------
    Shift along x and y in millimetres and rotation in degrees, per frame. Shape ``(n_time, 3)``.
    """
    direction = rng.uniform(0, 2 * np.pi)
    turn = rng.choice((-1.0, 1.0)) * rng.uniform(0.8, 1.2) * size_mm * 0.7
    step = np.array([size_mm * np.cos(direction), size_mm * np.sin(direction), turn])
    held = int(rng.integers(6, 12))
    path = np.zeros((n_time, 3))
    path[start:] = step
    path[start + held :] = 0.35 * step
    return path


def move_frames(block: FloatArray, path: DoubleArray, pixel_mm: float, fill: float) -> None:
    """Move the frames of a slice rigidly in the plane, in place (linear interpolation).

    Parameters
    ----------
    block
        Shape ``(nx, ny, n_time)``.
    path
        Of :func:`draw_motion`. Shape ``(n_time, 3)``.
    pixel_mm
        Pixel size.
    fill
        HU of voxels that enter from outside the slice.
    """
    centre = (np.array(block.shape[:2]) - 1) / 2
    for frame in np.flatnonzero(np.abs(path).sum(axis=1) > 0):
        shift, angle = path[frame, :2] / pixel_mm, np.radians(path[frame, 2])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        block[:, :, frame] = ndimage.affine_transform(
            np.ascontiguousarray(block[:, :, frame]), turn, centre - turn @ (centre + shift), order=1, cval=fill
        )


def add_streaks(block: FloatArray, sd_hu: float, rng: np.random.Generator) -> None:
    """Add straight streaks that flicker from frame to frame, in place.

    Parameters
    ----------
    block
        Shape ``(nx, ny, n_time)``.
    sd_hu
        Standard deviation over the slice, HU; it changes by a third from frame to frame.
    rng
        Source of randomness.
    """
    nx, ny, n_time = block.shape
    x, y = np.meshgrid(np.arange(nx) - nx / 2, np.arange(ny) - ny / 2, indexing="ij")
    pattern = np.zeros((nx, ny))
    for angle in rng.normal(np.pi / 2, 0.25, 6):
        profile = ndimage.gaussian_filter1d(rng.standard_normal(1024), 2.0)
        along = x * np.cos(angle) + y * np.sin(angle)
        pattern += np.interp(along, np.arange(-512, 512), profile)
    pattern *= sd_hu / pattern.std()
    flicker = np.ones(n_time) + 0.35 * rng.standard_normal(n_time)
    block += pattern[:, :, None].astype(np.float32) * flicker.astype(np.float32)
