"""AIF sources of a case: selectors, networks and the VOF; each AIF is computed at its first use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from perfcore.aif.network.weights import network_names
from perfcore.aif.select import SELECTORS
from perfcore.aif.select.selection import VEIN
from perfcore.errors import PerfcoreError
from perfcore.pipeline import find_curve
from perfcore.preprocess import Prepared
from perfcore.types import Aif

Finder = Callable[[Prepared], Aif]


def finders(vof: Aif | None = None) -> dict[str, Finder]:
    """Return a function for each AIF source, by method: selectors, networks with weights, the VOF.

    The VOF shows a wrong choice: late and dispersed. Without a readable manifest there are no networks.
    """
    networks: tuple[str, ...] = ()
    with suppress(PerfcoreError):
        networks = network_names()
    ways: dict[str, Finder] = {name: partial(_find, name) for name in (*SELECTORS, *networks)}
    if vof is not None:
        ways[VEIN] = lambda _prepared: replace(vof, source_id=VEIN)
    return ways


def _find(method: str, prepared: Prepared) -> Aif:
    # The source keeps its id where another selector stands in; the curve's quality flag says so.
    return replace(find_curve(prepared, method).corrected(), source_id=method)


class AifSources:
    """The AIFs of one case, shared by all sessions that have it open; thread-safe.

    Parameters
    ----------
    prepared
        The case.
    known
        AIFs that are computed already, the default first; further ones are added.
    ways
        Functions that compute further ones; an error is raised each time, without another try.
    """

    def __init__(self, prepared: Prepared, known: MutableMapping[str, Aif], ways: Mapping[str, Finder]) -> None:
        self._prepared, self._known, self._ways = prepared, known, dict(ways)
        self._failed: dict[str, PerfcoreError] = {}
        self._lock = threading.Lock()

    @property
    def methods(self) -> list[str]:
        """Every available method, the default first."""
        return [*self._known, *(name for name in self._ways if name not in self._known)]

    def get(self, method: str) -> Aif:
        """Return the AIF of one of ``methods``.

        Raises
        ------
        PerfcoreError
            The method finds no AIF in this case.
        """
        with self._lock:
            if method in self._failed:
                raise self._failed[method]
            if method not in self._known:
                try:
                    self._known[method] = self._ways[method](self._prepared)
                except PerfcoreError as error:
                    self._failed[method] = error
                    raise
            return self._known[method]
