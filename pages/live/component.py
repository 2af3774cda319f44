"""The live component: its registration with Streamlit and its configuration message."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import streamlit as st

from pages.live.lab_config import lab_config, lab_css
from pages.live.server import wire
from pages.live.server.case_route import PATH as CASE_PATH
from pages.live.server.connection import PATH
from pages.live.server.session import LiveSession, Workspace
from pages.live.server.static_files import BASE, LIVE_FRONTEND
from pages.server.config import computes_in_browser
from perfcore.aif.sources import SourceInfo
from perfcore.display.colours import LUTS

ICON: Final = LIVE_FRONTEND / "icon.svg"
LOGO: Final = LIVE_FRONTEND / "logo.svg"

# The browser imports the module once per page load; state between runs of the page lives in it.
_JS: Final = (
    f"const BASE = {json.dumps(BASE)};"
    + """
const assets = new URL(BASE + "live/frontend/", document.baseURI);
const load = import(new URL("lab.js", assets));
export default function (component) {
  let clean = null, gone = false;
  load.then(({ mount }) => { if (!gone) clean = mount(component); });
  return () => { gone = true; clean?.(); };
}
"""
)

_component = st.components.v2.component(
    "aif_lab",
    html='<div class="lab" data-testid="lab" data-status="connecting"></div>',
    css=lab_css(),
    js=_JS,
)


def config_frame(
    session: LiveSession,
    workspace: Workspace,
    sources: Sequence[SourceInfo],
    notice: dict[str, Any] | None = None,
    *,
    page: str = "lab",
    focus: dict[str, Any] | None = None,
    lecture: bool = False,
) -> bytes:
    """Return the configuration message of a run of the page: token, thresholds, maps and scales, AIF sources.

    ``notice`` is ``{"id": …, "text": …}``: a sentence that the browser shows once. ``page``: ``lab`` or ``tune``.
    ``focus``: what a lesson opens and highlights.
    ``lecture``: whether the page is in lecture mode.
    """
    header = {
        **lab_config(workspace.settings, workspace.start, sources),
        "page": page,
        "lecture": lecture,
        "token": session.token,
        "path": PATH.lstrip("/"),
        "epoch": workspace.epoch,
        "notice": notice,
        "focus": focus,
        "casePath": CASE_PATH.lstrip("/"),
        "computesInBrowser": computes_in_browser(),
        "classCurves": len(session.class_curves(workspace.case)),
        "keepsVoxels": True,
    }
    return wire.pack("config", header, dict(LUTS))


def live_lab(data: bytes, **handlers: Callable[[], None]) -> Any:
    """Mount the component.

    Its values are ``curve``, the committed curve; ``fallback``, an edit or request sent without a socket;
    ``source``, the method of another start AIF; ``csv``, the content of a file with one; ``shelf``, changes of the
    snapshots. A handler has the name of its value.
    """
    callbacks: dict[str, Any] = {f"on_{name}_change": call for name, call in handlers.items()}
    return _component(key="lab", data=data, **callbacks)
