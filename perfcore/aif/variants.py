"""Variants of an AIF that show what a wrong artery does: a vein, a smaller or later artery, a scan cut short.

The JavaScript port is ``pages/live/frontend/curve/variants.js``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.types import DoubleArray


@dataclass(frozen=True)
class VariantInfo:
    """A variant of the start AIF and how it is shown.

    Attributes
    ----------
    id, label, help
        Identifier, name on the button, and one sentence.
    effect
        Handle of `perfcore.aif.edits.HANDLES` that it resembles, or ``"vein"``: selects the hint below the curve.
    edit
        Edit of the start AIF; None takes the venous output function (VOF) instead.
    cut_after_peak_s
        Values later than this many seconds after the peak are set to 0; None keeps them.
    """

    id: str
    label: str
    help: str
    effect: str
    edit: CurveEdit | None
    cut_after_peak_s: float | None = None


VARIANTS: Final = (
    VariantInfo("vein", "vein", "The curve of the vein (VOF) taken for an artery", "vein", None),
    VariantInfo("half", "half as high", "Partial volume: the curve at half its height", "amplitude",
                CurveEdit(amplitude=0.5)),
    VariantInfo("late", "3 s late", "An artery that the contrast reaches 3 s later", "shift_s",
                CurveEdit(shift_s=3.0)),
    VariantInfo("no_tail", "no tail", "The first pass alone, without recirculation", "tail", CurveEdit(tail=0.0)),
    VariantInfo("stopped", "stopped early", "Nothing later than 6 s after the peak, as of a scan that ends early",
                "cut_s", CurveEdit(), 6.0),
    VariantInfo("distal", "beyond the clot", "An artery beyond the clot: 3 s late, dispersed by 2 s, 60 % as high",
                "dispersion_s", CurveEdit(amplitude=0.6, shift_s=3.0, dispersion_s=2.0)),
)  # fmt: skip
"""In the order of the interface."""


def variant_curve(
    info: VariantInfo, start: DoubleArray, dt_s: float, vof: DoubleArray | None
) -> DoubleArray | None:
    """Return a variant of a start AIF.

    Parameters
    ----------
    info
        The variant.
    start
        Enhancement, shape ``(n_time,)``.
    dt_s
        Time step, s.
    vof
        Curve of the VOF on the same grid, or None.

    Returns
    -------
    Shape ``(n_time,)``; None for the vein where no VOF is known.
    """
    if info.edit is None:
        return None if vof is None else np.array(vof)
    edit = info.edit
    if info.cut_after_peak_s is not None:
        edit = replace(edit, cut_s=float(np.argmax(start)) * dt_s + info.cut_after_peak_s)
    return edit_curve(start, dt_s, edit)
