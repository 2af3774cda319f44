"""Cases that the current user can open, the selected one, and how it is opened."""

from __future__ import annotations

import streamlit as st

from pages.library.catalog import CatalogEntry, demonstrations, folder_entries, open_case
from pages.library.cohort_cases import cohort_entry
from pages.live.server.session import Workspace
from pages.server import config
from pages.session.pending_upload import LostUpload
from pages.session.start_aif import start_aif
from pages.session.state import live_session, settings, user_state
from pages.ui.escape import escape
from perfcore.errors import PerfcoreError


def entries() -> dict[str, CatalogEntry]:
    """Return every case that the current user can open, by key."""
    user = user_state()
    found = [*demonstrations(), *_folder_entries(), *user.case.cohort_cases, *user.uploads.entries]
    return {entry.key: entry for entry in found}


def find_entry(key: str) -> CatalogEntry | None:
    """Return a case by its key, or None; a case of the evaluation cohort is added to the user's cases."""
    entry = entries().get(key)
    if entry is None and (entry := cohort_entry(key)) is not None:
        user_state().case.cohort_cases.append(entry)
    return entry


def folder_problem() -> str | None:
    """Return why the server's folder of cases cannot be read, or None."""
    try:
        folder_entries(config.data_folder())
    except PerfcoreError as error:
        return f"The server's folder of cases cannot be used: {error}"
    return None


def _folder_entries() -> list[CatalogEntry]:
    try:
        return folder_entries(config.data_folder())
    except PerfcoreError:
        return []


def current_entry() -> CatalogEntry:
    """Return the selected case; an unknown key (a removed upload) selects the first case."""
    known = entries()
    return known.get(user_state().case.key) or next(iter(known.values()))


def lost_upload() -> LostUpload | None:
    """Return the upload that a reload has ended, while it is still the selected case."""
    user = user_state()
    lost = user.uploads.lost
    if lost is None or user.case.key != lost.key or lost.key in user.uploads.checksums:
        return None
    return lost


def select_entry(entry: CatalogEntry) -> None:
    """Select a case."""
    user_state().case.key = entry.key


def open_current() -> Workspace | None:
    """Open the selected case under the current settings; show the error and return None if that fails."""
    entry, values = current_entry(), settings()
    try:
        with st.spinner("Preparing the case …", show_time=False):
            case = open_case(entry, values)
    except PerfcoreError as error:
        st.error(escape(f"{entry.title} cannot be opened: {error}"))
        return None
    return live_session().configure(case, values, start_aif(case))
