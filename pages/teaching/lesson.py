"""A lesson is data: what is asked, tried, computed and said; each is defined in ``pages/teaching/lessons``."""

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
"""Reads a figure off the lesson's results: ``lambda r: r.half.core_ml``."""

FORMATTER: Final = Formatter()


@dataclass(frozen=True)
class Slider:
    """A question whose answer is a number.

    Attributes
    ----------
    text
        The question.
    low, high, step, unit
        Of the slider.
    answer
        What is true.
    close
        How far off still counts as right.
    """

    text: str
    low: float
    high: float
    step: float
    unit: str
    answer: Number
    close: float

    def right(self, given: float, results: Any) -> bool:
        """Return whether an answer is close enough."""
        return abs(given - self.answer(results)) <= self.close


@dataclass(frozen=True)
class Choice:
    """A question with a few answers, of which one is right.

    ``answer`` reads the index of the right one off the results: it is found, not written down.
    """

    text: str
    options: tuple[str, ...]
    answer: Callable[[Any], int]

    def right(self, given: str, results: Any) -> bool:
        """Return whether this is the one."""
        return given == self.options[self.answer(results)]


@dataclass(frozen=True)
class Claim:
    """A sentence of the lesson that can be false, with what decides."""

    sentence: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Reading:
    """A paper."""

    title: str
    doi: str

    @property
    def link(self) -> str:
        """Where it is."""
        return f"https://doi.org/{quote(self.doi)}"


@dataclass(frozen=True)
class Watch:
    """The quantity to watch: read off each of some experiments' results."""

    label: str
    read: Number
    of: tuple[str, ...]


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes
    ----------
    id
        Short, for links.
    order
        Place among the lessons: they are taught from the lowest to the highest.
    title, minutes, summary
        For the list.
    case
        Key of the case; ``settings`` differ from the paper's; ``start`` is the curve that the task begins with.
    intro
        What is to know before the question.
    question
        Asked before anything is shown.
    task
        One or two sentences over the live component.
    experiments
        What is computed, by name; the names are those of the placeholders.
    watch
        The quantities to watch, one small chart each.
    found
        What came out, in a sentence or two.
    why
        The explanation; ``explain`` names experiments whose k(t) and filter factors stand beside it.
    claims
        What the lesson says; tested.
    reading
        Papers.
    numbers
        Further placeholders, read off the results.
    uses_sidebar
        Whether its task needs the sidebar, which a presentation hides otherwise.

    In ``intro``, ``question``, ``task``, ``found`` and ``why`` stand placeholders such as ``{half.core_ml:.1f}``:
    no figure is typed in.
    """

    id: str
    order: int
    title: str
    minutes: int
    summary: str
    intro: str
    question: Slider | Choice
    task: str
    experiments: Mapping[str, Experiment]
    watch: tuple[Watch, ...]
    found: str
    why: str
    explain: tuple[str, ...]
    claims: tuple[Claim, ...]
    reading: tuple[Reading, ...]
    case: str = "demo-m1-occlusion"
    start: str = "truth"
    settings: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Number] = field(default_factory=dict)
    uses_sidebar: bool = False

    @property
    def own_settings(self) -> Settings:
        """The settings that it opens with."""
        return Settings.preset("paper", **self.settings)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that may hold placeholders."""
        return self.intro, self.question.text, self.task, self.found, self.why


def fill(text: str, results: Mapping[str, Any]) -> str:
    """Put figures in a text's placeholders."""
    return FORMATTER.vformat(text, (), results)
