from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pages.classroom.answers import read_answer
from pages.classroom.lecturer.task_builder import case_task
from pages.classroom.participant import Participant
from pages.classroom.registry import ROOMS
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.classroom.tasks import Task
from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.types import DoubleArray
from tests.support.class_server import task_case


@pytest.fixture
def room() -> Iterator[Room]:
    one = ROOMS.open()
    yield one
    ROOMS.end(one)


def class_curves(n: int) -> list[DoubleArray]:
    """AIFs that n participants might draw: the true one, wider and later from person to person."""
    case = task_case().case
    truth = case.sources["truth"].value
    edits = [CurveEdit(width=1 + 0.08 * i, shift_s=0.5 * i) for i in range(n)]
    return [edit_curve(truth, case.prepared.dt_s, edit) for edit in edits]


def drawn(
    room: Room,
    people: list[Participant],
    curves: list[DoubleArray],
    task: Task | None = None,
    *,
    repeats: int | None = None,
) -> Round:
    """A round in which each participant has drawn a curve."""
    one = room.open(task or case_task("curve", task_case()), repeats=repeats)
    for person, curve in zip(people, curves, strict=True):
        room.answer(person, one.number, read_answer(one.task, 1, {"curve": np.asarray(curve).tolist()}))
    return one
