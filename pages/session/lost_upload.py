"""An upload that a reload has ended: it is noted in the address, and the page asks for its file again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import streamlit as st

from pages.session import case_selection
from pages.session.pending_upload import LostUpload
from pages.session.state import UserState
from pages.session.upload_form import show_form

PARAM: Final = "upload"
"""Query parameter: number and checksum of the open upload. It names no patient, and no link holds it."""
_VALUE: Final = re.compile(r"([1-9]\d{0,3})\.([0-9a-f]{8})", re.ASCII)


def read_param(params: Mapping[str, str]) -> LostUpload | None:
    """Return the upload that the address notes, or None."""
    found = _VALUE.fullmatch(params.get(PARAM, ""))
    return None if found is None else LostUpload(int(found[1]), found[2])


def params_of(user: UserState, key: str) -> dict[str, str]:
    """Return the query parameter of an upload by its key; none for another case."""
    lost = user.uploads.lost
    checksum = user.uploads.checksums.get(key) or (lost.checksum if lost is not None and lost.key == key else None)
    return {} if checksum is None else {PARAM: f"{key.rpartition('-')[2]}.{checksum}"}


def ask_again(lost: LostUpload) -> None:
    """Draw the request for the file of a lost upload, in place of a page that shows it."""
    st.subheader(f"Upload {lost.number} is no longer on the server", anchor=False)
    st.markdown(
        "The page was loaded again, which ended the session that held the series. "
        "**Choose its file once more:** the settings are kept, and so is the edited curve, in this browser tab. "
        "Both come back with the same series."
    )
    show_form()
    first = next(iter(case_selection.entries().values()))
    st.button(
        f"Open the demonstration “{first.title}” instead", key="leave_lost", type="tertiary",
        on_click=case_selection.select_entry, args=(first,),
    )  # fmt: skip
