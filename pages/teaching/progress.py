"""How far a person has come; kept in their session alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

STEPS = ("Predict", "Try", "See", "Why", "Read on")


@dataclass
class Attempt:
    """One lesson: the answer given, whether it was right (None before *See*), and the steps that were opened."""

    answer: float | str
    right: bool | None = None
    seen: set[str] = field(default_factory=set)

    @property
    def done(self) -> bool:
        """Whether the outcome and its reason have been seen."""
        return {"See", "Why"} <= self.seen


@dataclass
class Progress:
    """Attempts by lesson, and the scores of the challenge by its number."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)

    @property
    def n_done(self) -> int:
        """Lessons that are done."""
        return sum(attempt.done for attempt in self.attempts.values())

    @property
    def n_right(self) -> int:
        """Predictions that were right."""
        return sum(bool(attempt.right) for attempt in self.attempts.values())


def progress() -> Progress:
    """Return this person's progress."""
    mine: Progress = st.session_state.setdefault("progress", Progress())
    return mine
