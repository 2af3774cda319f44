"""Form of the Lab's export that writes the open case as a single HTML file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from pages.live.server.session import Workspace
from pages.one_file.about import MAX_TEXT_CHARS, MAX_TITLE_CHARS, Words
from pages.one_file.data import EDITED
from pages.one_file.engine_limits import check_engine
from pages.one_file.page import PAGE_FILE, make_page, offered_aifs
from pages.session.export import Export
from pages.session.state import user_state
from pages.teaching.lessons import LESSONS
from perfcore.errors import PerfcoreError
from perfcore.types import Aif

WHO: Final = {
    "demonstration": "Phantom: {title}",
    "cohort": "Phantom: {title}",
    "folder": "A case of the server's folder, without its name",
    "upload": "An uploaded series, without a name",
}
"""Whose brain the file holds, by the origin of the case; names of folders may be names of people."""
NO_LESSON: Final = "none"


def page_form(now: Workspace, export: Callable[[], Export]) -> None:
    """Draw title, text, lesson and download of the page.

    Parameters
    ----------
    now
        Case, settings and start AIF.
    export
        Gives the curve at the time of the download.
    """
    st.caption("The Lab of this case as one HTML file: it works without a server and without a network.")
    left, right = st.columns([3, 2])
    title = left.text_input("Title of the page", max_chars=MAX_TITLE_CHARS, key="page_title")
    lesson = right.selectbox(
        "Lesson in the page",
        [NO_LESSON, *LESSONS],
        format_func=lambda name: LESSONS[name].title if name in LESSONS else name,
        key="page_lesson",
    )
    text = st.text_area(
        "Your text above the Lab", max_chars=MAX_TEXT_CHARS, height=110, key="page_text",
        help="Plain text; blank lines divide its paragraphs",
    )  # fmt: skip
    entry = export().entry
    agreed = entry.origin in ("demonstration", "cohort") or st.checkbox(
        "The brain's data leave this session in the file, and anyone with the file can see them", key="page_agreed"
    )
    own = tuple(user_state().aif.own_of(now.case.name).values())
    problem = ""
    try:
        check_engine(now.settings, now.case.prepared.n_time)
    except PerfcoreError as error:
        problem = str(error)
    words = Words(title, text, None if lesson == NO_LESSON else lesson)
    st.download_button(
        "Page (HTML)",
        lambda: build_page(export(), words, own),
        PAGE_FILE,
        "text/html",
        help="About 1.2 MB a slice; takes several seconds",
        on_click="ignore",
        disabled=bool(problem) or not agreed,
    )
    if problem:
        st.caption(problem)


def build_page(export: Export, words: Words, own: Sequence[Aif] = ()) -> bytes:
    """Return the page of a curve on a case; an edited curve is the one that the page opens with.

    ``own`` are the AIFs that belong to the user alone.
    """
    now, entry = export.state, export.entry
    start = now.start
    if export.edited is not None:
        start = replace(start, value=export.edited, source_id=EDITED, label="Edited curve", voxels=(), quality=())
    others = [now.start, *offered_aifs(now.case), *own]
    described = WHO[entry.origin].format(title=entry.title)
    return make_page(now.case, now.settings, start, words, described=described, others=others)
