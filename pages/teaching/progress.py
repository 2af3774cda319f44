"""Progress through the lessons and the challenge; part of the user's state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from perfcore.types import DoubleArray, Voxel

if TYPE_CHECKING:  # loads the phantom
    from perfcore.teaching.challenge import ChallengeCase, ChallengeScore

STEPS: Final = {"predict": "Predict", "try": "Try", "see": "See", "why": "Why", "read": "Read on"}
"""Labels of a lesson's steps, by id."""
FIRST_STEP: Final = "predict"
MAX_PATIENT: Final = 99_999
"""Largest number of a patient of the challenge."""


@dataclass
class Attempt:
    """One lesson.

    Attributes
    ----------
    answer
        The prediction: a number, or the index of an option.
    n_class
        Number of people whose answers it is the median or the most frequent of; 0 for the user's own.
    right
        Whether it was right; None before the step ``see``.
    seen
        Ids of the steps that were opened.
    """

    answer: float
    n_class: int = 0
    right: bool | None = None
    seen: set[str] = field(default_factory=set)

    @property
    def done(self) -> bool:
        """Whether the outcome and its reason have been opened."""
        return {"see", "why"} <= self.seen


@dataclass
class LessonProgress:
    """Attempts by lesson id, and scores of the challenge by patient number."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)

    @property
    def n_done(self) -> int:
        """Number of lessons that are done."""
        return sum(attempt.done for attempt in self.attempts.values())

    @property
    def n_right(self) -> int:
        """Number of right predictions."""
        return sum(bool(attempt.right) for attempt in self.attempts.values())


@dataclass(eq=False)
class Challenge:
    """One patient of the challenge.

    Attributes
    ----------
    number
        Number that the patient is drawn from.
    case
        The series and its truth.
    scores, curve
        Scores by label and the submitted AIF; None before the submission.
    true_voxels
        Voxels of the true artery, for the map after the submission.
    """

    number: int
    case: ChallengeCase
    scores: dict[str, ChallengeScore] | None = None
    curve: DoubleArray | None = None
    true_voxels: tuple[Voxel, ...] = ()
