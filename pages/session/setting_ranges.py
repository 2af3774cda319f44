"""How far each setting goes in the sidebar; a link is held to the same."""

from __future__ import annotations

from typing import Final, NamedTuple

from perfcore.errors import ArgumentError
from perfcore.settings import Settings


class Span(NamedTuple):
    """Lowest and highest value of a slider, and its step."""

    low: float
    high: float
    step: float


LAMBDA: Final[dict[str, Span]] = {
    "tikhonov": Span(0.01, 1.0, 0.01),
    "tsvd": Span(0.01, 0.6, 0.01),
    "oscillation": Span(0.005, 0.3, 0.005),
}
SPANS: Final[dict[str, Span]] = {
    "spatial_sigma_mm": Span(0.0, 6.0, 0.25),
    "temporal_sigma_s": Span(0.0, 4.0, 0.25),
    "core_threshold": Span(0.1, 0.6, 0.01),
    "tmax_threshold_s": Span(2.0, 14.0, 0.5),
}


def check(settings: Settings) -> None:
    """Refuse what no slider can show.

    Raises
    ------
    ArgumentError
        A setting lies outside the sidebar's range.
    """
    for name, span in {**SPANS, "lambda_rel": LAMBDA[settings.regularization]}.items():
        value = getattr(settings, name)
        if not span.low <= value <= span.high:
            raise ArgumentError(f"{name} must lie between {span.low:g} and {span.high:g} here; got {value:g}.")
