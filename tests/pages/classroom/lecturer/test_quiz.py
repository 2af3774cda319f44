"""Five questions: of each, the right option and no other holds on the demonstration case."""

from __future__ import annotations

import pytest

from pages.classroom.lecturer.quiz import CASE, QUIZ, QuizQuestion
from pages.library.catalog import demonstrations, open_case
from pages.teaching.lesson_results import experiment_case
from perfcore.settings import Settings


@pytest.mark.parametrize("question", QUIZ, ids=[question.after.label for question in QUIZ])
def test_only_the_right_option_holds(question: QuizQuestion) -> None:
    entry = next(one for one in demonstrations() if one.key == CASE)
    case = experiment_case(open_case(entry, Settings()))
    before, after = (one.run(case, Settings()) for one in (question.before, question.after))
    assert [i for i, (_, holds) in enumerate(question.options) if holds(before, after)] == [question.right]
    # An option is refuted or true by the results, not by chance: with nothing changed, the right one is false.
    assert not question.options[question.right][1](before, before)


def test_there_are_five_questions_and_the_right_place_varies() -> None:
    assert len(QUIZ) == 5
    assert len({question.right for question in QUIZ}) > 2
