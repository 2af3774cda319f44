"""Uploads: series that are read in memory, kept in the session only and never written to a disk."""

from __future__ import annotations

import threading
import weakref
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any, Final

from pages.library import case_summary
from pages.library.catalog import CatalogEntry, LoadedCase, forget_entry, open_case
from pages.server import config
from pages.session import case_selection
from pages.session.pending_upload import PendingUpload, SubmittedFile, UploadOptions, upload_key
from pages.session.snapshots import clean_name
from pages.session.state import Uploads, UserState, live_session, user_state
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.io.dicom.catalogue import Scan
from perfcore.io.dicom.choice import SeveralScansError
from perfcore.io.dicom.reader import read_dicom
from perfcore.io.nifti.reader import read_series
from perfcore.types import PerfusionSeries

ZIP_MAGIC: Final = b"PK"
SIDECAR_SUFFIX: Final = ".json"
MAX_UPLOADS: Final = 12
MAX_SESSION_BYTES: Final = 3 << 30
"""Memory of the uploads of one session, as float32."""
_all_series: Final[weakref.WeakValueDictionary[int, PerfusionSeries]] = weakref.WeakValueDictionary()
"""Uploads of all sessions, for the limit of the server's memory."""
_all_pending: Final[weakref.WeakSet[PendingUpload]] = weakref.WeakSet()
"""Uploads of all sessions that wait for a choice; their files count like series."""
_reading: Final = threading.BoundedSemaphore(2)
"""Limits the series that are read at the same time: reading takes several times the size of a series."""


class _HeldSeries:
    """Reads an upload until it is removed; call-backs of earlier runs keep its catalog entry for longer."""

    def __init__(self, loaded: LoadedCase) -> None:
        self._loaded: LoadedCase | None = loaded

    def __call__(self) -> LoadedCase:
        if self._loaded is None:
            raise InputDataError("The upload was removed; upload it again.")
        return self._loaded

    def release(self) -> None:
        self._loaded = None


def add_uploads(
    files: Sequence[bytes], options: UploadOptions, sidecars: Sequence[bytes | None] = ()
) -> list[str]:
    """Read uploads, add the valid ones to the session and select the first of them (`submit`, `read_submitted`).

    Parameters
    ----------
    files
        Contents: single NIfTI files, or zips of DICOM files.
    options
        Mask and lesion are allowed with a single series only.
    sidecars
        Content of each series' JSON sidecar, None where there is none; default: none.

    A file of several series is kept in ``Uploads.pending`` until one is chosen (:func:`open_pending`).

    Returns
    -------
    list of str
        A sentence for each file that cannot be used; it gives the file's position, never its name.
    """
    submit(files, options, sidecars)
    for _ in read_submitted():
        pass
    uploads = user_state().uploads
    problems, uploads.problems = uploads.problems, []
    return problems


def submit(files: Sequence[bytes], options: UploadOptions, sidecars: Sequence[bytes | None] = ()) -> None:
    """Take files that `read_submitted` will read; ``Uploads.problems`` says where they cannot be read together."""
    uploads = user_state().uploads
    if len(files) > 1 and (options.mask or options.lesion):
        uploads.problems.append("A mask or a lesion belongs to one series: add that series by itself.")
        return
    uploads.is_first_opened = False
    uploads.submitted += [
        SubmittedFile(content, sidecar, options, place, len(files))
        for place, (content, sidecar) in enumerate(zip_longest(files, sidecars), start=1)
    ]
    uploads.n_submitted += 1


def read_submitted() -> Iterator[SubmittedFile]:
    """Read the submitted files in order; each is yielded before it is read. The first valid one is selected.

    A newer run of the page can interrupt this one at any access to Streamlit: a file leaves the list together with
    the entry that it becomes, so that the next run goes on where this one stopped.
    """
    user = user_state()
    uploads = user.uploads
    while uploads.submitted:
        file = uploads.submitted[0]
        yield file
        entry, problem = None, ""
        try:
            try:
                with _reading:
                    place = file.place if file.n_files > 1 else 0
                    entry = _add(user, file.content, file.options, sidecar=file.sidecar, place=place)
            except SeveralScansError as error:
                _keep(uploads, file.content, file.options, error.scans)
        except PerfcoreError as error:
            which = "This series" if file.n_files == 1 else f"File {file.place} of {file.n_files}"
            problem = f"{which} cannot be opened: {error}"
        uploads.submitted.pop(0)
        uploads.problems += [problem] if problem else []
        if entry is not None and not uploads.is_first_opened:
            uploads.is_first_opened, user.case.key = True, entry.key


def open_pending(pending: PendingUpload, number: int) -> list[str]:
    """Open one series of an upload that waits for a choice; it goes on waiting if the series cannot be opened.

    Returns
    -------
    list of str
        A sentence if the series cannot be opened.
    """
    uploads = user_state().uploads
    uploads.pending.remove(pending)
    try:
        with _reading:
            entry = _add(user_state(), pending.content, pending.options, number_of_series=number)
    except PerfcoreError as error:
        uploads.pending.append(pending)
        return [f"Series {number} cannot be opened: {error}"]
    case_selection.select_entry(entry)
    return []


