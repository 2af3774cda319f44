"""Quality flags of a series in plain sentences; none of them stops an analysis."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from perfcore.types import DoubleArray, FloatArray

FEWEST_BASELINE_FRAMES: Final = 3
LARGEST_SHIFT_MM: Final = 1.0
STEEPEST_FRACTION: Final = 0.02


def baseline_flag(n_baseline: int) -> str | None:
    """Warn where the baseline is the mean of fewer than 3 frames."""
    if n_baseline >= FEWEST_BASELINE_FRAMES:
        return None
    frames = "one frame" if n_baseline == 1 else f"{n_baseline} frames"
    return (
        f"Only {frames} before the bolus: the baseline is noisy, "
        "so CBV and the tails of curves are less certain."
    )


def truncation_flag(bright: DoubleArray, dt_s: float) -> str | None:
    """Warn where the brightest curve has not fallen to half its peak by the end.

    Parameters
    ----------
    bright
        Shape ``(n_time,)``, enhancement of the brightest voxels.
    dt_s
        Time step in seconds.
    """
    peak = float(bright.max())
    if peak <= 0 or float(bright[-3:].mean()) <= 0.5 * peak:
        return None
    return (
        f"The scan ends after {dt_s * len(bright):.0f} s, before the contrast has fallen to half its peak: "
        "CBV and MTT are underestimated (60 to 70 s are recommended)."
    )


def frame_shifts_mm(data: FloatArray, n_baseline: int, spacing_mm: tuple[float, float, float]) -> DoubleArray:
    r"""Estimate the in-plane shift of every frame against the baseline.

    One linear step (Lucas and Kanade 1981) over the steepest 2 % of the baseline's pixels, which lie at the
    skull or the brain's edge:

    .. math:: f_t - f_0 \approx -d_t \cdot \nabla f_0

    solved for the shift :math:`d_t` by least squares. Exact for small shifts and too small for shifts beyond
    two voxels, which are still found.

    Parameters
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``, HU.
    n_baseline
        Frames of the baseline.
    spacing_mm
        Voxel size.

    Returns
    -------
    DoubleArray
        Shape ``(n_time,)``, length of the shift in mm, ≥ 0.
    """
    middle = slice(data.shape[2] // 2, data.shape[2] // 2 + 1)
    some = np.clip(np.ascontiguousarray(data[:, :, middle]), -200.0, 500.0)
    some = ndimage.gaussian_filter(some, (1.0, 1.0, 0.0, 0.0))
    start = some[..., : max(n_baseline, 1)].mean(axis=3)
    gradient = np.stack(np.gradient(start, spacing_mm[0], spacing_mm[1], axis=(0, 1)), axis=-1)
    steepness = np.linalg.norm(gradient, axis=-1)
    steep = steepness >= max(float(np.quantile(steepness, 1.0 - STEEPEST_FRACTION)), 1e-6)
    if steep.sum() < 16:
        return np.zeros(data.shape[3])
    slopes = gradient[steep].astype(np.float64)
    change = (some[steep] - start[steep][:, None]).astype(np.float64)
    shift, *_ = np.linalg.lstsq(slopes, -change, rcond=None)
    return np.asarray(np.linalg.norm(shift, axis=0))


def motion_flag(shifts_mm: DoubleArray) -> str | None:
    """Warn where a frame lies more than 1 mm from the baseline.

    Parameters
    ----------
    shifts_mm
        Shape ``(n_time,)``, as of :func:`frame_shifts_mm`.
    """
    moved = shifts_mm > LARGEST_SHIFT_MM
    if not moved.any():
        return None
    frames = int(moved.sum())
    return (
        f"The head moves by up to {shifts_mm.max():.1f} mm in the plane "
        f"({frames} {'frame' if frames == 1 else 'frames'} by more than {LARGEST_SHIFT_MM:g} mm): "
        "curves near edges are unreliable."
    )
