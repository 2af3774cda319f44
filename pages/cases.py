"""Cases: the library as a table, the chosen case as a film, and a person's own uploads."""

import streamlit as st

from pages.library.table import Row, show_library
from pages.series_player.component import player
from pages.session import state
from pages.session.uploads import show_uploads
from pages.ui.escape import escape

show_library()

entry = state.current_entry()
row = Row.of(entry)
now = state.live_session().state
title, link = st.columns([5, 1], vertical_alignment="center")
title.markdown(f"**{escape(entry.title)}** · {escape(entry.note)}")
if link.button("Open in the Lab", icon=":material/show_chart:", type="primary", width="stretch"):
    st.switch_page("pages/lab.py")
notes = [f":orange-badge[{escape(flag.word)}] {escape(flag.sentence)}" for flag in row.facts.notes]
if notes:
    st.caption("  \n".join(notes))
if now is not None and now.case.name == entry.key:
    player(state.live_session(), now)

show_uploads()
