"""Lessons: predict, try, see, and read why."""

import streamlit as st

from pages.session.sidebar import NOTICE
from pages.teaching import challenge_view, lesson_session, lesson_view
from pages.teaching.lessons import LESSONS
from pages.teaching.presentation import presenting, style, switch
from pages.teaching.progress import progress

CARDS_PER_ROW = 3


def _card(number: int, lesson_id: str) -> None:
    lesson, attempt = LESSONS[lesson_id], progress().attempts.get(lesson_id)
    with st.container(border=True, height="stretch", vertical_alignment="distribute"):
        st.markdown(f"**{number}. {lesson.title}**  \n{lesson.summary}")
        state = "" if attempt is None else " · done" if attempt.done else " · begun"
        if attempt is not None and attempt.right is not None:
            state += ", predicted right" if attempt.right else ", predicted wrong"
        words, button = st.columns([2, 1], vertical_alignment="center")
        words.caption(f"{lesson.minutes} min{state}")
        button.button("Open", key=f"open_{lesson_id}", on_click=lesson_session.go(lesson_id), width="stretch")


def _list() -> None:
    style(sidebar=False)
    mine = progress()
    title, done, right, scored, present = st.columns([2.2, 1.4, 1.7, 1.9, 1.8], vertical_alignment="center")
    title.subheader("Lessons", anchor=False)
    done.markdown(f"**{mine.n_done}** of {len(LESSONS)} done")
    right.markdown(f"**{mine.n_right}** predicted right")
    best = f"best score **{max(mine.scores.values()):.0f}**" if mine.scores else "no challenge yet"
    scored.markdown(best)
    with present:
        switch()
    order = list(LESSONS)
    for first in range(0, len(order), CARDS_PER_ROW):
        row = order[first : first + CARDS_PER_ROW]
        for i, (column, lesson_id) in enumerate(zip(st.columns(CARDS_PER_ROW), row, strict=False)):
            with column:
                _card(first + i + 1, lesson_id)
    with st.container(border=True):
        words, button = st.columns([5, 1], vertical_alignment="center")
        words.markdown("**Challenge**  \nAn unseen patient: find the input function, against the truth.")
        button.button(
            "Open",
            key="open_challenge",
            on_click=lesson_session.go(lesson_session.CHALLENGE),
            type="primary",
            width="stretch",
        )


wanted = st.session_state.get("lesson")
if wanted == lesson_session.CHALLENGE:
    challenge_view.show()
elif wanted in LESSONS:
    lesson_view.show(LESSONS[wanted])
else:
    _list()
if presenting():
    st.caption(NOTICE)
