"""Lesson as data: question, task, experiments and texts.

To add a lesson, define a `Lesson` in a module of `pages.teaching.lessons`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Final, Literal
from urllib.parse import quote

from pages.teaching.number_text import keep_units
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


class _Formatter(Formatter):
    """Formatter of numbers in a text: a negative one has a minus sign, not a hyphen."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return a value as text."""
        return str(super().format_field(value, format_spec)).replace("-", "−")


FORMATTER: Final = _Formatter()


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
    too_low, too_high
        Why a lower and a higher answer is wrong, a sentence with placeholders.
    """

    text: str
    low: float
    high: float
    step: float
    unit: str
    answer: Number
    tolerance: float
    too_low: str
    too_high: str

    @property
    def mistakes(self) -> tuple[str, ...]:
        """All sentences on wrong answers."""
        return self.too_low, self.too_high

    def mistake(self, given: float, results: Any) -> str:
        """Return why a wrong answer is wrong, a sentence with placeholders."""
        return self.too_low if given < self.answer(results) else self.too_high

    def is_right(self, given: float, results: Any) -> bool:
        """Return whether an answer is within the tolerance, with a margin for rounding."""
        return abs(given - self.answer(results)) <= self.tolerance * (1 + 1e-3)

    def accepted(self, results: Any) -> tuple[float, float]:
        """Return the lowest and the highest position of the slider that is right."""
        n_steps = round((self.high - self.low) / self.step)
        positions = [round(self.low + i * self.step, 9) for i in range(n_steps + 1)]
        right = [one for one in positions if self.is_right(one, results)]
        return right[0], right[-1]


@dataclass(frozen=True)
class ChoiceQuestion:
    """Question with a few options, one of which is right.

    ``answer`` reads the index of the right option from the results. ``mistakes`` has a sentence for each option
    that says why it is wrong; that of the right one is empty.
    """

    text: str
    options: tuple[str, ...]
    answer: Callable[[Any], int]
    mistakes: tuple[str, ...]

    def mistake(self, given: float, _results: Any) -> str:
        """Return why a wrong option is wrong, a sentence with placeholders."""
        return self.mistakes[int(given)]

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


def volume_of(result: CurveResult | FinetuneResult) -> CurveResult:
    """Return the results of a curve, given or tuned, on all voxels of the case."""
    return result.volume if isinstance(result, FinetuneResult) else result


@dataclass(frozen=True)
class Quantity:
    """Quantity to compare: its label, how it is read from a result, and the names of the experiments.

    ``takes_attempt``: whether it can be read from a `CurveResult`, so that the person's own curve has a bar, too.
    """

    label: str
    read: Number
    experiments: tuple[str, ...]
    takes_attempt: bool = True


@dataclass(frozen=True)
class Picture:
    """One map of two experiments, at the slice where they differ most.

    Attributes
    ----------
    map
        Id in `perfcore.map_info.MAPS`.
    before, after
        Names of the experiments: `CurveExperiment` or `FinetuneExperiment`.
    label, number, digits
        The number under each picture: its label with the unit, how it is read from a `CurveResult`, its digits.
    differ_by
        What the slice is chosen by: the map, within its window, or the voxels of which one experiment alone makes
        a lesion; with ``core`` the known core is outlined, too.
    """

    map: str
    before: str
    after: str
    label: str
    number: Number
    digits: int = 1
    differ_by: Literal["map", "core", "hypoperfused"] = "map"


@dataclass(frozen=True)
class TaskView:
    """How the Lab opens for the task.

    Attributes
    ----------
    maps
        Ids of the map in view and of the one beside it.
    watch
        Id of the metric to watch, one of `perfcore.metrics.LIVE`; it is highlighted.
    opens
        What is open beside the curve: the handles of the whole curve, or fine-tuning.
    """

    maps: tuple[str, str]
    watch: str
    opens: Literal["", "handles", "tuning"] = ""


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
    picture
        The case before and after, as maps.
    view
        How the Lab opens for the task.
    solution
        Name of the experiment that *Do it for me* carries out in the Lab: its curve and its settings.
    numbers
        Further placeholders, read from the results.
    uses_sidebar
        Whether the task needs the sidebar, which lecture mode hides otherwise.

    The texts ``intro``, ``question``, ``task``, ``outcome`` and ``why``, and the mistakes, contain placeholders
    such as ``{half.core_ml:.1f}``: every number is computed.
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
    picture: Picture
    view: TaskView
    solution: str
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
        question = self.question
        return self.intro, question.text, self.task, self.outcome, self.why, *question.mistakes


def fill(text: str, results: Mapping[str, Any]) -> str:
    """Replace the placeholders of a text by their values; units stay with their numbers."""
    return keep_units(FORMATTER.vformat(text, (), results))
