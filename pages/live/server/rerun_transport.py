"""Where no socket can be had, an edit travels with Streamlit's own messages and its answer with the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pages.live.handlers.requests import answer_request
from pages.live.server import wire
from pages.live.server.messages import case_frame, error_frame, volume_frame
from pages.live.server.session import LiveSession, Workspace
from perfcore.errors import InputDataError, PerfcoreError


def answer(session: LiveSession, workspace: Workspace, asked: Any) -> bytes:
    """Return the frames that answer an edit that came without a socket; nothing where none came."""
    if not isinstance(asked, Mapping) or not asked:
        return b""
    edit = None
    try:
        if "request" in asked:
            return answer_request(session, workspace, asked["request"])
        edit = _edit(asked) if "curve" in asked else None
        current = edit is not None and edit.epoch == workspace.epoch
        frames = b"" if current and asked.get("have") == workspace.case.key else case_frame(session, workspace)
        if edit is None or not current:
            return frames
        flow = workspace.case.volume_flow(edit.curve, workspace.settings)
        if edit.keep:
            session.keep_curve(workspace.curve_key, edit.curve)
        return frames + volume_frame(session, workspace, edit, flow, with_maps=True)
    except PerfcoreError as error:
        return error_frame(edit, error)


def _edit(asked: Mapping[str, Any]) -> wire.Edit:
    try:
        with np.errstate(over="ignore"):  # infinite then, and refused
            curve = np.asarray(asked["curve"], np.float64).astype(np.float32)
        flags = wire.FLAG_REST | int(asked.get("flags", 0)) & wire.FLAG_KEEP
        head = np.array([asked["epoch"], asked["seq"], flags, asked["slice"]], np.uint32)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputDataError("Invalid request.") from error
    return wire.unpack_edit(head.tobytes() + curve.tobytes())
