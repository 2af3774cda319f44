"""A lesson led in a class: its question is put to the room before it is tried and seen.

The steps of the lecturer's lesson lead the room: *Predict* gathers all answers, *Try* can let the class draw on
the lesson's case, *See* reveals the predictions.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

import numpy as np
import streamlit as st

from pages.classroom.lecturer.task_builder import case_task, lesson_case, lesson_task
from pages.classroom.round import Round
from pages.library.catalog import open_case
from pages.session import case_selection
from pages.session.state import user_state
from pages.teaching.lesson import Lesson, SliderQuestion
from pages.teaching.lesson_results import LessonResults
from pages.teaching.progress import Attempt

EVERY_S: Final = 1.0


def offer(lesson: Lesson) -> None:
    """Draw *Ask the class* in the step *Predict* if a room is open, then how many have answered."""
    state = user_state().classroom
    if state.room is None:
        return
    _problem()
    if _asked(lesson) is None:
        st.button(
            "Ask the class", key="ask_class", icon=":material/groups:", on_click=partial(state.act, ask, lesson)
        )
    else:
        _count(lesson)


def ask(lesson: Lesson) -> None:
    """Put the question of a lesson to the room.

    Raises
    ------
    PerfcoreError
        The lesson cannot be computed, or the room takes no more tasks.
    """
    room = user_state().classroom.room
    if room is not None:
        entry = case_selection.entries()[lesson.case]
        room.open(lesson_task(lesson, LessonResults(lesson, open_case(entry, lesson.own_settings))))


def offer_try(lesson: Lesson) -> None:
    """Draw *Let the class try* in the step *Try*: all participants draw the AIF on the lesson's case."""
    state = user_state().classroom
    room = state.room
    if room is None:
        return
    _problem()
    one = room.current
    if one is not None and one.task.kind == "curve" and one.task.lesson == lesson.id:
        st.caption(f"The class draws on this case: round {one.number}.")
        return
    st.button(
        "Let the class try",
        key="class_try",
        icon=":material/groups:",
        on_click=partial(state.act, _open_try, lesson),
    )


def reveal(lesson: Lesson) -> None:
    """Reveal the predictions of the class, in the step *See*."""
    room, one = user_state().classroom.room, _asked(lesson)
    if room is not None and one is not None and one is room.current:
        room.set_phase("closed")
        room.set_revealed(True)


def predictions(lesson: Lesson) -> list[float] | None:
    """Return the class's answers to the question of a lesson, or None where it was not asked."""
    one = _asked(lesson)
    values = [] if one is None else [answer.values[0] for answer, _ in dict(one.answers).values() if answer.values]
    return values or None


def _open_try(lesson: Lesson) -> None:
    room = user_state().classroom.room
    if room is not None:
        entry = case_selection.entries()[lesson.case]
        room.open(case_task("curve", lesson_case(lesson, open_case(entry, lesson.own_settings), entry), lesson.id))


def _asked(lesson: Lesson) -> Round | None:
    """Return the latest round with the question of a lesson, or None."""
    room = user_state().classroom.room
    rounds = [] if room is None else room.rounds
    return next(
        (one for one in reversed(rounds) if one.task.kind == "predict" and one.task.lesson == lesson.id), None
    )


@st.fragment(run_every=EVERY_S)
def _count(lesson: Lesson) -> None:
    """Draw how many have answered, again every second, and go on with the class's prediction."""
    room, one = user_state().classroom.room, _asked(lesson)
    if room is None or one is None:
        return
    button, text = st.columns([1.3, 4], vertical_alignment="center")
    n = len(one.answers)
    if button.button(
        "Close and try",
        key="class_go_on",
        type="primary",
        icon=":material/groups:",
        disabled=not n,
        width="stretch",
    ):
        if one is room.current:
            room.set_phase("closed")
        state = user_state().lesson
        state.progress.attempts[lesson.id] = Attempt(middle_answer(lesson, predictions(lesson) or []), n)
        state.step = "try"
        st.rerun()
    text.markdown(f"**{n} of {len(room.participants)}** have answered")


def middle_answer(lesson: Lesson, values: list[float]) -> float:
    """Return the median of the answers to a number, or the most frequent option, the first of equal ones."""
    if isinstance(lesson.question, SliderQuestion):
        return float(np.median(values))
    counts = Counter(values)
    return max(sorted(counts), key=lambda value: counts[value])


def _problem() -> None:
    state = user_state().classroom
    if state.problem:
        st.error(state.problem)
        state.problem = ""
