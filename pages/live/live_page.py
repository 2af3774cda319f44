"""What the Lab and Fine-tune share: the live component on this person's case, and its wishes carried out."""

from __future__ import annotations

import streamlit as st

from pages.live.component import config_frame, live_lab
from pages.live.server.rerun_transport import answer
from pages.session import snapshot_sync, state
from pages.session.downloads import downloads


def bench(page: str) -> None:
    """Show maps and curve.

    Parameters
    ----------
    page
        ``lab``, or ``tune`` for the panel of fine-tuning.
    """
    session = state.live_session()
    now = session.state
    if now is None:
        return

    def curve() -> None:
        state.keep_curve(state.told("curve"))

    def source() -> None:
        state.start_from(now.case, str(state.told("source")))

    def csv() -> None:
        told = state.told("csv")
        if isinstance(told, dict):
            state.bring_csv(now.case, str(told.get("base64", "")))

    shelf = snapshot_sync.shelf_frame(session, now)
    sources = state.start_choices(now.case)
    data = config_frame(session, now, sources, st.session_state.pop("notice", None), page=page)
    data += answer(session, now, state.told("fallback"))
    data += shelf
    live_lab(data, curve=curve, source=source, csv=csv, shelf=snapshot_sync.asked, fallback=lambda: None)
    downloads(now)
    for sentence in (*now.case.prepared.warnings, *now.start.quality):
        st.caption(f"⚠ {sentence}")
