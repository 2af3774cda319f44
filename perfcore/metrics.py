"""How well a lesion agrees with the known one, and how large the lesions are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perfcore.maps import PerfusionMaps
from perfcore.types import BoolArray, FloatArray

Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class Numbers:
    """The figures of one analysis; None where a figure has no meaning.

    Volumes in millilitres, `reference_cbf` in ml/100 g/min, `hd95_mm` in millimetres.
    ``dice``, ``auc`` and ``hd95_mm`` are None for an empty known lesion.
    """

    core_ml: float
    hypoperfused_ml: float
    mismatch_ml: float
    mismatch_ratio: float | None
    reference_cbf: float
    lesion_ml: float | None = None
    dice: float | None = None
    jaccard: float | None = None
    auc: float | None = None
    hd95_mm: float | None = None


def dice(predicted: BoolArray, known: BoolArray) -> float | None:
    """Return 2|A∩B|/(|A|+|B|); None where the known lesion is empty."""
    if not known.any():
        return None
    return float(2 * np.count_nonzero(predicted & known) / (np.count_nonzero(predicted) + np.count_nonzero(known)))


def auc_below(score: FloatArray, known: BoolArray) -> float | None:
    """Return the area under the ROC curve of "a lower score is lesion"; None where a class is empty.

    Parameters
    ----------
    score, known
        Shape ``(n,)``; voxels whose score is NaN are left out.
    """
    valid = np.isfinite(score)
    score, known = score[valid], known[valid]
    lesion, other = score[known], np.sort(score[~known])
    if lesion.size == 0 or other.size == 0:
        return None
    # Of each voxel of the lesion: how many others have a higher score, and half of those with the same.
    below, not_above = (np.searchsorted(other, lesion, side) for side in ("left", "right"))
    pairs = float(np.sum(2 * other.size - below - not_above, dtype=np.float64)) / 2
    return pairs / (lesion.size * other.size)


def roc_below(score: FloatArray, known: BoolArray, fpr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sensitivity of "a lower score is lesion" at given false positive rates.

    Parameters
    ----------
    score, known
        Shape ``(n,)``; voxels whose score is NaN are left out. Both classes occur.
    fpr
        False positive rates, increasing, 0 to 1.

    Returns
    -------
    Shape of ``fpr``; between two thresholds linear.
    """
    from sklearn.metrics import roc_curve  # noqa: PLC0415 - takes seconds to import, and only reports use it

    valid = np.isfinite(score)
    false_rate, true_rate, _ = roc_curve(known[valid], -score[valid])
    return np.asarray(np.interp(fpr, false_rate, true_rate), np.float64)


def _surface(volume: BoolArray) -> BoolArray:
    core: BoolArray = ndimage.binary_erosion(volume)
    return volume & ~core


def hausdorff95(predicted: BoolArray, known: BoolArray, spacing_mm: Spacing) -> float | None:
    """Return the larger of the two directed 95th-percentile surface distances in millimetres.

    None where either lesion is empty.
    """
    if not predicted.any() or not known.any():
        return None
    box = ndimage.find_objects((predicted | known).astype(np.uint8))[0]
    a, b = _surface(np.pad(predicted[box], 1)), _surface(np.pad(known[box], 1))

    def directed(source: BoolArray, target: BoolArray) -> float:
        distance: NDArray[np.float64] = ndimage.distance_transform_edt(~target, sampling=spacing_mm)
        return float(np.percentile(distance[source], 95))

    return max(directed(a, b), directed(b, a))


def lesion_numbers(maps: PerfusionMaps, lesion: BoolArray | None, voxel_ml: float, spacing_mm: Spacing) -> Numbers:
    """Measure one case.

    Parameters
    ----------
    maps
        The maps on their grid.
    lesion
        The known lesion on the same grid, or None.
    voxel_ml, spacing_mm
        Volume and edges of a voxel.

    The mismatch is the hypoperfused volume less the core's, not below 0.
    """
    core_ml = float(np.count_nonzero(maps.core) * voxel_ml)
    hypo_ml = float(np.count_nonzero(maps.hypoperfused) * voxel_ml)
    numbers = Numbers(
        core_ml=core_ml,
        hypoperfused_ml=hypo_ml,
        mismatch_ml=max(hypo_ml - core_ml, 0.0),
        mismatch_ratio=hypo_ml / core_ml if core_ml > 0 else None,
        reference_cbf=maps.reference_cbf,
    )
    if lesion is None:
        return numbers
    overlap = dice(maps.core, lesion)
    return replace(
        numbers,
        lesion_ml=float(np.count_nonzero(lesion) * voxel_ml),
        dice=overlap,
        jaccard=None if overlap is None else overlap / (2 - overlap),
        auc=auc_below(maps.rcbf.ravel(), lesion.ravel()),
        hd95_mm=hausdorff95(maps.core, lesion, spacing_mm),
    )
