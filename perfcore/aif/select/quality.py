"""Rating of a selected AIF by itself and its voxels, 0 to 1; :mod:`perfcore.aif.quality` judges every curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from perfcore.aif.select.candidates import frame_noise, healthy_curve, voxel_curves
from perfcore.aif.select.features import bolus_features
from perfcore.preprocess import Prepared
from perfcore.types import Aif

POOR_RATING: Final = 0.5


@dataclass(frozen=True)
class AifRating:
    """Rating of an AIF.

    Attributes
    ----------
    score
        0 (unusable) to 1: the geometric mean of ``criteria``.
    criteria
        Ratings from 0 to 1 by name: ``height`` (peak over that of the tissue), ``timing`` (arrival before the
        tissue), ``width`` (narrower than the tissue), ``noise``, ``return`` (return to baseline by the end of the
        scan) and ``agreement`` (correlation of its voxel curves).
    reasons
        One sentence for each criterion rated below 0.5.
    """

    score: float
    criteria: dict[str, float]
    reasons: tuple[str, ...]


_REASONS: Final[dict[str, str]] = {
    "height": "The peak is not clearly above that of the tissue.",
    "timing": "The curve arrives later than the tissue.",
    "width": "The curve is at least as wide as that of the tissue.",
    "noise": "The curve is noisy.",
    "return": "The curve has not returned to baseline by the end of the scan.",
    "agreement": "The curves of its voxels differ from each other.",
}


def rate_aif(prepared: Prepared, aif: Aif) -> AifRating:
    """Rate an AIF relative to healthy tissue.

    Parameters
    ----------
    prepared
        The case.
    aif
        Input function on the frames of the case.
    """
    curve = np.asarray(aif.value, np.float32)[None]
    own = bolus_features(curve)
    healthy = bolus_features(healthy_curve(prepared)[None])
    height, tissue = float(own.height[0]), max(float(healthy.height[0]), 1e-12)
    late_s = float(own.arrival[0] - healthy.arrival[0]) * prepared.dt_s
    noise = float(frame_noise(curve)[0])
    criteria = {
        "height": _ramp(height / tissue, 2.0, 12.0),
        "timing": _ramp(-late_s, -1.5, 1.0),
        "width": _ramp(float(healthy.width[0] / max(float(own.width[0]), 1e-6)), 0.6, 1.3),
        "noise": _ramp(height / max(noise, 1e-12), 3.0, 25.0),
        "return": _ramp(1.0 - float(aif.value[-3:].mean()) / max(height, 1e-12), 0.3, 0.7),
        "agreement": _agreement(prepared, aif),
    }
    score = float(np.exp(np.mean(np.log([max(rating, 1e-3) for rating in criteria.values()]))))
    return AifRating(
        score, criteria, tuple(_REASONS[name] for name, rating in criteria.items() if rating < POOR_RATING)
    )


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def _agreement(prepared: Prepared, aif: Aif) -> float:
    """Return the rating of the mean correlation of the voxel curves with their mean; 1 without voxels."""
    if len(aif.voxels) < 2:
        return 1.0
    x, y, z = np.array(aif.voxels).T
    curves = voxel_curves(prepared, np.ravel_multi_index((x, y, z), prepared.grid))
    centred = curves - curves.mean(axis=1, keepdims=True)
    mean = centred.mean(axis=0)
    scale = np.linalg.norm(centred, axis=1) * np.linalg.norm(mean)
    return _ramp(float((centred @ mean / np.maximum(scale, 1e-12)).mean()), 0.5, 0.95)
