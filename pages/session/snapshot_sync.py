"""Snapshots between page and browser: requests of the browser, the snapshot table, and maps for the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import numpy as np
from numpy.typing import NDArray

from pages.library.catalog import CatalogEntry, open_case
from pages.live.server import wire
from pages.live.server.session import LiveSession, Workspace
from pages.session import case_selection, share_link, url_sync
from pages.session.snapshots import METRICS, Snapshot, SnapshotStore, settings_summary
from pages.session.state import component_value, live_session, notify, user_state
from perfcore.errors import InputDataError, PerfcoreError

REQUEST_KIND: Final = "snapshot"
"""Type of the socket's request for the maps of a snapshot, and of its answer."""
MAX_RESTORED: Final = 100
"""Rows that are read from the message that the browser sends after a reload."""


def receive_requests() -> None:
    """Carry out the requests in the live component's last trigger."""
    carry_out(component_value("shelf"))


def carry_out(requests: Any) -> None:
    """Carry out requests for snapshots, each once; a notice names what fails.

    A newer run can interrupt a run of the page at any access to the session state, and the newer run does not get
    the trigger again. So the browser repeats a request until ``done`` has its number.
    """
    snapshots = user_state().snapshots
    for request in requests if isinstance(requests, list) else ():
        number = request.get("id") if isinstance(request, Mapping) else None
        if not isinstance(number, int) or number <= snapshots.done:
            continue
        try:
            _carry_out(snapshots, request)
        except PerfcoreError as error:
            notify(str(error))
        except (KeyError, TypeError, ValueError, OverflowError):
            notify("Invalid request.")
        snapshots.done = number


def _carry_out(snapshots: SnapshotStore, request: Mapping[str, Any]) -> None:
    act = request["act"]
    if act == "keep":
        _save(snapshots, request)
    elif act == "rename":
        snapshots.rename(int(request["number"]), str(request["name"]))
    elif act == "delete":
        snapshots.delete(int(request["number"]))
    elif act == "restore":
        url_sync.apply_view(snapshots.get(int(request["number"])).view)
    elif act == "bring" and not snapshots.is_restored:
        snapshots.is_restored = True
        _restore_all(snapshots, request["rows"])


def _save(snapshots: SnapshotStore, request: Mapping[str, Any]) -> None:
    now = live_session().workspace
    if now is None:
        raise InputDataError("No case is open, so no snapshot can be saved.")
    curve, entry = share_link.unpack_curve(str(request["curve"])), case_selection.current_entry()
    if curve.size != now.case.prepared.n_time:
        raise InputDataError(
            f"The snapshot's curve has {curve.size} points; the series has {now.case.prepared.n_time}."
        )
    settings = now.settings
    if "threshold" in request:  # that fine-tuning has learned; three digits, as a link and the sidebar show it
        settings = replace(settings, core_threshold=round(float(request["threshold"]), 3))
    numbers = now.case.numbers(now.case.volume_flow(curve, settings), settings)
    # The start is named also where it is the default, which a link leaves out.
    start = now.start.source_id
    view = replace(url_sync.current_view(now), case=entry.key, start=start, curve=curve, settings=settings)
    # Nothing between here and ``done`` can be interrupted, so a request saves one snapshot.
    snapshots.add(str(request.get("name", "")), entry.title, view, numbers, datetime.now(UTC))


def _restore_all(snapshots: SnapshotStore, rows: Any) -> None:
    """Add the snapshots that the browser kept over a reload, except those whose case does not exist any more."""
    known, n_lost = case_selection.entries(), 0
    for row in list(rows)[:MAX_RESTORED]:
        try:
            view = share_link.read_params(dict(parse_qsl(str(row["link"]))))
            entry = known.get(view.case)
            if entry is None or entry.owner or view.curve is None:
                raise InputDataError("The case of this snapshot does not exist.")
            numbers = {key: _finite(row["numbers"].get(key)) for key in METRICS}
            made = datetime.fromtimestamp(float(row["made"]), UTC)
            snapshots.add(str(row["name"]), entry.title, view, numbers, made)
        except (PerfcoreError, KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
            n_lost += 1
    if n_lost:
        plural = "s" if n_lost > 1 else ""
        notify(f"{n_lost} snapshot{plural} could not be restored: the case does not exist any more.")


def _finite(value: Any) -> float | None:
    number = None if value is None else float(value)
    return number if number is None or np.isfinite(number) else None


def snapshots_frame(session: LiveSession, now: Workspace) -> bytes:
    """Return the frame with the snapshot table, the parameters of a link, and a curve to be applied."""
    snapshots, known = user_state().snapshots, case_selection.entries()
    session.request_handlers[REQUEST_KIND] = _MapsHandler(snapshots, known)
    current = case_selection.current_entry()
    header: dict[str, Any] = {
        "done": snapshots.done,
        "rows": [_row(snapshot, current.key) for snapshot in snapshots],
        "link": urlencode(share_link.write_params(url_sync.current_view(now))),
        "shared": not current.owner,
        "known": now.start.source_id in now.case.offered.methods,
        "title": current.title,
        "wanted": None,
    }
    arrays: dict[str, NDArray[Any]] = {}
    linked = url_sync.linked_view(now)
    if linked is not None:
        number, view = linked
        header["wanted"] = {
            "number": number, "curveKey": now.curve_key, "map": view.map, "slice": view.slice_index,
            "montage": view.montage, "morph": user_state().linked.morph,
        }  # fmt: skip
        if view.curve is not None:
            arrays["curve"] = view.curve.astype(np.float32)
    return wire.pack("shelf", header, arrays)


def _row(snapshot: Snapshot, current_key: str) -> dict[str, Any]:
    return {
        "number": snapshot.number,
        "name": snapshot.name,
        "title": snapshot.title,
        "here": snapshot.view.case == current_key,
        "settings": settings_summary(snapshot.view),
        "numbers": dict(snapshot.numbers),
        "made": snapshot.made.timestamp(),
        "link": urlencode(share_link.write_params(snapshot.view)),
    }


class _MapsHandler:
    """Handler of the WebSocket request for the maps of a snapshot."""

    def __init__(self, snapshots: SnapshotStore, known: Mapping[str, CatalogEntry]) -> None:
        self._snapshots, self._known = snapshots, known

    def __call__(self, session: LiveSession, request: Mapping[str, Any]) -> bytes:
        """Return one frame with the whole volume."""
        number = int(request["number"])
        snapshot, now = self._snapshots.get(number), session.workspace
        view = snapshot.view
        entry = self._known.get(view.case)
        if entry is None or now is None or now.case.name != view.case or view.curve is None:
            raise InputDataError(f"{snapshot.name} belongs to another case; restore it to see its maps.")
        case = open_case(entry, view.settings)
        if not np.array_equal(case.prepared.index, now.case.prepared.index):
            raise InputDataError(f"{snapshot.name} was made on another brain mask; restore it to see its maps.")
        flow = case.volume_flow(view.curve, view.settings)
        header = {
            "number": number,
            "key": now.case.key,
            "ref": flow.reference_cbf,
            "aifArea": float(view.curve.sum()) * case.prepared.dt_s,
            "thresholds": {"core": view.settings.core_threshold, "tmax": view.settings.tmax_threshold_s},
        }
        arrays: dict[str, NDArray[Any]] = {"cbf": flow.cbf, "tmax": flow.tmax}
        if case is not now.case:  # other smoothing
            own = case.static[1]
            arrays |= {"area": own["area"], "ttp": own["ttp"]}
        return wire.pack(REQUEST_KIND, header, arrays)
