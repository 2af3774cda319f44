"""Results of a class: spreads and changes, downloads, and the way of its curves into the Lab."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from pages.classroom.class_summary import decision_counts
from pages.classroom.lecturer.change import Change, change_between, repeated_rounds
from pages.classroom.lecturer.class_snapshots import add_snapshots
from pages.classroom.lecturer.class_state import MIN_CURVES
from pages.classroom.lecturer.result_rows import SPREAD_HEADS, change_rows, spread_rows
from pages.classroom.lecturer.results_csv import results_csv
from pages.classroom.lecturer.summary_page import summary_html
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.session.state import live_session, user_state
from pages.ui.escape import escape
from perfcore.errors import PerfcoreError

EVERY_S: Final = 2.0


@st.fragment(run_every=EVERY_S)
def results_view() -> None:
    """Draw tables of the rounds and their changes, again every two seconds, and the downloads."""
    room = user_state().classroom.room
    if room is None:
        return
    answered = [one for one in room.rounds if one.answers]
    if not answered:
        st.caption("No answers yet.")
        return
    tables, kept = st.columns([2.6, 1], gap="medium")
    with tables:
        _spreads(answered)
        for before, after in repeated_rounds(room):
            _change(change_between(before, after))
    with kept:
        downloads(room, "results")
        _to_the_lab()


def _spreads(rounds: Sequence[Round]) -> None:
    rows: list[list[str]] = []
    decisions: list[str] = []
    for one in rounds:
        answers = [answer for answer, _ in dict(one.answers).values()]
        title = f"{one.number}. {escape(one.task.title)}"
        rows += [[f"{title}: {name}", *figures] for name, *figures in spread_rows(answers)]
        if counts := decision_counts(answers):
            decisions.append(
                f"Round {one.number}. " + "; ".join(f"{c['label']}: {c['n']} of {c['of']}" for c in counts)
            )
    if rows:
        _table(["Round", *SPREAD_HEADS[1:]], rows)
    if decisions:
        st.caption("  \n".join(decisions))


def _change(change: Change) -> None:
    if rows := change_rows(change):
        heads = [f"Round {change.before} → {change.after}, who answered both", "n", "Before", "After"]
        _table(heads, [[escape(text), *figures] for text, *figures in rows])


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    st.markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))


def downloads(room: Room, place: str) -> None:
    """Draw the downloads of table and summary; each is made when it is requested, in memory.

    ``place`` distinguishes the keys of the widgets where they are drawn twice.
    """
    names = st.toggle(
        "With pseudonyms", key=f"class_with_names_{place}",
        help="Otherwise people have their number alone; hidden names are never written",
    )  # fmt: skip

    def table() -> str:
        return results_csv(room, with_names=names)

    def page() -> str:
        return summary_html(room, with_names=names, made=datetime.now(UTC))

    for label, make, file, mime, tip in (
        ("Answers (CSV)", table, "class.csv", "text/csv", "A row for each answer"),
        ("Summary (HTML)", page, "class.html", "text/html", "Curves, spreads, decisions, changes; takes seconds"),
    ):
        st.download_button(
            label, make, file, mime, key=f"class_{mime[5:]}_{place}", help=tip, on_click="ignore", width="stretch"
        )


def _to_the_lab() -> None:
    """Draw the button that adds the class's curves for the open case to the snapshots."""
    state, now = user_state().classroom, live_session().workspace
    one = None if now is None else state.curve_round(now.case)
    if st.button(
        "Add to snapshots", key="class_snapshots", width="stretch", disabled=one is None,
        help=f"The curves of the latest round on the open case, from {MIN_CURVES} on. In the Lab, *Uncertainty* "
        "then also draws from the class's curves.",
    ) and one is not None and state.room is not None:  # fmt: skip
        try:
            st.toast(add_snapshots(state.room, one, user_state().snapshots))
        except PerfcoreError as error:
            st.error(str(error))
