"""Charts of a comparison in plotly: AIFs, agreement, box plots, ROC, scatter of two methods."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go

from pages.ui.lecture import lecture_scale
from perfcore.aif.sources import is_null, source_colour, source_label
from perfcore.evaluation.statistics import bland_altman
from perfcore.metric_info import METRICS, evaluated
from perfcore.types import Aif

HEIGHT: Final = 300
FONT_PX: Final = 12
LEGEND_ROW_PX: Final = 20
_TWO_A_ROW: Final = {"entrywidthmode": "fraction", "entrywidth": 0.5}
ROC_FROM, ROC_TO = 0.02, 0.4
"""False positive rates of the ROC plot: its lowest sensitivity is that at the first; it ends at the second."""
CHARTED: Final = (*evaluated(), "core_ml", "hypoperfused_ml", "reference_cbf", "seconds")
"""Metrics that a chart can show, in the order of the choice."""


def _frame(x: str, y: str, **more: Any) -> go.Figure:
    figure, font = go.Figure(), {"size": round(FONT_PX * lecture_scale())}
    figure.update_layout(
        height=_scaled(HEIGHT), margin={"l": 10, "r": 10, "t": 16, "b": 10}, yaxis_title=y,
        xaxis={"title": {"text": x, "standoff": 8}}, font=font, hoverlabel={"font": font},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": font}, **more,
    )  # fmt: skip
    for axes in (figure.update_xaxes, figure.update_yaxes):  # Streamlit's theme has sizes of its own
        axes(tickfont=font, title_font=font)
    return figure


def _scaled(px: float) -> int:
    """Return a height for the type in use: lecture mode enlarges it."""
    return round(px * lecture_scale())


def curves(
    named: Sequence[tuple[str, str, Aif]], *, same_area: bool, unit: str, own: Container[str] = ()
) -> go.Figure:
    """Draw input functions (key, label, curve) in the unit of their enhancement, or each with area 1.

    Those of the keys in ``own``, the user's, have wider lines.
    """
    figure = _frame("Time, s", "AIF, area 1, 1/s" if same_area else f"Enhancement, {unit}", hovermode="x unified")
    for place, (key, label, aif) in enumerate(named):
        value = aif.value / aif.area if same_area and aif.area > 0 else aif.value
        dash = {"truth": "dot", "expert": "dot", "vein": "dash"}.get(key, "solid")
        line = {"color": source_colour(key, place), "width": 4 if key in own else 2, "dash": dash}
        figure.add_scatter(
            x=aif.time_s, y=value, name=label, mode="lines", line=line,
            hovertemplate="%{y:.3g}",
        )  # fmt: skip
    # The legend above needs two names a row.
    figure.update_layout(height=_scaled(HEIGHT + 10 * max(len(named) - 3, 0)))
    return figure


def method_scatter(rows: pd.DataFrame, one: str, other: str, metric: str) -> go.Figure:
    """Draw a metric of each case by one method against another."""
    table = rows.pivot_table(index="case", columns="method", values=metric, aggfunc="first")
    title = {"text": METRICS[metric].long_title, "font": {"size": 14}}
    figure = _frame(source_label(one), source_label(other), title=title, showlegend=False)
    figure.update_layout(margin={"t": 40})
    if one not in table or other not in table:
        return figure
    pairs = table[[one, other]].dropna() if one != other else table[[one]].dropna()
    span = [float(pairs.min().min()), float(pairs.max().max())] if len(pairs) else [0.0, 1.0]
    figure.add_scatter(
        x=span, y=span, mode="lines", line={"color": "#8b95a1", "dash": "dot", "width": 1}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=pairs[one], y=pairs[other], mode="markers", customdata=_points(pairs.index, other),
        marker={"color": source_colour(other), "size": 9, "opacity": 0.85},
        hovertemplate="%{customdata[0]}: %{x:.3g} and %{y:.3g}<extra></extra>",
    )  # fmt: skip
    return figure


def agreement(rows: pd.DataFrame, method: str) -> go.Figure:
    """Draw the Bland–Altman plot of the predicted against the known core volume, with bias and limits."""
    figure = _frame("Mean of predicted and known core, ml", "Predicted − known core, ml", showlegend=False)
    own = rows[rows["method"] == method].dropna(subset=["core_ml", "lesion_ml"])
    measured, known = own["core_ml"].to_numpy(float), own["lesion_ml"].to_numpy(float)
    figure.add_scatter(
        x=(measured + known) / 2, y=measured - known, mode="markers", customdata=_points(own["case"], method),
        marker={"color": source_colour(method), "size": 9, "opacity": 0.85},
        hovertemplate="%{customdata[0]}: %{y:+.1f} ml<extra></extra>",
    )  # fmt: skip
    if len(own) >= 2:
        found = bland_altman(measured, known)
        lines = ((found.bias_ml, "mean"), (found.low_ml, "−1.96 SD"), (found.high_ml, "+1.96 SD"))
        for value, name in lines:
            dash = "solid" if name == "mean" else "dash"
            figure.add_hline(
                value, line={"color": "#8b95a1", "dash": dash, "width": 1.4},
                annotation={"text": f"{name} {value:+.1f}".replace("-", "−"), "font": {"size": 11}},
            )  # fmt: skip
    return figure


def roc(curves_of: pd.DataFrame, methods: Sequence[str]) -> go.Figure:
    """Draw the mean ROC curve of some methods, in the part of the plane where they differ."""
    shown = [m for m in methods if m in curves_of]
    figure = _frame("False positive rate", "Sensitivity")
    for place, method in enumerate(shown):
        _add_line(figure, method, place, curves_of["fpr"], curves_of[method])
    lowest = curves_of.loc[curves_of["fpr"] >= ROC_FROM, shown].min().min() if shown else 0.0
    figure.update_layout(height=_scaled(HEIGHT + _legend_px(len(shown))), legend=_TWO_A_ROW)
    figure.update_xaxes(range=[0, ROC_TO])
    figure.update_yaxes(range=[max(math.floor(20 * float(lowest)) / 20, 0), 1.01])
    return figure


def sweep(table: pd.DataFrame, methods: Sequence[str], threshold: float) -> go.Figure:
    """Draw the mean Dice of the core over the threshold of rCBF, with a line at the threshold in use."""
    figure = _frame("Core: rCBF below", "Core Dice")
    for place, method in enumerate(methods):
        own = table[table["method"] == method]
        if len(own):
            _add_line(figure, method, place, own["threshold"], own["dice_mean"])
    figure.add_vline(threshold, line={"color": "#8b95a1", "width": 1})
    figure.update_layout(height=_scaled(HEIGHT + _legend_px(len(methods))), legend=_TWO_A_ROW)
    return figure


def _legend_px(n: int) -> int:
    """Return the height of a legend of two names a row."""
    return 8 + LEGEND_ROW_PX * -(-n // 2)


def _add_line(figure: go.Figure, method: str, place: int, x: Any, y: Any) -> None:
    """Add the line of a method: dotted for known curves, dashed for null models."""
    dash = "dot" if method in ("truth", "expert") else "dash" if is_null(method) else "solid"
    figure.add_scatter(
        x=x, y=y, name=source_label(method), mode="lines", hovertemplate="%{y:.3f}",
        line={"color": source_colour(method, place), "width": 2, "dash": dash},
    )  # fmt: skip


def learning(log: pd.DataFrame, method: str) -> go.Figure:
    """Draw the loss of a training by epoch: solid on its training cases, dashed on the cases held out.

    Parameters
    ----------
    log
        Columns ``part`` (``all`` or ``fold_K``), ``epoch``, ``train_loss`` and ``held_out_loss``.
    method
        The network.
    """
    figure = _frame("Epoch", "Loss, 1 − soft Dice")
    for place, (part, rows) in enumerate(log.groupby("part", sort=False)):
        words = "all cases" if part == "all" else str(part).replace("_", " ")
        colour = source_colour(method) if part == "all" else source_colour("", place)
        for column, on, dash in (("train_loss", "training", "solid"), ("held_out_loss", "held out", "dash")):
            if rows[column].notna().any():
                figure.add_scatter(
                    x=rows["epoch"], y=rows[column], name=f"{words}, {on}", mode="lines+markers",
                    line={"color": colour, "width": 2, "dash": dash}, hovertemplate="%{y:.4f}",
                )  # fmt: skip
    figure.update_layout(showlegend=True)
    figure.update_xaxes(dtick=1 if log["epoch"].max() <= 20 else None)
    return figure


def boxes(rows: pd.DataFrame, methods: Sequence[str], metric: str) -> go.Figure:
    """Draw box plots of a metric over the cases, one per method, with all cases as points."""
    figure = _frame(METRICS[metric].long_title, "", showlegend=False)
    for place, method in enumerate(methods):
        own = rows[rows["method"] == method].dropna(subset=[metric])
        figure.add_box(
            x=own[metric], name=source_label(method), orientation="h", boxpoints="all", jitter=0.5, pointpos=0,
            marker={"color": source_colour(method, place), "size": 5}, customdata=_points(own["case"], method),
            hovertemplate="%{customdata[0]}: %{x:.3g}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(height=_scaled(90 + 24 * len(methods)))
    return figure


def _points(cases: Any, method: str) -> list[list[str]]:
    """Return case and method of each point, which a selection sends back."""
    return [[str(case), method] for case in cases]


def selected_point(event: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Return case and method of the selected point of a chart, or None."""
    points = (event or {}).get("selection", {}).get("points", [])
    data = points[0].get("customdata") if points else None
    if isinstance(data, Mapping):  # plotly sends a list or an object with numbered fields
        data = list(data.values())
    return (str(data[0]), str(data[1])) if isinstance(data, list | tuple) and len(data) == 2 else None
