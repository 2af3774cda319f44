"""Figures of the evaluation report, as SVG text."""

from __future__ import annotations

import io
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perfcore.aif.sources import is_null, source_colour, source_label
from perfcore.evaluation.case_evaluation import ExampleSlice
from perfcore.evaluation.figures import FPR
from perfcore.metric_info import METRICS
from perfcore.types import DoubleArray

MAX_RCBF_SHOWN: Final = 1.5


def maps_figure(example_slices: dict[str, ExampleSlice]) -> str:
    """Draw rCBF (top) and core with known lesion (bottom) of one slice, a column per method (paper, Fig. 2)."""
    figure = Figure(figsize=(1.9 * len(example_slices) + 0.9, 4.7), layout="constrained")
    axes: Any = figure.subplots(2, len(example_slices), squeeze=False)
    image = None
    for column, (method, example_slice) in enumerate(example_slices.items()):
        top, bottom = axes[0][column], axes[1][column]
        image = top.imshow(example_slice.rcbf, cmap="inferno", vmin=0, vmax=MAX_RCBF_SHOWN)
        overlap = "" if example_slice.dice is None else f"\nDice {example_slice.dice:.2f}"
        top.set_title(source_label(method) + overlap, fontsize=9)
        bottom.imshow(np.where(np.isfinite(example_slice.rcbf), 0.75, 1.0), cmap="gray", vmin=0, vmax=1)
        core = np.where(example_slice.core, 1.0, np.nan)
        bottom.imshow(core, cmap="spring", vmin=1, vmax=2, alpha=0.75)
        if example_slice.lesion.any():
            bottom.contour(example_slice.lesion.astype(float), [0.5], colors="k", linewidths=1.0)
        for axis in (top, bottom):
            axis.set(xticks=[], yticks=[])
    if image is not None:
        figure.colorbar(image, ax=axes[0], label="rCBF", shrink=0.85)
    return _svg(figure)


def curves_figure(example_slices: dict[str, ExampleSlice]) -> str:
    """Draw the AIFs of the example case, normalised to unit area."""
    figure = Figure(figsize=(7.0, 3.0), layout="constrained")
    axes = figure.subplots()
    for method, example_slice in example_slices.items():
        area = float(example_slice.aif.sum()) * float(example_slice.time_s[1] - example_slice.time_s[0])
        axes.plot(example_slice.time_s, example_slice.aif / area, label=source_label(method), lw=1.6)
    axes.set(xlabel="Time [s]", ylabel="AIF, area 1 [1/s]")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return _svg(figure)


def bland_altman_figure(rows: pd.DataFrame, summary: dict[str, Any], methods: list[str]) -> str:
    """Draw Bland–Altman plots of predicted and known volume, one panel per method (paper, Fig. 3)."""
    columns = min(4, len(methods))
    lines = -(-len(methods) // columns)
    figure = Figure(figsize=(2.9 * columns, 2.7 * lines), layout="constrained")
    panels: Any = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for panel, method in zip(panels.flat, methods, strict=False):
        own = rows[(rows["method"] == method) & rows["found"]]
        core, known = own["core_ml"].to_numpy(float), own["lesion_ml"].to_numpy(float)
        panel.scatter((core + known) / 2, core - known, s=9, alpha=0.7, lw=0)
        agreement = summary["methods"][method]["bland_altman"]
        if agreement is not None:
            panel.axhline(agreement["bias_ml"], color="C3", lw=1.2)
            for limit in ("low_ml", "high_ml"):
                panel.axhline(agreement[limit], color="C3", lw=0.9, ls="--")
            panel.set_title(f"{source_label(method)}: {agreement['bias_ml']:+.1f} ml", fontsize=9)
        panel.axhline(0, color="0.6", lw=0.7)
        panel.grid(alpha=0.25)
    for panel in panels.flat[len(methods) :]:
        panel.set_visible(False)
    figure.supxlabel("Mean of predicted and known core [ml]", fontsize=9)
    figure.supylabel("Predicted − known core [ml]", fontsize=9)
    return _svg(figure)


def roc_figure(roc: dict[str, DoubleArray]) -> str:
    """Draw the mean ROC curve of rCBF, one line per method."""
    figure = Figure(figsize=(7.4, 3.8), layout="constrained")
    axes = figure.subplots()
    for place, (method, curve) in enumerate(roc.items()):
        axes.plot(FPR, curve, **_line(method, place))
    axes.set(xlabel="False positive rate", ylabel="Sensitivity", xlim=(0, 1), ylim=(0, 1.01))
    axes.grid(alpha=0.3)
    _legend_beside(axes)
    return _svg(figure)


def sweep_figure(sweep: pd.DataFrame, threshold: float) -> str:
    """Draw the mean Dice of the core over the threshold of rCBF, one line per method."""
    figure = Figure(figsize=(7.4, 3.8), layout="constrained")
    axes = figure.subplots()
    for place, (method, own) in enumerate(sweep.groupby("method", sort=False)):
        axes.plot(own["threshold"], own["dice_mean"], **_line(str(method), place))
    axes.axvline(threshold, color="0.5", lw=0.9)
    axes.set(xlabel="Core: rCBF below", ylabel="Core Dice")
    axes.grid(alpha=0.3)
    _legend_beside(axes)
    return _svg(figure)


def _line(method: str, place: int) -> dict[str, Any]:
    """Return the style of a method's line: dotted for known curves, dashed for null models."""
    style = ":" if method in ("truth", "expert") else "--" if is_null(method) else "-"
    return {"label": source_label(method), "color": source_colour(method, place), "ls": style, "lw": 1.5}


def _legend_beside(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def box_figure(rows: pd.DataFrame, methods: list[str]) -> str:
    """Draw box plots of Dice over the cases: core by both labels and hypoperfused tissue, where they are known."""
    metrics = ["dice", *(name for name in ("hard_dice", "hypoperfused_dice") if rows[name].notna().any())]
    figure = Figure(figsize=(3.9 * len(metrics), 0.28 * len(methods) + 0.9), layout="constrained")
    panels: Any = figure.subplots(1, len(metrics), sharey=True, squeeze=False)
    for panel, metric in zip(panels.flat, metrics, strict=True):
        _box(panel, rows, methods, metric)
        panel.set_title(METRICS[metric].name, fontsize=9)
    panels.flat[0].set_yticks(range(1, len(methods) + 1), [source_label(m) for m in methods])
    panels.flat[0].set_ylim(len(methods) + 0.6, 0.4)
    return _svg(figure)


def _box(panel: Axes, rows: pd.DataFrame, methods: list[str], metric: str) -> None:
    values = [pd.to_numeric(rows[rows["method"] == m][metric]).dropna().to_numpy() for m in methods]
    panel.boxplot(values, orientation="horizontal", widths=0.6, flierprops={"markersize": 3}, manage_ticks=False)
    panel.set_xlim(-0.02, 1.02)
    panel.tick_params(labelsize=8)
    panel.grid(alpha=0.3, axis="x")


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    # Reproducible bytes: no date, and a fixed salt for the ids of clip paths.
    with mpl.rc_context({"svg.hashsalt": "aif-lab", "svg.fonttype": "path"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
