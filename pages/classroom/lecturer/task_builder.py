"""Tasks from the lecturer's choices: kind, case, start AIF, and the questions of a lesson or of the quiz."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import numpy as np

from pages.classroom.lecturer.quiz import QUIZ
from pages.classroom.questions import ChoiceItem, Item, NumberItem
from pages.classroom.tasks import TASKS, Task, TaskCase, TaskKind
from pages.library.catalog import CatalogEntry
from pages.live.compute.case import LiveCase
from pages.teaching.lesson import Lesson, SliderQuestion, fill
from pages.teaching.lesson_results import LessonResults
from perfcore.settings import Settings
from perfcore.types import Aif

TISSUE: Final = "tissue"
"""Start AIF of tasks by default: the mean tissue curve, which shows no artery."""
ON_A_CASE: Final[frozenset[TaskKind]] = frozenset({"artery", "curve", "paint"})
"""Kinds of tasks that need a case."""


def tissue_start(case: LiveCase) -> Aif:
    """Return the mean tissue curve at the height of the case's default AIF, so that a drag is visible.

    The height changes neither the core nor Tmax.
    """
    prepared = case.prepared
    mean = prepared.tissue.mean(axis=0, dtype=np.float64)
    peak, aim = float(mean.max()), next(iter(case.sources.values())).peak
    scale = aim / peak if peak > 0 and aim > 0 else 1.0
    return Aif(prepared.time_s, scale * mean, TISSUE)


def start_of(case: LiveCase, source: str) -> Aif:
    """Return the start AIF of a task by its source: `TISSUE`, or a method of the case.

    Raises
    ------
    PerfcoreError
        The method finds no AIF in this case.
    """
    if source == TISSUE:
        return tissue_start(case)
    found = case.offered.get(source)
    return replace(found, voxels=())


def case_of(case: LiveCase, entry: CatalogEntry, settings: Settings, source: str) -> TaskCase:
    """Return the case of a task; an upload's number is not in its title.

    Raises
    ------
    PerfcoreError
        The source finds no AIF in this case.
    """
    title = "Uploaded case" if entry.owner else entry.title
    return TaskCase(case, settings, start_of(case, source), title, case.first_slice)


def lesson_case(lesson: Lesson, case: LiveCase, entry: CatalogEntry) -> TaskCase:
    """Return the case of a lesson as the class tries it, with the lesson's settings and start AIF."""
    start = replace(case.sources[lesson.start], voxels=())
    return TaskCase(case, lesson.own_settings, start, entry.title, case.first_slice)


def case_task(kind: TaskKind, of: TaskCase, lesson: str = "") -> Task:
    """Return a task on a case, which belongs to a lesson where its id is given."""
    info = TASKS[kind]
    return Task(kind, info.label, info.instruction, of, lesson=lesson)


def quiz_task() -> Task:
    """Return the five questions."""
    info = TASKS["quiz"]
    return Task("quiz", info.label, info.instruction, items=tuple(question.item for question in QUIZ))


def lesson_task(lesson: Lesson, results: LessonResults) -> Task:
    """Return the question of a lesson as a task; its right answer is computed.

    Raises
    ------
    PerfcoreError
        The lesson cannot be computed on its case.
    """
    text = re.sub(r"[ \n]+", " ", fill(lesson.intro, results)).strip()  # a no-break space stays
    return Task("predict", lesson.title, _plain(text), items=(_item(lesson, results),), lesson=lesson.id)


def _item(lesson: Lesson, results: LessonResults) -> Item:
    question = lesson.question
    text = _plain(fill(question.text, results))
    if isinstance(question, SliderQuestion):
        return NumberItem(
            text, question.low, question.high, question.step, question.unit, float(question.answer(results)),
            question.tolerance,
        )  # fmt: skip
    return ChoiceItem(text, tuple(_plain(one) for one in question.options), int(question.answer(results)))


def _plain(text: str) -> str:
    """Return a text without Markdown's emphasis: the screens of a class show plain text."""
    return text.replace("**", "").replace("*", "").replace("`", "")
