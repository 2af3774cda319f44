"""One plausibility check: what is measured, the ranges, the likely cause and the remedy."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Check:
    """One plausibility check.

    Attributes
    ----------
    code
        Identity; also the code of its quality flag.
    measured
        What is measured, without an article.
    unit
        Of the value and the ranges; ``%`` for a share, whose value and ranges are fractions; empty for a ratio.
    normal, possible
        Closed ranges; ``possible`` contains ``normal``. Equal ranges: no value is merely doubtful.
    low, high
        Likely cause of a value below and above the normal range, a sentence without its full stop.
    remedy
        What to do, an imperative clause.
    source
        Where the ranges come from.
    """

    code: str
    measured: str
    normal: tuple[float, float]
    possible: tuple[float, float]
    remedy: str
    source: str
    unit: str = ""
    low: str = ""
    high: str = ""

    @property
    def can_be_doubtful(self) -> bool:
        """Whether some value is possible, but not normal."""
        return self.normal != self.possible

    def is_possible(self, value: float) -> bool:
        """Whether a value is finite and within ``possible``."""
        return math.isfinite(value) and self.possible[0] <= value <= self.possible[1]

    def is_normal(self, value: float) -> bool:
        """Whether a value is within ``normal``."""
        return self.normal[0] <= value <= self.normal[1]

    def sentence(self, value: float) -> str:
        """Return the cause, the value with its range, and the remedy."""
        return (
            f"{self.cause(value)} ({self.measured}: {self._text(value)}, expected {self._expected()}); "
            f"{self.remedy}."
        )

    def cause(self, value: float) -> str:
        """Return the likely cause of a value that is not normal."""
        return self.low if value < self.normal[0] else self.high

    def fact(self, value: float) -> str:
        """Return what was measured, with its range, as a sentence."""
        return f"{self.measured[0].upper()}{self.measured[1:]}: {self._text(value)}, expected {self._expected()}."

    def _text(self, value: float) -> str:
        shown = 100 * value if self.unit == "%" else value
        number = f"{shown:.0f}" if abs(shown) >= 99.5 else f"{shown:.2g}"
        return f"{number} {self.unit}".strip().replace("-", "−")

    def _expected(self) -> str:
        low, high = self.normal
        if math.isinf(high):
            return f"at least {self._text(low)}"
        if math.isinf(low) or (self.unit == "%" and low == 0):
            return f"at most {self._text(high)}"
        return f"{self._text(low).removesuffix(self.unit).strip()} to {self._text(high)}"
