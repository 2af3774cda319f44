"""Starts an evaluation on chosen cases of the library, shows how far it is, and stops it."""

from __future__ import annotations

import streamlit as st

from pages.comparison.evaluation_results import Results
from pages.comparison.evaluation_runner import MOST_CASES, Run
from pages.library import catalog
from pages.library.catalog import Entry
from pages.server import config
from pages.session import state
from perfcore.errors import PerfcoreError

POLL_S = 1.0


def judgeable(entry: Entry) -> bool:
    """Say whether a case may have a known core, as far as is known; an upload stays in its session's memory."""
    look = catalog.look(entry)
    known = entry.facts if look is None else look.facts
    if entry.owner or known.problem:
        return False
    return entry.source != "folder" or known.lesion_ml is not None or look is None


def show_evaluate() -> None:
    """Draw the choice of cases, or the run that is under way."""
    run: Run | None = st.session_state.get("evaluation")
    if run is None:
        _start()
    elif run.is_running:
        st.fragment(_watch, run_every=POLL_S)(run)
    else:
        _take(run)


def _start() -> None:
    st.markdown(
        "Judge every selector and every network that is here on cases with a known core. It runs beside the "
        "dashboard, one evaluation at a time, and ends with your session. Uploads stay in memory: they are not "
        "offered."
    )
    if problem := st.session_state.pop("evaluation_problem", None):
        st.error(problem)
    known = {entry.key: entry for entry in state.entries().values() if judgeable(entry)}
    chosen = st.multiselect(
        "Cases", list(known), key="evaluate_cases", format_func=lambda key: known[key].title,
        max_selections=MOST_CASES, placeholder="Choose cases",
    )  # fmt: skip
    if st.button("Evaluate", type="primary", icon=":material/play_arrow:", disabled=not chosen):
        try:
            st.session_state["evaluation"] = Run(_named(known, chosen), config.data_folder())
        except PerfcoreError as error:
            st.session_state["evaluation_problem"] = str(error)
        st.rerun()


def _named(known: dict[str, Entry], chosen: list[str]) -> list[tuple[str, str]]:
    """Return keys and names that differ."""
    titles = [known[key].title for key in chosen]
    return [(key, title if titles.count(title) == 1 else key) for key, title in zip(chosen, titles, strict=True)]


def _watch(run: Run) -> None:
    """Show how far it is; at its end the whole page runs again."""
    if not run.is_running:
        st.rerun()
    now = run.progress
    st.progress(now.done / max(now.total, 1), f"{now.done} of {now.total} cases judged")
    if st.button("Cancel", icon=":material/stop:"):
        run.cancel()
        st.session_state.pop("evaluation", None)
        st.rerun()


def _take(run: Run) -> None:
    """Show what came out among the evaluations of the cohort's page."""
    st.session_state.pop("evaluation", None)
    mine: list[Results] = st.session_state.setdefault("evaluations", [])
    keys = dict(run.cases)
    try:
        mine.insert(0, run.results(f"Yours, number {len(mine) + 1}", lambda case, _: keys.get(case)))
    except PerfcoreError as error:
        st.session_state["evaluation_problem"] = str(error)
    else:
        st.session_state["compare_seen"] = "Cohort"
    st.rerun()
