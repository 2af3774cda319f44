"""Summary of a round, against pandas and counts by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pages.classroom.class_summary import summary_of
from pages.classroom.room import Room
from pages.classroom.tasks import Answer, Task

CORES = [10.0, 20.0, 75.0, 90.0, 30.0, None]
HYPOPERFUSED = [40.0, 30.0, 100.0, 300.0, 80.0, 50.0]


def answered(room: Room, task: Task, answers: list[Answer]) -> dict:
    one = room.open(task)
    for answer in answers:
        room.answer(room.join(), one.number, answer)
    return summary_of(one)


def test_spreads_and_decisions() -> None:
    room = Room("ABCDEF")
    answers = [
        Answer(1, numbers={"core_ml": core, "hypoperfused_ml": low, "dice": 0.5})
        for core, low in zip(CORES, HYPOPERFUSED, strict=True)
    ]
    found = answered(room, Task("curve", "T", "t"), answers)
    assert (found["round"], found["n"]) == (1, 6)
    assert set(found["spreads"]) == {"core_ml", "hypoperfused_ml"}, "the agreement with the truth is not shown"
    cores = pd.Series(CORES, dtype=float)
    spread = found["spreads"]["core_ml"]
    assert spread["n"] == 5
    assert spread["sd"] == pytest.approx(cores.std())
    assert spread["cv"] == pytest.approx(cores.std() / cores.mean())
    assert [spread["low"], spread["median"], spread["high"]] == pytest.approx(
        cores.quantile([0.1, 0.5, 0.9]).to_list()
    )
    # Core ≥ 70 ml: 75 and 90. Ratio ≥ 1.8: 40/10, 300/90, 80/30. Target: ratio, ≥ 15 ml apart, core < 70.
    assert [(one["n"], one["of"]) for one in found["decisions"]] == [(2, 5), (3, 5), (2, 5)]


def test_questions_are_counted(quiz: Task) -> None:
    room = Room("ABCDEF")
    found = answered(room, quiz, [Answer(1, values=v) for v in ((0, 20.0), (1, 22.0), (1, 30.0))])
    assert found["items"] == [
        {"values": [0, 1, 1], "right": 1, "nRight": 2},
        {"values": [20.0, 22.0, 30.0], "right": 20, "nRight": 2},
    ]
    assert found["spreads"] == {}
    assert found["decisions"] == []


def test_a_summary_follows_the_answers(quiz: Task) -> None:
    room = Room("ABCDEF")
    one, people = room.open(quiz), [room.join() for _ in range(3)]
    assert summary_of(one)["n"] == 0
    for n, person in enumerate(people, 1):
        room.answer(person, 1, Answer(1, values=(1, 20.0)))
        assert summary_of(one)["n"] == n
    room.set_revealed(True)
    assert summary_of(one) is summary_of(one), "computed once for all participants"
    room.answer(people[0], 1, Answer(2, values=(0, 20.0)))
    assert summary_of(one)["items"][0]["nRight"] == 2
    room.leave(people[1])
    assert summary_of(one)["items"][0]["values"] == [0, 1]


def test_a_painted_round_has_its_volume() -> None:
    found = answered(
        Room("A"), Task("paint", "T", "t"), [Answer(1, numbers={"painted_ml": v}) for v in (3.0, 5.0)]
    )
    assert found["spreads"]["painted_ml"]["mean"] == np.mean([3, 5])
