"""What a table of cases can say about one: its size, its lesion, and what a careful reader is warned of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from perfcore.io.case_preview import CasePreview
from perfcore.phantom.recipe import CONFOUNDERS, Confounder, Recipe
from perfcore.types import PerfusionSeries

SHORTEST_S: Final = 60.0
_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("no artery", r"No artery was found|The curve shown is the mean tissue"),
    ("weak AIF", r"The AIF is weak"),
    ("late AIF", r"The AIF arrives"),
    ("AIF cut off", r"The AIF has not fallen"),
    ("low AIF", r"The AIF is hardly higher"),
    ("noisy baseline", r"Only .* before the bolus"),
    ("cut off", r"The scan ends after"),
    ("motion", r"The head moves"),
    ("one side", r"A hemisphere has fewer"),
    ("time step", r".*(time step|times of the frames|unit of time)"),
)
NOTE: Final = "note"
UNREADABLE: Final = "unreadable"


@dataclass(frozen=True)
class Flag:
    """A word for a table, and the sentence behind it."""

    word: str
    sentence: str


@dataclass(frozen=True)
class Facts:
    """What is known of a case, more of it once it has been opened.

    Attributes
    ----------
    n_slices, n_time, spacing_mm, dt_s
        None where the file cannot be read.
    lesion_ml
        Volume of the known lesion in ml, None where there is none or nobody has looked yet.
    flags
        Quality flags; before a case is opened only those that its header shows.
    confounders
        What a phantom was given on purpose.
    opened
        Whether the case has been prepared, so that its flags are complete.
    problem
        Why it cannot be opened, in a sentence.
    """

    n_slices: int | None = None
    n_time: int | None = None
    spacing_mm: tuple[float, float, float] | None = None
    dt_s: float | None = None
    lesion_ml: float | None = None
    flags: tuple[Flag, ...] = ()
    confounders: tuple[Confounder, ...] = ()
    opened: bool = False
    problem: str = ""

    @property
    def notes(self) -> tuple[Flag, ...]:
        """Flags and confounders alike, for people who want the sentences."""
        return (*self.flags, *(Flag(name, CONFOUNDERS[name]) for name in self.confounders))


def flags_of(sentences: Iterable[str]) -> tuple[Flag, ...]:
    """Return a flag for each sentence; a sentence of no known kind is a note."""
    return tuple(Flag(_word(sentence), sentence) for sentence in dict.fromkeys(sentences))


def _word(sentence: str) -> str:
    return next((word for word, pattern in _WORDS if re.match(pattern, sentence)), NOTE)


def short_scan(n_time: int, dt_s: float) -> tuple[Flag, ...]:
    """Flag a scan of less than a minute."""
    if n_time * dt_s >= SHORTEST_S:
        return ()
    return (Flag("short", f"The scan lasts {n_time * dt_s:.0f} s; 60 to 70 s are recommended."),)


def of_recipe(recipe: Recipe) -> Facts:
    """Return the facts of a demonstration, which need no file."""
    return Facts(
        recipe.n_slices,
        recipe.n_time,
        (recipe.pixel_mm, recipe.pixel_mm, recipe.slice_mm),
        recipe.dt_s,
        flags=short_scan(recipe.n_time, recipe.dt_s),
        confounders=recipe.confounders,
    )


def of_preview(seen: CasePreview) -> Facts:
    """Return the facts that a header gives; confounders that the phantom does not know are dropped."""
    flags = short_scan(seen.n_time, seen.dt_s)
    known = tuple(name for name in CONFOUNDERS if name in seen.confounders)
    return Facts(seen.grid[2], seen.n_time, seen.spacing_mm, seen.dt_s, flags=flags, confounders=known)


def of_series(series: PerfusionSeries) -> Facts:
    """Return the facts of a series that has been read."""
    flags = (*short_scan(series.n_time, series.dt_s), *flags_of(series.warnings))
    ml = None if series.lesion is None else float(series.lesion.sum()) * series.voxel_ml
    return Facts(series.grid[2], series.n_time, series.spacing_mm, series.dt_s, ml, flags)
