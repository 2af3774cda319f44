"""The few rules of style that Streamlit has no setting for."""

import streamlit as st

_CSS = """<style>
.stMainBlockContainer { padding: 3.6rem 1.2rem 0.5rem; max-width: none; }
[data-testid="stSidebarUserContent"] { padding-top: 0; }
[data-testid="stVerticalBlock"] { gap: 0.6rem; }
</style>"""


def page_style() -> None:
    """Use the width and the height of the window: the Lab fits it without scrolling."""
    st.html(_CSS)
