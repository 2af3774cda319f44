"""Table of many cases, ``cases.csv``: a row of figures for each case, or why it was refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from perfcore.metric_info import METRICS
from perfcore.metrics import Numbers
from perfcore.quality_flags import codes

if TYPE_CHECKING:
    from perfcore.pipeline import Analysis

CASES_FILE: Final = "cases.csv"
Cell = float | int | str | bool | None


@dataclass(frozen=True)
class CaseOutcome:
    """What became of one case.

    Attributes
    ----------
    name
        Name of the case.
    figures
        Its figures by column; empty for a refused case.
    problem
        Why it has no maps, in a sentence; None for a case that has.
    is_fault
        Whether the problem is a fault of the program, not of the input.
    """

    name: str
    figures: dict[str, Cell] = field(default_factory=dict)
    problem: str | None = None
    is_fault: bool = False


def columns() -> tuple[str, ...]:
    """Return the columns of the table: those of `METRICS` have its units."""
    empty = Numbers(0.0, 0.0, 0.0, None, 0.0).by_metric()
    known = ("lesion_ml", "dice", "jaccard", "auc", "hd95_mm")
    figures = tuple(name for name in METRICS if name in empty and name not in known)
    return ("case", *figures, *known, "tmax_shift_s", "aif", "dt_s", "n_time", "quality", "seconds", "problem")


def figures_of(analysis: Analysis) -> dict[str, Cell]:
    """Return the figures of an analysis by column; the quality flags by their codes."""
    return {
        **analysis.numbers.by_metric(),
        "tmax_shift_s": analysis.maps.tmax_shift_s,
        "aif": analysis.aif.source_id,
        "dt_s": analysis.series.dt_s,
        "n_time": analysis.series.n_time,
        "quality": " ".join(codes(analysis.quality)),
        "seconds": analysis.seconds["total"],
    }


def table_text(outcomes: Iterable[CaseOutcome]) -> str:
    """Return the table as CSV; a figure without a meaning is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = columns()
    writer.writerow(names)
    for outcome in outcomes:
        row: dict[str, Cell] = {"case": outcome.name, **outcome.figures, "problem": outcome.problem}
        writer.writerow([_cell(row.get(name)) for name in names])
    return out.getvalue()


def _cell(value: Cell) -> Cell:
    return f"{value:.6g}" if isinstance(value, float) else value
