"""What can be taken along, under the Lab: each file is made when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.live.server.session import State
from pages.session import snapshot_sync, state
from pages.session.export import CURVE_FILE, Export
from pages.session.snapshots import table_csv
from perfcore.errors import PerfcoreError


def downloads(now: State) -> None:
    """Offer the curve, the maps, the settings and the table, and the lines that make the same maps."""
    live, entry, preset = state.live_session(), state.current_entry(), st.session_state.get("preset", "paper")
    kept = snapshot_sync.shelf()

    def taken() -> Export:
        # The curve as it is when somebody asks: the page need not have run since the last edit.
        edited = live.edited(now.curve_key)
        usable = edited is not None and edited.size == now.start.value.size
        return Export(entry, now, preset, edited if usable else None)

    with st.expander("Export: curve, maps, settings, command line", icon=":material/download:"):
        with st.container(horizontal=True):
            _offer(
                "AIF (CSV)",
                lambda: taken().curve_csv(),
                CURVE_FILE,
                "text/csv",
                "Columns time_s,value, as --aif reads it",
            )
            _offer(
                "Maps (NIfTI, zip)",
                lambda: taken().maps_zip(),
                "maps.zip",
                "application/zip",
                "Every file that the command below writes; made now, in a few seconds",
            )
            _offer(
                "Settings (JSON)",
                lambda: taken().settings_json(),
                "settings.json",
                "application/json",
                "All settings, and the command lines",
            )
            _offer(
                "Snapshots (CSV)",
                lambda: table_csv(kept),
                "snapshots.csv",
                "text/csv",
                "The table of snapshots, with every setting",
                disabled=not len(kept),
            )
        try:
            lines = taken().commands()
        except PerfcoreError as error:
            st.caption(f"No command line: {error}")
            return
        st.caption(f"The same maps from the command line, with {CURVE_FILE} in the folder:")
        st.code("\n".join(lines), language="bash", wrap_lines=True)


def _offer(
    label: str, make: Callable[[], str | bytes], file_name: str, mime: str, text: str, *, disabled: bool = False
) -> None:
    st.download_button(label, make, file_name, mime, help=text, on_click="ignore", disabled=disabled)
