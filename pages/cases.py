"""Cases page: uploads, the library as a table, and the selected case in the series player."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.library.catalog import CatalogEntry
from pages.library.table import Row, show_library
from pages.series_player.component import player
from pages.session import case_selection
from pages.session.snapshots import MAX_NAME_CHARS
from pages.session.state import live_session, user_state
from pages.session.upload_form import show_form
from pages.session.uploads import remove_upload, rename_upload
from pages.ui.escape import escape


def _own_title(entry: CatalogEntry) -> DeltaGenerator:
    """Draw the title of an upload as a field, and its removal; return the place for the link to the Lab."""
    name, remove, link = st.columns([1.5, 0.75, 1], vertical_alignment="center")
    key = f"name_{entry.key}"
    st.session_state[key] = entry.title
    name.text_input(
        "Name of this upload", key=key, max_chars=MAX_NAME_CHARS, label_visibility="collapsed",
        on_change=lambda: rename_upload(entry.key, st.session_state[key]),
    )  # fmt: skip
    remove.button(
        "Remove", key=f"remove_{entry.key}", on_click=remove_upload, args=(entry.key,), width="stretch",
        icon=":material/delete:",
    )  # fmt: skip
    st.caption(escape(entry.note))
    return link


def _title(entry: CatalogEntry) -> DeltaGenerator:
    """Draw the title of a case; return the place for the link to the Lab."""
    title, link = st.columns([2.4, 1], vertical_alignment="center")
    title.markdown(f"**{escape(entry.title)}** · {escape(entry.note)}")
    return link


def _selected() -> None:
    """Draw the selected case."""
    entry = case_selection.current_entry()
    row = Row.of(entry)
    link = _own_title(entry) if entry.key in user_state().uploads.checksums else _title(entry)
    if link.button("Open in the Lab", icon=":material/show_chart:", type="primary", width="stretch"):
        st.switch_page("pages/lab.py")
    notes = [f":orange-badge[{escape(label)}] {escape(sentence)}" for label, sentence in row.summary.notes]
    if notes:
        st.caption("  \n".join(notes))
    now = live_session().workspace
    if now is not None and now.case.name == entry.key:
        player(live_session(), now)


show_form()
library, selected = st.columns([1.25, 2], gap="medium")
with library:
    show_library()
with selected:
    _selected()
