"""How far each setting goes in the sidebar; a link is held to the same."""

from __future__ import annotations

from typing import Final

from perfcore.errors import ArgumentError
from perfcore.ranges import Span
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import Settings

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
    for name, span in {**SPANS, "lambda_rel": REGULARIZATIONS[settings.regularization].slider}.items():
        value = getattr(settings, name)
        if not span.low <= value <= span.high:
            raise ArgumentError(f"{name} must lie between {span.low:g} and {span.high:g} here; got {value:g}.")
