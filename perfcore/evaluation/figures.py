"""Figures of one method in one case: agreement of lesions, of the AIF and of Tmax with what is known."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch

from perfcore.io.cohort import GroundTruth
from perfcore.maps import PerfusionMaps, anchor_tmax, is_hypoperfused
from perfcore.metrics import dice, lesion_numbers, roc_below
from perfcore.preprocess import Prepared
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray, DoubleArray, FloatArray, PerfusionSeries

FPR: Final[DoubleArray] = np.linspace(0.0, 1.0, 101)
"""False positive rates at which ROC curves are sampled and averaged."""
THRESHOLDS: Final = tuple(round(0.2 + 0.02 * k, 2) for k in range(21))
"""Thresholds of rCBF of the sweep and of the calibration, 0.20 to 0.60; 0.38 is one of them."""
MAX_SHIFT_S: Final = 10.0
SHIFT_STEP_S: Final = 0.1
"""Range (±) and step of the time shifts over which the correlation of AIFs is maximised."""
MIN_VARIATION: Final = 1e-6
"""Variation of a curve, relative to its largest value, below which it counts as constant."""
ANCHORED: Final = Settings(tmax_reference="healthy")


@dataclass(frozen=True, eq=False)
class KnownCase:
    """A prepared case with what is known of it.

    Attributes
    ----------
    series, prepared
        The case; the series has a lesion.
    truth
        Ground truth of a phantom.
    hard_label
        Lesion as another scan shows it, shape ``(nx, ny, nz)``, or None.
    tmax
        Tmax of the true AIF, seconds, shape ``(nx, ny, nz)``; None without a true AIF.
    """

    series: PerfusionSeries
    prepared: Prepared
    truth: GroundTruth
    hard_label: BoolArray | None
    tmax: FloatArray | None

    @property
    def lesion(self) -> BoolArray:
        """Known core, shape ``(nx, ny, nz)``."""
        assert self.series.lesion is not None
        return self.series.lesion

    @property
    def has_roc(self) -> bool:
        """Whether the brain mask has voxels inside and outside the known core."""
        inside = self.lesion[self.prepared.mask]
        return bool(inside.any() and not inside.all())


def figures(maps: PerfusionMaps, aif: Aif, known: KnownCase) -> dict[str, Any]:
    """Return the figures of the maps that a method's AIF makes; None for an undefined figure.

    Parameters
    ----------
    maps
        Maps under the default settings.
    aif
        The method's AIF.
    known
        The case.
    """
    series, low = known.series, known.truth.hypoperfused
    numbers = lesion_numbers(maps, series.lesion, series.voxel_ml, series.spacing_mm)
    bias_s, sd_s = tmax_difference(maps.tmax, known.tmax)
    return {
        **asdict(numbers),
        "volume_bias_ml": numbers.core_ml - (numbers.lesion_ml or 0.0),
        "hard_dice": None if known.hard_label is None else dice(maps.core, known.hard_label),
        "hypoperfused_dice": None if low is None else dice(maps.hypoperfused, low),
        "hypoperfused_dice_anchored": None if low is None else dice(_anchored(maps, known.prepared), low),
        "aif_r": None if known.truth.aif is None else shape_correlation(aif, known.truth.aif),
        "tmax_bias_s": bias_s,
        "tmax_sd_s": sd_s,
    }


def figures_of_failure(known: KnownCase) -> dict[str, Any]:
    """Return the figures of a method that found no curve: no lesion, and an rCBF that tells nothing.

    Dice and Jaccard are 0 and the AUC is 0.5 where other methods have a value; everything else is undefined.
    """

    def zero(lesion: BoolArray | None) -> float | None:
        return 0.0 if lesion is not None and lesion.any() else None

    low = zero(known.truth.hypoperfused)
    return {
        "dice": zero(known.lesion),
        "jaccard": zero(known.lesion),
        "auc": 0.5 if known.has_roc else None,
        "hard_dice": zero(known.hard_label),
        "hypoperfused_dice": low,
        "hypoperfused_dice_anchored": low,
        "lesion_ml": float(np.count_nonzero(known.lesion) * known.series.voxel_ml),
    }


def roc(maps: PerfusionMaps | None, known: KnownCase) -> DoubleArray | None:
    """Return the ROC curve of rCBF at `FPR`; the diagonal without maps, None where the AUC is undefined."""
    if not known.has_roc:
        return None
    return FPR if maps is None else roc_below(maps.rcbf.ravel(), known.lesion.ravel(), FPR)


def dice_sweep(maps: PerfusionMaps | None, known: KnownCase) -> DoubleArray | None:
    """Return the core's Dice at each of `THRESHOLDS`; 0 without maps, None for an empty known core.

    Counts of sorted rCBF replace one comparison of the whole map per threshold.
    """
    if not known.lesion.any():
        return None
    if maps is None:
        return np.zeros(len(THRESHOLDS))
    limits = np.asarray(THRESHOLDS, np.float32)  # the precision of rCBF, as in `is_core`
    brain = np.isfinite(maps.rcbf)
    core, both = (
        np.searchsorted(np.sort(maps.rcbf[where]), limits, side="left") for where in (brain, brain & known.lesion)
    )
    return np.asarray(2 * both / (core + np.count_nonzero(known.lesion)), np.float64)


def shape_correlation(aif: Aif, true: Aif) -> float | None:
    """Return Pearson's r of an AIF with the true one, maximised over time shifts; None for a constant AIF.

    The AIF is shifted by −10 to 10 s in steps of 0.1 s by linear interpolation, constant beyond its ends; r is
    over the frames of the true AIF. It depends neither on the scale nor on the timing of the AIF.
    """
    n_steps = round(MAX_SHIFT_S / SHIFT_STEP_S)
    shifts = SHIFT_STEP_S * np.arange(-n_steps, n_steps + 1)
    shifted = np.interp(true.time_s + shifts[:, None], aif.time_s, aif.value)
    shifted -= shifted.mean(axis=1, keepdims=True)
    target = true.value - true.value.mean()
    size, norm = np.linalg.norm(shifted, axis=1), float(np.linalg.norm(target))
    # Where a curve is constant, its rounding alone would correlate.
    valid = size > MIN_VARIATION * np.abs(aif.value).max()
    if norm <= MIN_VARIATION * np.abs(true.value).max() or not valid.any():
        return None
    return float((shifted[valid] @ target / (size[valid] * norm)).max())


def tmax_difference(tmax: FloatArray, true_tmax: FloatArray | None) -> tuple[float | None, float | None]:
    """Return mean and standard deviation over the brain of Tmax minus that of the true AIF, seconds.

    Tmax is not the delay of the tissue, so the delay is no reference. Both are None without a true AIF.
    """
    if true_tmax is None:
        return None, None
    difference = (tmax - true_tmax).astype(np.float64)
    difference = difference[np.isfinite(difference)]
    return (float(difference.mean()), float(difference.std())) if difference.size else (None, None)


def _anchored(maps: PerfusionMaps, prepared: Prepared) -> BoolArray:
    """Return the hypoperfused tissue where Tmax is counted from healthy tissue, shape ``(nx, ny, nz)``."""
    tmax = torch.from_numpy(maps.tmax.reshape(-1)[prepared.index])
    shifted, _ = anchor_tmax(tmax, torch.from_numpy(np.array(prepared.reference)), ANCHORED)
    out = np.zeros(prepared.mask.size, bool)
    out[prepared.index] = is_hypoperfused(shifted, ANCHORED.tmax_threshold_s).numpy()
    return out.reshape(prepared.grid)
