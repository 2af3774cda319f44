"""Rerun transport: without a WebSocket, an edit and its answer travel with a Streamlit rerun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pages.live.handlers.requests import answer_request
from pages.live.server import wire
from pages.live.server.messages import case_frame, error_frame, volume_frame
from pages.live.server.session import LiveSession, Workspace
from pages.live.server.workspace_edit import WorkspaceEdit
from perfcore.errors import InputDataError, PerfcoreError


def answer(session: LiveSession, workspace: Workspace, request: Any) -> bytes:
    """Return the frames that answer an edit or a request; empty without one."""
    if not isinstance(request, Mapping) or not request:
        return b""
    edit = None
    try:
        if "request" in request:
            return answer_request(session, workspace, request["request"])
        edit = _edit(request) if "curve" in request else None
        current = edit is not None and edit.epoch == workspace.epoch
        has_case = current and request.get("have") == workspace.case.key
        frames = b"" if has_case else case_frame(session, workspace)
        if edit is None or not current:
            return frames
        edited = WorkspaceEdit(workspace, edit)
        parts = [job() for job in edited.case.chunks(edited.operator)]
        flow = edited.case.gather(parts, workspace.settings)
        if edit.keep:
            session.keep_curve(workspace.curve_key, edit.curve)
        return frames + volume_frame(edited, flow, with_maps=True)
    except PerfcoreError as error:
        return error_frame(edit, error)


def _edit(request: Mapping[str, Any]) -> wire.Edit:
    try:
        with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite and is refused
            curve = np.asarray(request["curve"], np.float64).astype(np.float32)
        flags = wire.FLAG_REST | int(request.get("flags", 0)) & wire.FLAG_KEEP
        if "threshold" in request:
            flags |= wire.FLAG_THRESHOLD
            curve = np.append(curve, np.float32(request["threshold"]))
        head = np.array([request["epoch"], request["seq"], flags, request["slice"]], np.uint32)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputDataError("Invalid request.") from error
    return wire.unpack_edit(head.tobytes() + curve.tobytes())
