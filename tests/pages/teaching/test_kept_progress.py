"""Progress that the browser keeps: what it sends is read again, and nothing else."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from pages.teaching.kept_progress import MAX_SCORES, decode, encode
from pages.teaching.progress import Attempt, LessonProgress

GOOD = {"answer": 1.5, "class": 0, "right": False, "seen": ["see", "try"]}


def test_what_is_kept_is_read_again() -> None:
    progress = LessonProgress(
        {"amplitude": Attempt(1.5, 0, False, {"try", "see", "why"}), "tail": Attempt(1, 12)},
        {7: 61.5, 99_999: 0.0},
    )
    assert decode(json.loads(json.dumps(encode(progress)))) == progress


@pytest.mark.parametrize(
    "kept", [None, 3, "x", [], {}, {"attempts": [1], "scores": "x"}, {"attempts": {"tail": 1}}]
)
def test_what_is_no_progress_is_ignored(kept: Any) -> None:
    assert decode(kept) == LessonProgress()


@pytest.mark.parametrize(
    "wrong",
    [
        {"answer": 4.1}, {"answer": math.nan}, {"answer": math.inf}, {"answer": "1"}, {"answer": True},
        {"answer": None}, {"class": -1}, {"class": 10**9}, {"class": None}, {"right": 1}, {"right": "yes"},
    ],
)  # fmt: skip
def test_a_wrong_value_leaves_out_its_attempt_alone(wrong: dict[str, Any]) -> None:
    found = decode({"attempts": {"amplitude": {**GOOD, **wrong}, "vein": {**GOOD, "answer": 3}}})
    assert set(found.attempts) == {"vein"}


@pytest.mark.parametrize("answer", [-1, 0.5, 1000, [0]])
def test_an_option_that_does_not_exist_is_ignored(answer: Any) -> None:
    assert not decode({"attempts": {"tail": {**GOOD, "answer": answer}}}).attempts


def test_unknown_lessons_steps_and_patients_are_ignored() -> None:
    kept = {
        "attempts": {"../x": GOOD, "amplitude": {**GOOD, "seen": ["see", "x", 3, ["why"]]}},
        "scores": {"7": 50, "-1": 50, "100000": 50, "8": 101, "9": math.nan, "1e3": 50, "٣": 50, "x": 50},
    }
    found = decode(kept)
    assert found.attempts == {"amplitude": Attempt(1.5, 0, False, {"see"})}
    assert found.scores == {7: 50.0}
    assert len(decode({"scores": {str(i): 1 for i in range(2 * MAX_SCORES)}}).scores) == MAX_SCORES
