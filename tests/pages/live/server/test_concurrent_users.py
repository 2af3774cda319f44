"""Concurrent users of one real server: each gets the maps of its own curve; sessions that have left are freed."""

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
from tests.load.simulated_user import Person
from tests.load.soak import counts
from tests.support.app_server import server

N_PEOPLE = 6


def test_concurrent_users_get_their_own_maps_and_leave_no_socket() -> None:
    case = open_case(demonstrations()[0], Settings())

    async def one(url: str, who: int) -> None:
        async with Person(url) as person:
            np.testing.assert_array_equal(person.start, next(iter(case.sources.values())).value.astype(np.float32))
            for step in range(3):
                curve = person.nudged(1 + 10 * who + step).astype(np.float32).astype(np.float64)
                got = await person.edit(curve)
                own = case.slice_flow(case.operator(curve, Settings()), person.slice, preview=True)
                np.testing.assert_allclose(got["cbf"], own.cbf, rtol=1e-5)
            header = await person.rest(curve)
            numbers = case.numbers(case.volume_flow(curve, Settings()), Settings())
            assert header["numbers"] == pytest.approx(numbers, rel=1e-6)
            assert not person.refusals

    async def everybody(url: str) -> None:
        await asyncio.gather(*(one(url, who) for who in range(N_PEOPLE)))

    with server(app="tests/load/instrumented_app.py") as url:
        before = counts(url)
        asyncio.run(everybody(url))
        for _ in range(100):
            after = counts(url)
            if after["sockets"] <= before["sockets"]:
                break
            time.sleep(0.05)
        assert after["sockets"] <= before["sockets"]
        assert after["tokens"] == N_PEOPLE, "kept for two minutes, for a reconnection"
        urllib.request.urlopen(f"{url}/sweep", timeout=10).read()


def test_a_session_is_freed_once_streamlit_no_longer_waits_for_its_return(monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        id = "gone"

        def __init__(self) -> None:
            self.session_state: dict[str, Any] = {}

    storage = MemorySessionStorage(ttl_seconds=0)
    manager = SimpleNamespace(_session_storage=storage)
    monkeypatch.setattr(Runtime, "instance", lambda: SimpleNamespace(_session_mgr=manager))
    session: Any = Session()
    session.itself = session  # as a session of Streamlit's is held by its own parts
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
        assert not its, "a reference to the session keeps no data of the user"
    finally:
        gc.enable()
