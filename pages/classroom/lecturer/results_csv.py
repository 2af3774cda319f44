"""Results of a class as CSV: one row for each answer of each round."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Final

from pages.classroom.participant import Participant
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.classroom.tasks import Answer
from pages.ui.escape import spreadsheet_text

NUMBERS: Final = (
    "core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", "reference_cbf", "dice", "auc", "painted_ml",
)  # fmt: skip
COLUMNS: Final[dict[str, str]] = {
    "round": "number of the round, from 1",
    "task": "artery, curve, predict, quiz or paint",
    "title": "title of the task; of predict, the lesson's",
    "case": "title of the case, empty for questions",
    "repeats": "the earlier round that this one repeats, or empty",
    "phase": "open, paused or closed",
    "participant": "number of the participant in the room",
    "name": "pseudonym; empty where names are hidden or left out",
    "seq": "how many answers this browser had sent, the last of which counts",
    "voxels": "clicked voxels, a JSON list of [x, y, z] from 0",
    "core_ml": "rCBF below the threshold, ml",
    "hypoperfused_ml": "Tmax above the threshold, ml",
    "mismatch_ml": "hypoperfused minus core, ml",
    "mismatch_ratio": "hypoperfused over core",
    "reference_cbf": "mean CBF of healthy tissue, ml/100 g/min",
    "dice": "Dice of the core, or of the painted core on its slice, with the known one",
    "auc": "AUC of rCBF for the known core",
    "painted_ml": "painted core, ml",
    "values": "answers to the questions, a JSON list: a number, or the option from 0",
    "right": "whether each answer is right, a JSON list of true, false or null",
    "dt_s": "time step of the curve, s",
    "curve": "the AIF, enhancement, a JSON list from 0 s on",
}
"""The columns and their meaning."""


def results_csv(room: Room, *, with_names: bool) -> str:
    """Return every answer of a room as CSV with the columns `COLUMNS`.

    Parameters
    ----------
    room
        The room.
    with_names
        Whether pseudonyms are written; hidden ones never are.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    people = {person.number: person for person in room.participants}
    for one in room.rounds:
        for number, (answer, _) in sorted(dict(one.answers).items()):
            if (person := people.get(number)) is not None:
                writer.writerow(_row(one, person, answer, with_names=with_names and not room.are_names_hidden))
    return out.getvalue()


def _row(one: Round, person: Participant, answer: Answer, *, with_names: bool) -> list[str | int]:
    of = one.task.case
    right = [item.is_right(value) for item, value in zip(one.task.items, answer.values, strict=False)]
    return [
        one.number,
        one.task.kind,
        spreadsheet_text(one.task.title),
        "" if of is None else spreadsheet_text(of.title),
        "" if one.repeats is None else one.repeats,
        one.phase,
        person.number,
        spreadsheet_text(person.name) if with_names and not person.is_name_hidden else "",
        answer.sequence,
        _json([list(voxel) for voxel in answer.voxels]),
        *(_number(answer.numbers.get(name)) for name in NUMBERS),
        _json(answer.values),
        _json(right),
        "" if answer.curve is None or of is None else f"{of.case.prepared.dt_s:g}",
        "" if answer.curve is None else _json([float(f"{value:.6g}") for value in answer.curve]),
    ]


def _json(values: Sequence[object]) -> str:
    """Return a list as JSON, which begins with a bracket and is no formula; empty for an empty list."""
    return json.dumps(values) if values else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
