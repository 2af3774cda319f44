"""Form of an upload: file chooser with progress, options, and the choice among several series."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.live.server.static_files import BASE, SESSION_FRONTEND
from pages.server.streamlit_internals import delete_uploaded_files
from pages.session.pending_upload import PendingUpload, UploadOptions
from pages.session.snapshots import MAX_NAME_CHARS
from pages.session.state import user_state
from pages.session.uploads import SIDECAR_SUFFIX, open_pending, pair_sidecars, read_submitted, submit
from perfcore.types import SeriesUnits

UNIT_LABELS: Final[dict[SeriesUnits, str]] = {
    "hu": "Hounsfield units", "concentration": "enhancement", "dsc": "MR signal",
}  # fmt: skip
PRIVACY: Final = (
    "It stays in this session: other users cannot see it, links do not contain it, and it is deleted when the "
    "session ends."
)
OPEN_KEY: Final = "open_upload"
"""Of the button; its label changes with the number of files, and a press must not be lost with the old label."""
_JS: Final = (
    f"const BASE = {json.dumps(BASE)};"
    + """
const load = import(new URL(BASE + "session/frontend/upload_form.js", document.baseURI));
export default function (component) {
  let clean = null, gone = false;
  load.then(({ mount }) => { if (!gone) clean = mount(component); });
  return () => { gone = true; clean?.(); };
}
"""
)
_HTML: Final = """<div class="progress" data-testid="upload-progress" role="status" hidden>
<div role="progressbar" aria-label="Upload" aria-valuemin="0" aria-valuemax="100"><i></i></div>
<span data-out="progress"></span></div>
<div class="overlay" hidden><p>Drop a perfusion series: 4D NIfTI, or a zip of DICOM files</p></div>"""
_watch = st.components.v2.component(
    "upload_form",
    html=_HTML,
    css=(SESSION_FRONTEND / "upload_form.css").read_text(encoding="utf-8"),
    js=_JS,
)


def show_form() -> None:
    """Draw the form; what was submitted is read first, with the number of the file in words."""
    uploads = user_state().uploads
    if uploads.submitted:
        _read()
    for sentence in uploads.problems:
        st.error(sentence)
    uploads.problems = []
    for pending in uploads.pending:
        _show_choice(pending)
    # A new key empties the file widgets after a submission.
    turn = uploads.n_submitted
    chooser_key = f"upload_series_{turn}"
    with st.container(key="upload_row"):
        chooser, more, button = st.columns([5, 1.7, 1.6], vertical_alignment="bottom")
        files = chooser.file_uploader(
            "Series: 4D NIfTI (with JSON sidecar) or a zip of DICOM files; drop it anywhere here",
            type=["nii", "gz", "zip", "json"], accept_multiple_files=True, key=chooser_key,
            help=f"CT or MR (DSC) perfusion. {PRIVACY}",
        )  # fmt: skip
        with more.popover("Name, mask, units", icon=":material/tune:", width="stretch"):
            options, given = _options(turn)
        n_series = sum(not file.name.lower().endswith(SIDECAR_SUFFIX) for file in files)
        pressed = button.button(
            "Open this case" if n_series < 2 else f"Open these {n_series} cases", type="primary", key=OPEN_KEY,
            disabled=not n_series, width="stretch",
        )  # fmt: skip
    _watch(key="upload_watch", data={"chooser": chooser_key, "button": OPEN_KEY})
    if pressed and n_series:
        names, contents = [file.name for file in files], [file.getvalue() for file in files]
        submit(*_paired(names, contents, options))
        delete_uploaded_files([file.file_id for file in (*files, *given)])
        st.rerun()


def _paired(
    names: Sequence[str], contents: Sequence[bytes], options: UploadOptions
) -> tuple[list[bytes], UploadOptions, list[bytes | None]]:
    series, sidecars = pair_sidecars(names, contents)
    return series, options, sidecars


def _options(turn: int) -> tuple[UploadOptions, list[UploadedFile]]:
    """Draw the options; return them with the files that they hold."""
    name = st.text_input(
        "Name (optional)", key=f"upload_name_{turn}", max_chars=MAX_NAME_CHARS, placeholder="Upload 1, 2, …",
        help="Shown to you alone. The name of the file is not kept.",
    )  # fmt: skip
    mask = st.file_uploader("Brain mask (optional)", type=["nii", "gz"], key=f"upload_mask_{turn}")
    lesion = st.file_uploader("Known lesion (optional)", type=["nii", "gz"], key=f"upload_lesion_{turn}")
    left, right = st.columns(2, vertical_alignment="bottom")
    units = left.selectbox("Voxel values", list(UNIT_LABELS), format_func=lambda unit: UNIT_LABELS[unit])
    dt_s = right.number_input("Time step, s (0: from the file)", 0.0, 60.0, 0.0, step=0.5)
    given = [file for file in (mask, lesion) if file is not None]
    brain, core = (None if file is None else file.getvalue() for file in (mask, lesion))
    return UploadOptions(name, brain, core, units, dt_s or None), given


def _read() -> None:
    """Read what was submitted, and draw the page again with it."""
    where = st.empty()
    with st.spinner("Reading the series …", show_time=False):
        for file in read_submitted():
            if file.n_files > 1:
                where.caption(f"File {file.place} of {file.n_files}")
    st.rerun()


def _show_choice(pending: PendingUpload) -> None:
    """Draw the series of an upload to choose from."""
    uploads = user_state().uploads
    with st.container(border=True):
        number = st.radio(
            "The upload holds several series. Choose the perfusion scan.",
            [scan.number for scan in pending.scans],
            format_func=pending.label,
            key=f"series_{pending.number}",
        )
        left, right = st.columns([1, 4])
        if left.button("Open this series", type="primary", key=f"open_series_{pending.number}"):
            with st.spinner("Reading the series …", show_time=False):
                uploads.problems = open_pending(pending, number)
            st.rerun()
        if right.button("Discard", type="tertiary", key=f"discard_series_{pending.number}"):
            uploads.pending.remove(pending)
            st.rerun()
