"""A lesson takes the case, the settings and a curve of its own; whoever leaves it finds theirs again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import streamlit as st

from pages.session import state
from pages.teaching import challenge
from pages.teaching.lesson import Lesson
from pages.teaching.lessons import LESSONS
from perfcore.settings import PRESETS, Settings

PAGE: Final = "lessons"
"""URL path of the page of the lessons."""
CHALLENGE: Final = "challenge"
_LOOSE: Final = "lesson_loose"


@dataclass(frozen=True)
class _Before:
    """What a person had open."""

    values: dict[str, Any]
    starts: dict[str, str]


def go(wanted: str | None) -> Callable[[], None]:
    """Return a call-back that opens a lesson by its id, the challenge, or the list (None)."""

    def call() -> None:
        st.session_state["lesson"] = wanted
        st.session_state.pop("step", None)

    return call


def follow(page: str) -> None:
    """Open what is to be open on this page, before anything is drawn; a link may name a lesson."""
    if "lesson" not in st.session_state and page == PAGE:
        named = st.query_params.get("lesson")
        st.session_state["lesson"] = named if named in LESSONS else None
    wanted = st.session_state.get("lesson") if page == PAGE else None
    if wanted == st.session_state.get("lesson_open"):
        return
    _leave()
    st.session_state["lesson_open"] = wanted
    if wanted == CHALLENGE:
        _keep_before()
        challenge.enter()
    elif wanted in LESSONS:
        _keep_before()
        lesson = LESSONS[wanted]
        take(lesson.case, lesson.own_settings)


def take(case: str, settings: Settings) -> None:
    """Make a case and settings the current ones."""
    st.session_state["case"] = case
    st.session_state["preset"] = next((name for name, one in PRESETS.items() if one == settings), "paper")
    for name, value in settings.as_dict().items():
        st.session_state[f"set_{name}"] = value


def keep_scene() -> None:
    """Let case, settings and curve of the lesson stay when it is left."""
    st.session_state.pop("before_lesson", None)
    st.session_state["lesson_open"] = None


def begin(lesson: Lesson) -> bool:
    """Start the lesson's own curve, fresh; returns whether its case is the one that is open."""
    session = state.live_session()
    now = session.state
    if now is None or now.case.name != lesson.case:
        return False
    method = f"start of “{lesson.title}”"
    mine = st.session_state.setdefault("own_curves", {}).setdefault(lesson.case, {})
    if method not in mine:
        mine[method] = replace(now.case.sources[lesson.start], method=method)
        st.session_state.setdefault("start", {})[lesson.case] = method
        st.session_state[_LOOSE] = (lesson.case, method)
        session.configure(now.case, now.settings, mine[method])
        session.keep(f"{lesson.case}|{method}", mine[method].value)
    return True


def _keep_before() -> None:
    names = ["case", "preset", *(f"set_{name}" for name in state.SETTING_KEYS)]
    values = {name: st.session_state[name] for name in names if name in st.session_state}
    st.session_state["before_lesson"] = _Before(values, dict(st.session_state.get("start", {})))


def _leave() -> None:
    before: _Before | None = st.session_state.pop("before_lesson", None)
    challenge.leave()
    if before is None:
        return
    if loose := st.session_state.pop(_LOOSE, None):
        st.session_state["own_curves"][loose[0]].pop(loose[1], None)
    if "case" not in before.values:
        st.session_state.pop("case", None)
    for name, value in before.values.items():
        st.session_state[name] = value
    st.session_state["start"] = dict(before.starts)
