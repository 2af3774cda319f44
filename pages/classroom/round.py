"""Rounds of a room: a task with the answers to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pages.classroom.tasks import Answer, Phase, Task


@dataclass(eq=False)
class Round:
    """One time that a task is put to the room; a second round of a task has the same `Task`.

    Attributes
    ----------
    number
        Unique in the room.
    task
        The task.
    repeats
        Number of the round of this task that came before, or None.
    phase
        Answers are taken while it is ``open``.
    answers
        By participant number, with the revision of the room at which each came.
    changed_at
        Revision of the last change of the answers.
    """

    number: int
    task: Task
    repeats: int | None = None
    phase: Phase = "open"
    answers: dict[int, tuple[Answer, int]] = field(default_factory=dict)
    changed_at: int = 0
    removed: dict[int, int] = field(default_factory=dict)
    """Participant numbers whose answers were removed, with the revision."""
