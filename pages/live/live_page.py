"""The live component on the Lab, Fine-tune and lesson pages: shown with the session's case, its events handled."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.live.component import config_frame, live_lab
from pages.live.server.rerun_transport import answer
from pages.live.server.session import Workspace
from pages.session import snapshot_sync, start_aif
from pages.session.downloads import downloads
from pages.session.state import component_value, live_session, user_state
from pages.ui.lecture import is_lecturing
from perfcore.quality_flags import without_codes


def show_live_component(page: str, *, focus: dict[str, Any] | None = None, flags: bool = True) -> None:
    """Show the maps and the AIF editor of the session's case.

    Parameters
    ----------
    page
        ``lab``, or ``tune`` with the fine-tuning panel.
    focus
        What a lesson opens and highlights: ``{"id": …, "maps": […, …], "watch": …, "opens": …}``; see
        `pages.teaching.lesson.TaskView`.
    flags
        Whether to show the flags of the case and its start AIF.
    """
    session = live_session()
    now = session.workspace
    if now is None:
        return

    # Streamlit keeps the call-backs of earlier runs; they must not keep a case that was removed since.
    def curve() -> None:
        start_aif.keep_committed_curve(component_value("curve"))

    def source() -> None:
        if (opened := session.workspace) is not None:
            start_aif.select_start_aif(opened.case, str(component_value("source")))

    def csv() -> None:
        file = component_value("csv")
        if isinstance(file, dict) and (opened := session.workspace) is not None:
            start_aif.receive_csv(opened.case, str(file.get("base64", "")))

    shelf = snapshot_sync.snapshots_frame(session, now)
    sources = start_aif.aif_choices(now.case)
    if flags and is_lecturing():
        _flags(now, alarms_alone=True)
    data = config_frame(
        session, now, sources, user_state().notices.message, page=page, focus=focus, lecture=is_lecturing()
    )
    data += answer(session, now, component_value("fallback"))
    data += shelf
    live_lab(
        data, curve=curve, source=source, csv=csv, shelf=snapshot_sync.receive_requests, fallback=lambda: None
    )
    if not is_lecturing():
        downloads(now)
        if flags:
            _flags(now, alarms_alone=False)


def _flags(now: Workspace, *, alarms_alone: bool) -> None:
    """Draw the flags of the case that the Lab's light has not; ``alarms_alone``: the doubtful ones."""
    in_the_light = now.case.aif_quality(now.start, now.settings).flags
    for flag in without_codes(now.case.flags(now.start, now.settings), in_the_light):
        if flag.severity == "doubtful":
            st.warning(flag.sentence, icon="⚠️")
        elif not alarms_alone:
            st.caption(f"⚠ {flag.sentence}")
