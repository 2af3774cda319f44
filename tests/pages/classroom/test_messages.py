"""Messages: participants never receive the truth, a right answer before the reveal, or anything of others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pages.classroom import messages
from pages.classroom.answers import read_answer
from pages.classroom.participant import Participant
from pages.classroom.room import Room
from pages.classroom.tasks import Task, TaskCase


@pytest.fixture
def class_of_two() -> tuple[Room, Participant, Participant]:
    room = Room("ABCDEF")
    return room, room.join("Mine"), room.join("Other Person")


def keys(value: Any) -> set[str]:
    """Names of all fields of a message."""
    if isinstance(value, dict):
        return set(value) | {key for one in value.values() for key in keys(one)}
    return {key for one in value for key in keys(one)} if isinstance(value, list) else set()


def assert_discreet(message: Any, room: Room, other: Participant) -> None:
    text = json.dumps(message, allow_nan=False)
    assert other.name not in text
    assert not [
        secret for secret in (room.host_token, room.key, *(p.token for p in room.participants)) if secret in text
    ]
    assert not keys(message) & {"dice", "auc", "lesion", "id"}


def test_a_participant_sees_the_own_answer_alone(
    class_of_two: tuple[Room, Participant, Participant], of: TaskCase
) -> None:
    room, mine, other = class_of_two
    task = Task("curve", "Draw", "Draw it.", case=of)
    one = room.open(task)
    answer = read_answer(task, 4, {"curve": of.start.value.tolist()})
    room.answer(other, one.number, answer)
    before = messages.participant_message(room, mine)
    assert (before["answer"], before["summary"]) == (None, None)
    assert before["task"]["case"]["key"] == of.hidden.key != of.case.key
    room.answer(mine, one.number, answer)
    after = messages.participant_message(room, mine)
    assert after["answer"]["seq"] == 4
    assert {"core_ml", "hypoperfused_ml"} <= set(after["answer"]["numbers"])
    room.set_revealed(True)
    revealed = messages.participant_message(room, mine)
    assert revealed["summary"]["n"] == 2
    for message in (before, after, revealed):
        assert_discreet(message, room, other)


def test_right_answers_come_with_the_reveal(
    class_of_two: tuple[Room, Participant, Participant], quiz: Task
) -> None:
    room, mine, other = class_of_two
    room.open(quiz)
    room.answer(other, 1, read_answer(quiz, 1, {"values": [1, 20]}))
    for phase in ("open", "paused", "closed"):
        room.set_phase(phase)  # type: ignore[arg-type]
        message = messages.participant_message(room, mine)
        assert not keys(message) & {"right", "nRight", "tolerance", "values"}
        assert_discreet(message, room, other)
    room.set_revealed(True)
    message = messages.participant_message(room, mine)
    assert [item["right"] for item in message["summary"]["items"]] == [1, 20]
    assert_discreet(message, room, other)
    room.repeat(1)
    assert messages.participant_message(room, mine)["summary"] is None


def test_a_waiting_participant_has_no_task(class_of_two: tuple[Room, Participant, Participant]) -> None:
    room, mine, _ = class_of_two
    assert messages.participant_message(room, mine) == {
        "type": "state", "name": "Mine", "task": None, "answer": None, "summary": None,
    }  # fmt: skip


def test_the_screen_shows_people_without_their_tokens(
    class_of_two: tuple[Room, Participant, Participant], quiz: Task
) -> None:
    room, mine, other = class_of_two
    room.open(quiz)
    room.hide_name(other.number)
    message = messages.host_message(room)
    assert [(one["id"], one["name"]) for one in message["people"]] == [(mine.number, "Mine"), (other.number, "")]
    text = json.dumps(message)
    assert not [p for p in (mine, other) if p.token in text]
    assert room.host_token not in text
    assert message["right"] is None, "the screen of the room is seen by all"
    assert "tolerance" not in keys(message)


def test_answers_of_a_round_are_sent_once(class_of_two: tuple[Room, Participant, Participant], quiz: Task) -> None:
    room, mine, other = class_of_two
    room.open(quiz)
    room.answer(mine, 1, read_answer(quiz, 1, {"values": [1, 20]}))
    first, since = messages.answers_message(room, 1, -1)
    assert (first["whole"], [one["id"] for one in first["answers"]]) == (True, [mine.number])
    room.answer(other, 1, read_answer(quiz, 1, {"values": [0, 21]}))
    second, since = messages.answers_message(room, 1, since)
    assert (second["whole"], [one["id"] for one in second["answers"]]) == (False, [other.number])
    room.leave(mine)
    third, _ = messages.answers_message(room, 1, since)
    assert (third["answers"], third["removed"]) == ([], [mine.number])
