"""Rows of the tables of a class, as text: spreads of the volumes, and changes between rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pages.classroom.class_summary import SUMMARIZED
from pages.classroom.lecturer.change import Change
from pages.classroom.tasks import Answer
from perfcore.metric_info import METRICS
from perfcore.teaching.class_statistics import PUBLISHED, Spread, spread_of

WAYS: Final = ("by hand", "automatic")
"""How the maps of the published coefficients of variation were made."""
SPREAD_HEADS: Final = ("", "n", "Median", "SD", "CV", *(f"CV published, {way}" for way in WAYS))
LABELS: Final = {"painted_ml": "Painted core, ml"}
MIN_ONE_DIGIT: Final = 2.0
"""Smaller numbers get two digits behind the point."""


def spread_rows(answers: Sequence[Answer]) -> list[list[str]]:
    """Return a row for each volume that the answers have, under `SPREAD_HEADS`."""
    rows = []
    for name in SUMMARIZED:
        values = [value for answer in answers if (value := answer.numbers.get(name)) is not None]
        if values:
            spread = spread_of(values)
            figures = [number_text(spread.median), number_text(spread.sd), percent(spread.cv)]
            rows.append([volume_label(name), str(spread.n), *figures, *(_published(name, way) for way in WAYS)])
    return rows


def change_rows(change: Change) -> list[list[str]]:
    """Return rows of what changed, the number of participants who answered both rounds, before and after."""
    items = [
        [item.text, str(item.n), _share(item.n_before, item.n), _share(item.n_after, item.n)]
        for item in change.items
        if item.n
    ]
    spreads = [
        [volume_label(name), str(before.n), _middle(before), _middle(after)]
        for name, (before, after) in change.spreads.items()
    ]
    return [*items, *spreads]


def volume_label(name: str) -> str:
    """Return the label of a volume with its unit."""
    return LABELS.get(name) or METRICS[name].title


def number_text(value: float | None) -> str:
    """Return a number with one digit behind the point, small ones with two; a dash where there is none."""
    if value is None:
        return "–"
    digits = 2 if abs(value) < MIN_ONE_DIGIT else 1
    return f"{value:.{digits}f}".replace("-", "−")


def percent(fraction: float | None) -> str:
    """Return a fraction in percent; a dash where it is not defined."""
    return "–" if fraction is None else f"{100 * fraction:.0f} %"


def _published(name: str, way: str) -> str:
    found = next((one for one in PUBLISHED if one.metric == name and one.label == way), None)
    return percent(None if found is None else found.cv)


def _share(n_right: int, n: int) -> str:
    return f"{100 * n_right / n:.0f} % right ({n_right})"


def _middle(spread: Spread) -> str:
    return f"median {number_text(spread.median)}, CV {percent(spread.cv)}"
