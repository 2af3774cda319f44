"""How good an input function is: flags, and a score with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.aif.select.candidates import frame_noise, healthy_curve, voxel_curves
from perfcore.aif.select.features import bolus_features
from perfcore.preprocess import Prepared
from perfcore.types import Aif, DoubleArray

WEAK_PEAK_HU: Final = 15.0
LATE_ARRIVAL_S: Final = 0.5
"""True arteries arrive about 2.3 s before healthy tissue, veins 2 to 4 s after it."""
POOR_RATING: Final = 0.5
LOW_TISSUE_CONTRAST: Final = 4.0


@dataclass(frozen=True)
class AifRating:
    """A score and its reasons.

    Attributes
    ----------
    score
        0 (useless) to 1: the geometric mean of ``marks``.
    marks
        0 to 1 by name: ``height`` (over the tissue), ``timing`` (1 s before the tissue), ``width`` (narrower than
        the tissue), ``noise``, ``return`` (fallen by the end) and ``agreement`` (among its voxels).
    reasons
        One sentence for every mark below one half.
    """

    score: float
    criteria: dict[str, float]
    reasons: tuple[str, ...]


_REASONS: Final[dict[str, str]] = {
    "height": "The curve is hardly higher than the tissue's.",
    "timing": "The curve arrives later than the tissue.",
    "width": "The curve is as wide as the tissue's, or wider.",
    "noise": "The curve is noisy.",
    "return": "The curve has not come down by the end of the scan.",
    "agreement": "Its voxels do not agree with each other.",
}


def rate_aif(prepared: Prepared, aif: Aif) -> AifRating:
    """Score an input function against the tissue it has to explain.

    Parameters
    ----------
    prepared
        The case.
    aif
        On the frames of the case.
    """
    curve = np.asarray(aif.value, np.float32)[None]
    mine = bolus_features(curve)
    healthy = bolus_features(healthy_curve(prepared)[None])
    height, tissue = float(mine.height[0]), max(float(healthy.height[0]), 1e-12)
    late_s = float(mine.arrival[0] - healthy.arrival[0]) * prepared.dt_s
    noise = float(frame_noise(curve)[0])
    criteria = {
        "height": _ramp(height / tissue, 2.0, 12.0),
        "timing": _ramp(-late_s, -1.5, 1.0),
        "width": _ramp(float(healthy.width[0] / max(float(mine.width[0]), 1e-6)), 0.6, 1.3),
        "noise": _ramp(height / max(noise, 1e-12), 3.0, 25.0),
        "return": _ramp(1.0 - float(aif.value[-3:].mean()) / max(height, 1e-12), 0.3, 0.7),
        "agreement": _agreement(prepared, aif),
    }
    score = float(np.exp(np.mean(np.log([max(mark, 1e-3) for mark in criteria.values()]))))
    return AifRating(
        score, criteria, tuple(_REASONS[name] for name, mark in criteria.items() if mark < POOR_RATING)
    )


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def _agreement(prepared: Prepared, aif: Aif) -> float:
    """Return the mean correlation of the voxels' curves with their mean; 1 for a curve without voxels."""
    if len(aif.voxels) < 2:
        return 1.0
    x, y, z = np.array(aif.voxels).T
    curves = voxel_curves(prepared, np.ravel_multi_index((x, y, z), prepared.grid))
    centred = curves - curves.mean(axis=1, keepdims=True)
    mean = centred.mean(axis=0)
    scale = np.linalg.norm(centred, axis=1) * np.linalg.norm(mean)
    return _ramp(float((centred @ mean / np.maximum(scale, 1e-12)).mean()), 0.5, 0.95)


def artery_flags(prepared: Prepared, value: DoubleArray) -> tuple[str, ...]:
    """Return what a careful user wants to know about an arterial curve, in sentences.

    Parameters
    ----------
    prepared
        The case.
    value
        Shape ``(n_time,)``, enhancement.
    """
    flags = []
    peak = float(value.max())
    if prepared.in_hu and peak < WEAK_PEAK_HU:
        flags.append(
            f"The AIF is weak: its peak is {peak:.0f} HU (below {WEAK_PEAK_HU:.0f}), "
            "so it is mostly partial volume, and absolute CBF and CBV are too large."
        )
    curves = np.stack([np.asarray(value, np.float32), healthy_curve(prepared)])
    arrival = bolus_features(curves).arrival
    late_s = float(arrival[0] - arrival[1]) * prepared.dt_s
    if late_s > LATE_ARRIVAL_S:
        flags.append(
            f"The AIF arrives {late_s:.1f} s later than the tissue: it may be a vein or lie behind the clot, "
            "and Tmax and the hypoperfused volume are too small."
        )
    if float(value[-3:].mean()) > 0.5 * peak:
        flags.append("The AIF has not fallen to half its peak by the end of the scan: its area is too small.")
    if peak < LOW_TISSUE_CONTRAST * float(curves[1].max()):
        flags.append("The AIF is hardly higher than the tissue, so it may be tissue with a small vessel in it.")
    return tuple(flags)
