"""View of the challenge: draw a patient, work on the case, see the score."""

from __future__ import annotations

import secrets
from typing import Any, Final

import numpy as np
import streamlit as st

from pages.live.live_page import show_live_component
from pages.live.server.session import Workspace
from pages.session import widget_keys
from pages.session.state import live_session, user_state
from pages.teaching import challenge, lesson_session
from pages.teaching.bars import COLOURS
from pages.teaching.challenge import SUBMITTED, TRUTH
from pages.teaching.progress import MAX_PATIENT, Challenge
from pages.ui.lecture import is_lecturing, lecture_scale
from perfcore.aif.network.grid_input import hu_factor
from perfcore.aif.sources import source_colour
from perfcore.errors import PerfcoreError
from perfcore.metric_info import METRICS
from perfcore.teaching.challenge import ChallengeScore
from perfcore.types import DoubleArray

_INTRODUCTION: Final = (
    "Find the AIF of an unseen patient: **click an artery** on the map, then shape its curve if you want to. "
    "The automatic methods get a score as well."
)
_FORMULA: Final = (
    "**Score** = 100 × the mean of four parts, each from 0 to 1: **artery** (share of the voxels you picked that "
    "lie in an artery before the clot), **Dice of the core**, **Dice of the tissue with Tmax > 6 s**, and the "
    "**CBF ratio** (healthy CBF over that of the true AIF, or the inverse). A curve without picked voxels has no "
    "part for the artery: it reaches at most 75."
)
_NOT_AUTOMATIC: Final = frozenset({SUBMITTED, TRUTH, "vein"})
CURVES_PX: Final = 250
"""Height of the chart; the notes below it end with the table beside it."""
MAPS_OF_SEARCH: Final = ("tmip", "rcbf")
"""The maps that the challenge opens on: the vessels, and beside them what the curve makes of the tissue."""
VESSEL_PERCENTILE: Final = 99.8
"""Of a slice's MIP; the window of the MIP ends at that of the slice where it is highest."""


def show() -> None:
    """Draw the challenge."""
    if not is_lecturing():  # else the bar has the title and the way back
        with st.container(key="lesson_head"):
            back, title = st.columns([1.1, 6.8], vertical_alignment="center")
        back.button("Lessons", icon=":material/arrow_back:", on_click=lesson_session.opener(None), key="to_list")
        title.subheader(lesson_session.challenge_title(), anchor=False)
    current = user_state().lesson.challenge
    if current is None:
        with st.container(key="lesson_challenge"):
            st.markdown(_INTRODUCTION)
            st.markdown(_FORMULA)
            _form()
        return
    session = live_session()
    now = session.workspace
    if now is None or not challenge.start_curve(current):
        st.info("Another case is open.")
        st.button("Open the challenge's case", on_click=lesson_session.reopen, key="again")
        return
    now = session.workspace or now
    if current.scores is None:
        _work(current, now)
    else:
        _result(current, now)


def _form() -> None:
    number, go_on, _ = st.columns([1, 1.2, 3], vertical_alignment="bottom")
    if widget_keys.CHALLENGE_NUMBER not in st.session_state:
        st.session_state[widget_keys.CHALLENGE_NUMBER] = secrets.randbelow(MAX_PATIENT)
    chosen = number.number_input(
        "Patient", 0, MAX_PATIENT, key=widget_keys.CHALLENGE_NUMBER,
        help="The same number draws the same patient, for a whole class.",
    )  # fmt: skip
    if go_on.button("Draw this patient", type="primary", key="draw"):
        try:
            with st.spinner("Drawing the patient …"):
                challenge.draw(int(chosen))
        except PerfcoreError as error:
            st.error(str(error))
            return
        st.rerun()


def _work(current: Challenge, now: Workspace) -> None:
    words, done = st.columns([5, 1.4], vertical_alignment="center")
    words.markdown(
        "The start is the mean tissue curve, the truth is hidden. Press *Pick*, click an artery on the MIP (it "
        "shows the vessels), and submit: a quarter of the score is the artery."
    )
    submitted = done.button("Submit my curve", type="primary", key="submit")
    if submitted:
        curve = live_session().edited_curve(now.curve_key)
        try:
            with st.spinner("Scoring …"):
                challenge.submit(
                    current, now.case, now.start.value if curve is None else curve, now.settings,
                    voxels=live_session().picked_voxels(now.curve_key),
                )  # fmt: skip
        except PerfcoreError as error:
            st.error(f"This curve cannot be scored: {error}")
        else:
            st.rerun()
    # The start curve is the app's own choice: its flags would be no news about the user's curve.
    show_live_component("lab", focus=_focus(now), flags=now.start.source_id != challenge.START)


