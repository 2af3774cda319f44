"""Results of a lesson on its own case."""

from __future__ import annotations

from pages.library.catalog import demonstrations, open_case
from pages.teaching.lesson import Lesson
from pages.teaching.lesson_results import LessonResults


def results_of(lesson: Lesson) -> LessonResults:
    """Return the results of a lesson, computed at first access."""
    entry = next(one for one in demonstrations() if one.key == lesson.case)
    return LessonResults(lesson, open_case(entry, lesson.own_settings))
