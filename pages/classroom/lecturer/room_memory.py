"""The browser keeps the lecturer's token in the tab's session storage, so that a reload finds the room again.

The storage has the key and form of ``pages/classroom/frontend/projector/credentials.js``.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from pages.session.state import user_state

KEY: Final = "class_memory"
_JS: Final = """
const PLACE = "class|host";
export default function ({ data, setTriggerValue }) {
  try {
    if (data.token) sessionStorage.setItem(PLACE, JSON.stringify({ token: data.token, code: data.code }));
    else if (data.over) sessionStorage.removeItem(PLACE);
    else {
      const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
      if (typeof kept?.token === "string") setTriggerValue("token", kept.token);
    }
  } catch { /* storage may be off: the room then ends with the page */ }
}
"""
_memory = st.components.v2.component("aif_lab_class_memory", html="<span hidden></span>", js=_JS)


def remember_room() -> None:
    """Give the room's token to the browser, or ask the browser for that of a room from before a reload."""
    state = user_state().classroom
    room = state.room
    data = {
        "token": "" if room is None else room.host_token,
        "code": "" if room is None else room.code,
        "over": room is None and (state.is_over or state.opened is not None),
    }
    with st.sidebar:
        _memory(key=KEY, data=data, on_token_change=_recall)


def _recall() -> None:
    token = st.session_state.get(KEY, {}).get("token")
    state = user_state().classroom
    if isinstance(token, str) and state.room is None:
        state.recall(token)
