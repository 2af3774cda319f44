"""Results of an evaluation: headline, tables, sweep, agreement, ROC and box plots; a point opens its case."""

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
from pages.session import case_selection, widget_keys
from pages.session.state import notify, user_state
from pages.ui.escape import escape
from perfcore.aif.network.weights import network_names
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import OWN_NULL, is_network, is_null, source_label
from perfcore.evaluation.statistics import COMPARATOR, MIN_PAIRS
from perfcore.evaluation.wording import (
    DIFFERENCE_NOTE,
    SWEEP_NOTE,
    difference_text,
    failures,
    mean_text,
    p_text,
    table_note,
)
from perfcore.metric_info import METRICS, evaluated

_TESTED: Final = tuple(name for name in evaluated() if METRICS[name].tested)
FIGURES: Final = {"core": "Core", "time": "Hypoperfusion and AIF", "all": "All, with 95 % intervals"}
"""Groups of metrics that fit into the window side by side, and all of them."""
_OF_TIME: Final = frozenset(name for name in evaluated() if name.startswith(("hypoperfused", "aif", "tmax")))
_METHOD_PX: Final = 264
_FAILURES_PX: Final = 110
"""Width of the column of failures, which names fallbacks too."""


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
    st.caption(
        f"{some} cases. Mean over the patients (95 % interval). Select a point to open its case in the Lab."
    )
    if not n_cases:
        st.info("No case passes the filters.")
        return
    summary = summary_of(found, selection)
    figures = st.segmented_control(
        "Figures", list(FIGURES), default="core", key="cohort_figures", required=True,
        format_func=lambda name: FIGURES[name], label_visibility="collapsed",
    )  # fmt: skip
    shown = table(summary, figures or "core")
    st.dataframe(
        shown, hide_index=True, width="stretch", alt="Metrics of each method over the cases",
        height="content",
        column_config={
            "Method": st.column_config.TextColumn(width=_METHOD_PX),
            "Failures": st.column_config.TextColumn(width=_FAILURES_PX),
        },
    )  # fmt: skip
    with st.expander("The networks in words"):
        st.markdown("\n".join(f"- {escape(sentence)}" for sentence in summary["headline"]))
    with st.expander("How to read the table"):
        st.markdown(escape(table_note(summary)))
    _differences(summary)
    _line_charts(found, rows)
    _charts(found, rows, summary)
    _downloads(found, rows, selection)


def table(summary: dict[str, Any], figures: str = "all") -> pd.DataFrame:
    """Return failures and the mean of each metric, a row per method.

    Parameters
    ----------
    summary
        Of an evaluation.
    figures
        A key of `FIGURES`; ``all`` has the 95 % intervals too.
    """
    names = [name for name in evaluated() if figures == "all" or (name in _OF_TIME) == (figures == "time")]

    def text(name: str, found: dict[str, Any]) -> str:
        return mean_text(METRICS[name], found) if figures == "all" else METRICS[name].text(found["mean"])

    return pd.DataFrame([
        {
            "Method": source_label(method),
            "Failures": failures(about),
            **{METRICS[name].title: text(name, about[name]) for name in names},
        }
        for method, about in summary["methods"].items()
    ])  # fmt: skip


def differences(summary: dict[str, Any], reference: str, metric: str) -> pd.DataFrame:
    """Return the differences of a metric from a reference with their p-values, a row per method."""
    return pd.DataFrame([
        {
            "Method": source_label(method),
            "Difference (95 % interval)": difference_text(METRICS[metric], found[metric]),
            "p, adjusted": p_text(found[metric]),
            "Patients": found[metric]["n_patients"],
        }
        for method, found in summary["differences"][reference].items()
    ])  # fmt: skip


def _differences(summary: dict[str, Any]) -> None:
    references = list(summary["differences"])
    if not references:
        return
    st.markdown("**Differences**")
    n_patients = max(about["dice"]["n"] for about in summary["methods"].values())
    if n_patients < MIN_PAIRS:
        st.info(
            f"Differences and tests need at least {MIN_PAIRS} patients; the cases shown are of {n_patients}. "
            "Evaluate cases of more patients."
        )
        return
    one, two, _ = st.columns([4, 3, 3], vertical_alignment="bottom")
    reference = one.segmented_control(
        "Differences from", references, default=references[0], key="cohort_reference", format_func=_reference_name,
        label_visibility="collapsed", required=True,
    )  # fmt: skip
    metric = two.selectbox(
        "Metric of the differences", _TESTED, key="cohort_difference_metric", format_func=_long_title,
        label_visibility="collapsed",
    )  # fmt: skip
    shown = differences(summary, reference, metric)
    st.dataframe(
        shown, hide_index=True, width="stretch", height="content",
        alt=f"Differences from {_reference_name(reference)}",
    )  # fmt: skip
    st.caption(DIFFERENCE_NOTE)


