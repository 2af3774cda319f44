"""Evaluation report as one self-contained HTML file: the paper's Table 1, Fig. 2 and Fig. 3, ROC and box plots."""

from __future__ import annotations

from html import escape
from string import Template
from typing import Any, Final

import pandas as pd

from perfcore.aif.sources import source_label
from perfcore.evaluation import report_charts
from perfcore.evaluation.case_evaluation import ExampleSlice
from perfcore.metrics import METRICS, evaluated
from perfcore.types import DoubleArray

_PAGE: Final = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 72rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2.2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #d8dde3; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
thead th { border-bottom: 2px solid #8a939c }
p.note { color: #57606a; max-width: 60rem } svg { max-width: 100%; height: auto } .wide { overflow-x: auto }
</style></head><body>
<h1>$title</h1>
<p class="note">$intro</p>
<h2>Table 1. Mean (standard deviation) over the cases</h2>
<div class="wide">$table</div>
<p class="note">$table_note</p>
<h2>Tests</h2>
<div class="wide">$tests</div>
<h2>Fig. 2. rCBF and predicted core with the known lesion: $example</h2>
<div class="wide">$maps</div>
<p class="note">Top: rCBF. Bottom: predicted core in colour, known core as a black outline.</p>
$curves
<h2>Fig. 3. Volumes: Bland–Altman</h2>
$bland_altman
<p class="note">Solid: mean difference; dashed: ±1.96 standard deviations.</p>
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
    example
        Name of one case and its example slice per method.
    """
    methods = list(summary["methods"])
    name, example_slices = example or ("no case with a lesion", {})
    return _PAGE.substitute(
        title="Evaluation of arterial input functions",
        intro=escape(_intro(summary)),
        table=_table(summary, methods),
        table_note=escape(_table_note(summary)),
        tests=_tests(summary, methods),
        example=escape(name),
        maps=report_charts.maps_figure(example_slices) if example_slices else "",
        curves=report_charts.curves_figure(example_slices) if example_slices else "",
        bland_altman=report_charts.bland_altman_figure(rows, summary, methods),
        roc=report_charts.roc_figure(roc),
        boxes=report_charts.box_figure(rows, methods),
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


def _table_note(summary: dict[str, Any]) -> str:
    failed = {source_label(m): about["failed"] for m, about in summary["methods"].items() if about["failed"]}
    found = (
        "Every method found an AIF in every case."
        if not failed
        else "No AIF found (left out of the means): "
        + ", ".join(f"{name} in {n} cases" for name, n in failed.items())
        + "."
    )
    return (
        f"{found} Dice, Jaccard, AUC and HD are undefined for an empty known core, HD also for an empty predicted "
        "core. Tmax error: mean absolute difference from the true delay."
    )


def _cell(figure: dict[str, Any], digits: int) -> str:
    if figure["mean"] is None:
        return "–"
    spread = "" if figure["sd"] is None else f" ({figure['sd']:.{digits}f})"
    return f"{figure['mean']:.{digits}f}{spread}".replace("-", "−")


def _table(summary: dict[str, Any], methods: list[str]) -> str:
    head = "".join(f"<th>{escape(METRICS[name].title)}</th>" for name in evaluated())
    body = "".join(
        f"<tr><td>{escape(source_label(method))}</td>"
        + "".join(f"<td>{_cell(summary['methods'][method][key], METRICS[key].digits)}</td>" for key in evaluated())
        + "</tr>"
        for method in methods
    )
    return f"<table><thead><tr><th>Method</th>{head}</tr></thead><tbody>{body}</tbody></table>"


def _tests(summary: dict[str, Any], methods: list[str]) -> str:
    tested = [METRICS[name] for name in evaluated() if METRICS[name].test is not None]
    tables = []
    for reference, tests in summary["p_values"].items():
        head = "".join(f"<th>{escape(info.test_title)}</th>" for info in tested)
        body = "".join(
            f"<tr><td>{escape(source_label(method))}</td>"
            + "".join(f"<td>{_p(tests[method][info.id][info.test])}</td>" for info in tested)
            + "</tr>"
            for method in methods
            if method in tests
        )
        tables.append(
            f"<p>p against {escape(source_label(reference))} (t: paired t-test; U: Mann–Whitney)</p>"
            f"<table><thead><tr><th>Method</th>{head}</tr></thead><tbody>{body}</tbody></table>"
        )
    return "".join(tables)


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "&lt; 0.001" if value < 0.001 else f"{value:.3f}"
