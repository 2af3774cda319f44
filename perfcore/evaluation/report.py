"""Evaluation report as one self-contained HTML file: the paper's Table 1, Fig. 2 and Fig. 3, and differences."""

from __future__ import annotations

from html import escape
from string import Template
from typing import Any, Final

import pandas as pd

from perfcore.aif.sources import source_label
from perfcore.evaluation import report_charts
from perfcore.evaluation.case_evaluation import ExampleSlice
from perfcore.evaluation.wording import (
    DIFFERENCE_NOTE,
    SWEEP_NOTE,
    difference_text,
    failures,
    interval,
    p_text,
    reference_label,
    table_note,
)
from perfcore.metric_info import METRICS, MetricInfo, evaluated
from perfcore.types import DoubleArray

_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 72rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2.2rem } h3 { font-size: 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #d8dde3; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
thead th { border-bottom: 2px solid #8a939c }
p.note { color: #57606a; max-width: 60rem } svg { max-width: 100%; height: auto } .wide { overflow-x: auto }
td small { color: #57606a; display: block } ul.headline { max-width: 60rem; padding-left: 1.2rem }
</style></head><body>
<h1>$title</h1>
<p class="note">$intro</p>
<ul class="headline">$headline</ul>
<h2>Table 1. Mean over the patients (95 % interval)</h2>
<div class="wide">$table</div>
<p class="note">$table_note</p>
<h2>Differences</h2>
<p class="note">$difference_note</p>
$differences
<h2>Core Dice by the threshold of rCBF</h2>
$sweep
<p class="note">$sweep_note</p>
<h2>Fig. 2. rCBF and predicted core with the known lesion: $example</h2>
<div class="wide">$maps</div>
<p class="note">Top: rCBF. Bottom: predicted core in colour, known core as a black outline.</p>
$curves
<h2>Fig. 3. Volumes: Bland–Altman</h2>
$bland_altman
<p class="note">One point per scan. Solid: mean difference; dashed: ±1.96 standard deviations.</p>
<h2>ROC of rCBF, averaged over the cases</h2>
$roc
<h2>Distribution over the cases</h2>
$boxes
<p class="note">Research and teaching, not for clinical use.</p>
</body></html>
""")


def make_report(
    rows: pd.DataFrame,
    summary: dict[str, Any],
    roc: dict[str, DoubleArray],
    sweep: pd.DataFrame,
    example: tuple[str, dict[str, ExampleSlice]] | None,
) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    rows
        One row per case and method.
    summary
        Result of :func:`perfcore.evaluation.run.evaluate`.
    roc
        Mean ROC curve per method, shape ``(101,)``.
    sweep
        Mean Dice per method and threshold, from :func:`perfcore.evaluation.sweep.sweep_table`.
    example
        Name of one case and its example slice per method.
    """
    methods = list(summary["methods"])
    drawn = [m for m, about in summary["methods"].items() if about["found"] + about["failed"]]
    name, example_slices = example or ("no case with a lesion", {})
    return _PAGE.substitute(
        title="Evaluation of arterial input functions",
        intro=escape(_intro(summary)),
        headline="".join(f"<li>{escape(sentence)}</li>" for sentence in summary["headline"]),
        table=_table(summary, methods),
        table_note=escape(table_note(summary)),
        difference_note=escape(DIFFERENCE_NOTE),
        differences="".join(_differences(summary, reference) for reference in summary["differences"]),
        sweep=report_charts.sweep_figure(sweep, summary["settings"]["core_threshold"]),
        sweep_note=escape(SWEEP_NOTE),
        example=escape(name),
        maps=report_charts.maps_figure(example_slices) if example_slices else "",
        curves=report_charts.curves_figure(example_slices) if example_slices else "",
        bland_altman=report_charts.bland_altman_figure(rows, summary, drawn),
        roc=report_charts.roc_figure(roc),
        boxes=report_charts.box_figure(rows, drawn),
    )


def _intro(summary: dict[str, Any]) -> str:
    trained = "; ".join(
        f"{source_label(name)}: {'cross-validated on unseen cases' if about['folds'] else 'as shipped'}"
        for name, about in summary["networks"].items()
    )
    settings = summary["settings"]
    return (
        f"{summary['n_cases']} cases of {summary['n_patients']} patients. All methods share preprocessing and "
        f"deconvolution ({settings['deconvolution']}, {settings['discretization']}, {settings['regularization']} "
        f"{settings['lambda_rel']:g}, core below {settings['core_threshold']:g}). {trained}."
    )


def _table(summary: dict[str, Any], methods: list[str]) -> str:
    head = "".join(f"<th>{escape(METRICS[name].title)}</th>" for name in evaluated())
    body = "".join(
        f"<tr><td>{escape(source_label(method))}</td><td>{escape(failures(summary['methods'][method]))}</td>"
        + "".join(_mean_cell(METRICS[name], summary["methods"][method][name]) for name in evaluated())
        + "</tr>"
        for method in methods
    )
    return f"<table><thead><tr><th>Method</th><th>Failures</th>{head}</tr></thead><tbody>{body}</tbody></table>"


def _mean_cell(info: MetricInfo, figure: dict[str, Any]) -> str:
    return f"<td>{info.text(figure['mean'])}<small>{interval(info, figure)}</small></td>"


def _differences(summary: dict[str, Any], reference: str) -> str:
    tested = [METRICS[name] for name in evaluated() if METRICS[name].tested]
    head = "".join(f"<th>{escape(info.title)}</th>" for info in tested)
    body = "".join(
        f"<tr><td>{escape(source_label(method))}</td>"
        + "".join(_difference_cell(info, found[info.id]) for info in tested)
        + "</tr>"
        for method, found in summary["differences"][reference].items()
    )
    table = f"<table><thead><tr><th>Method</th>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<h3>Against {escape(reference_label(reference))}</h3><div class="wide">{table}</div>'


def _difference_cell(info: MetricInfo, found: dict[str, Any]) -> str:
    return f"<td>{escape(difference_text(info, found))}<small>{escape(p_text(found))}</small></td>"
