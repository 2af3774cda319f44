"""Sources of input functions: label, colour and group of each, by its stable id.

Selectors are those of :data:`perfcore.aif.select.SELECTORS`; networks and known curves are listed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perfcore.aif.select import BEST, SELECTORS
from perfcore.display.colours import OUTLINES
from perfcore.types import Aif

NETWORK: Final = "cnn"
"""Id that stands for the best network; every network's id begins with it."""
OTHER_COLOURS: Final = ("#b8a000", "#5f8fb4", "#d0672c", "#6fae3e", "#a86bd8", "#2fb3b3")
"""Colours by place, of curves without their own."""


@dataclass(frozen=True)
class SourceInfo:
    """A source of input functions and how it is shown.

    Attributes
    ----------
    id
        In links and files.
    label
        In the interface and in reports.
    colour
        Of its curves, ``#rrggbb``; empty where it takes one by place.
    group
        Heading in lists of sources.
    """

    id: str
    label: str
    colour: str
    group: str


_FOUND: Final = "Found in the series"
KNOWN: Final[dict[str, SourceInfo]] = {
    info.id: info
    for info in (
        SourceInfo("truth", "True AIF", "#8b95a1", "Known"),
        SourceInfo("expert", "Expert", "#8b95a1", "Known"),
        SourceInfo("tissue", "Mean tissue curve", "", _FOUND),
        SourceInfo("vein", "Vein (VOF)", OUTLINES["vof"], "To learn from"),
    )
}
NETWORK_SOURCES: Final[dict[str, SourceInfo]] = {
    info.id: info
    for info in (
        SourceInfo("cnn-regression", "Network, regression", "#e06bc4", "Learned"),
        SourceInfo("cnn-weighting", "Network, weighting", "#8f7bf0", "Learned"),
        SourceInfo("cnn-regression-core", "Network, regression, core loss", "#f0b3df", "Learned"),
        SourceInfo("cnn-weighting-core", "Network, weighting, core loss", "#c9c0f9", "Learned"),
        SourceInfo("cnn-paper", "Network, the paper's recipe", "#a9825a", "Learned"),
    )
}
NULL: Final = "null-"
"""Beginning of the ids of null models, curves that know nothing of the patient: see `null_of`."""
OWN_NULL: Final = "null"
"""Reference of the comparison of each network with its own null model."""
TYPICAL: Final = f"{NULL}typical"
"""Id of the typical arterial gamma variate for everybody."""
_NULL_GROUP: Final = "Null models"


def aif_methods() -> tuple[str, ...]:
    """Return every id that finds an input function in a series: ``auto``, the selectors, ``cnn``, the networks."""
    return ("auto", *SELECTORS, NETWORK, *NETWORK_SOURCES)


def is_network(source_id: str) -> bool:
    """Return whether an id is a network's (``cnn`` alone, which stands for the best, is not)."""
    return source_id.startswith(f"{NETWORK}-")


def null_of(network: str) -> str:
    """Return the id of a network's null model, its mean curve for everybody."""
    return NULL + network


def is_null(source_id: str) -> bool:
    """Return whether an id is that of a null model."""
    return source_id.startswith(NULL)


def is_example(source_id: str) -> bool:
    """Return whether the example figures of a report show a source: known curves, the best selector, networks."""
    return source_id in KNOWN or source_id == BEST or is_network(source_id)


def source_info(source_id: str) -> SourceInfo:
    """Return the entry of a source; an id that is in no registry is its own label."""
    if source_id in SELECTORS:
        selector = SELECTORS[source_id]
        return SourceInfo(source_id, selector.label, selector.colour, _FOUND)
    known = {**KNOWN, **NETWORK_SOURCES}
    if source_id in known:
        return known[source_id]
    if source_id == TYPICAL:
        return SourceInfo(source_id, "Typical curve (null model)", "#6b7280", _NULL_GROUP)
    if is_null(source_id):
        network = source_info(source_id.removeprefix(NULL))
        return SourceInfo(source_id, f"{network.label} (null model)", network.colour, _NULL_GROUP)
    return SourceInfo(source_id, source_id, "", "Learned" if is_network(source_id) else "Files")


def source_label(source_id: str) -> str:
    """Return a source's name in the interface."""
    return source_info(source_id).label


def aif_label(aif: Aif) -> str:
    """Return an AIF's name in the interface: its own, or that of its source."""
    return aif.label or source_label(aif.source_id)


def source_colour(source_id: str, place: int = 0) -> str:
    """Return a source's colour, the same on every page; others take theirs by place."""
    return source_info(source_id).colour or OTHER_COLOURS[place % len(OTHER_COLOURS)]
