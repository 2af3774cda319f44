"""What the room keeps for the projector: frozen answers, the compared round, hidden names, right answers."""

from __future__ import annotations

import pytest

from pages.classroom.messages import answers_message, host_message
from pages.classroom.questions import ChoiceItem, NumberItem
from pages.classroom.room import Room
from pages.classroom.tasks import Answer, Task
from perfcore.errors import InputDataError

QUIZ = Task("quiz", "Quiz", "", items=(ChoiceItem("a", ("b", "c"), 1), NumberItem("n", 0, 9, 1, "s", 4, 0.5)))


def values(room: Room, number: int, since: int = -1) -> tuple[dict[int, list[float]], int]:
    message, revision = answers_message(room, number, since)
    return {one["id"]: one["values"] for one in message["answers"]}, revision


def test_frozen_answers_stay_for_screens_that_open_later_and_those_that_came_since_follow() -> None:
    room = Room("ABC234")
    first, second, third = (room.join() for _ in range(3))
    one = room.open(QUIZ)
    room.answer(first, one.number, Answer(1, values=(0, 1)))
    room.answer(third, one.number, Answer(1, values=(1, 1)))
    room.set_frozen(True)
    room.answer(first, one.number, Answer(2, values=(1, 4)))
    room.answer(second, one.number, Answer(1, values=(0, 5)))
    room.set_frozen(True)
    found, revision = values(room, one.number)
    assert found == {first.number: [0, 1], third.number: [1, 1]}
    assert values(room, one.number, revision)[0] == {}
    room.leave(third)
    assert values(room, one.number)[0] == {first.number: [0, 1]}
    room.set_frozen(False)
    assert values(room, one.number, revision)[0] == {first.number: [1, 4], second.number: [0, 5]}


def test_a_repeated_round_is_compared_with_its_first_until_another_is_chosen() -> None:
    room = Room("ABC234")
    one = room.open(QUIZ)
    assert host_message(room)["compare"] is None
    room.repeat(one.number)
    assert host_message(room)["compare"] == one.number
    room.set_compare(None)
    assert host_message(room)["compare"] is None
    with pytest.raises(InputDataError, match="does not exist"):
        room.set_compare(9)


def test_hidden_names_do_not_leave_the_server() -> None:
    room = Room("ABC234")
    room.join("Amber Fox")
    hidden = room.join("Calm Owl")
    room.hide_name(hidden.number)
    assert [one["name"] for one in host_message(room)["people"]] == ["Amber Fox", ""]
    room.set_names_hidden(True)
    assert [one["name"] for one in host_message(room)["people"]] == ["", ""]


def test_right_answers_are_sent_at_the_reveal_only() -> None:
    room = Room("ABC234")
    room.open(QUIZ)
    assert host_message(room)["right"] is None
    room.set_revealed(True)
    assert host_message(room)["right"] == [{"value": 1, "tolerance": 0}, {"value": 4, "tolerance": 0.5}]
