"""Scanner model: noise, head motion and streak artefacts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from perfcore.types import BoolArray, DoubleArray, FloatArray

CENTRE_GAIN = 0.45
FOSSA_GAIN = 0.3
"""Excess of the noise's standard deviation in the head's centre over its edge, and in the posterior fossa."""


@dataclass(frozen=True)
class Scanner:
    """Image quality of one scan.

    Attributes
    ----------
    noise_hu
        Standard deviation of the noise in a voxel, HU, root mean square over head and frames.
    cutoff_per_mm
        Frequency at which the reconstruction kernel has reduced the noise's power to 1/e, cycles per mm.
    frame_s
        Interval of the scanner's own frames, seconds, from which the series was resampled.
    motion_mm
        Size of the head's sudden movement during the bolus; 0 is none.
    streak_hu
        Standard deviation of the streaks through the base of the skull, HU; 0 is none.
    """

    noise_hu: float = 4.0
    cutoff_per_mm: float = 0.35
    frame_s: float = 2.5
    motion_mm: float = 0.0
    streak_hu: float = 0.0


def noise_gain(mni_mm: FloatArray, inside: BoolArray) -> FloatArray:
    """Return the relative noise of every voxel: more in the centre of the head and in the posterior fossa.

    Parameters
    ----------
    mni_mm
        MNI position of every voxel. Shape ``(3, nx, ny, nz)``.
    inside
        Mask of the inside of the skull. Shape ``(nx, ny, nz)``.

    Returns
    -------
    Factor on the standard deviation, of root mean square 1 inside. Shape ``(nx, ny, nz)``.
    """
    x, y, z = mni_mm
    square = (x / np.float32(75)) ** 2 + ((y + np.float32(18)) / np.float32(92)) ** 2
    low = np.clip((-z - np.float32(10)) / np.float32(25), 0, 1) * np.clip(-y / np.float32(40), 0, 1)
    gain = 1 + np.float32(CENTRE_GAIN) * np.clip(1 - square, 0, 1) + np.float32(FOSSA_GAIN) * low
    if inside.any():
        gain /= np.sqrt((gain[inside] ** 2).mean(dtype=np.float64)).astype(np.float32)
    return np.asarray(gain, np.float32)


def add_noise(
    block: FloatArray,
    scanner: Scanner,
    rng: np.random.Generator,
    *,
    pixel_mm: float,
    dt_s: float,
    gain: FloatArray | None = None,
) -> None:
    r"""Add Gaussian noise with the spectrum of filtered back-projection, correlated in time, in place.

    The ramp filter leaves a power that is proportional to the frequency at low frequencies (Riederer 1978,
    doi:10.1088/0031-9155/23/3/008); the kernel takes it down again: :math:`P(f) \propto f\,e^{-(f/f_c)^2}`. The
    frames are interpolated linearly between those of the scanner, as a series on a regular grid is.

    Parameters
    ----------
    block
        One slice over time in HU. Shape ``(nx, ny, n_time)``.
    scanner
        Its ``noise_hu`` is the root mean square over frames.
    rng
        Source of randomness.
    pixel_mm, dt_s
        Pixel size and frame interval of the series.
    gain
        Factor on the standard deviation by voxel; None is 1. Shape ``(nx, ny)``.
    """
    if scanner.noise_hu == 0:
        return
    nx, ny, n_time = block.shape
    before, share = _scanner_frames(n_time, dt_s, scanner.frame_s, rng)
    noise = _ramp_filtered_noise((nx, ny, int(before[-1]) + 2), scanner.cutoff_per_mm * pixel_mm, rng)
    level = np.sqrt((share**2 + (1 - share) ** 2).mean())
    scale = np.full((nx, ny), scanner.noise_hu / level, np.float32)
    if gain is not None:
        scale *= gain
    noise *= scale[:, :, None]
    weight = share.astype(np.float32)
    added = noise[:, :, before]
    added *= 1 - weight
    block += added
    np.multiply(noise[:, :, before + 1], weight, out=added)
    block += added


def _scanner_frames(
    n_time: int, dt_s: float, frame_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], DoubleArray]:
    """Return for every frame the scanner's frame before it, and the weight of the next one. Shapes ``(n_time,)``.

    A scanner that is as fast as the series has a frame for each.
    """
    if frame_s <= dt_s:
        return np.arange(n_time), np.zeros(n_time)
    at = rng.uniform() + np.arange(n_time) * (dt_s / frame_s)
    before = np.floor(at).astype(np.intp)
    return before, at - before


def _ramp_filtered_noise(shape: tuple[int, int, int], cutoff: float, rng: np.random.Generator) -> FloatArray:
    """Return noise of unit variance and spectrum f·exp(−(f/cutoff)²), cycles per pixel; frames are independent."""
    nx, ny = (int(fft.next_fast_len(n, real=True)) for n in shape[:2])
    square = np.square(fft.fftfreq(nx)[:, None]) + np.square(fft.rfftfreq(ny)[None])
    power = np.sqrt(square) * np.exp(-square / cutoff**2)
    whole = power.sum() + power[:, 1 : (ny + 1) // 2].sum()  # the other half of the spectrum is the conjugate
    half = (nx, power.shape[1], shape[2])
    drawn = rng.standard_normal((*half, 2), dtype=np.float32).view(np.complex64)[..., 0]
    # The inverse transform takes the real part of the columns that are their own conjugates.
    power[:, [0, -1] if ny % 2 == 0 else [0]] *= 2.0
    drawn *= np.sqrt(power / (2.0 * whole)).astype(np.float32)[:, :, None] * np.float32(nx * ny)
    noise = fft.irfft2(drawn, (nx, ny), axes=(0, 1), overwrite_x=True)
    return np.asarray(noise[: shape[0], : shape[1]], np.float32)


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
