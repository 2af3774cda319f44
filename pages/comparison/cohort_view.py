"""EvaluationResults of an evaluation: tables, agreement, ROC and box plots; a selected point opens its case."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.comparison import charts
from pages.comparison.charts import CHARTED
from pages.comparison.evaluation_results import NONE, CaseFilter, EvaluationResults, confounders_of, summary_of
from pages.server import config
from pages.session import case_selection
from pages.session.state import user_state
from perfcore.aif.sources import source_label
from perfcore.metrics import METRICS, MetricInfo, evaluated

_METHOD_PX: Final = 124
_LETTER_PX: Final = 7.2
"""Width of a letter in the head of a column."""


def folder_key(case: str, n_slices: int) -> str | None:
    """Return the catalog key of a case of the server's folder with that name and number of slices, or None."""
    entry = case_selection.entries().get(f"folder-{case}")
    return entry.key if entry is not None and entry.summary.n_slices == n_slices else None


def show_no_evaluation() -> None:
    """Explain how to make an evaluation."""
    st.info(
        "There is no evaluation yet: the one of the included networks is missing in `models/evaluation`. To show "
        "another, run `python -m perfcore evaluate --data DIR --out DIR` and start the dashboard with "
        f"`{config.EVALUATION_VARIABLE}=DIR`, or evaluate cases under *Evaluate*.",
    )  # fmt: skip


def show_cohort(found: EvaluationResults) -> None:
    """Draw one evaluation."""
    selection = _filters(found)
    rows = selection.apply(found.rows)
    n_cases, n_all = rows["case"].nunique(), found.rows["case"].nunique()
    some = f"{n_cases} of {n_all}" if n_cases < n_all else f"{n_all}"
    st.caption(f"{some} cases. Mean (standard deviation). Select a point to open its case in the Lab.")
    if not n_cases:
        st.info("No case passes the filters.")
        return
    summary = summary_of(found, selection)
    st.dataframe(table(summary), hide_index=True, width="stretch", alt="Metrics of each method over the cases")
    left, right = st.columns([1.12, 1], gap="large")
    with left:
        _tests(summary)
    with right:
        _roc(found, rows)
    _charts(found, rows, summary)
    _downloads(found, rows, selection)


def table(summary: dict[str, Any]) -> pd.DataFrame:
    """Return mean and standard deviation of each metric, a row per method."""
    return pd.DataFrame([
        {
            "Method": source_label(method),
            **{METRICS[key].title: _cell(about[key], METRICS[key].digits) for key in evaluated()},
        }
        for method, about in summary["methods"].items()
    ])  # fmt: skip


def tests(summary: dict[str, Any], reference: str) -> pd.DataFrame:
    """Return the p-values against a reference, a row per method."""
    return pd.DataFrame([
        {"Method": source_label(method), **{info.test_title: _p(about[info.id][info.test]) for info in _tested()}}
        for method, about in summary["p_values"][reference].items()
    ])  # fmt: skip


def _tested() -> list[MetricInfo]:
    return [METRICS[name] for name in evaluated() if METRICS[name].test is not None]


def _widths() -> dict[str, Any]:
    titles = [info.test_title for info in _tested()]
    widths = {"Method": _METHOD_PX, **{title: round(_LETTER_PX * len(title)) for title in titles}}
    return {title: st.column_config.TextColumn(width=width) for title, width in widths.items()}


def _cell(figure: dict[str, Any], digits: int) -> str:
    if figure["mean"] is None:
        return "–"
    spread = "" if figure["sd"] is None else f" ({figure['sd']:.{digits}f})"
    return f"{figure['mean']:.{digits}f}{spread}".replace("-", "−")


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _tests(summary: dict[str, Any]) -> None:
    references = list(summary["p_values"])
    if not references:
        return
    st.markdown("**Tests**")
    reference = references[0]
    if len(references) > 1:
        reference = st.segmented_control(
            "Tests against", references, default=references[0], key="cohort_reference", format_func=source_label,
            label_visibility="collapsed", required=True,
        )  # fmt: skip
    st.dataframe(
        tests(summary, reference), hide_index=True, width="stretch", column_config=_widths(),
        alt=f"p-values against {source_label(reference)}",
    )  # fmt: skip
    st.caption(
        f"p against {source_label(reference)}; t: paired t-test, U: Mann–Whitney. Not corrected for their number."
    )


