"""Figures of an analysis: volumes of the lesions, what a stroke report says, agreement with a known lesion."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from perfcore.maps import PerfusionMaps, is_core, is_hypoperfused, relative_cbf
from perfcore.metric_info import METRICS
from perfcore.preprocess.hemispheres import Side
from perfcore.settings import Settings
from perfcore.stroke_figures import (
    TMAX_LEVELS_S,
    affected_side,
    has_target_mismatch,
    hypoperfusion_index,
    tmax_volumes,
)
from perfcore.types import BoolArray, FloatArray

Spacing = tuple[float, float, float]
AUC_BINS: Final = 2048
MAX_BINNED_RCBF: Final = 4.0
"""Of `binned_auc_below`; higher values share the last bin."""


@dataclass(frozen=True)
class Numbers:
    """The figures of one analysis; None where a figure has no meaning.

    Volumes in millilitres, `reference_cbf` in ml/100 g/min, `hd95_mm` in millimetres.
    ``dice``, ``auc`` and ``hd95_mm`` are None for an empty known lesion.

    Attributes
    ----------
    tmax_volumes_ml
        Volume with Tmax above 4, 6, 8 and 10 s, by ``"4"``, ``"6"``, ``"8"`` and ``"10"``.
    hypoperfusion_index
        Volume above 10 s over that above 6 s, 0 to 1; None where nothing is above 6 s.
    target_mismatch
        Of core and hypoperfused tissue under their thresholds: ratio ≥ 1.8, mismatch ≥ 15 ml and core < 70 ml.
    side
        Patient's side with at least two thirds of the hypoperfused tissue; None where neither has, where that is
        below 3 ml, and where the hemispheres are not known.
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
    tmax_volumes_ml: dict[str, float] = field(default_factory=dict)
    hypoperfusion_index: float | None = None
    target_mismatch: bool = False
    side: Side | None = None

    def by_metric(self) -> dict[str, float | bool | str | None]:
        """Return every figure by its id in `METRICS`."""
        levels = {f"tmax_{level}_ml": self.tmax_volumes_ml.get(str(level)) for level in TMAX_LEVELS_S}
        values = {**vars(self), **levels}
        return {name: values[name] for name in METRICS if name in values}


def dice(predicted: BoolArray, known: BoolArray) -> float | None:
    """Return ``2|A∩B|/(|A|+|B|)``; None where the known lesion is empty."""
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


def binned_auc_below(score: FloatArray, known: BoolArray) -> float | None:
    """Return `auc_below` of values from 0 to about 4 to about 1e-3 without sorting: values share bins."""
    place = np.nan_to_num(score * np.float32(AUC_BINS / MAX_BINNED_RCBF)).clip(0, AUC_BINS - 1).astype(np.int64)
    lesion = np.bincount(place[known], minlength=AUC_BINS)
    other = np.bincount(place, minlength=AUC_BINS) - lesion
    if not lesion.sum() or not other.sum():
        return None
    above = other[::-1].cumsum()[::-1] - other
    return float((lesion * (above + 0.5 * other)).sum() / (lesion.sum() * other.sum()))


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


def hausdorff95(predicted: BoolArray, known: BoolArray, spacing_mm: Spacing) -> float | None:
    """Return the larger of the two directed 95th-percentile surface distances in millimetres.

    None where either lesion is empty.
    """
    if not predicted.any() or not known.any():
        return None
    from skimage.segmentation import find_boundaries  # noqa: PLC0415 - only cases with a known lesion need it

    box = ndimage.find_objects((predicted | known).astype(np.uint8))[0]
    a, b = (find_boundaries(np.pad(lesion[box], 1), mode="inner") for lesion in (predicted, known))  # type: ignore[no-untyped-call]

    def directed(source: BoolArray, target: BoolArray) -> float:
        distance: NDArray[np.float64] = ndimage.distance_transform_edt(~target, sampling=spacing_mm)
        return float(np.percentile(distance[source], 95))

    return max(directed(a, b), directed(b, a))


