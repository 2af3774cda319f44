"""Ranges of values that the interface offers."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Lowest and highest value of a slider, and its step."""

    low: float
    high: float
    step: float
