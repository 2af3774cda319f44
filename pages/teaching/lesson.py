"""Lesson as data: question, task, experiments and texts.

To add a lesson, define a `Lesson` in a module of `pages.teaching.lessons`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Final
from urllib.parse import quote

from perfcore.settings import Settings
from perfcore.teaching import (
    CurveExperiment,
    CurveResult,
    FinetuneExperiment,
    FinetuneResult,
    SweepExperiment,
    SweepResult,
)

Experiment = CurveExperiment | SweepExperiment | FinetuneExperiment
Result = CurveResult | SweepResult | FinetuneResult
Number = Callable[[Any], float]
"""Reads a number from a lesson's results: ``lambda r: r.half.core_ml``."""

FORMATTER: Final = Formatter()


@dataclass(frozen=True)
class SliderQuestion:
    """Question whose answer is a number.

    Attributes
    ----------
    text
        The question.
    low, high, step, unit
        Range, step and unit of the slider.
    answer
        Reads the right answer from the results.
    tolerance
        Largest error of a right answer.
    """

    text: str
    low: float
    high: float
    step: float
    unit: str
    answer: Number
    tolerance: float

    def is_right(self, given: float, results: Any) -> bool:
        """Return whether an answer is within the tolerance."""
        return abs(given - self.answer(results)) <= self.tolerance


@dataclass(frozen=True)
class ChoiceQuestion:
    """Question with a few options, one of which is right.

    ``answer`` reads the index of the right option from the results.
    """

    text: str
    options: tuple[str, ...]
    answer: Callable[[Any], int]

    def is_right(self, given: float, results: Any) -> bool:
        """Return whether an index is that of the right option."""
        return given == self.answer(results)


@dataclass(frozen=True)
class Claim:
    """Sentence of a lesson that can be false, and its test on the results."""

    sentence: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Reading:
    """Paper, by its DOI."""

    title: str
    doi: str

    @property
    def link(self) -> str:
        """Web address."""
        return f"https://doi.org/{quote(self.doi)}"


@dataclass(frozen=True)
class Quantity:
    """Quantity to compare: its label, how it is read from a result, and the names of the experiments."""

    label: str
    read: Number
    experiments: tuple[str, ...]


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes
    ----------
    id
        Short name, used in links.
    order
        Position in the list of lessons, which is sorted by it.
    title, minutes, summary
        For the list of lessons.
    case, settings, start
        Key of the case; settings that differ from the preset ``paper``; method of the start AIF of the task.
    intro
        Text before the question.
    question
        Asked before any result is shown.
    task
        One or two sentences above the live component.
    experiments
        Computations by name; placeholders use these names.
    quantities
        Quantities to compare, a small chart each.
    outcome
        The results in a sentence or two.
    why
        The explanation.
    charted
        Names of the experiments whose AIF, k(t) and filter factors are drawn beside the explanation.
    claims
        Statements of the lesson, tested.
    reading
        Papers.
    numbers
        Further placeholders, read from the results.
    uses_sidebar
        Whether the task needs the sidebar, which a presentation hides otherwise.

    The texts ``intro``, ``question``, ``task``, ``outcome`` and ``why`` contain placeholders such as
    ``{half.core_ml:.1f}``: every number is computed.
    """

    id: str
    order: int
    title: str
    minutes: int
    summary: str
    intro: str
    question: SliderQuestion | ChoiceQuestion
    task: str
    experiments: Mapping[str, Experiment]
    quantities: tuple[Quantity, ...]
    outcome: str
    why: str
    charted: tuple[str, ...]
    claims: tuple[Claim, ...]
    reading: tuple[Reading, ...]
    case: str = "demo-m1-occlusion"
    start: str = "truth"
    settings: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Number] = field(default_factory=dict)
    uses_sidebar: bool = False

    @property
    def own_settings(self) -> Settings:
        """Settings that the lesson opens with."""
        return Settings.preset("paper", **self.settings)

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts with placeholders."""
        return self.intro, self.question.text, self.task, self.outcome, self.why


def fill(text: str, results: Mapping[str, Any]) -> str:
    """Replace the placeholders of a text by their values."""
    return FORMATTER.vformat(text, (), results)
