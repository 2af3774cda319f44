"""A simulated class: rooms with tasks and answers of many people, for browser tests and screenshots."""

from __future__ import annotations

from typing import Any

import numpy as np

from pages.classroom.answers import read_answer
from pages.classroom.participant import Participant
from pages.classroom.questions import ChoiceItem, NumberItem
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.classroom.tasks import Task, TaskCase
from perfcore.types import Voxel

QUIZ = (
    ChoiceItem("Which map needs the AIF?", ("Baseline CT", "CBF", "Temporal maximum"), 1),
    ChoiceItem("The AIF is measured too late. What happens to Tmax?", ("It falls", "It rises", "Nothing"), 0),
    ChoiceItem("The AIF is twice as high. What happens to rCBF?", ("It halves", "It doubles", "Nothing"), 2),
    NumberItem("Which mismatch ratio is the limit of the target mismatch?", 1.0, 4.0, 0.1, "", 1.8, 0.05),
    ChoiceItem("Which vessel is a usual choice for the AIF?", ("Sagittal sinus", "MCA or ICA", "Jugular vein"), 1),
)
PREDICT_OPTIONS = (ChoiceItem("The AIF is shifted by 3 s. The core …", ("shrinks", "grows", "stays the same"), 2),)
PREDICT_NUMBER = (NumberItem("How large is the core with the venous curve?", 0, 150, 1, "ml", 44.1, 10),)


def people(room: Room, n: int) -> list[Participant]:
    """Let people join."""
    return [room.join() for _ in range(n)]


def give(room: Room, one: Round, person: Participant, value: dict[str, Any], sequence: int = 1) -> None:
    """Answer as a participant's browser does."""
    room.answer(person, one.number, read_answer(one.task, sequence, value))


def artery_clicks(of: TaskCase, rng: np.random.Generator, *, errors: float = 0.25) -> list[Voxel]:
    """Voxels that a person clicks: of an artery, sometimes of a vein or of tissue, up to one voxel beside it."""
    prepared, offered = of.case.prepared, of.case.offered
    kind = rng.uniform()
    if kind < errors / 2:
        pool = np.array(offered.get("vein").voxels)
    elif kind < errors:
        pool = np.argwhere(prepared.mask)
    else:
        names = ("straka", "mouridsen", "murase", "peruzzo")
        pool = np.concatenate([np.array(offered.get(name).voxels) for name in names])
    near = np.exp(-np.abs(pool[:, 2] - np.median([v[2] for v in offered.get("straka").voxels])))
    first = rng.choice(pool, p=near / near.sum())
    found = [first, *(first + np.r_[rng.integers(-1, 2, 2), 0] for _ in range(rng.integers(0, 3)))]
    inside = [tuple(int(i) for i in v) for v in found if prepared.mask[tuple(v)]]
    return inside or [tuple(int(i) for i in first)]


def answer_artery(
    room: Room, one: Round, who: list[Participant], rng: np.random.Generator, *, errors: float = 0.25
) -> None:
    """Let people click the artery."""
    of = one.task.case
    assert of is not None
    for person in who:
        give(room, one, person, {"voxels": [list(v) for v in artery_clicks(of, rng, errors=errors)]})


def answer_curve(room: Room, one: Round, who: list[Participant], rng: np.random.Generator) -> None:
    """Let people draw the AIF: the true one with another height, arrival, width and roughness."""
    of = one.task.case
    assert of is not None
    truth = of.case.offered.get("truth")
    for person in who:
        late, wide, high = rng.normal(0.5, 1.5), rng.uniform(0.85, 1.5), rng.uniform(0.5, 1.2)
        peak = truth.time_s[truth.value.argmax()]
        drawn = high * np.interp((truth.time_s - late - peak) / wide + peak, truth.time_s, truth.value)
        give(room, one, person, {"curve": (drawn + rng.normal(0, 2, drawn.size)).tolist()})


def answer_items(room: Room, one: Round, who: list[Participant], rng: np.random.Generator, right: float) -> None:
    """Let people answer questions; ``right``: the probability of a right answer."""
    for person in who:
        values: list[float] = []
        for item in one.task.items:
            if isinstance(item, ChoiceItem):
                is_right = item.right is not None and rng.uniform() < right
                values.append(int(item.right or 0) if is_right else int(rng.integers(len(item.options))))
            else:
                spread = (item.high - item.low) / 5
                guess = item.right if rng.uniform() < right else rng.normal(item.right, spread)
                values.append(round(float(np.clip(guess, item.low, item.high)), 1))
        give(room, one, person, {"values": values})


def answer_paint(room: Room, one: Round, who: list[Participant], rng: np.random.Generator) -> None:
    """Let people paint the core: the true one, displaced and with another size."""
    of = one.task.case
    assert of is not None and of.case.lesion is not None
    z, mask = of.slice_index, of.case.prepared.mask
    start, stop = (int(v) for v in of.case.starts[z : z + 2])
    # Positions within the slice of the voxels in slice order, from their order on the screen.
    pixel = np.asarray(of.case.static[1]["pixel"][start:stop], np.int64)
    columns = of.case.static[0]["columns"]
    at = np.stack([pixel % columns, pixel // columns], 1).astype(float)
    lesion = np.asarray(of.case.lesion[start:stop], bool)
    centre, radius = at[lesion].mean(0), np.sqrt(max(lesion.sum(), 1) / np.pi)
    assert mask.any()
    for person in who:
        middle, axes = centre + rng.normal(0, radius / 3, 2), radius * rng.uniform(0.5, 1.4, 2)
        flags = (((at - middle) / axes) ** 2).sum(1) < 1
        edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(int), 0]))
        runs = np.stack([edges[::2], edges[1::2] - edges[::2]], 1).ravel()
        give(room, one, person, {"runs": runs.tolist()})


def artery_task(of: TaskCase) -> Task:
    """The task *click the artery*."""
    return Task("artery", "Click the artery", "Click voxels of an artery; their mean is your AIF.", of)
