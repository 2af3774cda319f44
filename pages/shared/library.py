"""Every case that can be opened: demonstrations, the server's folder, a person's own upload."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from pages.live.case import LiveCase
from pages.shared import server
from pages.shared.cache import ByteCache
from pages.shared.demos import read_demonstration
from perfcore.aif.select import Selection, select
from perfcore.errors import NoArteryError
from perfcore.io.isles import find_cases
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.preprocess import Prepared, prepare
from perfcore.settings import Settings
from perfcore.types import Aif, PerfusionSeries

SERIES_BYTES: Final = 600 << 20
LISTING_S: Final = 15.0
CASES_BYTES: Final = 1200 << 20


@dataclass(frozen=True)
class Source:
    """A series as it was read, with the true input function where one is known."""

    series: PerfusionSeries
    truth: Aif | None = None


@dataclass(frozen=True)
class Entry:
    """A case that can be opened.

    ``key`` stands in links; ``owner`` is empty for what everybody may see, else the token of one session.
    """

    key: str
    title: str
    note: str
    read: Callable[[], Source]
    owner: str = ""


_series: Final[ByteCache[Source]] = ByteCache(SERIES_BYTES, lambda source: source.series.data.nbytes)
_cases: Final[ByteCache[LiveCase]] = ByteCache(CASES_BYTES, lambda case: case.nbytes)


def demonstrations() -> list[Entry]:
    """Return the built-in cases, the default first."""
    return [
        Entry(f"demo-{name}", recipe.title, recipe.lesson, lambda name=name: Source(*read_demonstration(name)))
        for name, recipe in DEMONSTRATIONS.items()
    ]


def folder_entries(folder: Path | None) -> list[Entry]:
    """Return the cases of the folder that the server was started with; looked through again after a while.

    Raises
    ------
    InputDataError
        The folder cannot be read.
    """
    return [] if folder is None else _listed(folder, int(time.monotonic() / LISTING_S))


@lru_cache(maxsize=2)
def _listed(folder: Path, _period: int) -> list[Entry]:
    return [
        Entry(f"folder-{case.name}", case.name, "From the server's folder", lambda case=case: Source(case.load()))
        for case in find_cases(folder)
    ]


def open_case(entry: Entry, settings: Settings) -> LiveCase:
    """Return a case prepared for these settings; everybody who asks for the same shares it, read-only.

    Raises
    ------
    InputDataError
        The file cannot be used, or the case holds no brain.
    """
    preparation = (settings.spatial_sigma_mm, settings.temporal_sigma_s, settings.reference)
    key = (entry.owner, entry.key, *preparation)

    def make() -> LiveCase:
        source = _series.get((entry.owner, entry.key), entry.read)
        prepared = prepare(source.series, settings)
        sources, vof = _start_curves(prepared, source.truth)
        known = source.series.lesion
        n_lesion = 0 if known is None else int(known.sum())
        return LiveCase(entry.key, prepared, sources, vof, device=server.device(), lesion_voxels=n_lesion)

    return _cases.get(key, make)


def _start_curves(prepared: Prepared, truth: Aif | None) -> tuple[dict[str, Aif], Aif | None]:
    """Return the curves to start from; where no artery is found, the truth or the brightest tissue serves."""
    sources: dict[str, Aif] = {}
    vof = None
    try:
        found: Selection = select(prepared)
        sources[found.aif.method], vof = found.aif, found.vof
    except NoArteryError as error:
        if truth is None:
            mean = prepared.tissue[prepared.vessels | (prepared.ttp_s >= 0)].mean(0)
            quality = (str(error), "The curve shown is the mean tissue curve, not an artery: draw or load one.")
            sources["tissue"] = Aif(prepared.time_s, mean, "tissue", (), quality)
    if truth is not None:
        sources["truth"] = truth
    return sources, vof


def forget(owner: str) -> None:
    """Drop what belongs to one session alone."""
    for cache in (_series, _cases):
        cache.drop(lambda key: isinstance(key, tuple) and key[0] == owner)


def warm_up() -> threading.Thread:
    """Make the demonstration cases in the background, the default first."""

    def work() -> None:
        entries = demonstrations()
        open_case(entries[0], Settings())
        for entry in entries[1:]:
            _series.get((entry.owner, entry.key), entry.read)

    thread = threading.Thread(target=work, name="warm-up", daemon=True)
    thread.start()
    return thread

