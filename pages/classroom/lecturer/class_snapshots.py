"""Curves of a class as snapshots of the Lab."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from pages.classroom.participant import Participant
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.classroom.tasks import Answer, TaskCase
from pages.session.share_link import SavedView
from pages.session.snapshots import MAX_SNAPSHOTS, SnapshotStore
from perfcore.errors import InputDataError
from perfcore.settings import PRESETS
from perfcore.types import DoubleArray

N_EXTREMES: Final = 3


@dataclass(frozen=True, eq=False)
class NamedCurve:
    """A curve to be kept: its name, shape ``(n_time,)``."""

    name: str
    value: DoubleArray


def add_snapshots(room: Room, one: Round, shelf: SnapshotStore) -> str:
    """Add the curves of a round to the snapshots, and return what was added in a sentence.

    All of them where they fit, named by pseudonym or by number where names are hidden; else those with the
    smallest, the median and the largest core.

    Raises
    ------
    InputDataError
        The snapshots hold no more, or the round has no curves.
    """
    of, free = one.task.case, MAX_SNAPSHOTS - len(shelf)
    given = _given(room, one)
    if of is None or not given:
        raise InputDataError("This round has no curves; choose one in which the class drew or clicked.")
    if free < min(N_EXTREMES, len(given)):
        raise InputDataError(f"At most {MAX_SNAPSHOTS} snapshots are kept; delete some in the Lab first.")
    chosen = [NamedCurve(_name(room, who), curve) for who, _, curve in given]
    if len(given) > free:
        chosen = _extremes(room, given)
    for curve in chosen:
        _add(shelf, of, curve, one.number)
    if len(chosen) == len(given):
        return f"All {len(given)} curves of round {one.number} are in the Lab's snapshots."
    return (
        f"Of the {len(given)} curves of round {one.number} those with the smallest, the median and the largest "
        "core are in the Lab's snapshots."
    )


def _given(room: Room, one: Round) -> list[tuple[Participant, Answer, DoubleArray]]:
    people = {person.number: person for person in room.participants}
    return [
        (people[who], answer, answer.curve)
        for who, (answer, _) in sorted(dict(one.answers).items())
        if who in people and answer.curve is not None
    ]


def _extremes(room: Room, given: list[tuple[Participant, Answer, DoubleArray]]) -> list[NamedCurve]:
    ordered = sorted(given, key=lambda of: of[1].numbers.get("core_ml") or 0.0)
    places = {"smallest core": 0, "median core": (len(ordered) - 1) // 2, "largest core": len(ordered) - 1}
    return [
        NamedCurve(f"Class, {what}: {_name(room, ordered[at][0])}", ordered[at][2]) for what, at in places.items()
    ]


def _name(room: Room, person: Participant) -> str:
    return f"No. {person.number}" if room.are_names_hidden or person.is_name_hidden else person.name


def _add(shelf: SnapshotStore, of: TaskCase, curve: NamedCurve, number: int) -> None:
    value = curve.value.astype(np.float32).astype(np.float64)  # as links and the browser keep it
    preset = next((name for name, values in PRESETS.items() if values == of.settings), "paper")
    view = SavedView(of.case.name, preset, of.settings, curve=value)
    numbers = of.case.numbers(of.case.volume_flow(value, of.settings), of.settings)
    shelf.add(f"{curve.name}, round {number}", of.title, view, numbers, datetime.now(UTC))
