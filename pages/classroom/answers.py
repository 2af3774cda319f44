"""Read the answers of participants, and compute their numbers from the room's case.

The browser's own maps are for the participant's eyes; what the class compares is computed here from the curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pages.classroom.questions import read_items
from pages.classroom.tasks import Answer, Painting, Task, TaskCase, TaskKind
from pages.live.handlers.requests import invalid_request, mean_of_voxels, voxels_of
from pages.live.server.wire import checked_curve
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.metrics import dice
from perfcore.types import DoubleArray

MAX_CLICKED: Final = 20
"""Voxels of one answer to *click the artery*."""
MAX_RUNS: Final = 2000
"""Runs of one painting; a core painted by hand has about one a row of the slice."""


def read_answer(task: Task, sequence: int, value: Any) -> Answer:
    """Return the answer to a task with its numbers; it takes about 30 ms for a curve on 8 slices of 256 × 256.

    Parameters
    ----------
    task
        The task.
    sequence
        Number of the answer, increasing with each of one browser.
    value
        The browser's JSON object: ``voxels``, ``curve``, ``values`` or ``runs`` as the kind of the task needs.

    Raises
    ------
    InputDataError
        The answer is invalid, or its curve gives no maps.
    """
    if not isinstance(value, Mapping):
        raise invalid_request()
    try:
        return _READERS[task.kind](task, sequence, value)
    except PerfcoreError:  # some are also a ValueError
        raise
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise invalid_request() from error


def curve_numbers(of: TaskCase, curve: DoubleArray) -> dict[str, float | None]:
    """Return the lesion metrics of an AIF, by the temporal basis where it is accurate on this case.

    They are finite, or None where undefined. Many answers come at once, and the basis changes the core by less
    than 0.1 %.

    Raises
    ------
    PerfcoreError
        The curve gives no maps.
    """
    case, settings = of.case, of.settings
    operator = case.operator(curve, settings)
    flow = case.gather([job() for job in case.chunks(operator, preview=True)], settings)
    found = case.numbers(flow, settings, exact=False)
    return {name: float(v) if v is not None and math.isfinite(v) else None for name, v in found.items()}


def _artery(task: Task, sequence: int, value: Mapping[str, Any]) -> Answer:
    of = _case(task)
    given = value["voxels"]
    if len(given) > MAX_CLICKED:
        raise InputDataError(f"Click at most {MAX_CLICKED} voxels.")
    voxels = voxels_of(of.case.prepared, given)
    curve = mean_of_voxels(of.case.prepared, voxels).value
    return Answer(sequence, curve=curve, voxels=voxels, numbers=curve_numbers(of, curve))


def _curve(task: Task, sequence: int, value: Mapping[str, Any]) -> Answer:
    of = _case(task)
    curve = checked_curve(np.asarray(value["curve"], np.float64))
    return Answer(sequence, curve=curve, numbers=curve_numbers(of, curve))


def _items(task: Task, sequence: int, value: Mapping[str, Any]) -> Answer:
    return Answer(sequence, values=read_items(task.items, value["values"]))


def _paint(task: Task, sequence: int, value: Mapping[str, Any]) -> Answer:
    of = _case(task)
    start, stop = (int(v) for v in of.case.starts[of.slice_index : of.slice_index + 2])
    painted = _flags(value["runs"], stop - start)
    numbers: dict[str, float | None] = {"painted_ml": float(painted.sum()) * of.case.prepared.voxel_ml}
    if of.case.lesion is not None:
        numbers["dice"] = dice(painted, of.case.lesion[start:stop])
    return Answer(sequence, painting=Painting.of(painted), numbers=numbers)


def _flags(value: Any, n: int) -> NDArray[np.bool_]:
    """Read runs of painted voxels, start and length in turn, within n voxels."""
    if len(value) > 2 * MAX_RUNS:
        raise InputDataError("The painted core has too many pieces; fill its holes, or use a larger brush.")
    runs = np.asarray(value, np.int64).reshape(-1, 2)
    first, size = runs.T
    if not ((first >= 0) & (first < n) & (size > 0) & (size <= n - first)).all():
        raise InputDataError("The painted core lies outside the brain mask.")
    flags = np.zeros(n, bool)
    for at, length in runs:
        flags[at : at + length] = True
    return flags


def _case(task: Task) -> TaskCase:
    if task.case is None:
        raise invalid_request()
    return task.case


_READERS: Final[Mapping[TaskKind, Callable[[Task, int, Mapping[str, Any]], Answer]]] = {
    "artery": _artery, "curve": _curve, "predict": _items, "quiz": _items, "paint": _paint,
}  # fmt: skip
