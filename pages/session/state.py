"""What belongs to a person's session: the case, the settings, the live session and uploads."""

from __future__ import annotations

import base64
import weakref
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import streamlit as st

from pages.library.catalog import Entry, demonstrations, folder_entries, forget, open_case
from pages.library.cohort_cases import cohort_entry
from pages.live.compute.case import LiveCase
from pages.live.server import wire
from pages.live.server.session import COMPUTE, LiveSession, State, open_session
from pages.server import config
from pages.ui.escape import escape
from perfcore.aif.sources import SourceInfo, source_info, source_label
from perfcore.errors import PerfcoreError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.settings import PRESETS, Settings
from perfcore.types import Aif


class _Person:
    """Kept by the session's state and by nothing else: when it goes, the person has left."""


def live_session() -> LiveSession:
    """Return this person's live session, made at first use."""
    if "live" not in st.session_state:
        made, person = open_session(), _Person()
        # An open socket would hold the live session, so it is not asked; nor is this the collector's own work.
        weakref.finalize(person, COMPUTE.submit, _left, made).atexit = False
        st.session_state["live"], st.session_state["person"] = made, person
    session: LiveSession = st.session_state["live"]
    return session


def _left(session: LiveSession) -> None:
    """Close what a person's token has opened, and drop what was prepared for them alone."""
    session.end()
    forget(session.token)


def told(name: str) -> Any:
    """Return what the Lab's component has told last under a name; None where a page change came between."""
    return st.session_state.get("lab", {}).get(name)


def uploads() -> list[Entry]:
    """Return this person's own uploads."""
    entries: list[Entry] = st.session_state.setdefault("uploads", [])
    return entries


def entries() -> dict[str, Entry]:
    """Return every case this person can open, by key."""
    return {e.key: e for e in [*demonstrations(), *_folder(), *_brought(), *uploads()]}


def bring(key: str) -> Entry | None:
    """Return a case that this person may open: one that is here, or one of the cohort, which joins the others."""
    entry = entries().get(key)
    if entry is None and (entry := cohort_entry(key)) is not None:
        _brought().append(entry)
    return entry


def _brought() -> list[Entry]:
    mine: list[Entry] = st.session_state.setdefault("cohort_cases", [])
    return mine


def folder_problem() -> str | None:
    """Return what is wrong with the server's folder, in a sentence."""
    try:
        folder_entries(config.data_folder())
    except PerfcoreError as error:
        return f"The server's folder of cases cannot be used: {error}"
    return None


def _folder() -> list[Entry]:
    try:
        return folder_entries(config.data_folder())
    except PerfcoreError:
        return []


def current_entry() -> Entry:
    """Return the chosen case; an unknown one (an upload that is gone) falls back to the first."""
    known = entries()
    return known.get(str(st.session_state.get("case"))) or next(iter(known.values()))


def choose(entry: Entry) -> None:
    """Make a case the current one."""
    st.session_state["case"] = entry.key


LONGEST_KEY: Final = 200
"""Characters that name a case and where a curve of it comes from."""
SETTING_KEYS: Final = tuple(Settings().as_dict())


def settings() -> Settings:
    """Return the settings as the sidebar has them."""
    preset = PRESETS[st.session_state.get("preset", "paper")]
    given = {k: st.session_state[f"set_{k}"] for k in SETTING_KEYS if st.session_state.get(f"set_{k}") is not None}
    return preset.replace(**given)


def _own_curves(case: LiveCase) -> dict[str, Aif]:
    mine: dict[str, Aif] = st.session_state.setdefault("own_curves", {}).setdefault(case.name, {})
    return mine


def start_curves(case: LiveCase) -> dict[str, Aif]:
    """Return the curves that are here for this case: the case's own, and those this person brought."""
    return {**case.sources, **_own_curves(case)}


def start_choices(case: LiveCase) -> list[SourceInfo]:
    """Return every source that edits of this case can start from, found already or not."""
    return [source_info(method) for method in (*case.offered.methods, *_own_curves(case))]


def start_from(case: LiveCase, method: str) -> None:
    """Let edits of this case start from another source."""
    if method in {choice.id for choice in start_choices(case)}:
        st.session_state.setdefault("start", {})[case.name] = method


def start_curve(case: LiveCase) -> Aif:
    """Return the curve that edits of this case start from; of one that cannot be found the reason is said."""
    chosen = st.session_state.setdefault("start", {})
    mine, method = _own_curves(case), chosen.get(case.name)
    if method in mine:
        return mine[method]
    if method in case.offered.methods:
        try:
            return case.offered.get(method)
        except PerfcoreError as error:
            say(f"{source_label(method)}: {error}")
            last = live_session().state
            if last is not None and last.case.name == case.name and last.start.method in start_curves(case):
                chosen[case.name] = last.start.method
                return start_curves(case)[last.start.method]
    chosen.pop(case.name, None)
    return next(iter(case.sources.values()))


def say(sentence: str) -> None:
    """Keep a sentence that the Lab shows at its next run."""
    number = st.session_state["said"] = st.session_state.get("said", 0) + 1
    st.session_state["notice"] = {"id": number, "text": sentence}


def bring_csv(case: LiveCase, packed: str) -> None:
    """Take a curve from a CSV file that came in base64, and say what was done or why it cannot be used."""
    try:
        content = base64.b64decode(packed, validate=True)
    except (ValueError, TypeError):
        content = b""
    try:
        aif = bring_curve(case, content)
    except PerfcoreError as error:
        say(f"This curve cannot be used: {error}")
        return
    if aif.quality:
        say(" ".join(aif.quality))


def bring_curve(case: LiveCase, content: bytes) -> Aif:
    """Take a curve from a CSV file and start from it.

    Raises
    ------
    InputDataError
        It is no input function that covers the series.
    """
    mine = _own_curves(case)
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
        st.error(escape(f"{entry.title} cannot be opened: {error}"))
        return None
    return live_session().configure(case, chosen, start_curve(case))


def keep_curve(committed: Any) -> None:
    """Keep a curve that the component has committed, if it is one."""
    if not isinstance(committed, Mapping):
        return
    try:
        value = wire.checked_curve(np.asarray(committed["value"], np.float64))
    except (PerfcoreError, KeyError, TypeError, ValueError, OverflowError):
        return
    key = str(committed.get("key", ""))
    if value.nbytes <= wire.MAX_MESSAGE_BYTES and len(key) <= LONGEST_KEY:
        live_session().keep(key, value)
