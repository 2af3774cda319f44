"""Signs and short notes of the page, the same in HTML and PDF."""

from __future__ import annotations

from typing import Final

from perfcore.quality_flags import Flag
from perfcore.report.pictures import Pictures, Scale

SWATCHES: Final = {"core_ml": "core", "hypoperfused_ml": "hypoperfused"}
"""Figures with the colour of their lesion on the pictures."""
MIN_TICK_MM: Final = 3.4
GRAVE: Final = "grave"
SIGNS: Final = {"note": "●", "warning": "▲", GRAVE: "■"}


def rank(flag: Flag) -> str:
    """Return which of `SIGNS` a quality flag has; severities that are not among them are graver."""
    return flag.severity if flag.severity in SIGNS else GRAVE


def orientation_note(pictures: Pictures) -> str:
    """Return how the pictures are oriented."""
    if pictures.sides == ("R", "L"):
        return "Radiological orientation: R is the patient's right."
    return "Sagittal slices: A is anterior, P posterior."


def slices_note(pictures: Pictures) -> str:
    """Return how many slices are shown."""
    n = len(pictures.slices)
    if n < pictures.n_slices:
        return f"{n} of {pictures.n_slices} slices with brain are shown."
    return f"All {n} slices with brain are shown." if n > 1 else "The only slice with brain is shown."


def left_out_note(n: int) -> str:
    """Return where the quality flags are that do not fit on the page."""
    return f"{n} more in summary.json."


def scale_ticks(scale: Scale, height_mm: float) -> dict[str, tuple[float, str]]:
    """Return the numbers of a colour bar: their place, 0 to 1 from its lower end, and their text.

    By ``low`` and ``high`` for its ends, and ``at`` for the threshold, which is left out where it is so near to an
    end that the numbers would touch.
    """
    low, high = scale.window
    ticks = {"low": (0.0, f"{low:g}"), "high": (1.0, f"≥ {high:g}")}
    if scale.threshold is not None:
        at = (scale.threshold - low) / (high - low)
        if MIN_TICK_MM <= at * height_mm <= height_mm - MIN_TICK_MM:
            ticks["at"] = (at, f"{scale.threshold:g}")
    return ticks