def _keep(uploads: Uploads, content: bytes, options: UploadOptions, scans: tuple[Scan, ...]) -> None:
    """Keep an upload of several series until one is chosen."""
    _check_memory(uploads, len(content))
    uploads.last_pending += 1
    pending = PendingUpload(uploads.last_pending, content, options, scans)
    _all_pending.add(pending)
    uploads.pending.append(pending)


def _check_memory(mine: Uploads, n_bytes: int) -> None:
    """Raise ``InputDataError`` if an upload would exceed the limit of the session or of the server."""
    held = sum(entry.read().series.data.nbytes for entry in mine.entries) + sum(
        one.n_bytes for one in mine.pending
    )
    if held + n_bytes > MAX_SESSION_BYTES:
        raise InputDataError(f"Your uploads would take more than {MAX_SESSION_BYTES >> 30} GiB; remove one first.")
    total = sum(one.data.nbytes for one in [*_all_series.values()]) + sum(one.n_bytes for one in [*_all_pending])
    if total + n_bytes > config.memory_for_uploads():
        raise InputDataError("The server's memory for uploads is full; try again later.")


def _add(
    user: UserState,
    content: bytes,
    options: UploadOptions,
    *,
    sidecar: bytes | None = None,
    number_of_series: int | None = None,
    place: int = 0,
) -> CatalogEntry:
    """Read a series and add it; the entry is added last. ``place`` numbers the series of one name, from 1."""
    mine = user.uploads
    if len(mine.entries) >= MAX_UPLOADS:
        raise InputDataError(f"A session keeps at most {MAX_UPLOADS} uploads; remove one first.")
    given: dict[str, Any] = {
        "dt_s": options.dt_s, "units": options.units, "case": f"Upload {mine.last_number + 1}",
        "mask": options.mask, "lesion": options.lesion,
    }  # fmt: skip
    if content.startswith(ZIP_MAGIC):
        series = read_dicom(content, **given, series=number_of_series)
    else:
        series = read_series(content, **given, sidecar=sidecar)
    _check_memory(mine, series.data.nbytes)
    _all_series[id(series)] = series
    checksum = checksum_of(series)
    number = _number(mine, checksum)
    name = clean_name(options.name)
    entry = CatalogEntry(
        upload_key(number),
        f"{name} {place}" if name and place else name or f"Upload {number}",
        _describe(series),
        _HeldSeries(LoadedCase(series)),
        live_session().token,
        summary=case_summary.summary_of_series(series),
    )
    try:
        open_case(entry, user.settings.values)
    except PerfcoreError:
        forget_entry(entry)
        raise
    mine.last_number = max(mine.last_number, number)
    mine.checksums[entry.key] = checksum
    mine.entries.append(entry)
    return entry


def _number(mine: Uploads, checksum: str) -> int:
    """Return the number of an upload: the lost upload's if it is the same series, else the next."""
    lost = mine.lost
    if lost is None:
        return mine.last_number + 1
    if lost.checksum == checksum and lost.key not in mine.checksums:
        return lost.number
    return max(mine.last_number, lost.number) + 1


def checksum_of(series: PerfusionSeries) -> str:
    """Return the CRC-32 of the voxels of a series, 8 hexadecimal digits."""
    found = 0
    for plane in series.data:
        found = zlib.crc32(plane.tobytes(), found)
    return f"{found:08x}"


def rename_upload(key: str, name: str) -> None:
    """Give an upload another title; an empty name changes nothing."""
    entries, title = user_state().uploads.entries, clean_name(name)
    for place, entry in enumerate(entries):
        if entry.key == key and title:
            entries[place] = replace(entry, title=title)


def remove_upload(key: str) -> None:
    """Remove an upload from the session and from every cache."""
    user = user_state()
    for entry in [entry for entry in user.uploads.entries if entry.key == key]:
        user.uploads.entries.remove(entry)
        user.uploads.checksums.pop(key, None)
        forget_entry(entry)
        if isinstance(entry.read, _HeldSeries):
            entry.read.release()
        if user.case.key == key:
            case_selection.select_entry(next(iter(case_selection.entries().values())))


def pair_sidecars(names: Sequence[str], contents: Sequence[bytes]) -> tuple[list[bytes], list[bytes | None]]:
    """Return the series among some files, and the JSON sidecar of each: the one with its name, or the only one.

    The names are compared and not kept.
    """
    stems = [name.lower().removesuffix(".gz").rpartition(".")[0] for name in names]
    is_json = [name.lower().endswith(SIDECAR_SUFFIX) for name in names]
    by_stem = {stem: content for stem, content, json in zip(stems, contents, is_json, strict=True) if json}
    series = [(stem, content) for stem, content, json in zip(stems, contents, is_json, strict=True) if not json]
    only = next(iter(by_stem.values())) if len(by_stem) == len(series) == 1 else None
    return [content for _, content in series], [by_stem.get(stem, only) for stem, _ in series]


def _describe(series: PerfusionSeries) -> str:
    x, y, z = series.grid
    return f"{x} × {y} × {z}, {series.n_time} frames, {series.dt_s:g} s apart"
