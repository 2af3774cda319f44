"""Catalog of cases: demonstrations, the server's folder, uploads; and how a case is prepared and cached."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, Literal

from pages.library import case_summary
from pages.library.case_summary import CaseSummary
from pages.library.demonstrations import read_demonstration
from pages.library.preview_cache import LibraryPreview, PreviewCache
from pages.library.thumbnails import case_picture, ct_picture, flow_picture
from pages.live.compute.case import LiveCase
from pages.server import config
from pages.server.byte_cache import ByteCache
from perfcore.aif.select import select
from perfcore.aif.select.selection import Selection
from perfcore.display.slice_layout import Layout
from perfcore.errors import NoArteryError, PerfcoreError
from perfcore.io.case_preview import early_mean_slice, lesion_ml, preview_case
from perfcore.io.datasets.case_folders import CaseFiles, find_cases
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.pipeline import analyse
from perfcore.preprocess import Prepared, prepare
from perfcore.quality_flags import doubtful_first, make_flag
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray, PerfusionSeries

SERIES_CACHE_BYTES: Final = 600 << 20
CASE_CACHE_BYTES: Final = 1200 << 20
LISTING_S: Final = 15.0
"""Seconds after which the server's folder is listed again."""


@dataclass(frozen=True)
class LoadedCase:
    """A series in memory, with the true AIF and the hypoperfused tissue where they are known."""

    series: PerfusionSeries
    truth: Aif | None = None
    hypoperfused: BoolArray | None = None


@dataclass(frozen=True)
class CatalogEntry:
    """A case that can be opened.

    Attributes
    ----------
    key
        Identity of the case, used in links.
    title, note
        Shown to the user.
    read
        Reads the case.
    owner
        Token of the session that the case belongs to; empty for a case that every user can open.
    summary
        Summary before the case is opened.
    make_preview
        Makes the preview without opening the case, where that is possible.
    """

    key: str
    title: str
    note: str
    read: Callable[[], LoadedCase]
    owner: str = ""
    summary: CaseSummary = field(default_factory=CaseSummary)
    make_preview: Callable[[], LibraryPreview] | None = None

    @property
    def origin(self) -> Literal["demonstration", "cohort", "folder", "upload"]:
        """Origin of the case."""
        if self.owner:
            return "upload"
        if self.key.startswith("cohort-"):
            return "cohort"
        return "demonstration" if self.key.startswith("demo-") else "folder"


_series: Final[ByteCache[LoadedCase]] = ByteCache(SERIES_CACHE_BYTES, lambda loaded: loaded.series.data.nbytes)
_cases: Final[ByteCache[LiveCase]] = ByteCache(CASE_CACHE_BYTES, lambda case: case.nbytes)
_previews: Final = PreviewCache()


def demonstrations() -> list[CatalogEntry]:
    """Return the built-in cases, the default first."""
    return [
        CatalogEntry(
            f"demo-{name}",
            recipe.title,
            recipe.lesson,
            partial(_load_demonstration, name),
            summary=case_summary.summary_of_recipe(recipe),
            make_preview=partial(_demonstration_preview, name),
        )
        for name, recipe in DEMONSTRATIONS.items()
    ]


def folder_entries(folder: Path | None) -> list[CatalogEntry]:
    """Return the cases of the server's folder, listed again every `LISTING_S` seconds.

    Raises
    ------
    InputDataError
        The folder cannot be read.
    """
    return [] if folder is None else _listed(folder, int(time.monotonic() / LISTING_S))


@lru_cache(maxsize=2)
def _listed(folder: Path, _period: int) -> list[CatalogEntry]:
    return [_folder_entry(case) for case in find_cases(folder)]


