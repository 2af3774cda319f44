"""Text of the PDF: fonts, widths and line breaks, measured in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

MM_PER_PT: Final = 25.4 / 72
BODY_PT: Final = 7.2
SMALL_PT: Final = 7.0
"""The smallest type; below 7 pt print is hard to read."""
LINE_MM: Final = 1.26 * BODY_PT * MM_PER_PT
FAMILY: Final = "DejaVu Sans"
"""Comes with matplotlib, so that the same report has the same bytes on every machine."""


@lru_cache(maxsize=2)
def font(bold: bool = False) -> FontProperties:
    """Return the font of the PDF."""
    return FontProperties(family=FAMILY, weight="bold" if bold else "normal")


@lru_cache(maxsize=4096)
def width_mm(text: str, size_pt: float = BODY_PT, bold: bool = False) -> float:
    """Return the width of a line of text."""
    sized = font(bold).copy()
    sized.set_size(size_pt)
    width: float = text_to_path.get_text_width_height_descent(text, sized, ismath=False)[0]
    return width * MM_PER_PT


def drawable(text: str) -> str:
    """Return a text with a question mark for every character that the font has not."""
    face = get_font(findfont(font()))
    return "".join(c if face.get_char_index(ord(c)) else "?" for c in text)


def wrap(text: str, limit_mm: float, size_pt: float = BODY_PT, bold: bool = False) -> list[str]:
    """Return the lines of a text that is not to be wider than a limit; a word that is wider is broken."""
    lines: list[str] = []
    line = ""
    for word in _short_words(text.split(), limit_mm, size_pt, bold):
        longer = f"{line} {word}" if line else word
        if line and width_mm(longer, size_pt, bold) > limit_mm:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


def shorten(text: str, limit_mm: float, size_pt: float = BODY_PT, bold: bool = False) -> str:
    """Return a text cut off with an ellipsis where it is wider than a limit."""
    if width_mm(text, size_pt, bold) <= limit_mm:
        return text
    n = _fitting(text, limit_mm - width_mm("…", size_pt, bold), size_pt, bold)
    return text[:n].rstrip() + "…"


def _short_words(words: Sequence[str], limit_mm: float, size_pt: float, bold: bool) -> list[str]:
    short = []
    for word in words:
        rest = word
        while width_mm(rest, size_pt, bold) > limit_mm:
            n = max(_fitting(rest, limit_mm, size_pt, bold), 1)
            short.append(rest[:n])
            rest = rest[n:]
        short.append(rest)
    return [word for word in short if word]


def _fitting(text: str, limit_mm: float, size_pt: float, bold: bool) -> int:
    """Return how many of the first characters are not wider than a limit, by bisection."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width_mm(text[:middle], size_pt, bold) <= limit_mm:
            low = middle
        else:
            high = middle - 1
    return low