def lesion_volumes(
    core: BoolArray,
    hypoperfused: BoolArray,
    tmax: FloatArray,
    reference_cbf: float,
    voxel_ml: float,
    *,
    right: BoolArray | None = None,
) -> Numbers:
    """Return volumes, mismatch, which is not below 0, and what a stroke report derives from them.

    Parameters
    ----------
    core, hypoperfused, tmax
        Of one shape; Tmax in seconds.
    reference_cbf
        ml/100 g/min.
    voxel_ml
        Volume of a voxel.
    right
        The patient's right, of the same shape; None leaves the side unknown.
    """
    volumes = tmax_volumes(tmax, voxel_ml)
    core_ml = float(np.count_nonzero(core) * voxel_ml)
    hypo_ml = float(np.count_nonzero(hypoperfused) * voxel_ml)
    return Numbers(
        core_ml=core_ml,
        hypoperfused_ml=hypo_ml,
        mismatch_ml=max(hypo_ml - core_ml, 0.0),
        mismatch_ratio=hypo_ml / core_ml if core_ml > 0 else None,
        reference_cbf=reference_cbf,
        tmax_volumes_ml=volumes,
        hypoperfusion_index=hypoperfusion_index(volumes),
        target_mismatch=bool(has_target_mismatch(core_ml, hypo_ml)),
        side=None if right is None else affected_side(hypoperfused, right, voxel_ml),
    )


def lesion_numbers(
    maps: PerfusionMaps,
    lesion: BoolArray | None,
    voxel_ml: float,
    spacing_mm: Spacing,
    right: BoolArray | None = None,
) -> Numbers:
    """Measure one case.

    Parameters
    ----------
    maps
        The maps on their grid.
    lesion
        The known lesion on the same grid, or None.
    voxel_ml, spacing_mm
        Volume and edges of a voxel.
    right
        The patient's right on the same grid; None leaves the side unknown.
    """
    numbers = lesion_volumes(maps.core, maps.hypoperfused, maps.tmax, maps.reference_cbf, voxel_ml, right=right)
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


def voxel_numbers(
    cbf: FloatArray,
    tmax: FloatArray,
    reference_cbf: float,
    settings: Settings,
    *,
    voxel_ml: float,
    lesion: BoolArray | None = None,
    n_lesion: int = 0,
    exact: bool = True,
) -> Numbers:
    """Return the figures of `lesion_numbers` from voxels of the mask; no Jaccard, distance, lesion volume or side.

    Parameters
    ----------
    cbf, tmax
        Shape ``(n_voxels,)``, ml/100 g/min and s.
    reference_cbf
        Healthy mean CBF.
    settings
        With the thresholds.
    voxel_ml
        Volume of a voxel.
    lesion
        The known lesion, shape ``(n_voxels,)``, or None.
    n_lesion
        Voxels of the known lesion, with those outside the mask.
    exact
        False: the AUC is `binned_auc_below`.
    """
    rcbf = relative_cbf(cbf, reference_cbf)
    core = is_core(rcbf, settings.core_threshold)
    late = is_hypoperfused(tmax, settings.tmax_threshold_s)
    numbers = lesion_volumes(core, late, tmax, reference_cbf, voxel_ml)
    found = agreement(core, rcbf, lesion, n_lesion, exact=exact)
    return replace(numbers, dice=found["dice"], auc=found["auc"])


def agreement(
    core: BoolArray, rcbf: FloatArray, lesion: BoolArray | None, n_lesion: int, *, exact: bool
) -> dict[str, float | None]:
    """Return ``dice`` and ``auc`` against a known lesion; None where there is none.

    Parameters
    ----------
    core, rcbf, lesion
        Shape ``(n_voxels,)``, of the voxels of the mask.
    n_lesion
        Voxels of the known lesion, with those outside the mask.
    exact
        False: the AUC is `binned_auc_below`.
    """
    if lesion is None or not n_lesion:
        return {"dice": None, "auc": None}
    both = np.count_nonzero(core) + n_lesion
    return {
        "dice": 2.0 * np.count_nonzero(core & lesion) / both,
        "auc": (auc_below if exact else binned_auc_below)(rcbf, lesion),
    }
