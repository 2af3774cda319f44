"""Cases page: the library as a table, the selected case in the series player, and uploads."""

import streamlit as st

from pages.library.table import Row, show_library
from pages.series_player.component import player
from pages.session import case_selection
from pages.session.state import live_session
from pages.session.uploads import show_uploads
from pages.ui.escape import escape

show_library()

entry = case_selection.current_entry()
row = Row.of(entry)
now = live_session().workspace
title, link = st.columns([5, 1], vertical_alignment="center")
title.markdown(f"**{escape(entry.title)}** · {escape(entry.note)}")
if link.button("Open in the Lab", icon=":material/show_chart:", type="primary", width="stretch"):
    st.switch_page("pages/lab.py")
notes = [f":orange-badge[{escape(label)}] {escape(sentence)}" for label, sentence in row.summary.notes]
if notes:
    st.caption("  \n".join(notes))
if now is not None and now.case.name == entry.key:
    player(live_session(), now)

show_uploads()
