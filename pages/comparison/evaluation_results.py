"""An evaluation's output as the page reads it: the one that ships, the server's, a person's own."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from perfcore.errors import InputDataError
from perfcore.evaluation.run import CASE_COLUMNS
from perfcore.evaluation.statistics import summarise

FILES: Final = ("cases.csv", "roc.csv", "summary.json", "report.html")
MAX_EVALUATION_BYTES: Final = 64 << 20
_TEXT: Final = ("case", "patient", "confounders", "method", "note")
_AGAIN: Final = "make it again with python -m perfcore evaluate."
NONE: Final = "none"
"""A case without a confounder."""


@dataclass(frozen=True, eq=False)
class Results:
    """One evaluation.

    Attributes
    ----------
    title
        What it is called on the page.
    rows
        A row per case and method, as in ``cases.csv``.
    roc
        Column ``fpr`` and one per method.
    summary
        What ``summary.json`` holds.
    files
        The files as they are, by name.
    entry_of
        Key of the library's case behind a case and its number of slices, None where it is not here.
    """

    title: str
    rows: pd.DataFrame
    roc: pd.DataFrame
    summary: dict[str, Any]
    files: dict[str, bytes]
    entry_of: Callable[[str, int], str | None]

    @property
    def methods(self) -> list[str]:
        """The methods that were judged, in the order of the table."""
        return list(self.summary["methods"])

    def opens(self, case: str) -> str | None:
        """Return the key of the library's case behind one of its cases."""
        slices = self.rows.loc[self.rows["case"] == case, "n_slices"]
        return None if slices.empty else self.entry_of(case, int(slices.iloc[0]))


@dataclass(frozen=True)
class Part:
    """Which cases of an evaluation are wanted; an empty field asks for all."""

    confounders: tuple[str, ...] = ()
    slices: tuple[int, ...] = ()
    lesion_ml: tuple[float, float] | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return not self.confounders and not self.slices and self.lesion_ml is None

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the wanted cases; any of the confounders suffices."""
        kept = pd.Series(data=True, index=rows.index)
        if self.confounders:
            wanted = set(self.confounders)
            kept &= rows["confounders"].map(lambda text: bool(wanted & set(words(text))))
        if self.slices:
            kept &= rows["n_slices"].isin(self.slices)
        if self.lesion_ml is not None:
            # A method that found nothing has no volume in its row: the case's own counts.
            size = rows.groupby("case")["lesion_ml"].transform("max")
            kept &= size.between(*self.lesion_ml)
        return rows[kept]


def words(text: Any) -> tuple[str, ...]:
    """Return the confounders of a cell."""
    return tuple(str(text).split()) or (NONE,)


def figures(found: Results, part: Part) -> dict[str, Any]:
    """Return ``methods`` and ``p_values`` over a part of the cases; over all, those that were written."""
    if part.is_all:
        return found.summary
    return summarise(part.of(found.rows), list(found.summary["p_values"]))


def read_results(folder: Path, title: str, entry_of: Callable[[str, int], str | None]) -> Results | None:
    """Read an evaluation's folder; None where there is none.

    Raises
    ------
    InputDataError
        It is there and cannot be used.
    """
    try:
        stamp = (folder / "summary.json").stat().st_mtime_ns
    except OSError:
        return None
    files, rows, roc, summary = _read(folder, stamp)
    return Results(title, rows, roc, summary, files, entry_of)


@lru_cache(maxsize=4)
def _read(folder: Path, _stamp: int) -> tuple[dict[str, bytes], pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    try:
        if sum((folder / name).stat().st_size for name in FILES) > MAX_EVALUATION_BYTES:
            raise InputDataError("The evaluation is too large to be shown.")
        files = {name: (folder / name).read_bytes() for name in FILES}
        rows = pd.read_csv(io.BytesIO(files["cases.csv"]), dtype=dict.fromkeys(_TEXT, str))
        roc = pd.read_csv(io.BytesIO(files["roc.csv"]))
        summary = json.loads(files["summary.json"])
        complete = set(CASE_COLUMNS) <= set(rows) and "fpr" in roc and bool(summary["methods"])
        complete &= isinstance(summary["p_values"], dict) and set(summary["methods"]) == set(rows["method"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputDataError(f"The evaluation cannot be read; {_AGAIN}") from error
    if not complete:
        raise InputDataError(f"The evaluation is incomplete; {_AGAIN}")
    rows["found"] = rows["found"].astype(bool)
    rows["confounders"] = rows["confounders"].fillna("")
    return files, rows, roc, summary
