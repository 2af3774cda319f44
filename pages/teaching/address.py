"""Address of a lesson: the query parameters name the lesson and its step, for links, a reload, Back and Forward.

Setting ``st.query_params`` adds an entry to the browser's history. Back and Forward run the page with the
parameters of their entry.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from pages.server.streamlit_internals import is_history_navigation
from pages.session.state import UserState
from pages.teaching.lessons import LESSONS
from pages.teaching.progress import FIRST_STEP, STEPS

CHALLENGE: Final = "challenge"
"""Id of the challenge, beside the lessons' ids."""
LESSON_PARAM: Final = "lesson"
STEP_PARAM: Final = "step"


def follow_address(user: UserState, *, is_here: bool) -> None:
    """Select what the address names where the browser has changed it, then write what is selected into it.

    Parameters
    ----------
    user
        The user, whose lesson and step are in the address.
    is_here
        Whether this run draws the lessons page.
    """
    lesson = user.lesson
    entered, lesson.is_here = is_here and not lesson.is_here, is_here
    if not is_here:
        return
    named, step = _read()
    if is_history_navigation() or (entered and named is not None):
        lesson.selected, lesson.step = named, step
    if lesson.is_restored and not (lesson.is_open(lesson.selected) or user.lecture.is_on):
        lesson.step = ""  # the others are open after the prediction
    _write(lesson.selected, lesson.step)


def _read() -> tuple[str | None, str]:
    """Return the lesson that the address names and its step; None and "" for unknown ones."""
    named = st.query_params.get(LESSON_PARAM)
    if named not in LESSONS and named != CHALLENGE:
        return None, ""
    step = st.query_params.get(STEP_PARAM, "")
    return named, step if step in STEPS else ""


def _write(selected: str | None, step: str) -> None:
    wanted = {LESSON_PARAM: selected or "", STEP_PARAM: "" if step == FIRST_STEP else step}
    params = st.query_params.to_dict()
    changed = {name: value for name, value in params.items() if name not in wanted}
    changed |= {name: value for name, value in wanted.items() if value}
    if changed != params:
        st.query_params.from_dict(changed)  # one entry of the history for both
