"""What belongs to a person's session: the case, the settings, the live session and uploads."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import streamlit as st

from pages.live.case import LiveCase
from pages.live.session import COMPUTE, LiveSession, State, open_session
from pages.shared import server
from pages.shared.library import Entry, demonstrations, folder_entries, forget, open_case
from perfcore.errors import PerfcoreError
from perfcore.io.curves import read_aif_csv
from perfcore.settings import PRESETS, Settings
from perfcore.types import Aif

SOURCE_LABELS: Final = {
    "straka": "automatic (Straka)",
    "truth": "the phantom's truth",
    "tissue": "mean tissue curve",
}


def live_session() -> LiveSession:
    """Return this person's live session, made at first use."""
    if "live" not in st.session_state:
        made = open_session()
        # What was prepared for this person alone goes with the session; not in the collector's own thread.
        weakref.finalize(made, COMPUTE.submit, forget, made.token).atexit = False
        st.session_state["live"] = made
    session: LiveSession = st.session_state["live"]
    return session


def uploads() -> list[Entry]:
    """Return this person's own uploads."""
    entries: list[Entry] = st.session_state.setdefault("uploads", [])
    return entries


def entries() -> dict[str, Entry]:
    """Return every case this person can open, by key."""
    return {e.key: e for e in [*demonstrations(), *_folder(), *uploads()]}


def folder_problem() -> str | None:
    """Return what is wrong with the server's folder, in a sentence."""
    try:
        folder_entries(server.folder())
    except PerfcoreError as error:
        return f"The server's folder of cases cannot be used: {error}"
    return None


def _folder() -> list[Entry]:
    try:
        return folder_entries(server.folder())
    except PerfcoreError:
        return []


def current_entry() -> Entry:
    """Return the chosen case; an unknown one (an upload that is gone) falls back to the first."""
    known = entries()
    key = st.session_state.get("case") or st.query_params.get("case")
    return known.get(str(key)) or next(iter(known.values()))


def choose(entry: Entry) -> None:
    """Make a case the current one and put it in the page's address, unless it is private."""
    st.session_state["case"] = entry.key
    if entry.owner:
        st.query_params.pop("case", None)
    else:
        st.query_params["case"] = entry.key


SETTING_KEYS: Final = tuple(Settings().as_dict())


def settings() -> Settings:
    """Return the settings as the sidebar has them."""
    preset = PRESETS[st.session_state.get("preset", "paper")]
    given = {k: st.session_state[f"set_{k}"] for k in SETTING_KEYS if st.session_state.get(f"set_{k}") is not None}
    return preset.replace(**given)


def start_curves(case: LiveCase) -> dict[str, Aif]:
    """Return the curves that edits of this case can start from: the case's own, and those this person brought."""
    return {**case.sources, **st.session_state.get("own_curves", {}).get(case.name, {})}


def start_curve(case: LiveCase) -> Aif:
    """Return the curve that edits of this case start from."""
    known = start_curves(case)
    method = st.session_state.get("start", {}).get(case.name)
    return known.get(method) or next(iter(known.values()))


def bring_curve(case: LiveCase, content: bytes) -> Aif:
    """Take a curve from a CSV file and start from it.

    Raises
    ------
    InputDataError
        It is no input function that covers the series.
    """
    mine = st.session_state.setdefault("own_curves", {}).setdefault(case.name, {})
    read = read_aif_csv(content, case.prepared.time_s)
    aif = replace(read, method=f"file {len(mine) + 1}")
    mine[aif.method] = aif
    st.session_state.setdefault("start", {})[case.name] = aif.method
    return aif


def open_current() -> State | None:
    """Open the current case under the current settings; says what is wrong and returns None if it cannot."""
    entry, chosen = current_entry(), settings()
    try:
        with st.spinner("Preparing the case …", show_time=False):
            case = open_case(entry, chosen)
    except PerfcoreError as error:
        st.error(f"{entry.title} cannot be opened: {error}")
        return None
    return live_session().configure(case, chosen, start_curve(case))


def keep_curve(committed: Mapping[str, Any] | None) -> None:
    """Keep a curve that the component has committed, if it is one."""
    if not committed:
        return
    value = np.asarray(committed.get("value", ()), np.float64)
    if value.ndim == 1 and value.size >= 2 and np.isfinite(value).all():
        live_session().keep(str(committed.get("key", "")), value)


def source_label(aif: Aif) -> str:
    """Return where a curve comes from, in words."""
    return SOURCE_LABELS.get(aif.method, aif.method)
