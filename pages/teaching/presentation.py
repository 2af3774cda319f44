"""Presentation: large type, and nothing but the lesson."""

from __future__ import annotations

import streamlit as st

# Everything on a page of Streamlit is measured in rem: the root's size enlarges all of it.
_LARGE = """
html:root:root { font-size: clamp(19px, 1.5vw, 29px) !important; }
.stMainBlockContainer { padding: 0.8rem 1.6rem 0.5rem !important; }
header[data-testid="stHeader"], [data-testid="stToolbar"] { display: none !important; }
"""
_NO_SIDEBAR = """
section[data-testid="stSidebar"], [data-testid="stExpandSidebarButton"] { display: none !important; }
"""


def presenting() -> bool:
    """Return whether the page is shown to a room."""
    return bool(st.session_state.get("presenting"))


def style(*, sidebar: bool) -> None:
    """Enlarge the page while presenting; the sidebar stays where a task needs it."""
    if presenting():
        st.html(f"<style>{_LARGE}{'' if sidebar else _NO_SIDEBAR}</style>")


def switch() -> None:
    """Draw the switch; it holds for the page's lists, lessons and challenge alike."""
    st.session_state["presenting"] = presenting()  # outlives runs in which it is not drawn
    st.toggle("Presentation", key="presenting")