def _reference_name(reference: str) -> str:
    return "Own mean curve" if reference == OWN_NULL else source_label(reference)


def _line_charts(found: EvaluationResults, rows: pd.DataFrame) -> None:
    """Draw Dice by threshold and ROC of the chosen methods."""
    st.session_state[widget_keys.COHORT_METHODS] = _drawn_methods(found)
    st.multiselect(
        "Methods in the charts of threshold and ROC", found.methods, key=widget_keys.COHORT_METHODS,
        format_func=source_label, placeholder="None",
    )  # fmt: skip
    methods = _drawn_methods(found)
    left, right = st.columns(2, gap="large")
    with left:
        _sweep(found, rows, methods)
    with right:
        st.markdown(f"**ROC of rCBF, mean of the cases**{_unfiltered_note(found, rows)}")
        st.plotly_chart(
            charts.roc(found.roc, methods), width="stretch", key="cohort_roc", alt="Mean ROC curves of rCBF"
        )
        st.caption(f"False positive rates up to {charts.ROC_TO:g}; beyond, the curves run together.")


def _sweep(found: EvaluationResults, rows: pd.DataFrame, methods: list[str]) -> None:
    st.markdown(f"**Core Dice by the threshold of rCBF**{_unfiltered_note(found, rows)}")
    figure = charts.sweep(found.sweep, methods, found.summary["settings"]["core_threshold"])
    st.plotly_chart(figure, width="stretch", key="cohort_sweep", alt="Mean core Dice by threshold of rCBF")
    st.caption(SWEEP_NOTE)


def _drawn_methods(found: EvaluationResults) -> list[str]:
    """Return the methods that the line charts draw: those chosen, at first all but the null models."""
    chosen = st.session_state.get(widget_keys.COHORT_METHODS)
    shown = [method for method in found.methods if chosen is not None and method in chosen]
    return shown or [method for method in found.methods if not is_null(method)]


def _unfiltered_note(found: EvaluationResults, rows: pd.DataFrame) -> str:
    whole = rows["case"].nunique() == found.rows["case"].nunique()
    return "" if whole else " · all cases, without the filters"


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
    first = next((name for name in methods if is_network(name)), methods[0])
    other_first = COMPARATOR if COMPARATOR in methods and first != COMPARATOR else methods[-1]
    left, right = st.columns(2, gap="large")
    with left:
        title, choice = st.columns(2, vertical_alignment="center")
        title.markdown("**Two methods, case by case**")
        metric = choice.selectbox(
            "Metric", known, key="cohort_metric", format_func=_long_title, label_visibility="collapsed"
        )
        a, b = st.columns(2)
        one = a.selectbox(
            "Horizontal", methods, index=methods.index(other_first), key="cohort_x", format_func=source_label
        )
        other = b.selectbox(
            "Vertical", methods, index=methods.index(first), key="cohort_y", format_func=source_label
        )
        _selectable(
            charts.method_scatter(rows, one, other, metric), "cohort_against", found, "Each case by two methods"
        )
    with right:
        st.markdown("**Agreement of core volumes (Bland–Altman)**")
        method = st.selectbox(
            "Method", methods, index=methods.index(first), key="cohort_agreement_method", format_func=source_label
        )
        _selectable(charts.agreement(rows, method), "cohort_agreement", found, "Bland–Altman")
    title, choice, _ = st.columns([2, 2, 3], vertical_alignment="bottom")
    title.markdown("**Distribution over the cases**")
    metric = choice.selectbox(
        "Metric of the box plot", known, key="cohort_box_metric", format_func=_long_title,
        label_visibility="collapsed",
    )  # fmt: skip
    _selectable(charts.boxes(rows, methods, metric), "cohort_boxes", found, "Box plots")


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
    """Open the case of the selected point in the Lab with the point's AIF; a toast says what is not there."""
    point = charts.selected_point(st.session_state[key])
    if point is None:
        return
    case, method = point
    key_of_case = found.catalog_key(case)
    entry = None if key_of_case is None else case_selection.find_entry(key_of_case)
    if entry is None:
        st.toast(f"{case} is not in this server's library.", icon=":material/folder_off:")
        return
    case_selection.select_entry(entry)
    user = user_state()
    if method in {"truth", *SELECTORS, *network_names()}:
        user.aif.methods[entry.key] = method
    else:
        user.aif.methods.pop(entry.key, None)
        notify(f"The Lab has no AIF of “{source_label(method)}”; it starts from its default.")
    user.comparison.opens_lab = True


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
