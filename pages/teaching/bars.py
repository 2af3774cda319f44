"""Bars of a quantity as HTML, in units of the page's type: lecture mode enlarges them with the text.

An experiment has the same colour in all charts of a lesson.
"""

from __future__ import annotations

from html import escape
from typing import Final

import streamlit as st

from pages.teaching.lesson import Lesson, Quantity
from pages.teaching.lesson_results import LessonResults
from perfcore.teaching import CurveResult

COLOURS: Final = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#8c8cff")
"""Okabe and Ito's palette, distinguishable by colour-blind readers on dark and light backgrounds."""
OWN_LABEL: Final = "your attempt"
OWN_FILL: Final = "repeating-linear-gradient(135deg, #9aa0a6 0 .3rem, #9aa0a640 .3rem .5rem)"
NUMBER_EM: Final = 3.1
"""Width that is kept for the number behind the longest bar."""
_CELL: Final = "border:0;padding:.1rem 0;line-height:1.2"


def colours(lesson: Lesson) -> dict[str, str]:
    """Return the colour of each experiment."""
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(lesson.experiments)}


def short(value: float) -> str:
    """Return a number with about three significant digits."""
    size = abs(value)
    digits = 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{value or 0.0:.{digits}f}".replace("-", "−")


def bar_values(
    lesson: Lesson, quantity: Quantity, results: LessonResults, own: CurveResult | None
) -> list[tuple[str, float, str]]:
    """Return label, value and fill of each bar: one per experiment, and one of the user's own attempt."""
    colour_of = colours(lesson)
    bars = [
        (lesson.experiments[name].label, float(quantity.read(results[name])), colour_of[name])
        for name in quantity.experiments
    ]
    if own is not None and quantity.takes_attempt:
        bars.append((OWN_LABEL, float(quantity.read(own)), OWN_FILL))
    return bars


def bars(lesson: Lesson, quantity: Quantity, results: LessonResults, *, own: CurveResult | None) -> None:
    """Draw a quantity as a table of bars with their values."""
    found = bar_values(lesson, quantity, results, own)
    low, high = min(0.0, *(value for _, value, _ in found)), max(0.0, *(value for _, value, _ in found))
    span = high - low or 1.0
    rows = "".join(_row(label, value, fill, low, span) for label, value, fill in found)
    st.html(
        f'<table class="bars" style="border-collapse:collapse;width:100%;font-size:.85rem;margin:0">'
        f'<caption style="caption-side:top;text-align:left;font-weight:600;padding:0 0 .15rem">'
        f"{escape(quantity.label)}</caption><tbody>{rows}</tbody></table>"
    )


def _row(label: str, value: float, fill: str, low: float, span: float) -> str:
    left, width = (min(0.0, value) - low) / span, abs(value) / span
    room = f"(100% - {NUMBER_EM}em)"
    bar = f"flex:none;margin-left:calc({left:.4f} * {room});width:calc({width:.4f} * {room});height:1.2em"
    return (
        f'<tr><th scope="row" style="{_CELL};font-weight:400;text-align:right;padding-right:.5rem;width:1%;'
        f'white-space:nowrap">{escape(label)}</th><td style="{_CELL}">'
        f'<div style="display:flex;align-items:center;gap:.3rem"><span style="{bar};background:{fill}"></span>'
        f'<span style="font-variant-numeric:tabular-nums">{short(value)}</span></div></td></tr>'
    )
