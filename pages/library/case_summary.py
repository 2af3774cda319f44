"""Summary of a case for the library table: size, lesion and quality flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perfcore.io.case_preview import CasePreview
from perfcore.phantom.recipe import CONFOUNDERS, Confounder, Recipe
from perfcore.quality_flags import FLAGS, Flag, make_flag
from perfcore.types import PerfusionSeries

MIN_SCAN_S: Final = 60.0
UNREADABLE: Final = "unreadable"
"""Stands in the filter beside the codes of the flags: a case that cannot be opened."""


@dataclass(frozen=True)
class CaseSummary:
    """Size, lesion and quality of a case; complete once the case was opened.

    Attributes
    ----------
    n_slices, n_time, spacing_mm, dt_s
        None if the file cannot be read.
    lesion_ml
        Volume of the known lesion in ml; None if there is none or the case was not read yet.
    flags
        Quality flags; before a case is opened only those from its header.
    confounders
        Difficulties that a phantom was made with.
    opened
        Whether the case has been prepared, so that its flags are complete.
    problem
        Why the case cannot be opened, in a sentence.
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
    def notes(self) -> tuple[tuple[str, str], ...]:
        """Label and sentence of every flag and confounder."""
        flags = tuple((flag.label, flag.sentence) for flag in self.flags)
        return (*flags, *((name, CONFOUNDERS[name]) for name in self.confounders))


def label_of(code: str) -> str:
    """Return a few words for the code of a flag; confounders and ``unreadable`` are their own words."""
    return FLAGS[code].label if code in FLAGS else code


def short_scan(n_time: int, dt_s: float) -> tuple[Flag, ...]:
    """Flag a scan of less than a minute."""
    if n_time * dt_s >= MIN_SCAN_S:
        return ()
    return (make_flag("scan_short", f"The scan lasts {n_time * dt_s:.0f} s; 60 to 70 s are recommended."),)


def summary_of_recipe(recipe: Recipe) -> CaseSummary:
    """Return the summary of a phantom from its recipe."""
    return CaseSummary(
        recipe.n_slices,
        recipe.n_time,
        (recipe.pixel_mm, recipe.pixel_mm, recipe.slice_mm),
        recipe.dt_s,
        flags=short_scan(recipe.n_time, recipe.dt_s),
        confounders=recipe.confounders,
    )


def summary_of_header(seen: CasePreview) -> CaseSummary:
    """Return the summary that a file's header gives; unknown confounders are dropped."""
    flags = short_scan(seen.n_time, seen.dt_s)
    known = tuple(name for name in CONFOUNDERS if name in seen.confounders)
    return CaseSummary(seen.grid[2], seen.n_time, seen.spacing_mm, seen.dt_s, flags=flags, confounders=known)


def summary_of_series(series: PerfusionSeries) -> CaseSummary:
    """Return the summary of a series in memory."""
    flags = (*short_scan(series.n_time, series.dt_s), *dict.fromkeys(series.warnings))
    ml = None if series.lesion is None else float(series.lesion.sum()) * series.voxel_ml
    return CaseSummary(series.grid[2], series.n_time, series.spacing_mm, series.dt_s, ml, flags)
