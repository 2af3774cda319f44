"""Ranges of the sidebar's sliders; settings from a link must lie within them."""

from __future__ import annotations

from typing import Final

from perfcore.errors import ArgumentError
from perfcore.ranges import Span
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import Settings

SLIDER_RANGES: Final[dict[str, Span]] = {
    "spatial_sigma_mm": Span(0.0, 6.0, 0.25),
    "temporal_sigma_s": Span(0.0, 4.0, 0.25),
    "core_threshold": Span(0.1, 0.6, 0.01),
    "tmax_threshold_s": Span(2.0, 14.0, 0.5),
}


def check_slider_ranges(settings: Settings) -> None:
    """Check that the sidebar can show every setting.

    Raises
    ------
    ArgumentError
        A setting lies outside the range of its slider.
    """
    for name, limits in {**SLIDER_RANGES, "lambda_rel": REGULARIZATIONS[settings.regularization].slider}.items():
        value = getattr(settings, name)
        if not limits.low <= value <= limits.high:
            raise ArgumentError(f"{name} must lie between {limits.low:g} and {limits.high:g} here; got {value:g}.")
