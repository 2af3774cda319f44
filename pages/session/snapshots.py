"""Snapshots: a curve, its settings and what they gave, kept by a person under a name."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from pages.session.share_link import Scene
from perfcore.errors import InputDataError
from perfcore.regularization import REGULARIZATIONS

MOST: Final = 20
LONGEST_NAME: Final = 40
NUMBERS: Final = ("core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", "reference_cbf", "dice")
"""The figures of a snapshot, in the order of the table."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One what-if, as it was when it was kept.

    Attributes
    ----------
    number
        Names it within the shelf; never given twice.
    name, title
        What the person calls it; what the case is called.
    scene
        Case, settings and curve; the curve is always there.
    numbers
        The figures of `NUMBERS`: ml, a ratio, ml/100 g/min, and Dice; None where one has no meaning.
    made
        When, in UTC.
    """

    number: int
    name: str
    title: str
    scene: Scene
    numbers: Mapping[str, float | None]
    made: datetime


class Shelf:
    """One person's snapshots, in the order they were made; at most `MOST`."""

    def __init__(self) -> None:
        self.done = 0
        """Number of the last wish that was carried out; the browser sends one again until it is."""
        self.brought = False
        """Whether the browser has brought back what an earlier session had kept; it does so once."""
        self._kept: dict[int, Snapshot] = {}
        self._last = 0

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(tuple(self._kept.values()))

    def __len__(self) -> int:
        return len(self._kept)

    def keep(
        self, name: str, title: str, scene: Scene, numbers: Mapping[str, float | None], made: datetime
    ) -> Snapshot:
        """Add a snapshot; without a name it is called by its number.

        Raises
        ------
        InputDataError
            There are `MOST` already.
        """
        if len(self._kept) >= MOST:
            raise InputDataError(f"{MOST} snapshots are kept at most; delete one first.")
        self._last += 1
        figures = MappingProxyType({key: numbers.get(key) for key in NUMBERS})
        snapshot = Snapshot(self._last, _clean(name) or f"Snapshot {self._last}", title, scene, figures, made)
        self._kept[snapshot.number] = snapshot
        return snapshot

    def get(self, number: int) -> Snapshot:
        """Return a snapshot.

        Raises
        ------
        InputDataError
            It is not here.
        """
        if number not in self._kept:
            raise InputDataError("That snapshot is not here any more.")
        return self._kept[number]

    def rename(self, number: int, name: str) -> None:
        """Give a snapshot another name; an empty one changes nothing."""
        snapshot = self.get(number)
        self._kept[number] = replace(snapshot, name=_clean(name) or snapshot.name)

    def delete(self, number: int) -> None:
        """Take a snapshot away."""
        del self._kept[self.get(number).number]

    def changes(self, snapshot: Snapshot) -> dict[str, float | None]:
        """Return each figure's change against the first snapshot of the same case."""
        first = next(other for other in self if other.scene.case == snapshot.scene.case)
        return {key: _difference(snapshot.numbers[key], first.numbers[key]) for key in NUMBERS}


def table_csv(shelf: Shelf) -> str:
    """Return all snapshots as a CSV: names, settings, figures and their changes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    settings = list(next(iter(shelf)).scene.settings.as_dict()) if len(shelf) else []
    figures = [column for key in NUMBERS for column in (key, f"{key}_change")]
    writer.writerow(["name", "case", "made_utc", "start", *figures, *settings])
    for snapshot in shelf:
        changes = shelf.changes(snapshot)
        writer.writerow([
            snapshot.name, snapshot.title, f"{snapshot.made:%Y-%m-%d %H:%M:%S}", snapshot.scene.start,
            *(_cell(value) for key in NUMBERS for value in (snapshot.numbers[key], changes[key])),
            *snapshot.scene.settings.as_dict().values(),
        ])  # fmt: skip
    return out.getvalue()


def settings_words(scene: Scene) -> str:
    """Return a scene's settings in a few words: its preset, and what differs from it."""
    differs = scene.settings.differences(scene.preset)
    kind = differs.pop("regularization", None)
    strength = differs.pop("lambda_rel", REGULARIZATIONS[kind].default_lambda if kind else None)
    words = [scene.preset]
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
}


def _clean(name: str) -> str:
    """Return a name as one short line of printable text."""
    printable = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in name[: 4 * LONGEST_NAME])
    return " ".join(printable.split())[:LONGEST_NAME].rstrip()


def _difference(value: float | None, first: float | None) -> float | None:
    return None if value is None or first is None else value - first


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
