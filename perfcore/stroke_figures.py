"""Figures of a stroke report: volumes by delay, hypoperfusion index, target mismatch and affected side.

The one place of their thresholds, for summaries, tables and the decisions over many AIFs.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np

from perfcore.preprocess.hemispheres import Side
from perfcore.types import BoolArray, DoubleArray, FloatArray

TMAX_LEVELS_S: Final = (4, 6, 8, 10)
"""Volumes are stated for Tmax above each of these, in seconds."""
INDEX_LEVELS_S: Final = (10, 6)
"""Hypoperfusion index: volume above the first over that above the second (doi:10.1161/STROKEAHA.113.003857)."""
LARGE_CORE_ML: Final = 70.0
TARGET_RATIO: Final = 1.8
TARGET_MISMATCH_ML: Final = 15.0
"""Target mismatch: ratio ≥ 1.8, mismatch ≥ 15 ml and core < 70 ml (Albers 2018, doi:10.1056/NEJMoa1713973)."""
MIN_SIDE_ML: Final = 3.0
"""A smaller lesion has no side: so much noise lies anywhere."""
MIN_SIDE_SHARE: Final = 2 / 3
"""The affected side holds at least this share of the lesion."""

Volumes = TypeVar("Volumes", float, DoubleArray)


def has_large_core(core_ml: Volumes) -> BoolArray:
    """Return where the core is at least 70 ml."""
    return np.asarray(np.asarray(core_ml) >= LARGE_CORE_ML)


def has_target_ratio(core_ml: Volumes, hypoperfused_ml: Volumes) -> BoolArray:
    """Return where hypoperfused over core is at least 1.8, also where there is no core but hypoperfused tissue."""
    hypoperfused = np.asarray(hypoperfused_ml)
    return np.asarray((hypoperfused >= TARGET_RATIO * np.asarray(core_ml)) & (hypoperfused > 0))


def has_target_mismatch(core_ml: Volumes, hypoperfused_ml: Volumes) -> BoolArray:
    """Return where there is a target mismatch: ratio ≥ 1.8, mismatch ≥ 15 ml and core < 70 ml.

    Parameters
    ----------
    core_ml, hypoperfused_ml
        Numbers, or arrays of one shape.
    """
    mismatch = np.asarray(hypoperfused_ml) - np.asarray(core_ml) >= TARGET_MISMATCH_ML
    return np.asarray(has_target_ratio(core_ml, hypoperfused_ml) & ~has_large_core(core_ml) & mismatch)


def tmax_volumes(tmax: FloatArray, voxel_ml: float) -> dict[str, float]:
    """Return the volume in ml with Tmax above each of `TMAX_LEVELS_S`, by the level in seconds as text.

    Parameters
    ----------
    tmax
        Seconds, any shape; NaN does not count.
    voxel_ml
        Volume of a voxel.
    """
    late = tmax[tmax > TMAX_LEVELS_S[0]]
    return {str(level): float(np.count_nonzero(late > level) * voxel_ml) for level in TMAX_LEVELS_S}


def hypoperfusion_index(volumes_ml: dict[str, float]) -> float | None:
    """Return the share of the tissue above 6 s that is above 10 s, 0 to 1; None where nothing is above 6 s."""
    severe, all_late = (volumes_ml[str(level)] for level in INDEX_LEVELS_S)
    return severe / all_late if all_late > 0 else None


def affected_side(lesion: BoolArray, right: BoolArray, voxel_ml: float) -> Side | None:
    """Return the patient's side that holds at least two thirds of a lesion.

    None for a lesion below 3 ml, and for one that is spread over both sides, as in noise, in a posterior stroke
    or where the AIF is wrong: the figure does not guess.

    Parameters
    ----------
    lesion, right
        Of one shape: core or hypoperfused tissue; the patient's right hemisphere.
    voxel_ml
        Volume of a voxel.
    """
    total = np.count_nonzero(lesion)
    if total * voxel_ml < MIN_SIDE_ML:
        return None
    share = np.count_nonzero(lesion & right) / total
    if share >= MIN_SIDE_SHARE:
        return "right"
    return "left" if 1 - share >= MIN_SIDE_SHARE else None
