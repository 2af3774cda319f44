"""Where a case's input functions come from: each is found when somebody first asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import replace

from perfcore.aif.network.weights import network_names
from perfcore.aif.select import SELECTORS
from perfcore.errors import PerfcoreError
from perfcore.pipeline import find_curve
from perfcore.preprocess import Prepared
from perfcore.types import Aif

Finder = Callable[[Prepared], Aif]


def finders(vof: Aif | None = None) -> dict[str, Finder]:
    """Return every way of finding an input function that this server has, by method.

    A vein's curve is one too: late and spread out, as a wrong choice is.

    The networks are those whose weights are there; without a manifest that can be read there are none.
    """
    networks: tuple[str, ...] = ()
    with suppress(PerfcoreError):
        networks = network_names()
    ways: dict[str, Finder] = {
        name: lambda prepared, name=name: find_curve(prepared, name).aif for name in (*SELECTORS, *networks)
    }
    if vof is not None:
        ways["vein"] = lambda _prepared: replace(vof, method="vein")
    return ways


class Sources:
    """The input functions of one case, shared by everybody who has it open.

    Parameters
    ----------
    prepared
        The case.
    known
        Curves that are here already, the default first; what is found joins them.
    ways
        How others are found; what cannot be found is said each time, and not tried again.
    """

    def __init__(self, prepared: Prepared, known: MutableMapping[str, Aif], ways: Mapping[str, Finder]) -> None:
        self._prepared, self._known, self._ways = prepared, known, dict(ways)
        self._failed: dict[str, PerfcoreError] = {}
        self._lock = threading.Lock()

    @property
    def methods(self) -> list[str]:
        """Every method that can be asked for, the default first."""
        return [*self._known, *(name for name in self._ways if name not in self._known)]

    def get(self, method: str) -> Aif:
        """Return the curve of one of ``methods``.

        Raises
        ------
        PerfcoreError
            It finds none in this case.
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
