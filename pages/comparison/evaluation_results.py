"""Results of an evaluation as read from its folder."""

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
from perfcore.evaluation.headline import headline
from perfcore.evaluation.run import EVALUATION_FILES, case_columns
from perfcore.evaluation.statistics import summarise

MAX_EVALUATION_BYTES: Final = 64 << 20
_TEXT: Final = ("case", "patient", "confounders", "method", "note")
_REPEAT: Final = "make it again with python -m perfcore evaluate."
NONE: Final = "none"
"""Confounder name of a case without confounders."""


@dataclass(frozen=True, eq=False)
class EvaluationResults:
    """One evaluation.

    Attributes
    ----------
    title
        Title on the page.
    rows
        A row per case and method, as in ``cases.csv``.
    roc
        Column ``fpr`` and one per method.
    sweep
        Mean Dice per method and threshold of rCBF, as in ``sweep.csv``.
    summary
        Content of ``summary.json``.
    files
        Content of the files, by name.
    entry_of
        Returns the catalog key of a case by its name and number of slices, or None.
    """

    title: str
    rows: pd.DataFrame
    roc: pd.DataFrame
    sweep: pd.DataFrame
    summary: dict[str, Any]
    files: dict[str, bytes]
    entry_of: Callable[[str, int], str | None]

    @property
    def methods(self) -> list[str]:
        """Evaluated methods, in the order of the table."""
        return list(self.summary["methods"])

    def catalog_key(self, case: str) -> str | None:
        """Return the catalog key of a case, or None."""
        slices = self.rows.loc[self.rows["case"] == case, "n_slices"]
        return None if slices.empty else self.entry_of(case, int(slices.iloc[0]))


@dataclass(frozen=True)
class CaseFilter:
    """Filter of the cases of an evaluation; an empty field passes all."""

    confounders: tuple[str, ...] = ()
    slices: tuple[int, ...] = ()
    lesion_ml: tuple[float, float] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every case passes."""
        return not self.confounders and not self.slices and self.lesion_ml is None

    def apply(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the cases that pass; any of the confounders suffices."""
        kept = pd.Series(data=True, index=rows.index)
        if self.confounders:
            wanted = set(self.confounders)
            kept &= rows["confounders"].map(lambda text: bool(wanted & set(confounders_of(text))))
        if self.slices:
            kept &= rows["n_slices"].isin(self.slices)
        if self.lesion_ml is not None:
            # The row of a method that was not evaluated has no volume, so the case's volume is used.
            size = rows.groupby("case")["lesion_ml"].transform("max")
            kept &= size.between(*self.lesion_ml)
        return rows[kept]


def confounders_of(text: Any) -> tuple[str, ...]:
    """Return the confounders in a cell of the table."""
    return tuple(str(text).split()) or (NONE,)


def summary_of(found: EvaluationResults, cases: CaseFilter) -> dict[str, Any]:
    """Return means, differences and headline over the cases that pass a filter."""
    if cases.is_empty:
        return found.summary
    statistics = summarise(cases.apply(found.rows), list(found.summary["differences"]))
    return {**statistics, "headline": headline(statistics)}


def read_results(folder: Path, title: str, entry_of: Callable[[str, int], str | None]) -> EvaluationResults | None:
    """Read the folder of an evaluation; None if it holds none.

    Raises
    ------
    InputDataError
        The files are too large, incomplete or damaged.
    """
    try:
        stamp = (folder / "summary.json").stat().st_mtime_ns
    except OSError:
        return None
    files, rows, roc, sweep, summary = _read(folder, stamp)
    return EvaluationResults(title, rows, roc, sweep, summary, files, entry_of)


@lru_cache(maxsize=4)
def _read(
    folder: Path, _stamp: int
) -> tuple[dict[str, bytes], pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    try:
        if sum((folder / name).stat().st_size for name in EVALUATION_FILES) > MAX_EVALUATION_BYTES:
            raise InputDataError("The evaluation is too large to be shown.")
        files = {name: (folder / name).read_bytes() for name in EVALUATION_FILES}
        rows = pd.read_csv(io.BytesIO(files["cases.csv"]), dtype=dict.fromkeys(_TEXT, str))
        roc, sweep = (pd.read_csv(io.BytesIO(files[name])) for name in ("roc.csv", "sweep.csv"))
        summary = json.loads(files["summary.json"])
        complete = set(case_columns()) <= set(rows) and "fpr" in roc and bool(summary["methods"])
        complete &= {"method", "threshold", "dice_mean", "n"} <= set(sweep)
        complete &= isinstance(summary["differences"], dict) and set(summary["methods"]) == set(rows["method"])
        complete &= isinstance(summary["headline"], list)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputDataError(f"The evaluation cannot be read; {_REPEAT}") from error
    if not complete:
        raise InputDataError(f"The evaluation is incomplete; {_REPEAT}")
    rows = rows.astype({"found": bool, "failed": bool, "fallback": bool})
    rows["confounders"] = rows["confounders"].fillna("")
    return files, rows, roc, sweep, summary
