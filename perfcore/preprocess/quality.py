"""Quality flags of a series: warnings about baseline, scan duration and motion that do not stop an analysis."""

from __future__ import annotations

from typing import Final

import numpy as np

from perfcore.quality_flags import Flag, make_flag
from perfcore.types import DoubleArray, FloatArray

MIN_BASELINE_FRAMES: Final = 3
MAX_SHIFT_MM: Final = 1.0


def baseline_flag(n_baseline: int) -> Flag | None:
    """Warn where the baseline is the mean of fewer than 3 frames."""
    if n_baseline >= MIN_BASELINE_FRAMES:
        return None
    frames = "one frame" if n_baseline == 1 else f"{n_baseline} frames"
    return make_flag(
        "baseline_noisy",
        f"Only {frames} before the bolus: the baseline is noisy, so CBV and the tails of curves are less certain.",
    )


def truncation_flag(bright: FloatArray, n_baseline: int, dt_s: float) -> Flag | None:
    """Warn where the brightest curve has not fallen to half its peak by the end.

    Parameters
    ----------
    bright
        Shape ``(n, n_time)``, curves of the brightest voxels.
    n_baseline
        Frames of the baseline.
    dt_s
        Time step in seconds.
    """
    curve = bright.mean(axis=0, dtype=np.float64)
    curve -= curve[:n_baseline].mean()
    peak = float(curve.max())
    if peak <= 0 or float(curve[-3:].mean()) <= 0.5 * peak:
        return None
    return make_flag(
        "scan_truncated",
        f"The scan ends after {dt_s * len(curve):.0f} s, before the contrast has fallen to half its peak: "
        "CBV and MTT are underestimated (60 to 70 s are recommended).",
    )


def motion_flag(moved_mm: DoubleArray, *, in_plane: bool = True) -> Flag | None:
    """Warn where a frame lies more than 1 mm from the first ones.

    Parameters
    ----------
    moved_mm
        Shape ``(n_time,)``, as of :func:`perfcore.preprocess.motion.displacement_mm`.
    in_plane
        Whether only movement within the slices was sought.
    """
    frames = int((moved_mm > MAX_SHIFT_MM).sum())
    if frames == 0:
        return None
    return make_flag(
        "motion",
        f"The head moves by up to {moved_mm.max():.1f} mm{' in the plane' if in_plane else ''} "
        f"({frames} {'frame' if frames == 1 else 'frames'} by more than {MAX_SHIFT_MM:g} mm): "
        "the frames were realigned, but curves near bone stay unreliable.",
    )
