"""Tables of volumes by case, as CSV: ours (``cases.csv`` of ``maps``), and those of another package."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.byte_source import open_source

VOLUMES: Final = ("core_ml", "hypoperfused_ml")
MAX_BYTES: Final = 16 << 20
MAX_ML: Final = 1e5
_CASE: Final = "case"


@dataclass(frozen=True)
class VolumeTable:
    """Volumes by case.

    Attributes
    ----------
    cases
        Names of all rows, in their order.
    volumes
        The volumes of `VOLUMES` in ml, of every case that has them.
    """

    cases: tuple[str, ...]
    volumes: dict[str, tuple[float, ...]]


def read_volume_table(source: Path | bytes, what: str) -> VolumeTable:
    """Read a CSV with the columns ``case``, ``core_ml`` and ``hypoperfused_ml``; further columns are ignored.

    Parameters
    ----------
    source
        A path, or the content: UTF-8 with or without a byte-order mark; commas, or semicolons or tabs where the
        first row has them; decimal points.
    what
        What to call the table in an error.

    Raises
    ------
    InputDataError
        The file is not such a table, names a case twice, or holds a volume that is no number, negative or
        infinite. An empty cell is no error: the case has no volumes.
    """
    names, rows = _rows(source, what)
    missing = [name for name in (_CASE, *VOLUMES) if names.count(name) != 1]
    if missing:
        raise InputDataError(
            f"The table {what} needs each of the columns {', '.join((_CASE, *VOLUMES))} once in its first row; "
            f"{', '.join(missing)} is not, so give such a CSV."
        )
    at_case, *at_volumes = (names.index(name) for name in (_CASE, *VOLUMES))
    volumes: dict[str, tuple[float, ...]] = {}
    cases: dict[str, int] = {}
    for number, row in enumerate(rows, 2):
        cells = [row[k].strip() if k < len(row) else "" for k in (at_case, *at_volumes)]
        case = cells[0]
        if not case:
            raise InputDataError(f"Row {number} of the table {what} names no case; give each row a name.")
        if case in cases:
            raise InputDataError(
                f"Rows {cases[case]} and {number} of the table {what} name the same case; give each case one row."
            )
        cases[case] = number
        if all(cells[1:]):
            volumes[case] = tuple(_volume(cell, number, what) for cell in cells[1:])
    return VolumeTable(tuple(cases), volumes)


def _volume(cell: str, number: int, what: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value <= MAX_ML:
        raise InputDataError(
            f"Row {number} of the table {what} holds a volume that is no number between 0 and {MAX_ML:g} ml; "
            "correct the file."
        )
    return value


def _rows(source: Path | bytes, what: str) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, in lower case, and the rows that are not empty."""
    with open_source(source, f"table {what}") as stream:
        content = stream.read(MAX_BYTES + 1) if not stream.gzipped else b"\0"
    try:
        text = content.decode("utf-8-sig")
        if len(content) > MAX_BYTES or "\0" in text:
            raise ValueError
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        found = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except (ValueError, csv.Error) as error:
        raise InputDataError(
            f"The table {what} is not a text table in UTF-8 of at most {MAX_BYTES >> 20} MB; give a CSV."
        ) from error
    return [cell.strip().lower() for cell in found[0]] if found else [], found[1:]
