"""Export box of the Lab: downloads, and the command lines that compute the same maps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import streamlit as st

from pages.live.server.session import Workspace
from pages.session import case_selection
from pages.session.clip import CLIP_FILE
from pages.session.export import CURVE_FILE, SETTINGS_FILE, SNAPSHOTS_FILE, Export
from pages.session.page_export import page_form
from pages.session.snapshots import table_csv
from pages.session.state import live_session, user_state
from perfcore.errors import PerfcoreError
from perfcore.report.files import HTML_FILE, PDF_FILE

REPORTS: Final = (
    ("Report (PDF)", PDF_FILE, "application/pdf"),
    ("Report (HTML)", HTML_FILE, "text/html"),
)
"""Button, file name and type of the one-page report."""


def downloads(now: Workspace) -> None:
    """Draw the downloads of curve, maps, settings and snapshots; a file is made when it is requested."""
    live, entry, preset = live_session(), case_selection.current_entry(), user_state().settings.preset
    kept = user_state().snapshots

    def export() -> Export:
        # Read at the time of the request: the page may not have run since the last edit.
        edited = live.edited_curve(now.curve_key)
        usable = edited is not None and edited.size == now.start.value.size
        return Export(entry, now, preset, edited if usable else None)

    def report(name: str) -> bytes:
        return export().report(name)

    # Rendered when it is opened: the code highlighter alone costs the browser more time than the rest of the page.
    section = st.expander(
        "Export: curve, maps, page, settings, command line",
        icon=":material/download:",
        key="export",
        on_change="rerun",
    )
    if not section.open:
        return
    with section:
        n_here = len(export().stations(kept))
        with st.container(horizontal=True):
            st.download_button(
                "Everything (zip)",
                lambda: export().everything_zip(kept),
                "aif-lab.zip",
                "application/zip",
                help="Curve, maps, report, settings, command lines, snapshots and clip; takes about ten seconds",
                on_click="ignore",
                type="primary",
            )
            _download(
                "Clip (WebP)",
                lambda: export().clip(kept),
                CLIP_FILE,
                "image/webp",
                "rCBF and Tmax while the curve goes from snapshot to snapshot of this case, under these settings"
                if n_here > 1
                else "Save two snapshots of this case first: the clip goes from one to the next",
                disabled=n_here < 2,
            )
            _download(
                "AIF (CSV)",
                lambda: export().curve_csv(),
                CURVE_FILE,
                "text/csv",
                "Columns time_s,value, as --aif reads it",
            )
            _download(
                "Maps (NIfTI, zip)",
                lambda: export().maps_zip(),
                "maps.zip",
                "application/zip",
                "All files that the command below writes; takes a few seconds",
            )
            for label, name, mime in REPORTS:
                _download(
                    label,
                    partial(report, name),
                    name,
                    mime,
                    "One page with maps, figures, curves, quality and settings; takes a few seconds",
                )
            _download(
                "Settings (JSON)",
                lambda: export().settings_json(),
                SETTINGS_FILE,
                "application/json",
                "All settings, and the command lines",
            )
            _download(
                "Snapshots (CSV)",
                lambda: table_csv(kept),
                SNAPSHOTS_FILE,
                "text/csv",
                "The table of snapshots, with every setting",
                disabled=not len(kept),
            )
        page_form(now, export)
        try:
            lines = export().commands()
        except PerfcoreError as error:
            st.caption(f"No command line: {error}")
            return
        st.caption(f"The same maps from the command line, with {CURVE_FILE} in the folder:")
        st.code("\n".join(lines), language="bash", wrap_lines=True)


def _download(
    label: str, make: Callable[[], str | bytes], file_name: str, mime: str, text: str, *, disabled: bool = False
) -> None:
    st.download_button(label, make, file_name, mime, help=text, on_click="ignore", disabled=disabled)
