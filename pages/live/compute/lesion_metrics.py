"""The figures that the Lab shows for a volume."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.metrics import auc_below

AUC_BINS: Final = 2048
HIGHEST_RATIO: Final = 4.0


def preview_auc(score: NDArray[np.float32], known: NDArray[np.bool_]) -> float | None:
    """Return `perfcore.metrics.auc_below` to about 1e-3 without sorting: values share bins."""
    place = np.nan_to_num(score * np.float32(AUC_BINS / HIGHEST_RATIO)).clip(0, AUC_BINS - 1).astype(np.int64)
    lesion = np.bincount(place[known], minlength=AUC_BINS)
    other = np.bincount(place, minlength=AUC_BINS) - lesion
    if not lesion.sum() or not other.sum():
        return None
    above = other[::-1].cumsum()[::-1] - other
    return float((lesion * (above + 0.5 * other)).sum() / (lesion.sum() * other.sum()))


def lesion_figures(
    core: NDArray[np.bool_],
    rcbf: NDArray[np.float32],
    lesion: NDArray[np.bool_] | None,
    n_lesion: int,
    *,
    exact: bool,
) -> dict[str, Any]:
    """Return Dice and AUC against a known lesion; None where there is none.

    Parameters
    ----------
    core, rcbf, lesion
        Shape ``(n_voxels,)``.
    n_lesion
        Voxels of the lesion, with those outside the brain mask.
    exact
        At rest; while the hand moves the AUC is counted in bins.
    """
    if lesion is None or not n_lesion:
        return {"dice": None, "auc": None}
    both = np.count_nonzero(core) + n_lesion
    return {
        "dice": 2.0 * np.count_nonzero(core & lesion) / both,
        "auc": (auc_below if exact else preview_auc)(rcbf, lesion),
    }
