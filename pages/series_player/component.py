"""The series player: a component that plays the frames of the selected case."""

from __future__ import annotations

import json
from typing import Any, Final

import streamlit as st

from pages.live.server import wire
from pages.live.server.session import LiveSession, Workspace
from pages.live.server.static_files import BASE, PLAYER_FRONTEND
from pages.series_player.messages import case_header
from pages.series_player.route import PATH
from pages.ui.colours import outline_css
from perfcore.aif.select import BEST, SELECTORS

# The browser imports the module once per page load; state between runs of the page lives in it.
_JS: Final = (
    f"const BASE = {json.dumps(BASE)};"
    + """
const load = import(new URL(BASE + "series_player/frontend/player.js", document.baseURI));
export default function (component) {
  let clean = null, gone = false;
  load.then(({ mount }) => { if (!gone) clean = mount(component); });
  return () => { gone = true; clean?.(); };
}
"""
)

_component = st.components.v2.component(
    "series_player",
    html='<div class="series-player" data-testid="series-player" data-status="loading"></div>',
    css=outline_css(".series-player") + (PLAYER_FRONTEND / "player.css").read_text(encoding="utf-8"),
    js=_JS,
)


def config_frame(session: LiveSession, workspace: Workspace) -> bytes:
    """Pack the player's configuration: token, path of its route, selectors, and the case."""
    header = {
        "token": session.token,
        "path": PATH.lstrip("/"),
        "selectors": {name: {"label": info.label, "colour": info.colour} for name, info in SELECTORS.items()},
        "shown": BEST,
        **case_header(workspace.case),
    }
    return wire.pack("config", header)


def player(session: LiveSession, workspace: Workspace) -> Any:
    """Mount the player of the session's case."""
    return _component(key="series_player", data=config_frame(session, workspace))
