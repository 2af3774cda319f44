"""Form of the next task: kind, case, start AIF or lesson, and its opening."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from pages.classroom.lecturer.lesson_room import ask
from pages.classroom.lecturer.task_builder import (
    ON_A_CASE,
    TISSUE,
    case_of,
    case_task,
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
from pages.teaching.lessons import LESSONS
from perfcore.aif.sources import source_label
from perfcore.errors import PerfcoreError

KINDS: Final[tuple[TaskKind, ...]] = ("artery", "curve", "predict", "quiz", "paint")
IN_LAB: Final = ""
"""Choice of the case that is open in the Lab."""
SHARED: Final = (
    "Show this upload to the room: its images and time curves, without the patient's name, to all participants"
)


@dataclass(frozen=True)
class _Choice:
    """A task that can be opened: what opens it, a sentence about it, and whether it may be opened."""

    make: Callable[[], object]
    about: str
    is_ready: bool = True


def task_form(room: Room) -> None:
    """Draw the form."""
    kind = st.segmented_control(
        "Next task", KINDS, key="class_kind", default=KINDS[0], required=True,
        format_func=lambda one: TASKS[one].label,
    )  # fmt: skip
    try:
        if kind in ON_A_CASE:
            choice = _case_choice(kind)
        elif kind == "predict":
            choice = _lesson_choice()
        else:
            choice = _quiz_choice(room)
    except PerfcoreError as error:
        st.error(f"This task cannot be opened: {error}")
        return
    primary = room.current is None or room.current.phase == "closed"
    about, button = st.columns([2, 1], vertical_alignment="center")
    about.caption(choice.about)
    if button.button(
        "Open the task", key="class_start", type="primary" if primary else "secondary", width="stretch",
        disabled=not choice.is_ready, icon=":material/play_arrow:",
    ):  # fmt: skip
        with st.spinner("Preparing the task …"):
            user_state().classroom.act(choice.make)
        st.rerun()


def _case_choice(kind: TaskKind) -> _Choice:
    """Draw the choice of case and start AIF."""
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
    about = f"Settings of the Lab: {settings_summary(view)}. {TASKS[kind].instruction}"
    ready = not entry.owner or _agreed(entry)
    room = user_state().classroom.room

    def make() -> None:
        if room is not None:
            room.open(case_task(kind, case_of(case, entry, values, start)))

    return _Choice(make, about, ready)


def _agreed(entry: CatalogEntry) -> bool:
    """Ask whether an upload may be shown to the room."""
    shared = user_state().classroom.shared_uploads
    agrees = st.checkbox(SHARED, value=entry.key in shared, key=f"class_share_{entry.key}")
    (shared.add if agrees else shared.discard)(entry.key)
    return agrees


def _lesson_choice() -> _Choice:
    """Draw the choice of a lesson."""
    chosen, view = st.columns([3, 1], vertical_alignment="bottom")
    lesson_id = chosen.selectbox(
        "Lesson", list(LESSONS), key="class_lesson",
        format_func=lambda one: f"{list(LESSONS).index(one) + 1}. {LESSONS[one].title}",
    )  # fmt: skip
    if view.button("Lead the lesson", key="class_lead", width="stretch", help="Opens the lesson's steps"):
        lesson_session.opener(lesson_id)()
        st.switch_page("pages/lessons.py")
    return _Choice(lambda: ask(LESSONS[lesson_id]), LESSONS[lesson_id].summary)


def _quiz_choice(room: Room) -> _Choice:
    """Return the choice of the five questions; asked again, they are a repetition of the first time."""
    before = next((one for one in room.rounds if one.task.kind == "quiz"), None)
    if before is None:
        return _Choice(lambda: room.open(quiz_task()), "On AIF sensitivity. Ask before and after the class.")
    about = f"Asked in round {before.number}; asked again, the change since then is shown."
    return _Choice(lambda: room.repeat(before.number), about)
