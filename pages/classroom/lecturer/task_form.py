"""Form of the next task: kind, case, start AIF or lesson, and its opening."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from pages.classroom.lecturer.task_builder import (
    ON_A_CASE,
    TISSUE,
    case_of,
    case_task,
    lesson_task,
    quiz_task,
)
from pages.classroom.room import Room
from pages.classroom.tasks import TASKS, TaskKind
from pages.library.catalog import CatalogEntry, demonstrations, open_case
from pages.session import case_selection
from pages.session.share_link import SavedView
from pages.session.snapshots import settings_summary
from pages.session.state import settings, user_state
from pages.teaching import lesson_session
from pages.teaching.lesson import Lesson
from pages.teaching.lesson_results import LessonResults
from pages.teaching.lessons import LESSONS
from perfcore.aif.sources import source_label
from perfcore.errors import PerfcoreError

KINDS: Final[tuple[TaskKind, ...]] = ("artery", "curve", "predict", "quiz", "paint")
IN_LAB: Final = ""
"""Choice of the case that is open in the Lab."""
SHARED: Final = (
    "Show this upload to the room: its images and time curves, without the patient's name, to everybody in it"
)


def task_form(room: Room) -> None:
    """Draw the form."""
    kind = st.segmented_control(
        "Next task", KINDS, key="class_kind", default=KINDS[0], required=True,
        format_func=lambda one: TASKS[one].label,
    )  # fmt: skip
    try:
        if kind in ON_A_CASE:
            make, ready = _case_choice(kind)
        elif kind == "predict":
            make, ready = _lesson_choice(), True
        else:
            make, ready = _quiz_choice(room), True
    except PerfcoreError as error:
        st.error(f"This task cannot be opened: {error}")
        return
    primary = room.current is None or room.current.phase == "closed"
    if st.button(
        "Open the task", key="class_start", type="primary" if primary else "secondary", disabled=not ready,
        icon=":material/play_arrow:",
    ):  # fmt: skip
        with st.spinner("Preparing the task …"):
            user_state().classroom.act(make)
        st.rerun()


def _case_choice(kind: TaskKind) -> tuple[Callable[[], object], bool]:
    """Draw the choice of case and start AIF; return what opens the task, and whether it may be opened."""
    current = case_selection.current_entry()
    known = {IN_LAB: current, **{entry.key: entry for entry in demonstrations()}}
    where, what = st.columns(2)
    chosen = where.selectbox(
        "Case", list(known), key="class_case",
        format_func=lambda key: f"Open in the Lab: {current.title}" if key == IN_LAB else known[key].title,
    )  # fmt: skip
    entry, values = known[chosen], settings()
    with st.spinner("Preparing the case …", show_time=False):
        case = open_case(entry, values)
    sources = [*case.offered.methods, TISSUE] if kind == "paint" else [TISSUE, *case.offered.methods]
    start = what.selectbox(
        "AIF of the maps" if kind == "paint" else "Start AIF", list(dict.fromkeys(sources)),
        key=f"class_start_{kind}", format_func=source_label,
        help="Participants start from this curve, without its voxels",
    )  # fmt: skip
    view = SavedView(preset=user_state().settings.preset, settings=values)
    st.caption(f"Settings of the Lab: {settings_summary(view)}. {TASKS[kind].instruction}")
    ready = not entry.owner or _agreed(entry)
    room = user_state().classroom.room

    def make() -> None:
        if room is not None:
            room.open(case_task(kind, case_of(case, entry, values, start)))

    return make, ready


def _agreed(entry: CatalogEntry) -> bool:
    """Ask whether an upload may be shown to the room."""
    shared = user_state().classroom.shared_uploads
    agrees = st.checkbox(SHARED, value=entry.key in shared, key=f"class_share_{entry.key}")
    (shared.add if agrees else shared.discard)(entry.key)
    return agrees


def _lesson_choice() -> Callable[[], object]:
    """Draw the choice of a lesson; return what asks its question."""
    chosen, view = st.columns([3, 1], vertical_alignment="bottom")
    lesson_id = chosen.selectbox(
        "Lesson", list(LESSONS), key="class_lesson",
        format_func=lambda one: f"{list(LESSONS).index(one) + 1}. {LESSONS[one].title}",
    )  # fmt: skip
    if view.button("Lead the lesson", key="class_lead", width="stretch", help="Opens the lesson's steps"):
        lesson_session.opener(lesson_id)()
        st.switch_page("pages/lessons.py")
    st.caption(LESSONS[lesson_id].summary)
    return lambda: ask(LESSONS[lesson_id])


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


def _quiz_choice(room: Room) -> Callable[[], object]:
    """Tell what the questions are for; return what asks them, a second time as the repetition of the first."""
    before = next((one for one in room.rounds if one.task.kind == "quiz"), None)
    if before is None:
        st.caption("Five questions on AIF sensitivity. Ask them before and after the class: the change is shown.")
        return lambda: room.open(quiz_task())
    st.caption(f"Asked in round {before.number}; asked again, the change since then is shown.")
    return lambda: room.repeat(before.number)
