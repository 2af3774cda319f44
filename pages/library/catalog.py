"""Every case that can be opened: demonstrations, the server's folder, a person's own upload."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, Literal

from pages.library import case_summary
from pages.library.case_summary import Facts
from pages.library.demonstrations import read_demonstration
from pages.library.preview_cache import Look, Looks
from pages.library.thumbnails import case_picture, ct_picture, flow_picture
from pages.live.compute.case import Layout, LiveCase
from pages.server import config
from pages.server.byte_cache import ByteCache
from perfcore.aif.select import select
from perfcore.aif.select.selection import Selection
from perfcore.errors import NoArteryError, PerfcoreError
from perfcore.io.case_preview import early_mean_slice, lesion_ml, preview_case
from perfcore.io.datasets.case_folders import CaseFiles, find_cases
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.pipeline import analyse
from perfcore.preprocess import Prepared, prepare
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray, PerfusionSeries

SERIES_BYTES: Final = 600 << 20
LISTING_S: Final = 15.0
CASES_BYTES: Final = 1200 << 20


@dataclass(frozen=True)
class Source:
    """A series as it was read, with the true input function and hypoperfused tissue where they are known."""

    series: PerfusionSeries
    truth: Aif | None = None
    hypoperfused: BoolArray | None = None


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
    facts: Facts = field(default_factory=Facts)
    look: Callable[[], Look] | None = None
    """Makes the case's picture without opening it, where that can be done."""

    @property
    def source(self) -> Literal["demonstration", "cohort", "folder", "upload"]:
        """Where the case comes from."""
        if self.owner:
            return "upload"
        if self.key.startswith("cohort-"):
            return "cohort"
        return "demonstration" if self.key.startswith("demo-") else "folder"


_series: Final[ByteCache[Source]] = ByteCache(SERIES_BYTES, lambda source: source.series.data.nbytes)
_cases: Final[ByteCache[LiveCase]] = ByteCache(CASES_BYTES, lambda case: case.nbytes)
_looks: Final = Looks()


