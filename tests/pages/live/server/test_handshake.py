"""Handshake of the live WebSocket, in-process: origins, tokens, number of sockets, rate limit, server errors."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from pages.library.catalog import CatalogEntry, LoadedCase, open_case
from pages.live.compute.case import LiveCase
from pages.live.handlers import streams
from pages.live.server import connection as live
from pages.live.server import handshake, rate_limit, wire
from pages.live.server.case_route import PATH as CASE_PATH
from pages.live.server.case_route import case_endpoint
from pages.live.server.connection import PATH, live_socket
from pages.live.server.session import MAX_EDITED_CURVES, MAX_SOCKETS, REGISTRY, LiveSession, open_session
from pages.series_player.route import PATH as PLAYER_PATH
from pages.series_player.route import player_endpoint
from pages.server.error_reporting import InternalError
from perfcore.settings import Settings
from tests.pages.test_pages import run
from tests.support.synthetic_head import draw_head
from tests.support.user_session import freed, live_of
from tests.support.wire_frames import read

ORIGIN = {"origin": "http://testserver"}
SECRET = "Mustermann, Erika *1950"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    routes = [
        WebSocketRoute(PATH, live_socket),
        Route(PLAYER_PATH, player_endpoint, methods=["POST"]),
        Route(CASE_PATH, case_endpoint, methods=["POST"]),
    ]
    with TestClient(Starlette(routes=routes)) as one:
        yield one


def case_of(owner: str, seed: int) -> LiveCase:
    series = draw_head(n=48, n_slices=2, n_time=30, noise=1.0, seed=seed).series
    return open_case(CatalogEntry("upload-1", "Upload 1", "", lambda: LoadedCase(series), owner), Settings())


def session_of(seed: int) -> LiveSession:
    live_session = open_session()
    case = case_of(live_session.token, seed)
    live_session.configure(case, Settings(), next(iter(case.sources.values())))
    return live_session


@pytest.fixture
def mine() -> LiveSession:
    return session_of(1)


@contextmanager
def connected(client: TestClient, session: LiveSession) -> Iterator[Any]:
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        yield ws


def exchange(ws: Any, **request: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    ws.send_text(json.dumps(request))
    return read(ws.receive_bytes())


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:8501.evil.org", "http://evil.org/localhost:8501", "http://localhost:8501@evil.org",
        "http://evil.org#localhost:8501", "http://localhost:85010", "http://localhost", "http://localhost:8501/",
        "http://xlocalhost:8501", "ftp://localhost:8501", "file://localhost:8501", "localhost:8501",
        "//localhost:8501", "http://local\thost:8501", "http://[::1", "http://[localhost:8501", "null", "", "http://",
    ],
)  # fmt: skip
def test_similar_origins_are_refused(origin: str) -> None:
    assert not handshake.same_origin(origin, "localhost:8501")
    assert not handshake.same_origin(origin, None)
    assert not handshake.same_origin(origin, "")


def test_token_gives_access_to_its_own_session_only(client: TestClient, mine: LiveSession) -> None:
    other = session_of(2)
    states = mine.workspace, other.workspace
    assert states[0] is not None
    assert states[1] is not None
    assert states[0].case is not states[1].case, "same case key, different uploads"
    for session, state in ((mine, states[0]), (other, states[1])):
        with connected(client, session) as ws:
            header, arrays = exchange(ws, type="case")
            assert header["key"] == state.case.key
            np.testing.assert_array_equal(arrays["start"], state.start.value.astype(np.float32))
            assert header["key"] == state.case.key
    assert not np.array_equal(states[0].case.static[1]["ttp"], states[1].case.static[1]["ttp"])
    curve = (0.5 * states[0].start.value).astype(np.float32)
    with connected(client, mine) as ws:
        ws.send_bytes(struct.pack("<4I", states[0].epoch, 1, wire.FLAG_KEEP, 0) + curve.tobytes())
        ws.receive_bytes()
        exchange(ws, type="target", slice=0, runs=[[0, 5]])
    assert mine.edited_curve(states[0].curve_key) is not None
    assert other.edited_curve(states[1].curve_key) is None
    with connected(client, other) as ws:
        assert "edited" not in exchange(ws, type="case")[1]
        assert exchange(ws, type="target", slice=0, runs=[[7, 2]])[0]["voxels"] == 2, (
            "five voxels belong to the other session"
        )
    for path, kind in (
        (PLAYER_PATH, "slice"),
        (CASE_PATH, "basis"),
        (CASE_PATH, "coefficients"),
        (CASE_PATH, "static"),
    ):
        body = {"case": states[0].case.key, "kind": kind, "slice": 0}
        request = [json.dumps({"token": one.token, **body}) for one in (mine, other)]
        frames = [client.post(path, content=content, headers=ORIGIN) for content in request]
        assert frames[0].status_code == 200
        assert frames[1].status_code == 409, "a case key is valid in its own session only"
        assert read(frames[1].content)[1] == {}


def test_token_expires_with_its_session_while_socket_is_open(client: TestClient) -> None:
    app = run()
    session = live_of(app)
    token = session.token
    with connected(client, session) as ws:
        assert exchange(ws, type="case")[0]["kind"] == "case"
        del app, session
        freed(lambda: token not in REGISTRY)
        with pytest.raises(WebSocketDisconnect) as left:
            while True:
                ws.receive_bytes()
        assert left.value.code == 1008
    assert token not in REGISTRY
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": token}))
        with pytest.raises(WebSocketDisconnect):
            ws.receive_bytes()


def test_oldest_socket_is_closed_above_sockets_per_token_limit(client: TestClient, mine: LiveSession) -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(connected(client, mine)) for _ in range(MAX_SOCKETS)]
        for ws in sockets:
            assert exchange(ws, type="case")[0]["kind"] == "case"
        newest = stack.enter_context(connected(client, mine))
        assert exchange(newest, type="case")[0]["kind"] == "case"
        with pytest.raises(WebSocketDisconnect):
            sockets[0].receive_bytes()
        assert exchange(sockets[1], type="case", have="x")[0]["kind"] == "case"
    assert not mine._sockets


def test_oldest_unauthenticated_socket_is_evicted(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "MAX_UNAUTHENTICATED", 3)
    mine = session_of(3)
    with ExitStack() as stack:
        silent = [stack.enter_context(client.websocket_connect(PATH, headers=ORIGIN)) for _ in range(4)]
        with pytest.raises(WebSocketDisconnect):
            silent[0].receive_bytes()
        with connected(client, mine) as ws:
            assert exchange(ws, type="case")[0]["kind"] == "case"


def test_handshake_timeout_closes_the_socket(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "TOKEN_TIMEOUT_S", 0.05)
    with client.websocket_connect(PATH, headers=ORIGIN) as ws, pytest.raises(WebSocketDisconnect):
        ws.receive_bytes()
    assert handshake._unauthenticated == []


def test_messages_are_slowed_to_the_rate_limit_and_a_flood_closes_the_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limit, "MAX_EXCESS_S", 0.2)

    async def rush() -> tuple[int, float]:
        pace, loop, n = rate_limit.RateLimiter(), asyncio.get_running_loop(), 0
        begun = loop.time()
        while await pace.wait():
            n += 1
        return n, loop.time() - begun

    n, seconds = asyncio.run(rush())
    assert seconds >= 0.2
    assert rate_limit.BURST <= n <= rate_limit.BURST + rate_limit.RATE_PER_S * seconds + 1


def test_client_above_rate_limit_is_disconnected(
    client: TestClient, mine: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "MAX_EXCESS_S", 0.2)
    monkeypatch.setattr(rate_limit, "BURST", 5)
    monkeypatch.setattr(rate_limit, "RATE_PER_S", 20.0)  # exceeded on a busy machine, too
    state = mine.workspace
    assert state is not None
    edit = struct.pack("<4I", state.epoch, 1, 0, 0) + state.start.value.astype("<f4").tobytes()
    with connected(client, mine) as ws:
        for _ in range(200):
            ws.send_bytes(edit)
        with pytest.raises(WebSocketDisconnect) as left:
            while True:
                ws.receive_bytes()
    assert left.value.code == 1008


def test_last_edit_of_a_burst_is_answered(client: TestClient, mine: LiveSession) -> None:
    state = mine.workspace
    assert state is not None
    with connected(client, mine) as ws:
        for seq in range(1, rate_limit.BURST):
            ws.send_bytes(struct.pack("<4I", state.epoch, seq, 0, 0) + state.start.value.astype("<f4").tobytes())
        seen = 0
        while seen < rate_limit.BURST - 1:
            header, _ = read(ws.receive_bytes())
            seen = max(seen, header["seq"])


def test_the_number_of_kept_curves_is_limited() -> None:
    session = LiveSession()
    for i in range(MAX_EDITED_CURVES + 5):
        session.keep_curve(f"case-{i}|auto", np.ones(3))
    assert session.edited_curve("case-4|auto") is None
    assert session.edited_curve("case-5|auto") is not None
    session.end()
    assert not session.register_socket(lambda: None), "an ended session accepts no socket"


def broken(*_: object, **__: object) -> Any:
    raise IndexError(SECRET)


def test_a_server_error_gives_one_message_and_the_socket_stays_open(
    client: TestClient,
    mine: LiveSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    state = mine.workspace
    assert state is not None
    edit = struct.pack("<4I", state.epoch, 1, 0, 0) + state.start.value.astype("<f4").tobytes()
    heard = b""
    with connected(client, mine) as ws:
        for place, send in [
            ("slice_frame", lambda: ws.send_bytes(edit)),
            ("answer_request", lambda: ws.send_text('{"type": "fit"}')),
            ("probe_frame", lambda: ws.send_text('{"type": "probe", "voxel": [1, 1, 1]}')),
        ]:
            with monkeypatch.context() as patch:
                patch.setattr(live, place, broken)
                if place == "probe_frame":
                    ws.send_bytes(edit)
                    ws.receive_bytes()
                send()
                while (frame := read(raw := ws.receive_bytes()))[0]["kind"] != "error":
                    heard += raw
                heard += raw
                assert frame[0]["message"].startswith("Internal error on the server")
        ws.send_text('{"type": "case"}')
        while (kind := read(ws.receive_bytes())[0]["kind"]) == "volume":  # of the last edit: it may come first
            pass
        assert kind == "case"
        with monkeypatch.context() as patch:
            patch.setattr(streams.wire, "pack", broken)
            assert isinstance(streams._next("tune", Stub(state), mine)[1], str)  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr("pages.series_player.route.slice_frame", broken)
        request = {"token": mine.token, "case": state.case.key, "kind": "slice", "slice": 0}
        answer = client.post(PLAYER_PATH, content=json.dumps(request), headers=ORIGIN)
    assert answer.status_code == 500
    assert SECRET.encode() not in heard + answer.content
    logged = caplog.text + "".join(capfd.readouterr())
    assert "IndexError" in logged
    assert "test_handshake.py" in logged, "the code location"
    assert SECRET not in logged
    assert issubclass(InternalError, Exception)


class Stub:
    """A stream with one frame."""

    def __init__(self, state: Any) -> None:
        self.workspace, self.run, self.frames = state, 1, iter([({}, {})])


def test_concurrent_responses_of_a_session_are_limited(
    client: TestClient, mine: LiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = mine.workspace
    assert state is not None
    now, most, lock, gate = [0], [0], threading.Lock(), threading.Event()

    def slow(_case: LiveCase, _z: int) -> bytes:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        gate.wait(5)
        with lock:
            now[0] -= 1
        return wire.pack("slice", {})

    monkeypatch.setattr("pages.series_player.route.slice_frame", slow)
    monkeypatch.setattr("pages.live.server.case_endpoint.MAX_CONCURRENT", 1)
    body = json.dumps({"token": mine.token, "case": state.case.key, "kind": "slice", "slice": 0})
    codes: list[int] = []

    def one() -> None:
        codes.append(client.post(PLAYER_PATH, content=body, headers=ORIGIN).status_code)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(20)
    assert (codes, most) == ([200] * 4, [1])
