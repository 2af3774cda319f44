"""Classical selectors: an arterial (and a venous) input function found in the series itself.

A further selector is one module in ``methods``: its name is the selector's id, its ``INFO`` the rest. Importing
this package loads none of them, so that the command line can list them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from perfcore.errors import ArgumentError, NoArteryError
from perfcore.quality_flags import codes, make_flag

if TYPE_CHECKING:
    from perfcore.aif.select.selection import Selection
    from perfcore.preprocess import Prepared
    from perfcore.types import Aif

BEST: Final = "straka"
"""Id of the selector that ``auto`` stands for, and that is used where another one finds no curve."""
_METHODS: Final = "methods"


@dataclass(frozen=True)
class SelectorInfo:
    """A selector and how it is shown.

    Attributes
    ----------
    id
        Its name on the command line, in links and in files.
    label
        Its name in the interface and in reports.
    colour
        Of its curves and voxels on every page, as ``#rrggbb``.
    function
        Finds the input function of a prepared case; raises NoArteryError where there is none.
    """

    id: str
    label: str
    colour: str
    function: Callable[[Prepared], Selection]


class SelectorRegistry(MutableMapping[str, SelectorInfo]):
    """Selectors by id, `BEST` first; a selector's module is imported when its entry is first read."""

    def __init__(self) -> None:
        found = sorted(file.stem for file in (Path(__file__).parent / _METHODS).glob("[!_]*.py"))
        self._infos: dict[str, SelectorInfo | None] = dict.fromkeys(sorted(found, key=lambda name: name != BEST))

    def __getitem__(self, name: str) -> SelectorInfo:
        info = self._infos[name]
        if info is None:
            info = self._infos[name] = import_module(f"{__name__}.{_METHODS}.{name}").INFO
        return info

    def __setitem__(self, name: str, info: SelectorInfo) -> None:
        self._infos[name] = info

    def __delitem__(self, name: str) -> None:
        del self._infos[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._infos)

    def __len__(self) -> int:
        return len(self._infos)

    def __contains__(self, name: object) -> bool:
        return name in self._infos


SELECTORS: Final = SelectorRegistry()


def select(prepared: Prepared, method: str = "auto") -> Selection:
    """Choose an input function with one of the classical selectors.

    Where it finds none, `BEST` is used; the curve then has that selector's ``source_id`` and the quality flag
    ``aif_fallback``.

    Parameters
    ----------
    prepared
        The case.
    method
        A key of ``SELECTORS``, or ``auto`` for the best of them.

    Returns
    -------
    Selection

    Raises
    ------
    NoArteryError
        No voxel behaves like an artery, to `BEST` neither.
    ArgumentError
        There is no such selector.
    """
    name = BEST if method == "auto" else method
    if name not in SELECTORS:
        raise ArgumentError(f"The selector must be one of auto, {', '.join(SELECTORS)}; got {method!r}.")
    try:
        return SELECTORS[name].function(prepared)
    except NoArteryError as error:
        if name == BEST:
            raise
        try:
            found = SELECTORS[BEST].function(prepared)
        except NoArteryError:
            raise error from None
    said = f"{SELECTORS[name].label} found no artery; the curve is that of {SELECTORS[BEST].label}."
    aif = replace(found.aif, quality=(*found.aif.quality, make_flag("aif_fallback", said)))
    return replace(found, aif=aif, why=f"{said} {found.why}")


def is_fallback(aif: Aif) -> bool:
    """Return whether a curve is that of `BEST` in place of the asked selector, which found none."""
    return "aif_fallback" in codes(aif.quality)
