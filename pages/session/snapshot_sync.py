"""The shelf of snapshots between the page and the browser: what is asked, what is shown, what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.library.catalog import Entry, open_case
from pages.live.server import wire
from pages.live.server.session import LiveSession, State
from pages.session import share_link, state, url_sync
from pages.session.snapshots import NUMBERS, Shelf, Snapshot, settings_words
from perfcore.errors import InputDataError, PerfcoreError

KIND: Final = "snapshot"
"""What the socket calls a request for a snapshot's maps, and its answer."""


def shelf() -> Shelf:
    """Return this person's snapshots."""
    kept: Shelf = st.session_state.setdefault("shelf", Shelf())
    return kept


def asked() -> None:
    """Do what the browser asked with its last trigger."""
    fulfil(state.told("shelf"))


def fulfil(wishes: Any) -> None:
    """Do what was asked of the shelf, each wish once; a sentence says what cannot be done.

    A run of the page can be interrupted wherever it touches the session's state, by a newer one that knows
    nothing of this one's trigger. So the browser sends a wish again until ``done`` tells its number.
    """
    kept = shelf()
    for wish in wishes if isinstance(wishes, list) else ():
        number = wish.get("id") if isinstance(wish, Mapping) else None
        if not isinstance(number, int) or number <= kept.done:
            continue
        try:
            _do(kept, wish)
        except PerfcoreError as error:
            state.say(str(error))
        except (KeyError, TypeError, ValueError, OverflowError):
            state.say("The message is not understood.")
        kept.done = number


def _do(kept: Shelf, wish: Mapping[str, Any]) -> None:
    act = wish["act"]
    if act == "keep":
        _keep(kept, wish)
    elif act == "rename":
        kept.rename(int(wish["number"]), str(wish["name"]))
    elif act == "delete":
        kept.delete(int(wish["number"]))
    elif act == "restore":
        url_sync.show(kept.get(int(wish["number"])).scene)
    elif act == "bring" and not kept.brought:
        kept.brought = True
        _bring(kept, wish["rows"])


def _keep(kept: Shelf, wish: Mapping[str, Any]) -> None:
    now = state.live_session().state
    if now is None:
        raise InputDataError("There is no case to keep.")
    curve, entry = share_link.unpack_curve(str(wish["curve"])), state.current_entry()
    if curve.size != now.case.prepared.n_time:
        raise InputDataError("The curve to keep does not belong to this case.")
    numbers = now.case.numbers(now.case.volume_flow(curve, now.settings), now.settings)
    scene = replace(url_sync.scene(now), case=entry.key, curve=curve)
    # Nothing between here and ``done`` can be interrupted: it is kept once.
    kept.keep(str(wish.get("name", "")), entry.title, scene, numbers, datetime.now(UTC))


def _bring(kept: Shelf, rows: Any) -> None:
    """Take back what the browser had kept when the page was reloaded; what is no longer here is left out."""
    known, lost = state.entries(), 0
    for row in list(rows)[:100]:
        try:
            scene = share_link.read(dict(parse_qsl(str(row["link"]))))
            entry = known.get(scene.case)
            if entry is None or entry.owner or scene.curve is None:
                raise InputDataError("Its case is not here.")
            numbers = {key: _figure(row["numbers"].get(key)) for key in NUMBERS}
            made = datetime.fromtimestamp(float(row["made"]), UTC)
            kept.keep(str(row["name"]), entry.title, scene, numbers, made)
        except (PerfcoreError, KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
            lost += 1
    if lost:
        plural = "s" if lost > 1 else ""
        state.say(f"{lost} snapshot{plural} could not be brought back: the case is not here any more.")


def _figure(value: Any) -> float | None:
    number = None if value is None else float(value)
    return number if number is None or np.isfinite(number) else None


def shelf_frame(session: LiveSession, now: State) -> bytes:
    """Return what the browser needs to draw the shelf, to build a link, and to take a curve that was asked for."""
    kept, known = shelf(), state.entries()
    session.requests[KIND] = _Maps(kept, known)
    here = state.current_entry()
    header: dict[str, Any] = {
        "done": kept.done,
        "rows": [_row(kept, snapshot, here.key) for snapshot in kept],
        "link": urlencode(share_link.write(url_sync.scene(now))),
        "shared": not here.owner,
        "known": now.start.method in now.case.offered.methods,
        "title": here.title,
        "wanted": None,
    }
    arrays: dict[str, NDArray[Any]] = {}
    wish = url_sync.wanted(now)
    if wish is not None:
        number, scene = wish
        header["wanted"] = {
            "number": number, "curveKey": now.curve_key, "map": scene.map, "slice": scene.slice_index,
            "montage": scene.montage,
        }  # fmt: skip
        if scene.curve is not None:
            arrays["curve"] = scene.curve.astype(np.float32)
    return wire.pack("shelf", header, arrays)


def _row(kept: Shelf, snapshot: Snapshot, here: str) -> dict[str, Any]:
    return {
        "number": snapshot.number,
        "name": snapshot.name,
        "title": snapshot.title,
        "here": snapshot.scene.case == here,
        "settings": settings_words(snapshot.scene),
        "numbers": dict(snapshot.numbers),
        "changes": kept.changes(snapshot),
        "made": snapshot.made.timestamp(),
        "link": urlencode(share_link.write(snapshot.scene)),
    }


class _Maps:
    """Answers the socket with a snapshot's maps, computed from its curve as it was kept."""

    def __init__(self, kept: Shelf, known: Mapping[str, Entry]) -> None:
        self._kept, self._known = kept, known

    def __call__(self, session: LiveSession, request: Mapping[str, Any]) -> bytes:
        """Return one frame with the whole volume."""
        number = int(request["number"])
        snapshot, now = self._kept.get(number), session.state
        scene = snapshot.scene
        entry = self._known.get(scene.case)
        if entry is None or now is None or now.case.name != scene.case or scene.curve is None:
            raise InputDataError(f"{snapshot.name} belongs to another case; restore it to see its maps.")
        case = open_case(entry, scene.settings)
        if not np.array_equal(case.prepared.index, now.case.prepared.index):
            raise InputDataError(f"{snapshot.name} was made on another brain mask; restore it to see its maps.")
        flow = case.volume_flow(scene.curve, scene.settings)
        header = {
            "number": number,
            "key": now.case.key,
            "ref": flow.reference_cbf,
            "aifArea": float(scene.curve.sum()) * case.prepared.dt_s,
            "thresholds": {"core": scene.settings.core_threshold, "tmax": scene.settings.tmax_threshold_s},
        }
        arrays: dict[str, NDArray[Any]] = {"cbf": flow.cbf, "tmax": flow.tmax}
        if case is not now.case:  # smoothed otherwise
            own = case.static[1]
            arrays |= {"area": own["area"], "ttp": own["ttp"]}
        return wire.pack(KIND, header, arrays)
