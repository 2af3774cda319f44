"""Query parameters of the page: a link is applied once, and the address bar follows case and settings.

So a reload opens the same case under the same settings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from pages.live.server.session import Workspace
from pages.session import case_selection, lost_upload, share_link
from pages.session.share_link import SavedView
from pages.session.state import notify, user_state
from perfcore.errors import InputDataError, PerfcoreError


def apply_link() -> None:
    """Apply the query parameters once per session; a toast says why a link cannot be used."""
    linked = user_state().linked
    if linked.is_link_read:
        return
    linked.is_link_read = True
    params = st.query_params.to_dict()
    try:
        apply_view(share_link.read_params(params))
    except PerfcoreError as error:
        st.toast(str(error), icon=":material/link_off:", duration="long")
    user = user_state()
    lost = None if "case" in params else lost_upload.read_param(params)
    if lost is not None:
        user.uploads.lost, user.case.key = lost, lost.key


def apply_view(view: SavedView) -> None:
    """Select case, settings and start AIF of a view; the browser applies its curve, so that undo covers it.

    Raises
    ------
    InputDataError
        The case does not exist on this server.
    """
    user = user_state()
    if view.case:
        entry = case_selection.find_entry(view.case)
        if entry is None:
            raise InputDataError("This link cannot be used: its case is not on this server.")
        case_selection.select_entry(entry)
    case_key = case_selection.current_entry().key
    user.aif.methods.pop(case_key, None)
    if view.start:
        user.aif.methods[case_key] = view.start
    user.settings.apply(view.preset, view.settings)
    if view.curve is not None or view.map or view.slice_index is not None or view.montage is not None:
        user.linked.show(replace(view, case=case_key))


def linked_view(now: Workspace) -> tuple[int, SavedView] | None:
    """Return the view that the browser is to apply, with its number; the browser applies each number once."""
    linked = user_state().linked
    if linked.view is None or linked.view.case != now.case.name:
        return None
    n_time, curve = now.case.prepared.n_time, linked.view.curve
    if curve is not None and curve.size != n_time:
        notify(f"The link's curve has {curve.size} points, the series {n_time}: the start curve is shown.")
        linked.view = replace(linked.view, curve=None)
    return linked.last_number, linked.view


def current_view(now: Workspace) -> SavedView:
    """Return the current view without map, slice and curve, which only the browser has."""
    entry = case_selection.current_entry()
    offered, method = now.case.offered.methods, now.start.source_id
    shared = method in offered and method != offered[0]
    return SavedView(
        case="" if entry.owner else entry.key,
        preset=user_state().settings.preset,
        settings=now.settings,
        start=method if shared else "",
    )


# Setting st.query_params adds an entry to the browser's history for every change, so that Back stays on the page.
_JS: Final = """
export default function ({ data }) {
  const url = new URL(location.href);
  for (const name of data.names) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(data.params)) url.searchParams.set(name, value);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}
"""
_address_bar = st.components.v2.component("aif_lab_address", html="<span hidden></span>", js=_JS)


def update_address(now: Workspace | None, page_path: str) -> None:
    """Write case and settings to the address bar; of an uploaded case only that one was open.

    Parameters
    ----------
    now
        The open case, or None.
    page_path
        URL path of the page: navigation to another page clears the query, so it must be written again.
    """
    if now is not None:
        params = address_params(now)
    elif (lost := case_selection.lost_upload()) is not None:
        chosen = user_state().settings
        view = share_link.write_params(SavedView(preset=chosen.preset, settings=chosen.values))
        params = {**view, **lost_upload.params_of(user_state(), lost.key)}
    else:
        return
    names = (*share_link.PARAM_NAMES, lost_upload.PARAM)
    with st.sidebar:
        _address_bar(key="address", data={"params": params, "names": names, "page": page_path})


def address_params(now: Workspace) -> dict[str, str]:
    """Return the query parameters of the current view; none for the first case under the default settings."""
    params = share_link.write_params(current_view(now))
    own = lost_upload.params_of(user_state(), now.case.name)
    return {} if params == {"case": next(iter(case_selection.entries()))} else {**params, **own}
