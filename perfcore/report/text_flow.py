"""Lists of quality flags and settings, broken into lines and columns that fit the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perfcore.quality_flags import Flag
from perfcore.report.page_layout import WIDTH_MM, max_quality_mm
from perfcore.report.typography import BODY_PT, LINE_MM, drawable, shorten, width_mm, wrap

N_COLUMNS: Final = 2
COLUMN_GAP_MM: Final = 7.0
COLUMN_MM: Final = (WIDTH_MM - COLUMN_GAP_MM) / N_COLUMNS
BULLET_MM: Final = 3.4
HEADING_MM: Final = 4.6
PAIR_GAP_MM: Final = 3.4
LABEL_GAP_MM: Final = 1.2
MAX_SETTING_MM: Final = 120.0
MAX_LINES: Final = 6
"""Of one flag; a longer sentence is cut off."""


@dataclass(frozen=True)
class FlagLines:
    """A quality flag and the lines of its sentence."""

    flag: Flag
    lines: tuple[str, ...]


@dataclass(frozen=True)
class QualityColumns:
    """Quality flags in columns, and how many at the end of the list did not fit."""

    columns: tuple[tuple[FlagLines, ...], ...]
    n_left_out: int

    @property
    def height(self) -> float:
        """Height of heading, columns and the line that states what was left out, mm."""
        most = max((sum(len(entry.lines) for entry in column) for column in self.columns), default=0)
        return HEADING_MM + (most + (self.n_left_out > 0)) * LINE_MM

    @property
    def shown(self) -> int:
        """Number of flags that fit."""
        return sum(len(column) for column in self.columns)


def quality_columns(flags: Sequence[Flag], settings_mm: float) -> QualityColumns:
    """Break the sentences of flags into lines, and the list into columns of nearly one height.

    Parameters
    ----------
    flags
        The most severe first; those that do not fit at the end are left out.
    settings_mm
        Height of the list of settings.
    """
    entries = [FlagLines(flag, _lines(flag.sentence)) for flag in flags]
    limit = int((max_quality_mm(settings_mm) - HEADING_MM) / LINE_MM)
    for height in range(1, limit + 1):
        columns = _fill(entries, height)
        if sum(map(len, columns)) == len(entries):
            return QualityColumns(columns, 0)
    columns = _fill(entries, limit - 1)
    return QualityColumns(columns, len(entries) - sum(map(len, columns)))


def _lines(sentence: str) -> tuple[str, ...]:
    limit = COLUMN_MM - BULLET_MM
    lines = wrap(drawable(sentence), limit)
    if len(lines) > MAX_LINES:
        lines = [*lines[: MAX_LINES - 1], shorten(" ".join(lines[MAX_LINES - 1 :]), limit)]
    return tuple(lines)


def _fill(entries: Sequence[FlagLines], height: int) -> tuple[tuple[FlagLines, ...], ...]:
    """Put entries into columns of at most ``height`` lines, until one does not fit into the last."""
    columns: list[list[FlagLines]] = [[]]
    for entry in entries:
        used = sum(len(other.lines) for other in columns[-1])
        if used + len(entry.lines) > height:
            if len(columns) == N_COLUMNS or len(entry.lines) > height:
                break
            columns.append([])
        columns[-1].append(entry)
    return tuple(tuple(column) for column in columns)


@dataclass(frozen=True)
class Pair:
    """A setting in a line: its label, its text, and where it begins, mm from the left."""

    label: str
    text: str
    x: float

    @property
    def text_x(self) -> float:
        """Where its text begins."""
        return self.x + width_mm(self.label, BODY_PT) + LABEL_GAP_MM


def settings_height(n_lines: int) -> float:
    """Return the height of the heading and the lines of the settings, mm."""
    return HEADING_MM + n_lines * LINE_MM


def setting_lines(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[Pair, ...], ...]:
    """Break pairs of label and text into lines of the page's width."""
    lines: list[list[Pair]] = [[]]
    x = 0.0
    for label, text in pairs:
        words = shorten(drawable(text), MAX_SETTING_MM)
        width = width_mm(label, BODY_PT) + LABEL_GAP_MM + width_mm(words, BODY_PT)
        if x and x + width > WIDTH_MM:
            lines.append([])
            x = 0.0
        lines[-1].append(Pair(label, words, x))
        x += width + PAIR_GAP_MM
    return tuple(tuple(line) for line in lines)
