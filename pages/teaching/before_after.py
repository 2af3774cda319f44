"""Component with the pictures of a lesson, before and after, under a divider that is dragged or moved by keys."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from pages.teaching.lesson import Lesson
from pages.teaching.lesson_pictures import picture_data
from pages.teaching.lesson_results import LessonResults

_FRONTEND: Final = Path(__file__).parent / "frontend"
_HTML: Final = """<figure class="before-after" data-testid="before-after"><div class="stage">
<img class="before"><img class="after">
<input type="range" min="0" max="100" value="50" aria-label="Divider between before and after"></div>
<div class="sides"><div data-out="before"></div><div data-out="after"></div><div data-out="label"></div></div>
<figcaption><span data-out="map"></span>
<span class="scale"><span data-out="low"></span><i data-out="bar"></i><span data-out="high"></span></span>
</figcaption></figure>"""
_component = st.components.v2.component(
    "lesson_pictures",
    html=_HTML,
    css=(_FRONTEND / "before_after.css").read_text(encoding="utf-8"),
    js=(_FRONTEND / "before_after.js").read_text(encoding="utf-8"),
)


def show_pictures(lesson: Lesson, results: LessonResults, key: str, *, reveals: bool) -> None:
    """Draw the pictures of a lesson; the one after only if it ``reveals`` the outcome.

    Raises
    ------
    PerfcoreError
        An experiment cannot be computed on the case.
    """
    _component(key=key, data=picture_data(lesson, results, reveals=reveals))
