"""Classical selectors: an arterial (and a venous) input function found in the series itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from perfcore.aif.select.clusters import mouridsen, murase
from perfcore.aif.select.peruzzo import peruzzo
from perfcore.aif.select.quality import Judgement, artery_flags, judge
from perfcore.aif.select.selection import Selection
from perfcore.aif.select.straka import straka
from perfcore.aif.select.vein import partial_volume_ratio
from perfcore.errors import ArgumentError
from perfcore.preprocess import Prepared

__all__ = [
    "BEST",
    "SELECTORS",
    "Judgement",
    "Selection",
    "artery_flags",
    "judge",
    "partial_volume_ratio",
    "select",
]

SELECTORS: Final[dict[str, Callable[[Prepared], Selection]]] = {
    "straka": straka,
    "peruzzo": peruzzo,
    "mouridsen": mouridsen,
    "murase": murase,
}
BEST: Final = "straka"
"""What ``auto`` stands for."""


def select(prepared: Prepared, method: str = "auto") -> Selection:
    """Choose an input function with one of the classical selectors.

    Parameters
    ----------
    prepared
        The case.
    method
        A key of ``SELECTORS``, or ``auto`` for the best of them.

    Returns
    -------
    Selection

    Raises
    ------
    NoArteryError
        No voxel behaves like an artery.
    ArgumentError
        There is no such selector.
    """
    name = BEST if method == "auto" else method
    if name not in SELECTORS:
        raise ArgumentError(f"The selector must be one of auto, {', '.join(SELECTORS)}; got {method!r}.")
    return SELECTORS[name](prepared)
