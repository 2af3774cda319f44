"""Progress through lessons and challenge, kept in the browser's local storage: a new session restores it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, TypeGuard

import streamlit as st

from pages.session import widget_keys
from pages.session.state import user_state
from pages.teaching.lesson import Lesson, SliderQuestion
from pages.teaching.lessons import LESSONS
from pages.teaching.progress import MAX_PATIENT, STEPS, Attempt, LessonProgress

MAX_SCORES: Final = 500
"""Scores of the challenge that are kept, the latest ones, and read."""
MAX_CLASS: Final = 10_000
MAX_SCORE: Final = 100.0
_PATIENT: Final = re.compile(r"[0-9]{1,5}")

_JS: Final = """
const KEY = "aif-lab|lessons";
export default function ({ data, setTriggerValue }) {
  try {
    if (data.kept) { localStorage.setItem(KEY, JSON.stringify(data.kept)); return; }
  } catch { return; } // storage may be off
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(KEY) ?? "{}"); } catch { /* nothing that can be read */ }
  setTriggerValue("kept", kept ?? {});
}
"""
_storage = st.components.v2.component("aif_lab_lesson_progress", html="<span hidden></span>", js=_JS)


def restore() -> None:
    """Ask the browser for the kept progress, until it has answered; called before the page is drawn."""
    if not user_state().lesson.is_restored:
        with st.sidebar:
            _storage(key=widget_keys.KEPT_PROGRESS, data={"kept": None}, on_kept_change=_receive)


def keep() -> None:
    """Have the browser keep the progress; called before what takes long: a click interrupts the run."""
    lesson = user_state().lesson
    if lesson.is_restored:
        with st.sidebar:
            _storage(key="kept_progress_out", data={"kept": encode(lesson.progress)})


def _receive() -> None:
    """Take what the browser has kept; what this session already has comes first."""
    lesson = user_state().lesson
    kept = decode(st.session_state.get(widget_keys.KEPT_PROGRESS, {}).get("kept"))
    lesson.progress.attempts = kept.attempts | lesson.progress.attempts
    lesson.progress.scores = kept.scores | lesson.progress.scores
    lesson.is_restored = True


def encode(progress: LessonProgress) -> dict[str, Any]:
    """Return progress as JSON."""
    return {
        "attempts": {
            name: {"answer": one.answer, "class": one.n_class, "right": one.right, "seen": sorted(one.seen)}
            for name, one in progress.attempts.items()
        },
        "scores": {str(patient): score for patient, score in [*progress.scores.items()][-MAX_SCORES:]},
    }


def decode(kept: Any) -> LessonProgress:
    """Read progress that comes from a browser; what is not valid is left out."""
    found = LessonProgress()
    attempts, scores = (_mapping(_mapping(kept).get(name)) for name in ("attempts", "scores"))
    for name, lesson in LESSONS.items():
        attempt = _attempt(lesson, _mapping(attempts.get(name)))
        if attempt is not None:
            found.attempts[name] = attempt
    for patient, score in islice(scores.items(), MAX_SCORES):
        number = int(patient) if isinstance(patient, str) and _PATIENT.fullmatch(patient) else -1
        if 0 <= number <= MAX_PATIENT and _is_number(score, 0, MAX_SCORE):
            found.scores[number] = float(score)
    return found


def _attempt(lesson: Lesson, kept: Mapping[str, Any]) -> Attempt | None:
    answer, n_class, right, seen = (kept.get(name) for name in ("answer", "class", "right", "seen"))
    question = lesson.question
    if isinstance(question, SliderQuestion):
        low, high, is_index = question.low, question.high, False
    else:
        low, high, is_index = 0.0, len(question.options) - 1.0, True
    if not (
        _is_number(answer, low, high) and _is_number(n_class, 0, MAX_CLASS) and isinstance(right, bool | None)
    ):
        return None
    if is_index and answer != int(answer):
        return None
    opened = {one for one in STEPS if one in seen} if isinstance(seen, list) else set()
    return Attempt(answer, int(n_class), right, opened)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_number(value: Any, low: float, high: float) -> TypeGuard[float]:
    """Return whether a value is a finite number in a range."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and low <= value <= high and math.isfinite(value)
