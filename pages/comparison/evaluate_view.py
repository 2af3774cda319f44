"""Evaluation of chosen cases: start, progress, cancel."""

from __future__ import annotations

import streamlit as st

from pages.comparison.evaluation_runner import MAX_CASES, EvaluationRun
from pages.library import catalog
from pages.library.catalog import CatalogEntry
from pages.server import config
from pages.session import case_selection
from pages.session.state import user_state
from perfcore.errors import PerfcoreError

POLL_S = 1.0


def can_be_evaluated(entry: CatalogEntry) -> bool:
    """Return whether a case is public and can have a known core; unread cases of the folder can."""
    preview = catalog.preview_of(entry)
    known = entry.summary if preview is None else preview.summary
    if entry.owner or known.problem:
        return False
    return entry.origin != "folder" or known.lesion_ml is not None or preview is None


def show_evaluate() -> None:
    """Draw the choice of cases, or the progress of the running evaluation."""
    run = user_state().comparison.run
    if run is None:
        _start()
    elif run.is_running:
        st.fragment(_progress, run_every=POLL_S)(run)
    else:
        _finish(run)


def _start() -> None:
    st.markdown(
        "Evaluate every selector and every installed network on cases with a known core. One evaluation runs at a "
        "time, in the background, and ends with your session. Uploads cannot be evaluated, as they stay in memory."
    )
    comparison = user_state().comparison
    if comparison.problem:
        st.error(comparison.problem)
        comparison.problem = ""
    known = {entry.key: entry for entry in case_selection.entries().values() if can_be_evaluated(entry)}
    chosen = st.multiselect(
        "Cases", list(known), key="evaluate_cases", format_func=lambda key: known[key].title,
        max_selections=MAX_CASES, placeholder="Choose cases",
    )  # fmt: skip
    if st.button("Evaluate", type="primary", icon=":material/play_arrow:", disabled=not chosen):
        try:
            comparison.run = EvaluationRun(_distinct_names(known, chosen), config.data_folder())
        except PerfcoreError as error:
            comparison.problem = str(error)
        st.rerun()


def _distinct_names(known: dict[str, CatalogEntry], chosen: list[str]) -> list[tuple[str, str]]:
    """Return key and name of each case; equal titles are replaced by the keys."""
    titles = [known[key].title for key in chosen]
    return [(key, title if titles.count(title) == 1 else key) for key, title in zip(chosen, titles, strict=True)]


def _progress(run: EvaluationRun) -> None:
    """Draw the progress; at the end the whole page runs again."""
    if not run.is_running:
        st.rerun()
    now = run.progress
    st.progress(now.done / max(now.total, 1), f"{now.done} of {now.total} cases evaluated")
    if st.button("Cancel", icon=":material/stop:"):
        run.cancel()
        user_state().comparison.run = None
        st.rerun()


def _finish(run: EvaluationRun) -> None:
    """Add the results to the user's evaluations and show them in the view ``cohort``."""
    comparison = user_state().comparison
    comparison.run = None
    mine, keys = comparison.evaluations, dict(run.keys)
    try:
        mine.insert(0, run.results(f"Yours, number {len(mine) + 1}", lambda case, _: keys.get(case)))
    except PerfcoreError as error:
        comparison.problem = str(error)
    else:
        comparison.view = "cohort"
    st.rerun()
