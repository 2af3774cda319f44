"""Lecture mode on every page: large type without header and sidebar, and a bar with what a lecturer needs.

The bar is one component on every page: pages, steps, light or dark, QR code of the link, and the way out. Outside
lecture mode it is three buttons in the header: keys, lecture mode, light or dark.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import streamlit as st

from pages.classroom.join_link import join_link
from pages.live.server.static_files import BASE, UI_FRONTEND
from pages.session import widget_keys
from pages.session.sidebar import NOTICE
from pages.session.state import user_state
from pages.ui.link_code import OUT_OF_REACH, is_local, qr_rows

MAX_LINK_CHARS: Final = 2000
CLASS_PATH: Final = "class"
"""URL path of the page of a class."""
SHORT_NOTICE: Final = "Not for clinical use"
"""Where the bar has steps."""
SCALES: Final = (1.0, 2.4)
"""Limits of `lecture_scale`."""
REMEDY: Final = "open the app under this computer's address in the network"
# Streamlit measures its pages in rem, the components their type in --pt: both follow the window's smaller side.
_LARGE: Final = """
:root { --pt: clamp(1px, min(0.1016vw, 0.1806vh), 2.4px); --player-above: 8.8rem; --header: 2.75rem; }
html:root:root { font-size: clamp(18px, min(1.5vw, 2.67vh), 32px) !important; }
.stMainBlockContainer { padding: 2.6rem 0.7rem 0.4rem !important; }
.st-key-app_bar_place { inset: 0 0 auto !important; }
header[data-testid="stHeader"] { display: none !important; }
.st-key-upload_row { display: none !important; }
table.bars { font-size: 1rem !important; }
"""
_NO_SIDEBAR: Final = """
section[data-testid="stSidebar"], [data-testid="stExpandSidebarButton"] { display: none !important; }
"""
_SIDEBAR_BELOW: Final = """
section[data-testid="stSidebar"] { top: 2.75rem !important; height: calc(100vh - 2.75rem) !important; }
"""
_JS: Final = (
    f"const BASE = {json.dumps(BASE)};"
    + """
const load = import(new URL(BASE + "ui/frontend/app_bar.js", document.baseURI));
export default function (component) {
  let clean = null, gone = false;
  load.then(({ mount }) => { if (!gone) clean = mount(component); });
  return () => { gone = true; clean?.(); };
}
"""
)
_bar = st.components.v2.component(
    "app_bar",
    html='<div class="app-bar" data-testid="app-bar"></div>',
    css=(UI_FRONTEND / "app_bar.css").read_text(encoding="utf-8"),
    js=_JS,
)


@dataclass(frozen=True)
class Steps:
    """What a page leads through, in the bar.

    Attributes
    ----------
    title
        Of the whole; empty where the page's own says it.
    labels
        Of the steps, by id; empty where the page is one step.
    current
        Id of the step in view.
    params
        Query parameters of a link to it.
    """

    title: str
    labels: Mapping[str, str]
    current: str
    params: Mapping[str, str]


def is_lecturing() -> bool:
    """Return whether lecture mode is on."""
    return user_state().lecture.is_on


def lecture_scale() -> float:
    """Return by how much type is larger in lecture mode, for charts that have pixels alone; 1 outside it."""
    return user_state().lecture.scale


def lecture_style(*, sidebar: bool) -> None:
    """Add the style of lecture mode if it is on; ``sidebar`` keeps the sidebar visible."""
    if is_lecturing():
        st.html(f"<style>{_LARGE}{_SIDEBAR_BELOW if sidebar else _NO_SIDEBAR}</style>")


def app_bar(
    page_path: str,
    pages: Mapping[str, str],
    steps: Steps | None,
    *,
    on_turn: Callable[[], None],
    on_step: Callable[[], None],
) -> str | None:
    """Draw the bar.

    Parameters
    ----------
    page_path
        URL path of the page.
    pages
        Titles of all pages by URL path.
    steps
        What the page leads through, or None.
    on_turn, on_step
        Called before the run in which ``pressed("turn")`` is 1 or −1, the next or the previous step, or in which
        ``pressed("step")`` is the id of a step.

    Returns
    -------
    str or None
        URL path of the page that was chosen in this run, if one was.
    """
    lecture = user_state().lecture
    data = {
        "lecture": lecture.is_on,
        "page": page_path,
        "pages": [{"path": path, "title": title} for path, title in pages.items()],
        "steps": None if steps is None else {
            "title": steps.title, "current": steps.current, "params": dict(steps.params),
            "labels": [{"id": name, "label": label} for name, label in steps.labels.items()],
        },
        "notice": NOTICE if steps is None else SHORT_NOTICE,
        "code": _code(lecture.link),
    }  # fmt: skip
    with st.container(key="app_bar_place"):
        _bar(
            key=widget_keys.APP_BAR, data=data, on_lecture_change=_switch, on_link_change=_read_link,
            on_turn_change=on_turn, on_step_change=on_step, on_page_change=_redraw, on_scheme_change=_redraw,
        )  # fmt: skip
    chosen = pressed("page")
    return chosen if chosen in pages and chosen != page_path else None


def pressed(name: str) -> Any:
    """Return what the bar has sent under a name in this run, or None."""
    return st.session_state.get(widget_keys.APP_BAR, {}).get(name)


def _redraw() -> None:
    """Run the page again, which reads what was pressed, or draws its pictures in the other theme."""


def _switch() -> None:
    """Switch lecture mode; the bar has sent the size of a point of type, or 0 where it is left."""
    scale, lecture = pressed("lecture"), user_state().lecture
    lecture.is_on = isinstance(scale, int | float) and scale > 0
    lecture.scale = float(np.clip(scale, *SCALES)) if lecture.is_on else 1.0


def _read_link() -> None:
    """Take the link whose QR code is asked for; of an open class the typed address comes before the page's."""
    link = str(pressed("link"))
    if len(link) > MAX_LINK_CHARS or urlsplit(link).scheme not in {"http", "https"} or not link.isprintable():
        return
    user_state().lecture.link = link


def _code(link: str) -> dict[str, Any] | None:
    """Return the message with a link's QR code; on the page *Class* the link joins the open room."""
    if not link:
        return None
    room = user_state().classroom.room
    shown = link
    if room is not None:
        parts = urlsplit(link)
        path, _, page = parts.path.rpartition("/")
        address = room.public_address or f"{parts.scheme}://{parts.netloc}{path}"
        if page == CLASS_PATH:  # what the people in the hall need is the way in
            shown = join_link(room, address)
        else:
            shown = f"{address}/{page}" + (f"?{parts.query}" if parts.query else "")
    return {
        "of": link,
        "link": shown,
        "rows": list(qr_rows(shown)),
        "problem": OUT_OF_REACH.format(remedy=REMEDY) if is_local(shown) else "",
    }
