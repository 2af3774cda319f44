"""Charts of a lesson's results; an experiment has the same colour in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.teaching.lesson import Lesson, Quantity, Result, SliderQuestion
from pages.teaching.lesson_results import LessonResults
from pages.ui.lecture import lecture_scale
from perfcore.teaching import CurveResult, FinetuneResult, SweepResult
from perfcore.types import DoubleArray

COLOURS: Final = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#8c8cff")
"""Okabe and Ito's palette, distinguishable by colour-blind readers on dark and light backgrounds."""
CHART_PX: Final = 185
N_BINS: Final = 15
"""Of the histogram of predictions."""
_CONFIG: Final = {"displayModeBar": False, "staticPlot": True}


def colours(lesson: Lesson) -> dict[str, str]:
    """Return the colour of each experiment."""
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(lesson.experiments)}


def short(value: float) -> str:
    """Return a number with about three significant digits."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 3
    return f"{value:.{digits}f}".replace("-", "−")


def _show(figure: go.Figure, key: str, height: float, title: str, *, large: bool) -> None:
    scale = lecture_scale()
    size = round(13 * scale)
    figure.update_layout(
        height=round(height * (0.78 * scale if large else 1)), margin={"l": 8, "r": 8, "t": 34 * scale, "b": 8},
        title={"text": title, "font": {"size": size + 1}, "x": 0, "y": 0.98, "yanchor": "top"},
        font={"size": size}, showlegend=False,
    )  # fmt: skip
    figure.update_xaxes(automargin=True, tickfont={"size": size - 1})
    figure.update_yaxes(automargin=True, tickfont={"size": size - 1})
    st.plotly_chart(figure, key=key, config=_CONFIG, alt=title)


def bars(lesson: Lesson, quantity: Quantity, results: LessonResults, key: str, *, large: bool) -> None:
    """Draw a quantity as bars, one per experiment, with its value."""
    values = [float(quantity.read(results[name])) for name in quantity.experiments]
    labels = [lesson.experiments[name].label for name in quantity.experiments]
    colour_of = colours(lesson)
    figure = go.Figure(
        go.Bar(
            x=values, y=labels, orientation="h", text=[short(v) for v in values], textposition="outside",
            cliponaxis=False, marker={"color": [colour_of[name] for name in quantity.experiments]}, width=0.62,
        )
    )  # fmt: skip
    low, high = min(0.0, *values), max(0.0, *values)
    room = 0.22 * (high - low or 1.0)
    figure.update_xaxes(range=[low - (room if low < 0 else 0), high + room], showticklabels=False, showgrid=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    _show(figure, key, (60 + 36 * len(values)) * (1.3 if large else 1), quantity.label, large=large)


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
    _show(figure, key, 60 + 36 * len(counted), title, large=large)


def _lines(lines: Mapping[str, tuple[DoubleArray, DoubleArray, str]]) -> go.Figure:
    figure = go.Figure()
    for name, (x, y, colour) in lines.items():
        figure.add_scatter(x=x, y=y, mode="lines", name=name, line={"color": colour, "width": 2.5})
    return figure


def legend(lesson: Lesson, names: tuple[str, ...]) -> None:
    """Draw the legend of experiments."""
    colour_of = colours(lesson)
    # The labels come from the lesson, not from user input.
    st.html("&emsp;".join(
        f'<span style="color:{colour_of[name]}">━</span> {lesson.experiments[name].label}' for name in names
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
    _show(_lines(lines), key, CHART_PX, "AIF, HU against s", large=large)


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
            title = f"k(t) of tissue with an MTT of {mtt:g} s, 1/s against s"
        else:
            lines[name] = (np.arange(one.dice.size, dtype=np.float64), one.dice, colour_of[name])
            title, x = "Dice on the training slices, by step", "step"
    figure = _lines(lines)
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
        index = np.arange(1, one.factors.size + 1)
        figure.add_scatter(x=index, y=one.factors, mode="lines", line={"color": colour_of[name], "width": 2.5})
        figure.add_scatter(
            x=index, y=one.sigma / one.sigma[0], mode="lines",
            line={"color": colour_of[name], "width": 1.5, "dash": "dot"},
        )  # fmt: skip
    figure.update_xaxes(range=[1, 60])
    figure.update_yaxes(range=[0, 1.05])
    _show(figure, key, CHART_PX, "filter factors (lines) and σ/σ₁ (dots), by component", large=large)
