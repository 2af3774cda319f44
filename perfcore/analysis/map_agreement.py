"""Agreement of a map with one of another package: differences voxel by voxel, and the lesions of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from perfcore.errors import InputDataError
from perfcore.maps import is_core, is_hypoperfused, relative_cbf
from perfcore.metrics import dice
from perfcore.settings import Settings
from perfcore.types import BoolArray, FloatArray

LIMITS_SD: Final = 1.96
MIN_VOXELS: Final = 2
LesionKind = Literal["core", "hypoperfused"]
LESION_OF: Final[dict[str, LesionKind]] = {"rcbf": "core", "cbf": "core", "tmax": "hypoperfused"}
"""Lesion that is read off a map, by the map's id."""


@dataclass(frozen=True)
class MapAgreement:
    """Differences of one map minus another, and their correlation.

    Attributes
    ----------
    n_voxels
        Voxels in which both have a value.
    bias, low, high
        Mean difference and its 95 % limits of agreement over the voxels (Bland and Altman 1986,
        doi:10.1016/S0140-6736(86)90837-8), in the unit of the map.
    r
        Pearson correlation; None where a map is constant.
    """

    n_voxels: int
    bias: float
    low: float
    high: float
    r: float | None


@dataclass(frozen=True, eq=False)
class LesionAgreement:
    """The lesion that two maps give, over the voxels in which both have a value.

    Attributes
    ----------
    kind
        ``core`` or ``hypoperfused``.
    theirs, ours
        Masks, shape ``(n_voxels,)``.
    theirs_ml, ours_ml
        Volumes.
    dice
        None where ours is empty.
    """

    kind: LesionKind
    theirs: BoolArray
    ours: BoolArray
    theirs_ml: float
    ours_ml: float
    dice: float | None


def map_agreement(theirs: FloatArray, ours: FloatArray) -> MapAgreement:
    """Return how a map differs from ours, theirs minus ours.

    Parameters
    ----------
    theirs, ours
        Of one shape; voxels that are not finite in both are left out.

    Raises
    ------
    InputDataError
        Fewer than two voxels have both values.
    """
    both = np.isfinite(theirs) & np.isfinite(ours)
    n = int(both.sum())
    if n < MIN_VOXELS:
        raise InputDataError("The two maps have no voxel in common; check that both are of the same patient.")
    a, b = np.asarray(theirs[both], np.float64), np.asarray(ours[both], np.float64)
    difference = a - b
    bias, spread = float(difference.mean()), float(difference.std(ddof=1))
    varies = np.ptp(a) > 0 and np.ptp(b) > 0
    return MapAgreement(
        n, bias, bias - LIMITS_SD * spread, bias + LIMITS_SD * spread,
        float(np.corrcoef(a, b)[0, 1]) if varies else None,
    )  # fmt: skip


def lesion_agreement(
    kind: str,
    theirs: FloatArray,
    ours: FloatArray,
    *,
    reference: BoolArray,
    settings: Settings,
    voxel_ml: float,
) -> LesionAgreement | None:
    """Return the lesion that two maps of a kind give under one threshold; None where none is read off the map.

    The core of a CBF map is that of its rCBF, over the mean of the same healthy voxels.

    Parameters
    ----------
    kind
        Id of the map.
    theirs, ours, reference
        Values and the healthy voxels, shape ``(n_voxels,)``.
    settings
        With both thresholds.
    voxel_ml
        Volume of a voxel.

    Raises
    ------
    InputDataError
        A CBF map has no flow in the healthy voxels.
    """
    if kind not in LESION_OF:
        return None
    both = np.isfinite(theirs) & np.isfinite(ours)

    def lesion(values: FloatArray) -> BoolArray:
        if LESION_OF[kind] == "hypoperfused":
            return np.asarray(is_hypoperfused(values, settings.tmax_threshold_s)) & both
        relative = relative_cbf(values, _healthy_mean(values, reference & both)) if kind == "cbf" else values
        return np.asarray(is_core(relative, settings.core_threshold)) & both

    found, own = lesion(theirs), lesion(ours)
    return LesionAgreement(
        LESION_OF[kind], found, own, float(found.sum() * voxel_ml), float(own.sum() * voxel_ml), dice(found, own)
    )


def _healthy_mean(cbf: FloatArray, healthy: BoolArray) -> float:
    mean = float(cbf[healthy].mean(dtype=np.float64)) if healthy.any() else 0.0
    if not mean > 0:
        raise InputDataError("The CBF map has no flow in healthy tissue; choose the kind of map that it is.")
    return mean
