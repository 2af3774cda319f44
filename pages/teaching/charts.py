"""Charts of a lesson's results; an experiment has the same colour in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.teaching.bars import COLOURS, colours
from pages.teaching.lesson import Lesson, Result, SliderQuestion
from pages.teaching.lesson_results import LessonResults
from pages.ui.lecture import lecture_scale
from perfcore.teaching import CurveResult, FinetuneResult, SweepResult
from perfcore.types import DoubleArray

CHART_PX: Final = 152
LECTURE_HEIGHT: Final = 0.95
"""Of a chart, relative to its type: three fit one screen."""
TITLE_PX: Final = 36
BAR_PX: Final = 30
WIDTHS: Final = (4.5, 2.2, 2.2)
DASHES: Final = ("solid", "dash", "dot")
"""Of the first, second and third line: a later line on the first leaves it visible."""
SAME: Final = 0.01
"""Lines that differ by less than this share of their largest value coincide."""
N_BINS: Final = 15
"""Of the histogram of predictions."""
_CONFIG: Final = {"displayModeBar": False, "staticPlot": True}


def _show(figure: go.Figure, key: str, height: float, title: str, *, large: bool) -> None:
    scale = lecture_scale()
    size = round(13 * scale)
    figure.update_layout(
        height=round(height * (LECTURE_HEIGHT * scale if large else 1)),
        margin={"l": 8, "r": 8, "t": 34 * scale, "b": 8},
        title={"text": title, "font": {"size": size + 1}, "x": 0, "y": 0.98, "yanchor": "top"},
        font={"size": size}, showlegend=False,
    )  # fmt: skip
    figure.update_xaxes(automargin=True, tickfont={"size": size - 1})
    figure.update_yaxes(automargin=True, tickfont={"size": size - 1})
    st.plotly_chart(figure, key=key, config=_CONFIG, alt=title)


def predictions(lesson: Lesson, values: list[float], true: float, key: str, *, large: bool) -> None:
    """Draw the predictions of a class as a histogram, with the computed answer."""
    question = lesson.question
    if isinstance(question, SliderQuestion):
        edges = np.linspace(question.low, question.high, N_BINS + 1)
        counts, _ = np.histogram(values, edges)
        figure = go.Figure(go.Bar(x=(edges[:-1] + edges[1:]) / 2, y=counts, marker={"color": COLOURS[0]}))
        figure.update_layout(bargap=0.05)
        figure.add_vline(x=true, line={"color": COLOURS[2], "width": 2.5})
        unit = f", {question.unit}" if question.unit else ""
        _show(
            figure,
            key,
            CHART_PX,
            f"{len(values)} predictions of the class{unit}; the line is computed",
            large=large,
        )
        return
    counted = [values.count(i) for i in range(len(question.options))]
    colours_of = [COLOURS[2] if i == true else COLOURS[0] for i in range(len(counted))]
    labels = list(question.options)
    figure = go.Figure(go.Bar(x=counted, y=labels, orientation="h", text=counted, marker={"color": colours_of}))
    figure.update_xaxes(showticklabels=False, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    title = f"{len(values)} predictions of the class; green is computed"
    _show(figure, key, TITLE_PX + BAR_PX * len(counted), title, large=large)


def _lines(lines: Mapping[str, tuple[DoubleArray, DoubleArray, str]], names: Sequence[str]) -> go.Figure:
    figure = go.Figure()
    for name, (x, y, colour) in lines.items():
        place = names.index(name) if name in names else len(WIDTHS)
        figure.add_scatter(x=x, y=y, mode="lines", name=name, line=_stroke(place, colour))
    return figure


def _stroke(place: int, colour: str) -> dict[str, Any]:
    at = min(place, len(WIDTHS) - 1)
    return {"color": colour, "width": WIDTHS[at], "dash": DASHES[at]}


def coincide(first: DoubleArray, second: DoubleArray) -> bool:
    """Return whether two lines lie on each other."""
    if first.size != second.size:
        return False
    largest = max(float(np.abs(first).max()), float(np.abs(second).max()))
    return float(np.abs(first - second).max()) < SAME * largest


def _note(ys: Sequence[DoubleArray]) -> str:
    """Return what a title adds where all lines lie on each other."""
    return ": the lines coincide" if len(ys) > 1 and all(coincide(ys[0], y) for y in ys[1:]) else ""


def legend(lesson: Lesson, names: tuple[str, ...]) -> None:
    """Draw the legend of experiments."""
    colour_of = colours(lesson)
    marks = ("━━", "╸╺╸", "┄┄")
    # The labels come from the lesson, not from user input.
    st.html("&emsp;".join(
        f'<span style="color:{colour_of[name]}">{marks[min(i, 2)]}</span> {lesson.experiments[name].label}'
        for i, name in enumerate(names)
    ))  # fmt: skip


def curves(lesson: Lesson, results: LessonResults, names: tuple[str, ...], key: str, *, large: bool) -> None:
    """Draw the AIFs of experiments, and the start AIF of a fine-tuned one."""
    colour_of = colours(lesson)
    lines: dict[str, tuple[DoubleArray, DoubleArray, str]] = {}
    for name in names:
        one: Result = results[name]
        time = np.arange(one.curve.size, dtype=np.float64) * one.dt_s
        if isinstance(one, FinetuneResult):
            lines["start"] = (time, one.start, "#9aa0a6")
        lines[name] = (time, one.curve, colour_of[name])
    note = _note([y for _, y, _ in lines.values()])
    _show(_lines(lines, names), key, CHART_PX, f"AIF, HU against s{note}", large=large)


def residues(lesson: Lesson, results: LessonResults, names: tuple[str, ...], key: str, *, large: bool) -> None:
    """Draw k(t) of healthy tissue, measured or simulated; for a fine-tuned AIF, Dice by step."""
    colour_of, lines, title, x = colours(lesson), {}, "k(t) of healthy tissue, 1/s against s", "s"
    for name in names:
        one: Result = results[name]
        if isinstance(one, CurveResult):
            lines[name] = (one.residue_s, one.healthy_residue, colour_of[name])
        elif isinstance(one, SweepResult):
            mtt = 8.0 if 8 in one.residue else next(iter(one.residue))
            lines[name] = (one.residue_s, one.residue[mtt], colour_of[name])
            title = f"k(t) at an MTT of {mtt:g} s, 1/s against s"
        else:
            lines[name] = (np.arange(one.dice.size, dtype=np.float64), one.dice, colour_of[name])
            title, x = "Dice on the training slices, by step", "step"
    figure = _lines(lines, names)
    title += _note([y for _, y, _ in lines.values()])
    if x == "s":
        figure.update_xaxes(range=[-12, 30])
        figure.add_vline(x=0, line={"color": "#9aa0a6", "width": 1, "dash": "dot"})
    _show(figure, key, CHART_PX, title, large=large)


def factors(lesson: Lesson, results: LessonResults, names: tuple[str, ...], key: str, *, large: bool) -> None:
    """Draw the filter factors of the largest components, and the singular values relative to the first."""
    colour_of, figure = colours(lesson), go.Figure()
    seen = {name: one for name in names if not isinstance(one := results[name], FinetuneResult)}
    if not seen:
        return
    for name, one in seen.items():
        stroke = _stroke(names.index(name), colour_of[name])
        index = np.arange(1, one.factors.size + 1)
        figure.add_scatter(x=index, y=one.factors, mode="lines", line=stroke)
        figure.add_scatter(
            x=index, y=one.sigma / one.sigma[0], mode="lines",
            line={**stroke, "width": stroke["width"] / 1.5, "dash": "dot"},
        )  # fmt: skip
    figure.update_xaxes(range=[1, 60])
    figure.update_yaxes(range=[0, 1.05])
    note = _note([one.factors for one in seen.values()])
    _show(figure, key, CHART_PX, f"filter factors, σ/σ₁ (dots){note}", large=large)
