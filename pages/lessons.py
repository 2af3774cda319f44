"""Lessons page: list of lessons, one lesson, or the challenge."""

import streamlit as st

from pages.session.state import user_state
from pages.teaching import challenge_view, kept_progress, lesson_session, lesson_view
from pages.teaching.address import CHALLENGE
from pages.teaching.lessons import LESSONS

CARDS_PER_ROW = 3


def _card(number: int, lesson_id: str) -> None:
    lesson, attempt = LESSONS[lesson_id], user_state().lesson.progress.attempts.get(lesson_id)
    with st.container(border=True, height="stretch", vertical_alignment="distribute"):
        st.markdown(f"**{number}. {lesson.title}**  \n{lesson.summary}")
        status = "" if attempt is None else " · done" if attempt.done else " · started"
        if attempt is not None and attempt.right is not None:
            status += ", predicted right" if attempt.right else ", predicted wrong"
        words, button = st.columns([2, 1], vertical_alignment="center")
        words.caption(f"{lesson.minutes} min{status}")
        button.button("Open", key=f"open_{lesson_id}", on_click=lesson_session.opener(lesson_id), width="stretch")


def _list() -> None:
    progress = user_state().lesson.progress
    title, done, right, scored = st.columns([2.2, 1.4, 1.7, 1.9], vertical_alignment="center")
    title.subheader("Lessons", anchor=False)
    done.markdown(f"**{progress.n_done}** of {len(LESSONS)} done")
    right.markdown(f"**{progress.n_right}** predicted right")
    scored.markdown(
        f"best score **{max(progress.scores.values()):.0f}**" if progress.scores else "no challenge yet"
    )
    order = list(LESSONS)
    for first in range(0, len(order), CARDS_PER_ROW):
        row = order[first : first + CARDS_PER_ROW]
        for i, (column, lesson_id) in enumerate(zip(st.columns(CARDS_PER_ROW), row, strict=False)):
            with column:
                _card(first + i + 1, lesson_id)
    with st.container(border=True):
        words, button = st.columns([5, 1], vertical_alignment="center")
        words.markdown("**Challenge**  \nFind the AIF of an unseen patient and compare it with the truth.")
        button.button(
            "Open",
            key="open_challenge",
            on_click=lesson_session.opener(CHALLENGE),
            type="primary",
            width="stretch",
        )
    if progress.attempts or progress.scores:
        with st.popover("Start again", type="tertiary", icon=":material/restart_alt:"):
            st.markdown("Predictions and scores are kept in this browser.")
            st.button("Clear all of them", key="clear_progress", on_click=lesson_session.clear_progress)


kept_progress.restore()
selected = user_state().lesson.selected
if selected not in LESSONS:  # a lesson's page changes the progress first
    kept_progress.keep()
if selected == CHALLENGE:
    challenge_view.show()
elif selected in LESSONS:
    lesson_view.show(LESSONS[selected])
else:
    _list()
