"""Uploads: series that are read in memory, kept in the session only and never written to a disk."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.library import case_summary
from pages.library.catalog import CatalogEntry, LoadedCase, forget_entry, open_case
from pages.server import config
from pages.server.streamlit_internals import delete_uploaded_files
from pages.session import case_selection
from pages.session.pending_upload import PendingUpload, UploadOptions
from pages.session.state import live_session, settings, user_state
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.io.dicom.catalogue import Scan
from perfcore.io.dicom.choice import SeveralScansError
from perfcore.io.dicom.reader import read_dicom
from perfcore.io.nifti.reader import read_series
from perfcore.types import PerfusionSeries, SeriesUnits

UNIT_LABELS: Final[dict[SeriesUnits, str]] = {
    "hu": "Hounsfield units", "concentration": "enhancement", "dsc": "MR signal",
}  # fmt: skip
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
    """Read uploads, add the valid ones to the session and select the first of them.

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
    if len(files) > 1 and (options.mask or options.lesion):
        return ["A mask or a lesion belongs to one series: add that series by itself."]
    problems, added = [], []
    for place, (content, sidecar) in enumerate(zip_longest(files, sidecars), start=1):
        try:
            try:
                with _reading:
                    added.append(_add(content, options, sidecar))
            except SeveralScansError as error:
                _keep(content, options, error.scans)
        except PerfcoreError as error:
            which = "This series" if len(files) == 1 else f"File {place} of {len(files)}"
            problems.append(f"{which} cannot be opened: {error}")
    if added:
        case_selection.select_entry(added[0])
    return problems


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
            entry = _add(pending.content, pending.options, number_of_series=number)
    except PerfcoreError as error:
        uploads.pending.append(pending)
        return [f"Series {number} cannot be opened: {error}"]
    case_selection.select_entry(entry)
    return []


def _keep(content: bytes, options: UploadOptions, scans: tuple[Scan, ...]) -> None:
    """Keep an upload of several series until one is chosen."""
    _check_memory(len(content))
    uploads = user_state().uploads
    uploads.last_pending += 1
    pending = PendingUpload(uploads.last_pending, content, options, scans)
    _all_pending.add(pending)
    uploads.pending.append(pending)


def _check_memory(n_bytes: int) -> None:
    """Raise ``InputDataError`` if an upload would exceed the limit of the session or of the server."""
    mine = user_state().uploads
    held = sum(entry.read().series.data.nbytes for entry in mine.entries) + sum(
        one.n_bytes for one in mine.pending
    )
    if held + n_bytes > MAX_SESSION_BYTES:
        raise InputDataError(f"Your uploads would take more than {MAX_SESSION_BYTES >> 30} GiB; remove one first.")
    total = sum(one.data.nbytes for one in [*_all_series.values()]) + sum(one.n_bytes for one in [*_all_pending])
    if total + n_bytes > config.memory_for_uploads():
        raise InputDataError("The server's memory for uploads is full; try again later.")


def _add(
    content: bytes,
    options: UploadOptions,
    sidecar: bytes | None = None,
    number_of_series: int | None = None,
) -> CatalogEntry:
    mine = user_state().uploads
    if len(mine.entries) >= MAX_UPLOADS:
        raise InputDataError(f"A session keeps at most {MAX_UPLOADS} uploads; remove one first.")
    number = mine.last_number + 1
    title = f"Upload {number}"
    given: dict[str, Any] = {
        "dt_s": options.dt_s, "units": options.units, "case": title, "mask": options.mask, "lesion": options.lesion
    }  # fmt: skip
    if content.startswith(ZIP_MAGIC):
        series = read_dicom(content, **given, series=number_of_series)
    else:
        series = read_series(content, **given, sidecar=sidecar)
    _check_memory(series.data.nbytes)
    _all_series[id(series)] = series
    entry = CatalogEntry(
        f"upload-{number}",
        title,
        _describe(series),
        _HeldSeries(LoadedCase(series)),
        live_session().token,
        summary=case_summary.summary_of_series(series),
    )
    try:
        open_case(entry, settings())
    except PerfcoreError:
        forget_entry(entry)
        raise
    mine.last_number = number
    mine.entries.append(entry)
    return entry


