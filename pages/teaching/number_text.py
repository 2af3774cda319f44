"""Numbers with their units in the texts of the lessons: one space, which no line breaks at."""

from __future__ import annotations

import re
from typing import Final

NO_BREAK: Final = "\u00a0"
_SHARE: Final = re.compile(r"(?<=\d)\s?%")
_UNIT: Final = re.compile(r"(?<=\d)(\**)\s(?=(?:ml|g|s|HU|mm)\b)")


def with_unit(number: str, unit: str) -> str:
    """Return a number and its unit; of a number without unit the number."""
    return f"{number}{NO_BREAK}{unit}" if unit else number


def keep_units(text: str) -> str:
    """Return a text whose units stay on the line of their numbers; a percent sign has the space of every unit."""
    return _UNIT.sub(rf"\1{NO_BREAK}", _SHARE.sub(f"{NO_BREAK}%", text))


def slider_format(step: float, unit: str) -> str:
    """Return the format of a slider's number, with as many digits as its step has, for Streamlit."""
    _, _, digits = f"{step:g}".partition(".")
    return with_unit(f"%.{len(digits)}f", unit.replace("%", "%%"))
