"""A person's own series: read in memory, kept in the session alone, never written to a disk."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.library import case_summary
from pages.library.catalog import Entry, Source, forget_entry, open_case
from pages.server import config
from pages.session import state
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.io.dicom.reader import read_dicom
from perfcore.io.nifti.reader import read_series
from perfcore.types import PerfusionSeries, SeriesUnits

ZIP_MAGIC: Final = b"PK"
MOST_UPLOADS: Final = 12
MOST_BYTES: Final = 3 << 30
"""What one session may keep, as float32."""
_kept: Final[weakref.WeakValueDictionary[int, PerfusionSeries]] = weakref.WeakValueDictionary()
"""What everybody keeps."""
_turn: Final = threading.BoundedSemaphore(2)
"""So many series are read at once: a large one takes several times its size."""


@dataclass(frozen=True)
class Extras:
    """What goes with a series: brain mask, known lesion, units, and a time step that wins over the file's."""

    mask: bytes | None = None
    lesion: bytes | None = None
    units: SeriesUnits = "hu"
    dt_s: float | None = None


def add_uploads(files: Sequence[bytes], extras: Extras) -> list[str]:
    """Read uploads and add the good ones to the session, the first of them as the current case.

    Parameters
    ----------
    files
        Contents: single NIfTI files, or zips of DICOM files.
    extras
        Mask and lesion go with a single series.

    Returns
    -------
    list of str
        A sentence for each file that cannot be used; it names the file by its place, never by its name.
    """
    if len(files) > 1 and (extras.mask or extras.lesion):
        return ["A mask or a lesion belongs to one series: add that series by itself."]
    problems, added = [], []
    for place, content in enumerate(files, start=1):
        try:
            with _turn:
                added.append(_add(content, extras))
        except PerfcoreError as error:
            which = "This series" if len(files) == 1 else f"File {place} of {len(files)}"
            problems.append(f"{which} cannot be opened: {error}")
    if added:
        state.choose(added[0])
    return problems


def _add(content: bytes, extras: Extras) -> Entry:
    mine = state.uploads()
    if len(mine) >= MOST_UPLOADS:
        raise InputDataError(f"A session keeps at most {MOST_UPLOADS} uploads; remove one first.")
    number = st.session_state.get("upload_number", 0) + 1
    title = f"Upload {number}"
    read = read_dicom if content.startswith(ZIP_MAGIC) else read_series
    series = read(
        content, dt_s=extras.dt_s, units=extras.units, case=title, mask=extras.mask, lesion=extras.lesion
    )
    held = sum(entry.read().series.data.nbytes for entry in mine)
    if held + series.data.nbytes > MOST_BYTES:
        raise InputDataError(f"Your uploads would take more than {MOST_BYTES >> 30} GiB; remove one first.")
    if sum(one.data.nbytes for one in [*_kept.values()]) + series.data.nbytes > config.memory_for_uploads():
        raise InputDataError("The server holds as many uploads as it can; try again when others have left.")
    source = Source(series)
    _kept[id(series)] = series
    entry = Entry(
        f"upload-{number}",
        title,
        _describe(series),
        lambda: source,
        state.live_session().token,
        facts=case_summary.of_series(series),
    )
    try:
        open_case(entry, state.settings())
    except PerfcoreError:
        forget_entry(entry)
        raise
    st.session_state["upload_number"] = number
    mine.append(entry)
    return entry


def remove_upload(key: str) -> None:
    """Take an upload out of the session and of every cache."""
    for entry in [entry for entry in state.uploads() if entry.key == key]:
        state.uploads().remove(entry)
        forget_entry(entry)
        if st.session_state.get("case") == key:
            state.choose(next(iter(state.entries().values())))


def _contents(files: Sequence[UploadedFile]) -> list[bytes]:
    """Return what was chosen; the server keeps no other copy of it."""
    now = get_script_run_ctx()
    contents = [file.getvalue() for file in files]
    for file in files:
        if now is not None:
            now.uploaded_file_mgr.remove_file(now.session_id, file.file_id)
    return contents


def _describe(series: PerfusionSeries) -> str:
    x, y, z = series.grid
    return f"{x} × {y} × {z}, {series.n_time} frames, {series.dt_s:g} s apart"


def show_uploads() -> None:
    """List this person's uploads, and take more."""
    st.markdown("##### Your own cases")
    st.caption(
        "4D CT perfusion series, with a brain mask and a lesion (NIfTI) if you have them. "
        "They stay in this session: nobody else sees them, they are in no link, and they are gone when it ends."
    )
    for entry in state.uploads():
        name, button = st.columns([8, 1], vertical_alignment="center")
        name.markdown(f"**{entry.title}** · {entry.note}")
        button.button(
            "Remove", key=f"remove_{entry.key}", on_click=remove_upload, args=(entry.key,), type="tertiary"
        )
    for sentence in st.session_state.pop("upload_problems", []):
        st.error(sentence)
    # A new key empties the chooser once its files have been taken.
    turn = st.session_state.get("upload_turn", 0)
    series = st.file_uploader(
        "Series: 4D NIfTI files, or zips of DICOM files; several at once are fine",
        type=["nii", "gz", "zip"],
        accept_multiple_files=True,
        key=f"upload_series_{turn}",
    )
    with st.expander("Mask, lesion, units"):
        left, right = st.columns(2)
        mask = left.file_uploader("Brain mask (optional)", type=["nii", "gz"], key=f"upload_mask_{turn}")
        lesion = right.file_uploader("Known lesion (optional)", type=["nii", "gz"], key=f"upload_lesion_{turn}")
        units = left.selectbox(
            "Values are",
            ["hu", "concentration"],
            format_func={"hu": "Hounsfield units", "concentration": "enhancement already"}.get,
        )
        dt_s = right.number_input("Time step in seconds (0: as the file says)", 0.0, 60.0, 0.0, step=0.5)
    label = "Open this case" if len(series) < 2 else f"Open these {len(series)} cases"
    pressed = st.button(label, type="primary")
    if pressed and not series:
        st.error("Choose a 4D series first.")
    elif pressed:
        brain, core = (_contents([file])[0] if file else None for file in (mask, lesion))
        extras = Extras(brain, core, units, dt_s or None)
        with st.spinner("Reading the series …", show_time=False):
            problems = add_uploads(_contents(series), extras)
        st.session_state["upload_problems"] = problems
        st.session_state["upload_turn"] = turn + 1
        st.rerun()
