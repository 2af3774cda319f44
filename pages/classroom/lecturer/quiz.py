"""Five questions on AIF sensitivity, asked before and after a class; tests compute every right answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pages.classroom.questions import ChoiceItem
from perfcore.aif.edits import CurveEdit
from perfcore.teaching import CurveExperiment, CurveResult

CASE: Final = "demo-m1-occlusion"
"""Key of the case that the answers are true on, under the preset ``paper``."""
SAME: Final = 0.03
"""Largest relative change that is called none."""

Predicate = Callable[[CurveResult, CurveResult], bool]
"""Whether an option is true of the results before and after a change of the AIF."""


@dataclass(frozen=True)
class QuizQuestion:
    """A question, the two computations that it compares, and what each option claims of them.

    Attributes
    ----------
    text
        The question.
    before, after
        The computations on the case `CASE`.
    options
        Each option and its claim; the right one comes at place ``right``.
    right
        Place of the only option that holds.
    """

    text: str
    before: CurveExperiment
    after: CurveExperiment
    options: tuple[tuple[str, Predicate], ...]
    right: int

    @property
    def item(self) -> ChoiceItem:
        """The question as a class is asked."""
        return ChoiceItem(self.text, tuple(text for text, _ in self.options), self.right)


def _ratio(name: str, a: CurveResult, b: CurveResult) -> float:
    """Return a figure after the change over before it; means are those of healthy tissue."""
    of = (b.healthy, a.healthy) if hasattr(a.healthy, name) else (b, a)
    return float(getattr(of[0], name) / getattr(of[1], name))


def _same(name: str, a: CurveResult, b: CurveResult) -> bool:
    return abs(_ratio(name, a, b) - 1) <= SAME


def _doubles(name: str, a: CurveResult, b: CurveResult) -> bool:
    return abs(_ratio(name, a, b) - 2) <= SAME


def _falls(name: str, a: CurveResult, b: CurveResult) -> bool:
    return _ratio(name, a, b) < 1 - SAME


def _rises(name: str, a: CurveResult, b: CurveResult) -> bool:
    return _ratio(name, a, b) > 1 + SAME


_TRUE: Final = CurveExperiment("true AIF")
_CAUSAL: Final = {"deconvolution": "causal"}

QUIZ: Final[tuple[QuizQuestion, ...]] = (
    QuizQuestion(
        "The AIF is read 3 s too late; the deconvolution is delay-invariant. "
        "What happens to the core (rCBF) and to the hypoperfused volume (Tmax > 6 s)?",
        _TRUE, CurveExperiment("3 s late", edit=CurveEdit(shift_s=3)),
        (
            ("Both grow.", lambda a, b: _rises("core_ml", a, b) and _rises("hypoperfused_ml", a, b)),
            ("The core stays, the hypoperfused volume shrinks.",
             lambda a, b: _same("core_ml", a, b) and _falls("hypoperfused_ml", a, b)),
            ("The core grows, the hypoperfused volume stays.",
             lambda a, b: _rises("core_ml", a, b) and _same("hypoperfused_ml", a, b)),
            ("Both stay.", lambda a, b: _same("core_ml", a, b) and _same("hypoperfused_ml", a, b)),
        ), 1,
    ),
    QuizQuestion(
        "Partial volume makes the AIF half as high as it should be. What changes?",
        _TRUE, CurveExperiment("half as high", edit=CurveEdit(amplitude=0.5)),
        (
            ("CBF and CBV are halved, the core grows.",
             lambda a, b: _falls("cbf", a, b) and _falls("cbv", a, b) and _rises("core_ml", a, b)),
            ("MTT doubles, CBF stays.", lambda a, b: _doubles("mtt", a, b) and _same("cbf", a, b)),
            ("The core doubles.", lambda a, b: _doubles("core_ml", a, b)),
            ("CBF and CBV double; MTT and the core stay.",
             lambda a, b: _doubles("cbf", a, b) and _doubles("cbv", a, b) and _same("mtt", a, b)
             and _same("core_ml", a, b)),
        ), 3,
    ),
    QuizQuestion(
        "A large vein is taken in place of the artery. Which map is most wrong?",
        _TRUE, CurveExperiment("vein", curve="vein"),
        (
            ("Tmax: hypoperfused tissue is missed.",
             lambda a, b: _ratio("hypoperfused_ml", a, b) < 0.5 and _ratio("tmax", a, b) < 0.5),
            ("CBF: it doubles.", lambda a, b: _doubles("cbf", a, b)),
            ("rCBF: the core is missed.", lambda a, b: _ratio("core_ml", a, b) < 0.5),
            ("MTT: it is halved.", lambda a, b: _ratio("mtt", a, b) < 0.6),
        ), 0,
    ),
    QuizQuestion(
        "The scan stops at 30 s, before the contrast has left the tissue. How is the MTT of healthy tissue read?",
        _TRUE, CurveExperiment("30 s", stop_s=30),
        (
            ("Too long, since CBV is overestimated.", lambda a, b: _rises("mtt", a, b) and _rises("cbv", a, b)),
            ("Correctly: CBV and CBF are wrong alike.", lambda a, b: _same("mtt", a, b)),
            ("Too short, since CBV is underestimated.", lambda a, b: _falls("mtt", a, b) and _falls("cbv", a, b)),
        ), 2,
    ),
    QuizQuestion(
        "The AIF is read 3 s too late; the deconvolution is causal. What happens to the core (rCBF)?",
        CurveExperiment("causal", settings=_CAUSAL),
        CurveExperiment("causal, 3 s late", edit=CurveEdit(shift_s=3), settings=_CAUSAL),
        (
            ("It shrinks, since healthy CBF falls.", lambda a, b: _falls("core_ml", a, b) and _falls("cbf", a, b)),
            ("It grows, since healthy CBF rises.", lambda a, b: _rises("core_ml", a, b) and _rises("cbf", a, b)),
            ("It stays, since a shift only moves k(t).", lambda a, b: _same("core_ml", a, b)),
        ), 1,
    ),
)  # fmt: skip
"""On late AIF, scaling, vein, truncation and delay; with Tmax, CBF, CBV, MTT and the core."""
