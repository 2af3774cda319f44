"""Presentation mode: large type, without menu and sidebar."""

from __future__ import annotations

import streamlit as st

from pages.session import widget_keys
from pages.session.state import user_state

# Streamlit measures everything on a page in rem, so that the root's font size scales all of it.
_LARGE = """
html:root:root { font-size: clamp(19px, 1.5vw, 29px) !important; }
.stMainBlockContainer { padding: 0.8rem 1.6rem 0.5rem !important; }
header[data-testid="stHeader"], [data-testid="stToolbar"] { display: none !important; }
"""
_NO_SIDEBAR = """
section[data-testid="stSidebar"], [data-testid="stExpandSidebarButton"] { display: none !important; }
"""


def is_presenting() -> bool:
    """Return whether presentation mode is on."""
    return user_state().lesson.is_presenting


def presentation_style(*, sidebar: bool) -> None:
    """Add the style of presentation mode if it is on; ``sidebar`` keeps the sidebar visible."""
    if is_presenting():
        st.html(f"<style>{_LARGE}{'' if sidebar else _NO_SIDEBAR}</style>")


def presentation_switch() -> None:
    """Draw the switch of presentation mode, which the list, the lessons and the challenge share."""
    st.session_state[widget_keys.PRESENTATION] = is_presenting()
    st.toggle("Presentation", key=widget_keys.PRESENTATION, on_change=_read_switch)


def _read_switch() -> None:
    user_state().lesson.is_presenting = bool(st.session_state[widget_keys.PRESENTATION])