def _filters(found: EvaluationResults) -> CaseFilter:
    cases = found.rows.groupby("case", sort=False).agg(
        {"confounders": "first", "n_slices": "first", "lesion_ml": "max"}
    )
    present = {word for text in cases["confounders"] for word in confounders_of(text)}
    one, two, three = st.columns([4, 3, 4], vertical_alignment="bottom", gap="medium")
    confounders = one.multiselect(
        "Confounders", sorted(present, key=lambda word: (word != NONE, word)), key="cohort_confounders",
        placeholder="Any", disabled=present <= {NONE},
    )  # fmt: skip
    slices = two.multiselect(
        "Slices", sorted(int(n) for n in cases["n_slices"].unique()), key="cohort_slices", placeholder="Any"
    )
    size = None
    largest = cases["lesion_ml"].max()
    if largest > 0:
        top = math.ceil(float(largest))
        low, high = three.slider("Known core, ml", 0, top, (0, top), key=f"cohort_lesion_{top}")
        size = None if (low, high) == (0, top) else (float(low), float(high))
    return CaseFilter(tuple(confounders), tuple(slices), size)


def _charts(found: EvaluationResults, rows: pd.DataFrame, summary: dict[str, Any]) -> None:
    methods = [m for m in found.methods if m in summary["methods"]]
    known = [m for m in CHARTED if rows[m].notna().any()]
    best = found.summary.get("best_network") or found.summary.get("best_classical")
    best = best if best in methods else methods[0]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Two methods, case by case**")
        a, b, c = st.columns([3, 3, 4])
        one = a.selectbox("Horizontal", methods, key="cohort_x", format_func=source_label)
        other = b.selectbox(
            "Vertical", methods, index=methods.index(best) if best != methods[0] else min(1, len(methods) - 1),
            key="cohort_y", format_func=source_label,
        )  # fmt: skip
        metric = c.selectbox("Metric", known, key="cohort_metric", format_func=_long_title)
        _selectable(
            charts.method_scatter(rows, one, other, metric), "cohort_against", found, "Each case by two methods"
        )
    with right:
        st.markdown("**Agreement of core volumes (Bland–Altman)**")
        method = st.selectbox(
            "Method", methods, index=methods.index(best), key="cohort_agreement_method", format_func=source_label
        )
        _selectable(charts.agreement(rows, method), "cohort_agreement", found, "Bland–Altman")
    title, choice = st.columns(2, gap="large", vertical_alignment="bottom")
    title.markdown("**Distribution over the cases**")
    metric = choice.selectbox(
        "Metric of the box plot", known, key="cohort_box_metric", format_func=_long_title,
        label_visibility="collapsed",
    )  # fmt: skip
    _selectable(charts.boxes(rows, methods, metric), "cohort_boxes", found, "Box plots")


def _roc(found: EvaluationResults, rows: pd.DataFrame) -> None:
    whole = rows["case"].nunique() == found.rows["case"].nunique()
    note = "" if whole else " · all cases, without the filters"
    st.markdown(f"**ROC of rCBF, mean of the cases**{note}")
    figure = charts.roc(found.roc, found.methods)
    st.plotly_chart(figure, width="stretch", key="cohort_roc", alt="Mean ROC curves of rCBF")


def _long_title(metric: str) -> str:
    return METRICS[metric].long_title


def _selectable(figure: go.Figure, key: str, found: EvaluationResults, alt: str) -> None:
    figure.update_layout(dragmode=False, clickmode="event+select")
    st.plotly_chart(
        figure, width="stretch", key=key, on_select=_opener(key, found), selection_mode="points",
        config={"displayModeBar": False}, alt=alt,
    )  # fmt: skip


def _opener(key: str, found: EvaluationResults) -> Callable[[], None]:
    return partial(open_selected, key, found)


def open_selected(key: str, found: EvaluationResults) -> None:
    """Open the case of the selected point in the Lab; a toast says if it is not in the library."""
    case = charts.selected_case(st.session_state[key])
    if case is None:
        return
    key_of_case = found.catalog_key(case)
    entry = None if key_of_case is None else case_selection.find_entry(key_of_case)
    if entry is None:
        st.toast(f"{case} is not in this server's library.", icon=":material/folder_off:")
        return
    case_selection.select_entry(entry)
    user_state().comparison.opens_lab = True


def _downloads(found: EvaluationResults, rows: pd.DataFrame, selection: CaseFilter) -> None:
    one, two, _ = st.columns([3, 3, 6])
    all_rows = found.files["cases.csv"]
    data = all_rows if selection.is_empty else rows.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    one.download_button(
        "Cases and metrics (CSV)", data, "cases.csv", "text/csv", icon=":material/download:", width="stretch",
        on_click="ignore",
    )  # fmt: skip
    two.download_button(
        "Report (HTML)", found.files["report.html"], "report.html", "text/html", icon=":material/download:",
        width="stretch", on_click="ignore",
    )  # fmt: skip
