"""Where no socket can be had, an edit travels with Streamlit's own messages and its answer with the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pages.live import wire
from pages.live.session import LiveSession, State, case_frame, error_frame, volume_frame
from perfcore.errors import PerfcoreError


def answer(session: LiveSession, state: State, asked: Mapping[str, Any] | None) -> bytes:
    """Return the frames that answer an edit that came without a socket; nothing where none came."""
    if not asked:
        return b""
    try:
        curve = np.asarray(asked["curve"], np.float32)
        head = np.array([asked["epoch"], asked["seq"], wire.FLAG_REST, asked["slice"]], np.uint32)
        edit = wire.unpack_edit(head.tobytes() + curve.tobytes())
    except (KeyError, TypeError, ValueError, OverflowError):
        return b""
    except PerfcoreError as error:
        return error_frame(None, error)
    have = asked.get("have")
    frames = case_frame(session, state, have) if have != state.case.key or edit.epoch != state.epoch else b""
    if edit.epoch != state.epoch:
        return frames
    try:
        flow = state.case.volume_flow(edit.curve, state.settings)
        return frames + volume_frame(session, state, edit, flow, with_maps=True)
    except PerfcoreError as error:
        return frames + error_frame(edit, error)
