"""Evaluation of chosen cases: start, progress, cancel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count

import streamlit as st

from pages.comparison.evaluation_runner import MAX_CASES, EvaluationRun
from pages.library import catalog
from pages.library.catalog import CatalogEntry
from pages.server import config
from pages.session import case_selection, widget_keys
from pages.session.state import live_session, user_state
from pages.ui.escape import escape
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import KNOWN, NETWORK_SOURCES
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
    # A widget that is not drawn loses its value; the choice outlives an evaluation and a change of page.
    st.session_state[widget_keys.EVALUATED_CASES] = [key for key in comparison.evaluated_keys if key in known]
    chosen = st.multiselect(
        "Cases", list(known), key=widget_keys.EVALUATED_CASES, format_func=lambda key: known[key].title,
        max_selections=MAX_CASES, placeholder="Choose cases", on_change=_keep_choice,
    )  # fmt: skip
    curves = own_curves(chosen)
    picked: list[OwnCurveOf] = []
    if curves:
        picked = st.multiselect(
            "Your curves of these cases", curves, default=curves, key=f"evaluate_own_{len(curves)}",
            format_func=lambda one: f"{one.name} ({known[one.case].title})", placeholder="None",
            help="Each is a method of its own on its case. All methods are evaluated under the default settings.",
        )  # fmt: skip
    else:
        st.caption(_where_curves_are(known))
    if st.button("Evaluate", type="primary", icon=":material/play_arrow:", disabled=not chosen):
        named = _distinct_names(known, chosen)
        own = [(dict(named)[one.case], one.name, one.value) for one in picked]
        try:
            comparison.run = EvaluationRun(named, config.data_folder(), own)
        except PerfcoreError as error:
            comparison.problem = str(error)
        st.rerun()


def _where_curves_are(known: Mapping[str, CatalogEntry]) -> str:
    """Return what is missing for a curve of the user's own: the choice of its case, or the curve."""
    cases = dict.fromkeys(one.case for one in own_curves(known))
    if not cases:
        return "Edit a curve in the Lab, or keep a snapshot, to evaluate it beside the methods on its case."
    names = ", ".join(escape(known[case].title) for case in cases)
    return f"Choose a case that you have edited or kept a snapshot of, to evaluate your curve too: {names}."


def _keep_choice() -> None:
    user_state().comparison.evaluated_keys = list(st.session_state[widget_keys.EVALUATED_CASES])


@dataclass(frozen=True)
class OwnCurveOf:
    """A user's curve: key of its case, name in the tables, values at the frames."""

    case: str
    name: str
    value: tuple[float, ...]


def own_curves(cases: Iterable[str]) -> list[OwnCurveOf]:
    """Return the user's curves of some cases: the edit of the open case, and the snapshots."""
    session, found, cases = live_session(), [], set(cases)
    now = session.workspace
    if now is not None and now.case.name in cases:
        edited = session.edited_curve(now.curve_key)
        if edited is not None:
            found.append((now.case.name, "Your edit", edited))
    for snapshot in user_state().snapshots:
        if snapshot.view.case in cases and snapshot.view.curve is not None:
            found.append((snapshot.view.case, snapshot.name, snapshot.view.curve))
    used = {*SELECTORS, *KNOWN, *NETWORK_SOURCES}
    named: list[OwnCurveOf] = []
    for case, name, curve in found:
        mine = name if name not in used else next(n for k in count(2) if (n := f"{name} ({k})") not in used)
        used.add(mine)
        named.append(OwnCurveOf(case, mine, tuple(float(v) for v in curve)))
    return named


def _distinct_names(known: dict[str, CatalogEntry], chosen: list[str]) -> list[tuple[str, str]]:
    """Return key and name of each case; equal titles are replaced by the keys."""
    titles = [known[key].title for key in chosen]
    return [(key, title if titles.count(title) == 1 else key) for key, title in zip(chosen, titles, strict=True)]


def _progress(run: EvaluationRun) -> None:
    """Draw the progress; at the end the whole page runs again."""
    if not run.is_running:
        st.rerun()
    now = run.progress
    under_way = f": {escape(now.now)}" if now.now else ""
    st.progress(now.fraction, f"{now.done} of {now.total} cases evaluated{under_way}")
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
