"""The Lab: the curve under the hand, the maps and the core follow."""

import streamlit as st

from pages.live.component import config_frame, live_lab
from pages.live.fallback import answer
from pages.shared import state


def _committed() -> None:
    state.keep_curve(st.session_state["lab"].get("curve"))


session = state.live_session()
now = session.state
if now is not None:
    data = config_frame(session, now, state.source_label(now.start))
    data += answer(session, now, st.session_state.get("lab", {}).get("fallback"))
    live_lab(data, _committed, lambda: None)
    for sentence in (*now.case.prepared.warnings, *now.start.quality):
        st.caption(f"⚠ {sentence}")