def _focus(now: Workspace) -> dict[str, Any]:
    """Return how the Lab opens for the challenge, as its configuration message has it: on bright vessels."""
    case, maps = now.case, list(MAPS_OF_SEARCH)
    prepared = case.prepared
    brain = np.where(prepared.mask, prepared.tmip, 0) * hu_factor(prepared)
    levels = np.percentile(brain, VESSEL_PERCENTILE, axis=(0, 1))
    window = [0.0, float(max(10 * np.ceil(levels.max() / 10), 10))]
    return {
        "id": case.name, "maps": maps, "slice": int(levels.argmax()), "windows": {MAPS_OF_SEARCH[0]: window},
        "watch": "", "opens": "",
    }  # fmt: skip


def _start_again() -> None:
    st.session_state.pop(widget_keys.CHALLENGE_NUMBER, None)
    challenge.close()


def _result(current: Challenge, now: Workspace) -> None:
    scores, curve = current.scores, current.curve
    assert scores is not None
    assert curve is not None
    mine, true = scores[SUBMITTED], scores[TRUTH]
    automatic = [found.points for key, found in scores.items() if key not in _NOT_AUTOMATIC]
    columns = st.columns(5, vertical_alignment="center")
    columns[0].metric("Your score", f"{mine.points:.0f}", help=_FORMULA)
    columns[1].metric("True AIF", f"{true.points:.0f}")
    columns[2].metric("Best automatic", f"{max(automatic):.0f}" if automatic else "–")
    columns[3].metric("Your mean so far", f"{np.mean(list(user_state().lesson.progress.scores.values())):.0f}")
    columns[4].button("Another patient", on_click=_start_again, key="another", type="primary", width="stretch")
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        _table(scores)
    with right:
        _curves(now, curve, current.case.truth.value)
        for note in current.case.notes:
            st.caption(f"Difficulty of this case: {note}")
        if mine.points > true.points:
            st.caption(
                "Your score is above that of the true AIF: your curve compensates the bias of the filter. "
                "It is not the curve of an artery."
            )
    st.markdown(
        "On the map: **the true artery** in red, and the true core outlined. Choose *Yours* in the list of "
        "sources for your own voxels and maps."
    )
    show_live_component("lab", focus=_focus(now))


def _table(scores: dict[str, ChallengeScore]) -> None:
    ranked = sorted(scores.items(), key=lambda item: -item[1].points)
    number, scale = st.column_config.NumberColumn, lecture_scale()

    def px(width: float) -> int:
        return round(width * scale)

    st.dataframe(
        {
            "aif": [challenge.label(key) for key, _ in ranked],
            "points": [found.points for _, found in ranked],
            "artery": [found.artery for _, found in ranked],
            "core_dice": [found.core_dice for _, found in ranked],
            "hypoperfused_dice": [found.hypoperfused_dice for _, found in ranked],
            "cbf_ratio": [found.cbf_ratio for _, found in ranked],
        },
        hide_index=True, alt="Scores of all AIFs", height="content",
        key=f"challenge_scores_{scale:g}",  # a table keeps the size of its type until it is made anew
        column_config={
            "aif": st.column_config.TextColumn("AIF", width=px(146)),
            "points": st.column_config.ProgressColumn(
                "Score", format="%.0f", min_value=0, max_value=100, width=px(98)
            ),
            "artery": number(
                "Artery", format="%.2f", width=px(58), help="Share of its voxels in an artery; 0 without voxels."
            ),
            "core_dice": number(METRICS["dice"].title, format="%.2f", width=px(54)),
            "hypoperfused_dice": number(
                METRICS["hypoperfused_dice"].title, format="%.2f", width=px(106),
                help="Of the tissue with Tmax > 6 s",
            ),
            "cbf_ratio": number(
                "CBF ratio", format="%.2f", width=px(74), help="Healthy CBF against the true AIF's"
            ),
        },
    )  # fmt: skip


def _curves(now: Workspace, curve: DoubleArray, truth: DoubleArray) -> None:
    import plotly.graph_objects as go  # noqa: PLC0415 - slow to import

    time, scale = now.case.prepared.time_s, lecture_scale()
    font = {"size": round(12 * scale)}
    figure = go.Figure()
    figure.add_scatter(x=time, y=curve, name=challenge.label(SUBMITTED), line={"color": COLOURS[1], "width": 3})
    figure.add_scatter(
        x=time,
        y=truth,
        name=challenge.label(TRUTH),
        line={"color": source_colour(TRUTH), "width": 2, "dash": "dash"},
    )
    figure.update_layout(
        height=round(CURVES_PX * scale), margin={"l": 8, "r": 8, "t": 8, "b": 8}, font=font,
        xaxis_title="s", yaxis_title="HU",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": font},
    )  # fmt: skip
    figure.update_xaxes(tickfont=font, title_font=font)
    figure.update_yaxes(tickfont=font, title_font=font)
    st.plotly_chart(
        figure,
        key=f"challenge_curves_{scale:g}",
        config={"displayModeBar": False},
        alt="Your AIF and the true AIF",
    )
