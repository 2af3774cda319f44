"""The page's address: a link is opened once, and what is shown stays in the address, so that a reload finds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from pages.live.server.session import State
from pages.session import share_link, state
from pages.session.share_link import Scene
from perfcore.errors import InputDataError, PerfcoreError


def open_link() -> None:
    """Show what the address asks for, once for each session; of a link that cannot be used, say why."""
    if st.session_state.get("link_read"):
        return
    st.session_state["link_read"] = True
    try:
        show(share_link.read(st.query_params.to_dict()))
    except PerfcoreError as error:
        st.toast(str(error), icon=":material/link_off:", duration="long")


def show(scene: Scene) -> None:
    """Make a scene what this person works on; its curve is taken by the browser, where it can be undone.

    Raises
    ------
    InputDataError
        Its case is not here.
    """
    if scene.case:
        entry = state.bring(scene.case)
        if entry is None:
            raise InputDataError("This link cannot be used: its case is not on this server.")
        st.session_state["case"] = entry.key
    starts = st.session_state.setdefault("start", {})
    starts.pop(state.current_entry().key, None)
    if scene.start:
        starts[state.current_entry().key] = scene.start
    st.session_state["preset"] = scene.preset
    for name, value in scene.settings.as_dict().items():
        st.session_state[f"set_{name}"] = value
    if scene.curve is not None or scene.map or scene.slice_index is not None or scene.montage is not None:
        number = st.session_state["wishes"] = st.session_state.get("wishes", 0) + 1
        st.session_state["wanted"] = (number, replace(scene, case=state.current_entry().key))


def wanted(now: State) -> tuple[int, Scene] | None:
    """Return the view and curve that the browser is to take, with the number of the wish; it grants each once."""
    found: tuple[int, Scene] | None = st.session_state.get("wanted")
    if found is None:
        return None
    number, scene = found
    if scene.case != now.case.name:
        return None
    have = now.case.prepared.n_time
    if scene.curve is not None and scene.curve.size != have:
        state.say(f"The link's curve has {scene.curve.size} points, the series {have}: the start curve is shown.")
        scene = replace(scene, curve=None)
        st.session_state["wanted"] = (number, scene)
    return number, scene


def scene(now: State) -> Scene:
    """Return what is shown, as far as the server knows: all but view and curve."""
    entry = state.current_entry()
    offered, method = now.case.offered.methods, now.start.method
    shared = method in offered and method != offered[0]
    return Scene(
        case="" if entry.owner else entry.key,
        preset=st.session_state.get("preset", "paper"),
        settings=now.settings,
        start=method if shared else "",
    )


# Streamlit's own query parameters make a step in the browser's history of every change: Back would lead nowhere.
_JS: Final = """
export default function ({ data }) {
  const url = new URL(location.href);
  for (const name of data.names) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(data.params)) url.searchParams.set(name, value);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}
"""
_bar = st.components.v2.component("aif_lab_address", html="<span hidden></span>", js=_JS)


def mirror(now: State | None, page: str) -> None:
    """Keep case and settings in the address, where a reload finds them; an upload's case is never there.

    ``page`` names the page, as another one starts with a bare address.
    """
    if now is None:
        return
    with st.sidebar:
        _bar(key="address", data={"params": shown(now), "names": share_link.NAMES, "page": page})


def shown(now: State) -> dict[str, str]:
    """Return the parameters of the address; what anybody sees first needs none."""
    params = share_link.write(scene(now))
    return {} if params == {"case": next(iter(state.entries()))} else params
