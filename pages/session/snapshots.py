"""Snapshots: a curve with its settings and lesion metrics, saved under a name."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from pages.session.share_link import SavedView
from pages.ui.escape import spreadsheet_text
from perfcore.errors import InputDataError
from perfcore.regularization import REGULARIZATIONS

MAX_SNAPSHOTS: Final = 20
MAX_NAME_CHARS: Final = 40
METRICS: Final = ("core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", "reference_cbf", "dice")
"""Lesion metrics of a snapshot, in the order of the table."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One saved curve with its case, settings and metrics.

    Attributes
    ----------
    number
        Number within the store, used once.
    name, title
        Name given by the user; title of the case.
    view
        Case, settings and curve; the curve is never None.
    numbers
        The metrics of `METRICS`: ml, a ratio, ml/100 g/min, and Dice; None where one is undefined.
    made
        Time of saving, UTC.
    """

    number: int
    name: str
    title: str
    view: SavedView
    numbers: Mapping[str, float | None]
    made: datetime


class SnapshotStore:
    """Snapshots of one user, in the order of saving; at most `MAX_SNAPSHOTS`."""

    def __init__(self) -> None:
        self.done = 0
        """Number of the last request that was carried out; the browser repeats a request until then."""
        self.is_restored = False
        """Whether the browser has sent the snapshots of an earlier session; it does so once."""
        self._kept: dict[int, Snapshot] = {}
        self._last = 0

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(tuple(self._kept.values()))

    def __len__(self) -> int:
        return len(self._kept)

    def add(
        self, name: str, title: str, view: SavedView, numbers: Mapping[str, float | None], made: datetime
    ) -> Snapshot:
        """Add a snapshot; an empty name becomes its number.

        Raises
        ------
        InputDataError
            There are `MAX_SNAPSHOTS` already.
        """
        if len(self._kept) >= MAX_SNAPSHOTS:
            raise InputDataError(f"At most {MAX_SNAPSHOTS} snapshots are kept; delete one first.")
        self._last += 1
        figures = MappingProxyType({key: numbers.get(key) for key in METRICS})
        snapshot = Snapshot(self._last, clean_name(name) or f"Snapshot {self._last}", title, view, figures, made)
        self._kept[snapshot.number] = snapshot
        return snapshot

    def get(self, number: int) -> Snapshot:
        """Return a snapshot.

        Raises
        ------
        InputDataError
            There is no snapshot of that number.
        """
        if number not in self._kept:
            raise InputDataError("This snapshot does not exist any more.")
        return self._kept[number]

    def rename(self, number: int, name: str) -> None:
        """Rename a snapshot; an empty name changes nothing."""
        snapshot = self.get(number)
        self._kept[number] = replace(snapshot, name=clean_name(name) or snapshot.name)

    def delete(self, number: int) -> None:
        """Delete a snapshot."""
        del self._kept[self.get(number).number]

    def changes(self, snapshot: Snapshot) -> dict[str, float | None]:
        """Return the change of each metric against the first snapshot of the same case."""
        first = self.first_of(snapshot)
        return {key: _difference(snapshot.numbers[key], first.numbers[key]) for key in METRICS}

    def first_of(self, snapshot: Snapshot) -> Snapshot:
        """Return the first snapshot of the same case."""
        return next(other for other in self if other.view.case == snapshot.view.case)


def table_csv(snapshots: SnapshotStore) -> str:
    """Return all snapshots as CSV: names, settings, metrics, and their changes from ``change_from``."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    settings = list(next(iter(snapshots)).view.settings.as_dict()) if len(snapshots) else []
    figures = [column for key in METRICS for column in (key, f"{key}_change")]
    writer.writerow(["name", "case", "made_utc", "start", *figures, *settings, "change_from"])
    for snapshot in snapshots:
        changes = snapshots.changes(snapshot)
        writer.writerow([
            spreadsheet_text(snapshot.name), spreadsheet_text(snapshot.title),
            f"{snapshot.made:%Y-%m-%d %H:%M:%S}", snapshot.view.start,
            *(_cell(value) for key in METRICS for value in (snapshot.numbers[key], changes[key])),
            *snapshot.view.settings.as_dict().values(), spreadsheet_text(snapshots.first_of(snapshot).name),
        ])  # fmt: skip
    return out.getvalue()


def settings_summary(view: SavedView) -> str:
    """Return the settings of a view in a few words: preset, and the settings that differ from it."""
    differs = view.settings.differences(view.preset)
    kind = differs.pop("regularization", None)
    strength = differs.pop("lambda_rel", REGULARIZATIONS[kind].default_lambda if kind else None)
    words = [view.preset]
    if strength is not None:
        words.append(f"{kind or 'λ'} {strength:g}")
    for key, text in _WORDS.items():
        if key in differs:
            words.append(text.format(differs.pop(key)))
    return ", ".join([*words, *(f"{key.replace('_', ' ')} {value}" for key, value in differs.items())])


_WORDS: Final = {
    "deconvolution": "{}",
    "discretization": "{}",
    "spatial_sigma_mm": "{:g} mm",
    "temporal_sigma_s": "{:g} s",
    "reference": "reference {}",
    "core_threshold": "core < {:g}",
    "tmax_threshold_s": "Tmax > {:g} s",
    "tmax_reference": "Tmax {}",
}


def clean_name(name: str) -> str:
    """Return a name as one short line of printable text."""
    printable = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in name[: 4 * MAX_NAME_CHARS])
    return " ".join(printable.split())[:MAX_NAME_CHARS].rstrip()


def _difference(value: float | None, first: float | None) -> float | None:
    return None if value is None or first is None else value - first


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
