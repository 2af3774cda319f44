"""Class of one lecturer: the room that belongs to a Streamlit session, and the curves that it has given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from pages.classroom.registry import ROOMS
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.live.compute.case import LiveCase
from perfcore.errors import PerfcoreError
from perfcore.types import DoubleArray

MIN_CURVES: Final = 3
"""Curves of a round from which a distribution is shown."""


@dataclass(eq=False)
class ClassState:
    """The lecturer's room and choices.

    Attributes
    ----------
    opened
        The room that this session leads; it may have ended.
    shared_uploads
        Keys of the uploaded cases that the lecturer has agreed to show to the room.
    problem
        Why the last action was not possible; shown once.
    is_over
        Whether the last room has ended, so that the browser forgets it.
    """

    opened: Room | None = None
    shared_uploads: set[str] = field(default_factory=set)
    problem: str = ""
    is_over: bool = False

    @property
    def room(self) -> Room | None:
        """The open room, or None."""
        return None if self.opened is None or self.opened.is_ended else self.opened

    def open(self) -> Room:
        """Open a room.

        Raises
        ------
        InputDataError
            The server holds too many.
        """
        self.opened, self.is_over = ROOMS.open(), False
        return self.opened

    def recall(self, token: str) -> bool:
        """Lead the room of a lecturer's token again, after a reload; return whether it is still open."""
        found = ROOMS.of_token(token)
        self.is_over = found is None or found[1] is not None
        if found is not None and not self.is_over:
            self.opened = found[0]
        return not self.is_over

    def end(self) -> None:
        """End the room: everything in it is gone."""
        if self.opened is not None:
            ROOMS.end(self.opened)
        self.opened, self.is_over = None, True

    def act(self, action: Callable[..., object], *args: object) -> None:
        """Carry out an action on the room; an error becomes `problem`."""
        try:
            action(*args)
        except PerfcoreError as error:
            self.problem = str(error)

    def curves(self, case: LiveCase) -> DoubleArray:
        """Return the latest curves that the class has given for a case, shape ``(n_curves, n_time)``.

        It is empty where no round of the open room has `MIN_CURVES` of them.
        """
        one = self.curve_round(case)
        if one is None:
            return np.empty((0, case.prepared.n_time))
        return np.stack(curves_of(one))

    def curve_round(self, case: LiveCase) -> Round | None:
        """Return the latest round with at least `MIN_CURVES` curves for a case, or None."""
        for one in reversed(self.room.rounds if self.room is not None else []):
            of = one.task.case
            if of is not None and of.case.name == case.name and len(curves_of(one)) >= MIN_CURVES:
                return one
        return None


def curves_of(one: Round) -> list[DoubleArray]:
    """Return the curves of a round, shape ``(n_time,)`` each."""
    return [answer.curve for answer, _ in tuple(one.answers.values()) if answer.curve is not None]
