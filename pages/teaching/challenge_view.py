"""The challenge on the screen."""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.live.live_page import bench
from pages.live.server.session import State
from pages.session import state
from pages.teaching import challenge, lesson_session
from pages.teaching.challenge import TRUTH, VEIN, YOURS, Challenge
from pages.teaching.charts import COLOURS
from pages.teaching.presentation import style, switch
from pages.teaching.progress import progress
from perfcore.aif.sources import source_colour, source_label
from perfcore.errors import PerfcoreError

_WORDS = (
    "An unseen patient, drawn anew. Find the input function: choose a source, click an artery, draw. You are "
    "scored against the truth: Dice of the core, Dice of the tissue above 6 s, and how near healthy CBF comes to "
    "that of the true artery. So are the automatic methods."
)
LARGEST: Final = 99_999
ROW_PX: Final = 35


def show() -> None:
    """Draw the challenge: a patient to ask for, the case to work on, the score."""
    style(sidebar=False)
    back, title, present = st.columns([1.1, 5, 1.8], vertical_alignment="center")
    back.button("Lessons", icon=":material/arrow_back:", on_click=lesson_session.go(None), key="to_list")
    one = challenge.current()
    title.subheader("Challenge" if one is None else f"Challenge: patient {one.number}", anchor=False)
    with present:
        switch()
    if one is None:
        st.markdown(_WORDS)
        _ask()
        return
    session = state.live_session()
    now = session.state
    if now is None or not challenge.begin(one):
        st.info("Another case is open.")
        st.button("Open the challenge's case", on_click=_again, key="again")
        return
    now = session.state or now
    if one.scores is None:
        _work(one, now)
    else:
        _score(one, now)


def _again() -> None:
    st.session_state["lesson_open"] = None


def _ask() -> None:
    number, go_on, _ = st.columns([1, 1.2, 3], vertical_alignment="bottom")
    if "challenge_number" not in st.session_state:
        st.session_state["challenge_number"] = secrets.randbelow(LARGEST)
    chosen = number.number_input(
        "Patient", 0, LARGEST, key="challenge_number", help="The same number draws the same patient: for a class."
    )
    if go_on.button("Draw this patient", type="primary", key="draw"):
        try:
            with st.spinner("Drawing the patient …"):
                challenge.draw(int(chosen))
        except PerfcoreError as error:
            st.error(str(error))
            return
        st.rerun()


def _work(one: Challenge, now: State) -> None:
    words, done = st.columns([5, 1.4], vertical_alignment="center")
    words.markdown(
        "You begin with the mean curve of the tissue: pick voxels of an artery, choose a source, or draw. "
        "The truth is hidden until you submit."
    )
    submitted = done.button("Submit my curve", type="primary", key="submit")
    if submitted:
        curve = state.live_session().edited(now.curve_key)
        try:
            with st.spinner("Scoring …"):
                challenge.submit(one, now.case, now.start.value if curve is None else curve, now.settings)
        except PerfcoreError as error:
            st.error(f"This curve cannot be scored: {error}")
        else:
            st.rerun()
    bench("lab")


def _new() -> None:
    st.session_state.pop(challenge.KEY, None)
    st.session_state.pop("challenge_number", None)
    challenge.leave()
    st.session_state["lesson_open"] = None


def _score(one: Challenge, now: State) -> None:
    assert one.scores is not None
    assert one.curve is not None
    mine, true = one.scores[YOURS], one.scores[TRUTH]
    automatic = [found.points for name, found in one.scores.items() if name not in {YOURS, TRUTH, VEIN}]
    columns = st.columns(4)
    columns[0].metric("Your score", f"{mine.points:.0f}")
    columns[1].metric("The true artery's", f"{true.points:.0f}")
    columns[2].metric("The best automatic", f"{max(automatic):.0f}" if automatic else "–")
    columns[3].metric("Your mean so far", f"{np.mean(list(progress().scores.values())):.0f}")
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        ranked = sorted(one.scores.items(), key=lambda item: -item[1].points)
        st.dataframe(
            {
                "input function": ["yours" if source == YOURS else source_label(source) for source, _ in ranked],
                "score": [found.points for _, found in ranked],
                "Dice, core": [found.core_dice for _, found in ranked],
                "Dice, Tmax > 6 s": [found.hypoperfused_dice for _, found in ranked],
                "healthy CBF": [found.healthy_cbf for _, found in ranked],
            },
            hide_index=True, alt="Scores of all input functions", height=ROW_PX * (len(ranked) + 1) + 3,
            column_config={
                "input function": st.column_config.TextColumn(width=168),
                "score": st.column_config.ProgressColumn(format="%.0f", min_value=0, max_value=100, width=118),
                **{
                    name: st.column_config.NumberColumn(format=form, width=width, help=words)
                    for name, form, width, words in (
                        ("Dice, core", "%.2f", 78, None), ("Dice, Tmax > 6 s", "%.2f", 118, None),
                        ("healthy CBF", "%.1f", 92, "ml/100 g/min"),
                    )
                },
            },
        )  # fmt: skip
        for note in one.challenge.notes:
            st.caption(f"What made it hard: {note}")
        if mine.points > true.points:
            st.caption("Better than the true artery: your curve makes up for the filter's bias; it is no artery.")
    with right:
        time = now.case.prepared.time_s
        figure = go.Figure()
        figure.add_scatter(x=time, y=one.curve, name=YOURS, line={"color": COLOURS[1], "width": 3})
        figure.add_scatter(
            x=time,
            y=one.challenge.truth.value,
            name=source_label(TRUTH),
            line={"color": source_colour(TRUTH), "width": 2, "dash": "dash"},
        )
        figure.update_layout(
            height=260, margin={"l": 8, "r": 8, "t": 8, "b": 8}, xaxis_title="s", yaxis_title="HU",
            legend={"orientation": "h", "y": 1.08},
        )  # fmt: skip
        st.plotly_chart(
            figure, key="challenge_curves", config={"displayModeBar": False},
            alt="Your input function and the true artery's",
        )  # fmt: skip
    st.button("Another patient", on_click=_new, key="another", type="primary")
    bench("lab")
