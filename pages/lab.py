"""The Lab: the curve under the hand, the maps and the core follow."""

import streamlit as st

from pages.live.component import config_frame, live_lab
from pages.live.fallback import answer
from pages.shared import state
from pages.shared.sidebar import pick_start


def _committed() -> None:
    state.keep_curve(st.session_state["lab"].get("curve"))


opened = state.open_current()
if opened is not None:
    case, live = opened
    pick_start(case, live.start)
    session = state.live_session()
    data = config_frame(session, live, state.source_label(live.start))
    data += answer(session, live, st.session_state.get("lab", {}).get("fallback"))
    live_lab(data, _committed, lambda: None)
    for sentence in (*case.prepared.warnings, *live.start.quality):
        st.caption(f"⚠ {sentence}")
