"""Results of a lesson by name: experiments and numbers, and the cases that lessons refuse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pages.live.compute.case import LiveCase
from pages.teaching.lesson import Lesson
from pages.teaching.lesson_results import LessonResults, experiment_case
from pages.teaching.lessons import LESSONS
from perfcore.errors import InputDataError

LESSON: Lesson = next(lesson for lesson in LESSONS.values() if lesson.numbers)


def test_a_case_without_a_true_aif_is_refused() -> None:
    with pytest.raises(InputDataError, match="a case with a true AIF"):
        experiment_case(cast("LiveCase", SimpleNamespace(sources={})))


def test_the_names_are_those_of_experiments_and_numbers() -> None:
    results = LessonResults(LESSON, cast("LiveCase", None))
    assert list(results) == [*LESSON.experiments, *LESSON.numbers]
    assert len(results) == len(LESSON.experiments) + len(LESSON.numbers)


@pytest.mark.parametrize("name", ["nothing", "_private"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    results: Any = LessonResults(LESSON, cast("LiveCase", None))
    with pytest.raises(AttributeError, match=name):
        getattr(results, name)
