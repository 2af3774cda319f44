"""Questions: what counts as an answer, and what is right."""

from __future__ import annotations

from typing import Any

import pytest

from pages.classroom.questions import ChoiceItem, NumberItem, read_items
from perfcore.errors import InputDataError

CHOICE = ChoiceItem("Which way?", ("grows", "shrinks", "stays"), right=1)
NUMBER = NumberItem("How large?", 0.0, 50.0, 0.5, "ml", right=20.0, tolerance=2.0)


@pytest.mark.parametrize("value", [-1, 3, 1.0, True, "1", None, [1], {}, float("nan"), 10**400])
def test_a_choice_is_the_index_of_an_option(value: Any) -> None:
    with pytest.raises(InputDataError, match="options"):
        CHOICE.read(value)


@pytest.mark.parametrize("value", [-0.1, 50.1, True, "20", None, [20], float("nan"), float("inf")])
def test_a_number_lies_within_its_range(value: Any) -> None:
    with pytest.raises(InputDataError, match="number"):
        NUMBER.read(value)


def test_right_answers() -> None:
    assert [CHOICE.is_right(value) for value in (0, 1, 2)] == [False, True, False]
    assert [NUMBER.is_right(value) for value in (17.9, 18.0, 22.0, 22.1)] == [False, True, True, False]
    assert ChoiceItem("?", ("a", "b")).is_right(0) is None
    assert NumberItem("?", 0, 1, 0.1, "").is_right(0.5) is None


def test_participants_see_neither_right_answer_nor_tolerance() -> None:
    assert CHOICE.header() == {"text": "Which way?", "options": ["grows", "shrinks", "stays"]}
    assert NUMBER.header() == {"text": "How large?", "low": 0.0, "high": 50.0, "step": 0.5, "unit": "ml"}


def test_every_question_is_answered() -> None:
    assert read_items((CHOICE, NUMBER), [2, 7]) == (2, 7.0)
    for values in ([2], [2, 7, 1], {"0": 2, "1": 7}, "27", None):
        with pytest.raises(InputDataError, match="every question"):
            read_items((CHOICE, NUMBER), values)
