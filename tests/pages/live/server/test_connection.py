"""The live WebSocket, in-process: authentication, edits and requests with their answers."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from pages.library.catalog import demonstrations, open_case
from pages.live.server import wire
from pages.live.server.connection import PATH, live_socket, same_origin
from pages.live.server.rerun_transport import answer
from pages.live.server.session import LiveSession, open_session
from perfcore.aif.fit import fit_gamma_variate
from perfcore.settings import Settings
from tests.support.wire_frames import frames, read

ORIGIN = {"origin": "http://testserver"}
HEALTHY_MEAN_ERROR = 0.005
"""Standard error of the mean of 4,096 healthy voxels, whose CBF varies by 30 %."""


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=[WebSocketRoute(PATH, live_socket)]))


@pytest.fixture(scope="module")
def session() -> LiveSession:
    live = open_session()
    case = open_case(demonstrations()[0], Settings())
    live.configure(case, Settings(), next(iter(case.sources.values())))
    return live


def edit(epoch: int, seq: int, flags: int, z: int, curve: np.ndarray) -> bytes:
    return struct.pack("<4I", epoch, seq, flags, z) + curve.astype(np.float32).tobytes()


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("https://lab.example.org", "lab.example.org", True),
        ("http://evil.example.org", "localhost:8501", False),
        ("http://localhost:9999", "localhost:8501", False),
        (None, "localhost:8501", False),
        ("null", "localhost:8501", False),
    ],
)
def test_origin_check_accepts_same_origin_only(origin: str | None, host: str, allowed: bool) -> None:
    assert same_origin(origin, host) is allowed


def test_cross_origin_handshake_is_refused(client: TestClient) -> None:
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
        client.websocket_connect(PATH, headers={"origin": "http://evil.example.org"}) as ws,
    ):
        ws.receive_bytes()


@pytest.mark.parametrize("hello", ['{"token": "guess"}', '{"token": 5}', "[]", "not json", '{"tok'])
def test_invalid_token_closes_the_socket(client: TestClient, hello: str) -> None:
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(hello)
        with pytest.raises(WebSocketDisconnect) as left:
            ws.receive_bytes()
        assert left.value.code == 1008


def test_token_expires_with_its_session(client: TestClient) -> None:
    token = open_session().token  # no reference keeps the session alive
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": token}))
        with pytest.raises(WebSocketDisconnect):
            ws.receive_bytes()


def test_case_slice_volume_and_probe_frames(client: TestClient, session: LiveSession) -> None:
    state = session.workspace
    assert state is not None
    curve = state.start.value
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        ws.send_text(json.dumps({"type": "case"}))
        header, arrays = read(ws.receive_bytes())
        assert (header["kind"], header["epoch"], header["slices"]) == ("case", state.epoch, 8)
        assert arrays["starts"][-1] == len(state.case.prepared.index)
        assert not {"pixel", "area", "baseline"} & set(arrays), "the slices are requested one by one"

        ws.send_bytes(edit(state.epoch, 1, wire.FLAG_REST, 3, curve))
        kinds = [read(ws.receive_bytes()) for _ in range(2)]
        assert [h["kind"] for h, _ in kinds] == ["slice", "volume"]
        (piece, part), (whole, full) = kinds
        first, last = arrays["starts"][3], arrays["starts"][4]
        rounding = 1e-6  # the cached maps of the start curve are those of its float64 values
        np.testing.assert_allclose(part["cbf"], full["cbf"][first:last], rtol=rounding)
        np.testing.assert_allclose(part["tmax"], full["tmax"][first:last], atol=1e-2)
        assert whole["numbers"] == whole["start"]
        assert piece["ref"] == pytest.approx(whole["ref"], rel=HEALTHY_MEAN_ERROR)

        voxel = np.unravel_index(state.case.prepared.index[1000], state.case.prepared.grid)
        ws.send_text(json.dumps({"type": "probe", "voxel": [int(v) for v in voxel]}))
        asked, curves = read(ws.receive_bytes())
        assert asked["voxel"] == [int(v) for v in voxel]
        np.testing.assert_array_equal(curves["tissue"], state.case.prepared.tissue[1000])
        assert len(curves["residue"]) == len(curves["residue_time"]) == 75


def test_a_drag_gets_its_slice_then_the_metrics(client: TestClient, session: LiveSession) -> None:
    state = session.workspace
    assert state is not None
    case, curve = state.case, (state.start.value * np.linspace(1, 1.2, state.start.value.size)).astype(np.float32)
    flow = case.volume_flow(curve.astype(float), Settings())
    part = slice(int(case.starts[3]), int(case.starts[4]))
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        ws.send_bytes(edit(state.epoch, 1, 0, 3, curve))
        header, arrays = read(ws.receive_bytes())
        assert (header["kind"], header["seq"], header["z"]) == ("slice", 1, 3)
        np.testing.assert_allclose(arrays["cbf"], flow.cbf[part], rtol=1e-3)
        assert header["ref"] == pytest.approx(flow.reference_cbf, rel=HEALTHY_MEAN_ERROR)
        metrics, none = read(ws.receive_bytes())
        assert (metrics["kind"], metrics["seq"], none) == ("volume", 1, {}), "the metrics come without maps"
        assert metrics["ref"] == pytest.approx(flow.reference_cbf, rel=1e-4)
        assert metrics["numbers"]["core_ml"] == pytest.approx(case.numbers(flow, Settings())["core_ml"], rel=0.01)


def test_an_invalid_curve_gives_a_message_and_the_socket_stays_open(
    client: TestClient, session: LiveSession
) -> None:
    state = session.workspace
    assert state is not None
    good = state.start.value
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        for bad, part in [
            (np.zeros_like(good), "no positive bolus"),
            (-np.abs(good) - 1, "no positive bolus"),
            (good[:20], "20 points; the series has 60"),
        ]:
            ws.send_bytes(edit(state.epoch, 5, 0, 0, bad))
            header, _ = read(ws.receive_bytes())
            assert header["kind"] == "error"
            assert part in header["message"]
        ws.send_text("{")
        assert read(ws.receive_bytes())[0]["kind"] == "error"
        ws.send_bytes(edit(state.epoch, 6, 0, 0, good))
        header, _ = read(ws.receive_bytes())
        assert (header["kind"], header["seq"]) == ("slice", 6)
        ws.send_text('{"type": "probe", "voxel": [999, 0, 0]}')
        kinds = {}
        while "error" not in kinds:
            header, _ = read(ws.receive_bytes())
            kinds[header["kind"]] = header
        assert kinds["error"]["message"] == "That point is outside the image."


def test_probe_error_has_the_sequence_number_of_its_edit(client: TestClient, session: LiveSession) -> None:
    """Without it the browser cannot tell that a newer curve has replaced the refused one."""
    state = session.workspace
    assert state is not None
    voxel = [int(v) for v in np.unravel_index(state.case.prepared.index[1000], state.case.prepared.grid)]
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        ws.send_bytes(edit(state.epoch, 7, 0, 3, -np.abs(state.start.value) - 1))
        assert read(ws.receive_bytes())[0]["kind"] == "error"
        ws.send_text(json.dumps({"type": "probe", "voxel": voxel}))
        header, _ = read(ws.receive_bytes())
        assert (header["kind"], header["seq"]) == ("error", 7)
        assert "no positive bolus" in header["message"]


def test_all_visible_slices_come_at_once_with_their_metrics(client: TestClient, session: LiveSession) -> None:
    state = session.workspace
    assert state is not None
    start = state.start.value
    flow = state.case.volume_flow(start.astype(np.float32).astype(float), Settings())
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        for flags, error in [(0, 1e-3), (wire.FLAG_REST, 1e-6)]:
            ws.send_bytes(edit(state.epoch, 3 + flags, wire.FLAG_ALL_SLICES | flags, 0, start))
            header, arrays = read(ws.receive_bytes())
            assert (header["kind"], header["seq"]) == ("volume", 3 + flags)
            np.testing.assert_allclose(arrays["cbf"], flow.cbf, rtol=error)
            assert header["numbers"]["core_ml"] == pytest.approx(header["start"]["core_ml"], rel=0.01)


@pytest.mark.parametrize("scale", [1.0, 1.1])
def test_a_page_that_has_the_maps_gets_the_metrics_and_some_voxels(
    client: TestClient, session: LiveSession, scale: float
) -> None:
    """Of the start curve, whose maps are cached, and of another."""
    state = session.workspace
    assert state is not None
    curve = (scale * state.start.value).astype(np.float32)
    flow = state.case.volume_flow(state.start.value if scale == 1 else curve.astype(float), Settings())
    flags = wire.FLAG_REST | wire.FLAG_ALL_SLICES | wire.FLAG_CONFIRM
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        ws.send_bytes(edit(state.epoch, 1, flags, 3, curve))
        (piece, part), (header, arrays) = frames(ws.receive_bytes())
    assert [(one["kind"], one["seq"]) for one in (piece, header)] == [("slice", 1), ("volume", 1)]
    visible = slice(*state.case.starts[3:5])
    for name, whole in (("cbf", flow.cbf), ("tmax", flow.tmax)):
        np.testing.assert_allclose(part[name], whole[visible], rtol=1e-6)
        np.testing.assert_allclose(arrays[name], whole[:: header["step"]], rtol=1e-6)
    numbers = state.case.numbers(flow, Settings())
    assert header["numbers"] == pytest.approx(numbers, rel=1e-5)


def ask(client: TestClient, session: LiveSession, request: dict) -> tuple[dict, dict[str, np.ndarray]]:
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        ws.send_text(json.dumps(request))
        return read(ws.receive_bytes())


def test_fit_and_voxel_mean_requests(client: TestClient, session: LiveSession) -> None:
    state = session.workspace
    assert state is not None
    header, arrays = ask(client, session, {"type": "fit", "curve": state.start.value.tolist()})
    fit = fit_gamma_variate(state.start.value, 1.0)
    assert header["fit"]["alpha"] == pytest.approx(fit.alpha)
    np.testing.assert_allclose(arrays["curve"], fit.curve(state.start.time_s), rtol=1e-5, atol=1e-4)
    voxels = [list(v) for v in state.start.voxels[:3]]
    header, arrays = ask(client, session, {"type": "voxels", "voxels": [*voxels, voxels[0]], "number": 7})
    curves = np.array([state.case.prepared.enhancement[tuple(v)] for v in voxels], float)
    assert (header["voxels"], header["number"]) == (voxels, 7)
    np.testing.assert_allclose(arrays["mean"], curves.mean(0), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(arrays["sd"], curves.std(0, ddof=1), rtol=1e-5, atol=1e-4)
    header, arrays = ask(client, session, {"type": "voxels", "voxels": voxels[:1]})
    assert not arrays["sd"].any()


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({"type": "fit", "curve": [0.0] * 60}, "positive bolus"),
        ({"type": "fit", "curve": [1.0] * 20}, "20 points; the series has 60"),
        ({"type": "fit", "curve": [1.0, None]}, "not finite"),
        ({"type": "fit", "curve": "x"}, "Invalid request"),
        ({"type": "fit"}, "Invalid request"),
        ({"type": "voxels", "voxels": []}, "between 1 and"),
        ({"type": "voxels", "voxels": [[0, 0, 0]]}, "outside the brain"),
        ({"type": "voxels", "voxels": [[0, 0, 99]]}, "outside the image"),
        ({"type": "voxels", "voxels": [[-1, 5, 5]]}, "outside the image"),
        ({"type": "voxels", "voxels": [[1, 2]]}, "Invalid request"),
        ({"type": "voxels", "voxels": 5}, "Invalid request"),
        ({"type": "unheard of"}, "Invalid request"),
        ({"type": ["case"]}, "Invalid request"),
    ],
)
def test_an_invalid_request_gives_a_message(
    client: TestClient, session: LiveSession, asked: dict, part: str
) -> None:
    header, arrays = ask(client, session, asked)
    assert header["kind"] == "error"
    assert part in header["message"]
    assert "seq" not in header, "it takes no curve back"
    assert arrays == {}


def test_request_by_rerun_transport_is_answered(session: LiveSession) -> None:
    state = session.workspace
    assert state is not None
    fit = {"type": "fit", "curve": state.start.value.tolist()}
    header, arrays = read(answer(session, state, {"request": fit}))
    assert header["kind"] == "fit"
    assert len(arrays["curve"]) == 60
    header, _ = read(answer(session, state, {"request": {"type": "voxels", "voxels": [[0, 0, 0]]}}))
    assert "outside the brain" in header["message"]
    assert read(answer(session, state, {"request": 5}))[0]["message"] == "Invalid request."


def test_committed_curve_is_stored_immediately(client: TestClient, session: LiveSession) -> None:
    state = session.workspace
    assert state is not None
    mine, passing = 0.5 * state.start.value, 0.7 * state.start.value
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        ws.send_bytes(edit(state.epoch, 20, wire.FLAG_REST | wire.FLAG_KEEP, 0, mine))
        ws.receive_bytes()
        ws.send_bytes(edit(state.epoch, 21, 0, 0, passing))
        while read(ws.receive_bytes())[0]["seq"] < 21:
            pass
    kept = session.edited_curve(state.curve_key)
    assert kept is not None
    np.testing.assert_array_equal(kept, mine.astype(np.float32))


def test_stale_epoch_edit_is_not_computed(client: TestClient, session: LiveSession) -> None:
    state = session.workspace
    assert state is not None
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        ws.send_bytes(edit(state.epoch + 7, 9, 0, 0, state.start.value))
        header, arrays = read(ws.receive_bytes())
    assert (header["kind"], header["seq"], header["epoch"], arrays) == ("stale", 9, state.epoch, {})
