"""JSON messages of a class, from the server to the browsers.

Participants receive nothing of others before the reveal, and never a right answer before it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pages.classroom.class_summary import summary_of
from pages.classroom.codes import display_code
from pages.classroom.participant import Participant
from pages.classroom.questions import Item, NumberItem
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.classroom.tasks import TRUTH_METRICS, Answer, Task
from perfcore.stroke_figures import LARGE_CORE_ML, TARGET_RATIO
from perfcore.teaching.class_statistics import PUBLISHED

Message = dict[str, Any]


def task_message(one: Round, *, hidden: bool) -> Message:
    """Return a task without the right answers; ``hidden``: its case without the truth."""
    task = one.task
    found: Message = {
        "round": one.number, "repeats": one.repeats, "kind": task.kind, "phase": one.phase, "title": task.title,
        "text": task.text, "items": [item.header() for item in task.items],
        "case": case_message(task, hidden=hidden),
    }  # fmt: skip
    return found


def case_message(task: Task, *, hidden: bool) -> Message | None:
    """Return key, title and slice of the case of a task; its data come by ``pages.classroom.case_route``."""
    if task.case is None:
        return None
    of = task.case
    return {"key": (of.hidden if hidden else of.case).key, "title": of.title, "slice": of.slice_index}


def participant_message(room: Room, person: Participant) -> Message:
    """Return the state of the room for a participant, with the participant's own answer."""
    one = room.current
    own = None if one is None else room.answer_of(person, one.number)
    return {
        "type": "state",
        "name": person.name,
        "task": None if one is None else task_message(one, hidden=True),
        "answer": None if own is None else participant_answer(own),
        "summary": summary_of(one) if one is not None and room.is_revealed else None,
    }


def participant_answer(answer: Answer) -> Message:
    """Return the answer of a participant to this participant, without agreement with the truth."""
    header = answer.own_header()
    header["numbers"] = {name: v for name, v in header["numbers"].items() if name not in TRUTH_METRICS}
    return header


def host_message(room: Room) -> Message:
    """Return the state of the room for the lecturer's screens; answers come in `answers_message`."""
    one = room.current
    return {
        "type": "room",
        "code": display_code(room.code),
        "people": [person_message(person, hidden=room.are_names_hidden) for person in room.participants],
        "rounds": [
            {"round": r.number, "repeats": r.repeats, "kind": r.task.kind, "title": r.task.title, "phase": r.phase}
            for r in room.rounds
        ],
        "task": None if one is None else task_message(one, hidden=False),
        "revealed": room.is_revealed,
        "frozen": room.is_frozen,
        "namesHidden": room.are_names_hidden,
        "compare": room.compare,
        "publicAddress": room.public_address,
        "right": None if one is None or not room.is_revealed else [right_message(item) for item in one.task.items],
    }


def right_message(item: Item) -> Message | None:
    """Return the right answer to a question with its tolerance; None where there is none."""
    if item.right is None:
        return None
    return {"value": item.right, "tolerance": item.tolerance if isinstance(item, NumberItem) else 0}


def setup_message() -> Message:
    """Return what a lecturer's screen needs to know once: limits of the decisions, and published spreads."""
    return {
        "type": "setup",
        "largeCoreMl": LARGE_CORE_ML,
        "targetRatio": TARGET_RATIO,
        "published": [asdict(one) for one in PUBLISHED],
    }


def person_message(person: Participant, *, hidden: bool) -> Message:
    """Return what the lecturer's screens show of a participant; ``hidden``: all names are."""
    return {
        "id": person.number, "name": "" if hidden or person.is_name_hidden else person.name,
        "connected": person.is_connected,
    }  # fmt: skip


def answers_message(room: Room, number: int, since: int) -> tuple[Message, int]:
    """Return the answers of a round after a revision, and the revision that the next message starts from."""
    changed, removed, revision = room.answers_since(number, since)
    return {
        "type": "answers", "round": number, "whole": since < 0, "removed": removed,
        "answers": [{"id": person.number, **answer.own_header()} for person, answer in changed],
    }, revision  # fmt: skip
