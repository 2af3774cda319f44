"""A person's own series: read in memory, kept in the session alone, never written to a disk."""

from __future__ import annotations

from typing import Final, Literal

import streamlit as st

from pages.shared import state
from pages.shared.library import Entry, Source, open_case
from perfcore.errors import PerfcoreError
from perfcore.io.dicom import read_dicom
from perfcore.io.nifti import read_series

ZIP_MAGIC: Final = b"PK"


def add_upload(
    series: bytes, mask: bytes | None, lesion: bytes | None, units: Literal["hu", "concentration"], dt_s: float
) -> Entry | None:
    """Read an upload and add it to the session; says what is wrong with it and returns None if it cannot."""
    number = len(state.uploads()) + 1
    title = f"Upload {number}"
    try:
        with st.spinner("Reading the series …", show_time=False):
            read = read_dicom if series.startswith(ZIP_MAGIC) else read_series
            source = Source(read(series, dt_s=dt_s or None, units=units, case=title, mask=mask, lesion=lesion))
            entry = Entry(f"upload-{number}", title, _describe(source), lambda: source, state.live_session().token)
            open_case(entry, state.settings())
    except PerfcoreError as error:
        st.error(f"This series cannot be opened: {error}")
        return None
    state.uploads().append(entry)
    return entry


def _describe(source: Source) -> str:
    series = source.series
    x, y, z = series.grid
    return f"{x} × {y} × {z}, {series.n_time} frames, {series.dt_s:g} s apart"
