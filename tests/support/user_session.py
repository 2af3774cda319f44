"""State of the user of an AppTest: read it, or set it before the first run."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final

from streamlit.testing.v1 import AppTest

from pages.live.server.session import LiveSession
from pages.session.state import STATE_KEY, CaseSelection, ComparisonState, UserState
from tests.support.app_server import eventually

APP_TIMEOUT_S: Final = 240
"""Maximum time of one run of an AppTest: many times that of a quiet machine, and less than that of a test."""


def user_of(app: AppTest) -> UserState:
    """The state of an app's user."""
    user = app.session_state[STATE_KEY]
    assert isinstance(user, UserState)
    return user


def live_of(app: AppTest) -> LiveSession:
    """The live session of an app's user."""
    live = user_of(app).live
    assert live is not None
    return live


def share_user(app: AppTest, other: AppTest) -> None:
    """Let a second app run in the session of the first."""
    other.session_state[STATE_KEY] = app.session_state[STATE_KEY]


def new_user(*, case: str = "", view: str = "case") -> UserState:
    """State of a user who has selected a case, and a view of the Compare page."""
    return UserState(case=CaseSelection(key=case), comparison=ComparisonState(view=view))


def live_component_bytes(app: AppTest) -> bytes:
    """The frames that the live component was given in the last run."""
    components = app.get("bidi_component")
    return bytes(next(one.proto.bytes for one in components if one.proto.component_name.endswith("aif_lab")))


def freed(is_gone: Callable[[], bool]) -> None:
    """Wait until objects without a reference are collected, and what follows from it is done.

    One collection is not enough: it does nothing while another thread collects, and a job that still runs may hold
    a reference.
    """

    def check() -> None:
        gc.collect()
        assert is_gone()

    eventually(check)