def demonstrations() -> list[Entry]:
    """Return the built-in cases, the default first."""
    return [
        Entry(
            f"demo-{name}",
            recipe.title,
            recipe.lesson,
            lambda name=name: Source(*read_demonstration(name)),
            facts=case_summary.of_recipe(recipe),
            look=partial(_demonstration_look, name),
        )
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
    return [_folder_entry(case) for case in find_cases(folder)]


def _folder_entry(case: CaseFiles) -> Entry:
    """Return a case of the folder as its header has it; one that cannot be opened says why."""
    key = f"folder-{case.name}"
    entry = partial(Entry, key, case.name, "From the server's folder", lambda: Source(case.load()))
    before = _looks.get("", key)
    if before is not None and before.facts.problem:  # it may have been mended since
        _looks.drop(lambda name: name == ("", key))
    try:
        seen = preview_case(case)
    except PerfcoreError as error:
        return entry(facts=Facts(problem=str(error)))
    known = case_summary.of_preview(seen)

    def look() -> Look:
        plane = Layout.of(seen.affine).apply(early_mean_slice(case, seen.grid[2] // 2))
        return Look(ct_picture(plane), replace(known, lesion_ml=lesion_ml(case, seen)))

    return entry(facts=known, look=look)


def _demonstration_look(name: str) -> Look:
    """Return a demonstration's flow in one slice, with its true input function: that needs little preparation."""
    source = _series.get(("", f"demo-{name}"), lambda: Source(*read_demonstration(name)))
    series, lesion = source.series, source.series.lesion
    z = int(lesion.sum((0, 1)).argmax()) if lesion is not None and lesion.any() else series.grid[2] // 2
    one = PerfusionSeries(series.data[:, :, z : z + 1], series.affine, series.dt_s)
    found, layout = analyse(one, source.truth or "auto"), Layout.of(series.affine)
    picture = flow_picture(layout.apply(found.maps.rcbf[..., 0]), layout.apply(found.prepared.baseline[..., 0]))
    recipe = case_summary.of_recipe(DEMONSTRATIONS[name])
    return Look(picture, replace(recipe, lesion_ml=case_summary.of_series(series).lesion_ml))


def look(entry: Entry) -> Look | None:
    """Return what a case looks like; what nobody has looked at yet is asked for in the background."""
    found = _looks.get(entry.owner, entry.key)
    # A demonstration that is still being made must not be made twice, or before its turn.
    ready = entry.source != "demonstration" or _series.peek((entry.owner, entry.key)) is not None
    if found is None and entry.look is not None and ready:
        _looks.ask(entry.owner, entry.key, entry.look, entry.facts)
    return found


def open_series(entry: Entry) -> PerfusionSeries:
    """Return a case's series as it was read.

    Raises
    ------
    InputDataError
        The file cannot be used.
    """
    return _series.get((entry.owner, entry.key), entry.read).series


def open_case(entry: Entry, settings: Settings) -> LiveCase:
    """Return a case prepared for these settings; everybody who asks for the same shares it, read-only.

    Raises
    ------
    InputDataError
        The file cannot be used, or the case holds no brain.
    """
    preparation = (settings.motion, settings.spatial_sigma_mm, settings.temporal_sigma_s, settings.reference)
    key = (entry.owner, entry.key, *preparation)

    def make() -> LiveCase:
        source = _series.get((entry.owner, entry.key), entry.read)
        prepared = prepare(source.series, settings)
        sources, vof = _start_curves(prepared, source.truth)
        known = source.series.lesion
        n_lesion = 0 if known is None else int(known.sum())
        case = LiveCase(
            entry.key,
            prepared,
            sources,
            vof,
            device=config.device(),
            lesion_voxels=n_lesion,
            hypoperfused=source.hypoperfused,
        )
        _looks.learn(entry.owner, entry.key, _opened_look(entry, case, next(iter(sources.values()))))
        return case

    try:
        return _cases.get(key, make)
    except PerfcoreError as error:
        if entry.source == "folder":
            _looks.learn(entry.owner, entry.key, Look("", replace(entry.facts, problem=str(error))))
        raise


def _opened_look(entry: Entry, case: LiveCase, start: Aif) -> Look:
    """Return the look of a case that has been prepared: its flow, and all that a careful reader is warned of."""
    p = case.prepared
    flags = (*case_summary.short_scan(p.n_time, p.dt_s), *case_summary.flags_of((*p.warnings, *start.quality)))
    known = Facts(
        p.grid[2],
        p.n_time,
        p.spacing_mm,
        p.dt_s,
        lesion_ml=None if p.lesion is None else case.lesion_voxels * p.voxel_ml,
        flags=flags,
        confounders=entry.facts.confounders,
        opened=True,
    )
    try:
        picture = case_picture(case, start)
    except PerfcoreError:  # a curve that explains no tissue: the case opens all the same
        picture = ct_picture(case.layout.apply(p.baseline[:, :, case.first_slice]))
    return Look(picture, known)


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
    _drop(lambda key: isinstance(key, tuple) and key[0] == owner)


def forget_entry(entry: Entry) -> None:
    """Drop one case from every cache."""
    _drop(lambda key: isinstance(key, tuple) and key[:2] == (entry.owner, entry.key))


def _drop(matches: Callable[[Hashable], bool]) -> None:
    for cache in (_series, _cases, _looks):
        cache.drop(matches)


def warm_up() -> threading.Thread:
    """Make the demonstration cases in the background, the default first."""

    def work() -> None:
        entries = demonstrations()
        open_case(entries[0], Settings())
        for entry in entries[1:]:
            _series.get((entry.owner, entry.key), entry.read)
            look(entry)

    thread = threading.Thread(target=work, name="warm-up", daemon=True)
    thread.start()
    return thread
