"""Several users on one real server: each receives maps of its own curve, and ended sessions are dropped."""

from __future__ import annotations

import asyncio
import gc
import time
import urllib.request
import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo

from pages.library.catalog import demonstrations, open_case
from pages.live.server.session import LiveSession
from pages.server.streamlit_internals import drop_expired_sessions
from perfcore.settings import Settings
from tests.load.simulated_user import SimulatedUser
from tests.load.soak import counts
from tests.support.app_server import server

N_USERS = 6


def test_concurrent_users_receive_their_own_maps_and_leave_no_socket() -> None:
    case = open_case(demonstrations()[0], Settings())

    async def visit(url: str, number: int) -> None:
        async with SimulatedUser(url) as user:
            np.testing.assert_array_equal(user.start, next(iter(case.sources.values())).value.astype(np.float32))
            for step in range(3):
                curve = user.nudged(1 + 10 * number + step).astype(np.float32).astype(np.float64)
                got = await user.edit(curve)
                own = case.slice_flow(case.operator(curve, Settings()), user.slice, preview=True)
                np.testing.assert_allclose(got["cbf"], own.cbf, rtol=1e-5)
            header = await user.rest(curve)
            numbers = case.numbers(case.volume_flow(curve, Settings()), Settings())
            assert header["numbers"] == pytest.approx(numbers, rel=1e-6)
            assert not user.refusals

    async def all_users(url: str) -> None:
        await asyncio.gather(*(visit(url, number) for number in range(N_USERS)))

    with server(app="tests/load/instrumented_app.py") as url:
        before = counts(url)
        asyncio.run(all_users(url))
        end = time.monotonic() + 60
        while (after := counts(url))["sockets"] > before["sockets"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert after["tokens"] == N_USERS, "kept for two minutes, for a reconnection"
        urllib.request.urlopen(f"{url}/sweep", timeout=10).read()


def test_expired_sessions_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        id = "somebody"

        def __init__(self) -> None:
            self.session_state: dict[str, Any] = {}

    storage = MemorySessionStorage(ttl_seconds=0)
    manager = SimpleNamespace(_session_storage=storage)
    monkeypatch.setattr(Runtime, "instance", lambda: SimpleNamespace(_session_mgr=manager))
    session: Any = Session()
    session.itself = session  # as parts of a Streamlit session refer to it
    session.session_state["live"] = live = LiveSession()
    storage.save(SessionInfo(client=None, session=session, script_run_count=0))
    gone, its = weakref.ref(session), session.session_state
    del session, live
    gc.disable()
    try:
        time.sleep(0.01)
        assert gone() is not None
        drop_expired_sessions()
        assert gone() is None
        assert not its, "the session's state is empty even where it is still referenced"
    finally:
        gc.enable()