def remove_upload(key: str) -> None:
    """Remove an upload from the session and from every cache."""
    user = user_state()
    for entry in [entry for entry in user.uploads.entries if entry.key == key]:
        user.uploads.entries.remove(entry)
        forget_entry(entry)
        if isinstance(entry.read, _HeldSeries):
            entry.read.release()
        if user.case.key == key:
            case_selection.select_entry(next(iter(case_selection.entries().values())))


def _contents(files: Sequence[UploadedFile]) -> list[bytes]:
    """Return the contents of the chosen files and delete Streamlit's own copies."""
    contents = [file.getvalue() for file in files]
    delete_uploaded_files([file.file_id for file in files])
    return contents


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


def _show_choice(pending: PendingUpload) -> None:
    """Draw the series of an upload to choose from."""
    uploads = user_state().uploads
    with st.container(border=True):
        number = st.radio(
            "The upload holds several series. Choose the perfusion scan.",
            [scan.number for scan in pending.scans],
            format_func=pending.label,
            key=f"series_{pending.number}",
        )
        left, right = st.columns([1, 4])
        if left.button("Open this series", type="primary", key=f"open_series_{pending.number}"):
            with st.spinner("Reading the series …", show_time=False):
                uploads.problems = open_pending(pending, number)
            st.rerun()
        if right.button("Discard", type="tertiary", key=f"discard_series_{pending.number}"):
            uploads.pending.remove(pending)
            st.rerun()


def show_uploads() -> None:
    """Draw the list of uploads and the form for new ones."""
    uploads = user_state().uploads
    st.markdown("##### Your own cases")
    st.caption(
        "4D CT or MR (DSC) perfusion series, with a brain mask and a lesion (NIfTI) if you have them. "
        "They stay in this session: other users cannot see them, links do not contain them, and they are deleted "
        "when the session ends."
    )
    for entry in uploads.entries:
        name, button = st.columns([8, 1], vertical_alignment="center")
        name.markdown(f"**{entry.title}** · {entry.note}")
        button.button(
            "Remove", key=f"remove_{entry.key}", on_click=remove_upload, args=(entry.key,), type="tertiary"
        )
    for sentence in uploads.problems:
        st.error(sentence)
    uploads.problems = []
    for pending in uploads.pending:
        _show_choice(pending)
    # A new key empties the file widgets after a submission.
    turn = uploads.n_submitted
    series = st.file_uploader(
        "Series: one or more 4D NIfTI files (with their JSON sidecars), or zips of DICOM files",
        type=["nii", "gz", "zip", "json"],
        accept_multiple_files=True,
        key=f"upload_series_{turn}",
    )
    with st.expander("Mask, lesion, units"):
        left, right = st.columns(2)
        mask = left.file_uploader("Brain mask (optional)", type=["nii", "gz"], key=f"upload_mask_{turn}")
        lesion = right.file_uploader("Known lesion (optional)", type=["nii", "gz"], key=f"upload_lesion_{turn}")
        units = left.selectbox(
            "Voxel values",
            list(UNIT_LABELS),
            format_func=lambda name: UNIT_LABELS[name],
        )
        dt_s = right.number_input("Time step in seconds (0: from the file)", 0.0, 60.0, 0.0, step=0.5)
    n_series = sum(not file.name.lower().endswith(SIDECAR_SUFFIX) for file in series)
    label = "Open this case" if n_series < 2 else f"Open these {n_series} cases"
    pressed = st.button(label, type="primary")
    if pressed and not n_series:
        st.error("Choose a 4D series first.")
    elif pressed:
        brain, core = (_contents([file])[0] if file else None for file in (mask, lesion))
        options = UploadOptions(brain, core, units, dt_s or None)
        with st.spinner("Reading the series …", show_time=False):
            files, sidecars = pair_sidecars([file.name for file in series], _contents(series))
            uploads.problems = add_uploads(files, options, sidecars)
        uploads.n_submitted += 1
        st.rerun()
