"""Numbers with their units in the lessons' texts: one format, and no line break between them."""

from __future__ import annotations

import re

import pytest

from pages.teaching.bars import short
from pages.teaching.lesson import fill
from pages.teaching.number_text import keep_units, slider_format, with_unit


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("83% of it", "83\u00a0% of it"),
        ("**83%**", "**83\u00a0%**"),
        ("at most 50\n%", "at most 50\u00a0%"),
        ("from 4 to 9 s, or 12.5\nml", "from 4 to 9\u00a0s, or 12.5\u00a0ml"),
        ("**57** ml/100 g/min", "**57**\u00a0ml/100\u00a0g/min"),
        ("2 selectors and 3 maps", "2 selectors and 3 maps"),
    ],
)
def test_a_unit_stays_with_its_number(text: str, kept: str) -> None:
    assert keep_units(text) == kept
    assert keep_units(kept) == kept


def test_shares_are_written_alike_in_texts_and_answers() -> None:
    assert fill("{share:.0%} of it, {late:.0f} s", {"share": 0.83, "late": 9}) == "83\u00a0% of it, 9\u00a0s"
    assert with_unit("83", "%") == "83\u00a0%"
    assert with_unit("0.4", "") == "0.4"


def test_nothing_is_a_plain_zero() -> None:
    assert [short(value) for value in (0.0, -0.0, 0.25, 12.34)] == ["0", "0", "0.25", "12.3"]


@pytest.mark.parametrize(
    ("step", "unit", "shown"), [(1, "%", "50\u00a0%"), (0.05, "", "50.00"), (5, "ml", "50\u00a0ml")]
)
def test_the_slider_has_the_digits_of_its_step(step: float, unit: str, shown: str) -> None:
    assert slider_format(step, unit) % 50 == shown
    assert not re.search(r"\d ", slider_format(step, unit))
