"""Session state of lessons: a lesson sets its case, settings and start AIF.

The case and settings before are restored when the user leaves the lesson.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import streamlit as st

from pages.session.state import LessonState, ViewBeforeLesson, live_session, user_state
from pages.teaching import challenge
from pages.teaching.lesson import Lesson
from pages.teaching.lessons import LESSONS
from pages.teaching.progress import FIRST_STEP, STEPS
from pages.ui.lecture import Steps, pressed
from perfcore.settings import PRESETS

PAGE_PATH: Final = "lessons"
"""URL path of the lessons page."""
CHALLENGE: Final = "challenge"
"""Id of the challenge, beside the lessons' ids."""


def opener(selected: str | None) -> Callable[[], None]:
    """Return a call-back that opens a lesson by its id, the challenge, or the list (None)."""
    return partial(_select, selected)


def _select(selected: str | None) -> None:
    lesson = user_state().lesson
    lesson.selected, lesson.step = selected, ""


def open_step(step: str) -> None:
    """Open a step of the selected lesson."""
    user_state().lesson.step = step


def current_step() -> str:
    """Return the step of the selected lesson that is shown: the first until a prediction is recorded.

    In lecture mode every step is open, so that a presenter's remote goes on without a prediction.
    """
    user = user_state()
    is_open = user.lecture.is_on or user.lesson.selected in user.lesson.progress.attempts
    return user.lesson.step or FIRST_STEP if is_open else FIRST_STEP


def keeps_sidebar() -> bool:
    """Return whether the step in view needs the sidebar, which lecture mode hides otherwise."""
    lesson = LESSONS.get(user_state().lesson.opened or "")
    return lesson is not None and lesson.uses_sidebar and current_step() == "try"


def steps() -> Steps | None:
    """Return the steps of the open lesson, or the challenge, for the bar of lecture mode."""
    opened = user_state().lesson.opened
    if opened == CHALLENGE:
        return Steps("Challenge", {}, "", {})
    if opened not in LESSONS:
        return None
    number = list(LESSONS).index(opened) + 1
    return Steps(f"{number}. {LESSONS[opened].title}", STEPS, current_step(), {"lesson": opened})


def turn() -> None:
    """Go to the next or the previous step, as the bar has sent, from a lesson's end on to the next lesson."""
    by, lesson = pressed("turn"), user_state().lesson
    stops = [(None, ""), *((name, step) for name in LESSONS for step in STEPS), (CHALLENGE, "")]
    here = (lesson.selected, current_step() if lesson.selected in LESSONS else "")
    if by in (-1, 1) and here in stops and 0 <= stops.index(here) + by < len(stops):
        lesson.selected, lesson.step = stops[stops.index(here) + by]


def go_to_step() -> None:
    """Open the step that the bar has sent; an empty one is the list of lessons."""
    step = pressed("step")
    if step in STEPS:
        open_step(step)
    elif step == "":
        _select(None)


def reopen() -> None:
    """Open the case and settings of the selected lesson again at the next run."""
    user_state().lesson.opened = None


def update(page_path: str) -> None:
    """Open or leave a lesson before the page is drawn, by the page's URL path; a link can name a lesson."""
    lesson = user_state().lesson
    is_here = page_path == PAGE_PATH
    if is_here and not lesson.is_link_read:
        named = st.query_params.get("lesson")
        lesson.is_link_read = True
        if lesson.selected is None and named in LESSONS:
            lesson.selected = named
    selected = lesson.selected if is_here else None
    if selected == lesson.opened:
        return
    _leave(lesson)
    lesson.opened = selected
    if selected == CHALLENGE:
        _save_view(lesson)
        challenge.open_case()
    elif selected in LESSONS:
        _save_view(lesson)
        _open(LESSONS[selected])


def _open(lesson: Lesson) -> None:
    user, values = user_state(), lesson.own_settings
    user.case.key = lesson.case
    user.settings.apply(next((name for name, one in PRESETS.items() if one == values), "paper"), values)


def continue_in_lab() -> None:
    """Keep case, settings and curve of the lesson when it is left."""
    lesson = user_state().lesson
    lesson.before = lesson.opened = None


def start_own_curve(lesson: Lesson) -> bool:
    """Start the lesson's own AIF without edits, once.

    Returns
    -------
    bool
        Whether the lesson's case is open.
    """
    user, session = user_state(), live_session()
    now = session.workspace
    if now is None or now.case.name != lesson.case:
        return False
    source_id = f"lesson-{lesson.id}"
    own = user.aif.own_of(lesson.case)
    if source_id not in own:
        start = replace(now.case.sources[lesson.start], source_id=source_id, label=f"Start of “{lesson.title}”")
        own[source_id] = start
        user.aif.methods[lesson.case] = source_id
        user.lesson.own_curve = (lesson.case, source_id)
        workspace = session.configure(now.case, now.settings, start)
        session.keep_curve(workspace.curve_key, start.value)
    return True


def _save_view(lesson: LessonState) -> None:
    user = user_state()
    lesson.before = ViewBeforeLesson(
        user.case.key, user.settings.preset, user.settings.values, dict(user.aif.methods)
    )


def _leave(lesson: LessonState) -> None:
    before, lesson.before = lesson.before, None
    challenge.remove_case()
    if before is None:
        return
    user = user_state()
    if lesson.own_curve is not None:
        case, method = lesson.own_curve
        user.aif.own_of(case).pop(method, None)
        lesson.own_curve = None
    user.case.key = before.case
    user.settings.apply(before.preset, before.settings)
    user.aif.methods = dict(before.methods)