def _folder_entry(case: CaseFiles) -> CatalogEntry:
    """Return a case of the folder with the summary of its header, or with the reason why it cannot be opened."""
    key = f"folder-{case.name}"
    entry = partial(CatalogEntry, key, case.name, "From the server's folder", lambda: LoadedCase(case.load()))
    before = _previews.get("", key)
    if before is not None and before.summary.problem:  # the file may have been repaired
        _previews.drop(lambda name: name == ("", key))
    try:
        seen = preview_case(case)
    except PerfcoreError as error:
        return entry(summary=CaseSummary(problem=str(error)))
    known = case_summary.summary_of_header(seen)

    def preview() -> LibraryPreview:
        plane = Layout.of(seen.affine).apply(early_mean_slice(case, seen.grid[2] // 2))
        return LibraryPreview(ct_picture(plane), replace(known, lesion_ml=lesion_ml(case, seen)))

    return entry(summary=known, make_preview=preview)


def _load_demonstration(name: str) -> LoadedCase:
    return LoadedCase(*read_demonstration(name))


def _demonstration_preview(name: str) -> LibraryPreview:
    """Return the preview of a demonstration: rCBF of one slice by the true AIF, without preparing the case."""
    loaded = _series.get(("", f"demo-{name}"), lambda: _load_demonstration(name))
    series, lesion = loaded.series, loaded.series.lesion
    z = int(lesion.sum((0, 1)).argmax()) if lesion is not None and lesion.any() else series.grid[2] // 2
    one = PerfusionSeries(series.data[:, :, z : z + 1], series.affine, series.dt_s)
    found, layout = analyse(one, loaded.truth or "auto"), Layout.of(series.affine)
    picture = flow_picture(layout.apply(found.maps.rcbf[..., 0]), layout.apply(found.prepared.baseline[..., 0]))
    known = case_summary.summary_of_recipe(DEMONSTRATIONS[name])
    return LibraryPreview(picture, replace(known, lesion_ml=case_summary.summary_of_series(series).lesion_ml))


def preview_of(entry: CatalogEntry) -> LibraryPreview | None:
    """Return the preview of a case, or None; a missing one is made in the background."""
    found = _previews.get(entry.owner, entry.key)
    # The warm-up makes the demonstrations in order; a preview must not make one a second time.
    ready = entry.origin != "demonstration" or _series.peek((entry.owner, entry.key)) is not None
    if found is None and entry.make_preview is not None and ready:
        _previews.request(entry.owner, entry.key, entry.make_preview, entry.summary)
    return found


def open_series(entry: CatalogEntry) -> PerfusionSeries:
    """Return the series of a case as read, without preparation.

    Raises
    ------
    InputDataError
        The file cannot be used.
    """
    return _series.get((entry.owner, entry.key), entry.read).series


def open_case(entry: CatalogEntry, settings: Settings) -> LiveCase:
    """Return a case prepared for some settings; all sessions share it, read-only.

    Raises
    ------
    InputDataError
        The file cannot be used, or the case holds no brain.
    """
    preparation = (settings.motion, settings.spatial_sigma_mm, settings.temporal_sigma_s, settings.reference)
    key = (entry.owner, entry.key, *preparation)

    def make() -> LiveCase:
        loaded = _series.get((entry.owner, entry.key), entry.read)
        prepared = prepare(loaded.series, settings)
        sources, vof = _start_aifs(prepared, loaded.truth)
        known = loaded.series.lesion
        n_lesion = 0 if known is None else int(known.sum())
        case = LiveCase(
            entry.key,
            prepared,
            sources,
            vof,
            device=config.device(),
            lesion_voxels=n_lesion,
            hypoperfused=loaded.hypoperfused,
        )
        _previews.put(entry.owner, entry.key, _opened_preview(entry, case, next(iter(sources.values())), settings))
        return case

    try:
        return _cases.get(key, make)
    except PerfcoreError as error:
        if entry.origin == "folder":
            failed = LibraryPreview("", replace(entry.summary, problem=str(error)))
            _previews.put(entry.owner, entry.key, failed)
        raise


def _opened_preview(entry: CatalogEntry, case: LiveCase, start: Aif, settings: Settings) -> LibraryPreview:
    """Return the preview of a prepared case: rCBF of one slice, and all quality flags."""
    p = case.prepared
    known = CaseSummary(
        p.grid[2],
        p.n_time,
        p.spacing_mm,
        p.dt_s,
        lesion_ml=None if p.lesion is None else case.lesion_voxels * p.voxel_ml,
        flags=doubtful_first((*case_summary.short_scan(p.n_time, p.dt_s), *case.flags(start, settings))),
        confounders=entry.summary.confounders,
        opened=True,
    )
    try:
        picture = case_picture(case, start)
    except PerfcoreError:  # an AIF that explains no tissue; the case can still be opened
        picture = ct_picture(case.layout.apply(p.baseline[:, :, case.first_slice]))
    return LibraryPreview(picture, known)


def _start_aifs(prepared: Prepared, truth: Aif | None) -> tuple[dict[str, Aif], Aif | None]:
    """Return the start AIFs by method, and the VOF; without an artery, the mean tissue curve replaces the AIF."""
    sources: dict[str, Aif] = {}
    vof = None
    try:
        found: Selection = select(prepared)
        sources[found.aif.source_id], vof = found.corrected(), found.vof
    except NoArteryError as error:
        if truth is None:
            mean = prepared.tissue[prepared.vessels | (prepared.ttp_s >= 0)].mean(0)
            shown = "The curve shown is the mean tissue curve, not an artery: draw or load one."
            quality = (make_flag("no_artery", str(error)), make_flag("no_artery", shown))
            sources["tissue"] = Aif(prepared.time_s, mean, "tissue", (), quality)
    if truth is not None:
        sources["truth"] = truth
    return sources, vof


def forget(owner: str) -> None:
    """Drop the cases of one session from every cache."""
    _drop(lambda key: isinstance(key, tuple) and key[0] == owner)


def forget_entry(entry: CatalogEntry) -> None:
    """Drop a case from every cache."""
    _drop(lambda key: isinstance(key, tuple) and key[:2] == (entry.owner, entry.key))


def _drop(matches: Callable[[Hashable], bool]) -> None:
    for cache in (_series, _cases, _previews):
        cache.drop(matches)


def warm_up() -> threading.Thread:
    """Make the demonstration cases in the background, the default first."""

    def work() -> None:
        entries = demonstrations()
        open_case(entries[0], Settings())
        for entry in entries[1:]:
            _series.get((entry.owner, entry.key), entry.read)
            preview_of(entry)

    thread = threading.Thread(target=work, name="warm-up", daemon=True)
    thread.start()
    return thread
