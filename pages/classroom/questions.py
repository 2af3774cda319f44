"""Questions to a class: one option of a few, or a number; the right answer stays on the server until revealed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from perfcore.errors import InputDataError


@dataclass(frozen=True)
class ChoiceItem:
    """Question with a few options.

    Attributes
    ----------
    text
        The question.
    options
        At least two.
    right
        Index of the right option; None where there is none.
    """

    text: str
    options: tuple[str, ...]
    right: int | None = None

    def header(self) -> dict[str, Any]:
        """Return what participants see."""
        return {"text": self.text, "options": list(self.options)}

    def read(self, value: Any) -> int:
        """Read an answer.

        Raises
        ------
        InputDataError
            It is not the index of an option.
        """
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(self.options):
            raise InputDataError("Choose one of the options.")
        return value

    def is_right(self, value: float) -> bool | None:
        """Return whether an answer is right; None where there is no right answer."""
        return None if self.right is None else value == self.right


@dataclass(frozen=True)
class NumberItem:
    """Question whose answer is a number.

    Attributes
    ----------
    text
        The question.
    low, high, step, unit
        Range, step and unit of the slider.
    right, tolerance
        The right answer and the largest error of a right answer; None where there is no right answer.
    """

    text: str
    low: float
    high: float
    step: float
    unit: str
    right: float | None = None
    tolerance: float = 0.0

    def header(self) -> dict[str, Any]:
        """Return what participants see."""
        names = ("text", "low", "high", "step", "unit")
        return {name: getattr(self, name) for name in names}

    def read(self, value: Any) -> float:
        """Read an answer.

        Raises
        ------
        InputDataError
            It is not a number within the range.
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputDataError("Answer with a number.")
        if not self.low <= value <= self.high:
            raise InputDataError(f"Answer with a number from {self.low:g} to {self.high:g}.")
        return float(value)

    def is_right(self, value: float) -> bool | None:
        """Return whether an answer is right; None where there is no right answer."""
        return None if self.right is None else abs(value - self.right) <= self.tolerance


Item = ChoiceItem | NumberItem


def read_items(items: tuple[Item, ...], values: Any) -> tuple[float, ...]:
    """Read the answers to all items of a task.

    Raises
    ------
    InputDataError
        There is not one valid answer for each item.
    """
    if not isinstance(values, list) or len(values) != len(items):
        raise InputDataError("Answer every question.")
    return tuple(item.read(value) for item, value in zip(items, values, strict=True))
