"""Tasks of a class, and the answers that participants give to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from pages.classroom.questions import Item
from pages.live.compute.case import LiveCase
from perfcore.settings import Settings
from perfcore.types import Aif, DoubleArray, Voxel

TRUTH_METRICS: Final = frozenset({"dice", "auc"})
"""Metrics that compare with the truth, which participants do not get."""

TaskKind = Literal["artery", "curve", "predict", "quiz", "paint"]
Phase = Literal["open", "paused", "closed"]


@dataclass(frozen=True)
class TaskInfo:
    """A kind of task: its id, its name, and what a participant is asked to do."""

    kind: TaskKind
    label: str
    instruction: str


TASKS: Final[Mapping[TaskKind, TaskInfo]] = MappingProxyType({
    info.kind: info
    for info in (
        TaskInfo("artery", "Click the artery", "Click voxels of an artery; their mean is your AIF."),
        TaskInfo("curve", "Draw the AIF", "Drag or draw the AIF; the maps follow."),
        TaskInfo("predict", "Predict", "Answer before the result is shown."),
        TaskInfo("quiz", "Five questions", "Answer the questions; they are asked again after the class."),
        TaskInfo("paint", "Paint the core", "Paint the infarct core on this slice."),
    )
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class TaskCase:
    """The case of a task, the same for all participants.

    Attributes
    ----------
    case
        The prepared case.
    settings
        Settings of the maps.
    start
        The AIF that edits start from.
    title
        Name of the case on the screen.
    slice_index
        The slice that is shown first; the core is painted on this one.
    """

    case: LiveCase
    settings: Settings
    start: Aif
    title: str
    slice_index: int

    @cached_property
    def hidden(self) -> LiveCase:
        """The case as participants receive it: without the truth."""
        return self.case.without_truth()

    @cached_property
    def start_numbers(self) -> Mapping[str, float | None]:
        """Lesion metrics of the start AIF."""
        return self.case.start_numbers(self.start, self.settings)


@dataclass(frozen=True, eq=False)
class Task:
    """One task.

    Attributes
    ----------
    kind
        What participants do.
    title, text
        Title and instruction on the screens.
    case
        The case; None for questions without one.
    items
        Questions of the kinds ``predict`` and ``quiz``.
    lesson
        Id of the lesson that the task belongs to, or empty.
    """

    kind: TaskKind
    title: str
    text: str
    case: TaskCase | None = None
    items: tuple[Item, ...] = ()
    lesson: str = ""


@dataclass(frozen=True, eq=False)
class Painting:
    """Painted voxels of a slice as packed bits: a room may keep thousands of paintings.

    Attributes
    ----------
    bits
        Eight flags a byte.
    n
        Number of flags: voxels of the brain mask on the slice.
    """

    bits: NDArray[np.uint8]
    n: int

    @classmethod
    def of(cls, flags: NDArray[np.bool_]) -> Painting:
        """Pack one flag per voxel of the brain mask in slice order."""
        return cls(np.packbits(flags), flags.size)

    @property
    def flags(self) -> NDArray[np.bool_]:
        """One flag per voxel, shape ``(n,)``."""
        return np.unpackbits(self.bits, count=self.n).astype(bool)


@dataclass(frozen=True, eq=False)
class Answer:
    """The last answer of one participant in one round.

    Attributes
    ----------
    sequence
        Number that the participant's browser gave the answer.
    curve
        The AIF, enhancement, shape ``(n_time,)``; of the kinds ``artery`` and ``curve``.
    voxels
        Clicked voxels, of the kind ``artery``.
    values
        Answers to the items, of the kinds ``predict`` and ``quiz``.
    painting
        Painted voxels, of the kind ``paint``.
    numbers
        Lesion metrics by id of `perfcore.metric_info.METRICS`, or of the painted lesion ``painted_ml`` and
        ``dice``; None where one is undefined.
    """

    sequence: int
    curve: DoubleArray | None = None
    voxels: tuple[Voxel, ...] = ()
    values: tuple[float, ...] = ()
    painting: Painting | None = None
    numbers: Mapping[str, float | None] = field(default_factory=dict)

    def own_header(self) -> dict[str, Any]:
        """Return what the participant gets back: the answer with its numbers, ready for JSON."""
        header: dict[str, Any] = {"seq": self.sequence, "numbers": dict(self.numbers)}
        if self.curve is not None:
            header["curve"] = [round(float(v), 3) for v in self.curve]
        if self.voxels:
            header["voxels"] = [list(v) for v in self.voxels]
        if self.values:
            header["values"] = list(self.values)
        if self.painting is not None:
            header["runs"] = runs_of(self.painting.flags)
        return header

    @property
    def painted(self) -> NDArray[np.bool_] | None:
        """Painted voxels of the slice, one flag per voxel of the brain mask in slice order."""
        return None if self.painting is None else self.painting.flags


def runs_of(flags: NDArray[np.bool_]) -> list[int]:
    """Return runs of set flags: start and length in turn."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    return [int(v) for v in np.stack([starts, ends - starts], axis=1).reshape(-1)]
