"""Streams over the socket: fine-tuning, sensitivity, tornado chart, AIF uncertainty."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from pages.live.handlers import streams
from pages.live.handlers.lesion_target import painted, target_of
from pages.live.server.connection import PATH, live_socket
from pages.live.server.session import LiveSession, Workspace, open_session
from perfcore.analysis import sensitivity
from perfcore.analysis.aif_uncertainty import bootstrap_aifs
from perfcore.analysis.finetune import TuneOptions, Tuner, TuneStep, make_parametrization
from perfcore.settings import Settings
from tests.pages.live.server.test_wire import read

ORIGIN = {"origin": "http://testserver"}
VIEWPORT = {"slice": 3, "all": False}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=[WebSocketRoute(PATH, live_socket)]))


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(demonstrations()[0], Settings())


@pytest.fixture
def session(case: LiveCase) -> LiveSession:
    live = open_session()
    live.configure(case, Settings(), next(iter(case.sources.values())))
    return live


def state_of(session: LiveSession) -> Workspace:
    assert session.workspace is not None
    return session.workspace


class StreamClient:
    """Sends stream requests and reads frames, as the browser does."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws

    def send(self, **message: Any) -> None:
        self.ws.send_text(json.dumps({"type": "stream", "run": 1, **message}))

    def read(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return read(self.ws.receive_bytes())

    def start(self, of: str, run: int = 1, **fields: Any) -> None:
        self.send(of=of, act="start", run=run, viewport=VIEWPORT, **fields)

    def frames(self, of: str, n: int | None = None, run: int = 1) -> list[tuple[dict, dict[str, np.ndarray]]]:
        """Read n frames, or all up to the end, and acknowledge each."""
        found: list[tuple[dict, dict[str, np.ndarray]]] = []
        while n is None or len(found) < n:
            header, arrays = self.read()
            found.append((header, arrays))
            if header["kind"] != of:
                break
            self.send(of=of, act="seen", run=run, viewport=VIEWPORT)
        return found


@contextmanager
def connected(client: TestClient, session: LiveSession) -> Iterator[StreamClient]:
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        yield StreamClient(ws)


def vein(case: LiveCase) -> list[float]:
    assert case.vof is not None
    return case.vof.value.astype(np.float32).tolist()


# Fine-tuning


def test_tuning_stream_steps_equal_tuner(client: TestClient, session: LiveSession, case: LiveCase) -> None:
    options = {"loss": "cross-entropy", "rate": 0.2, "curvature": 2.0}
    with connected(client, session) as one:
        one.start("tune", curve=vein(case), form="softplus", held_out=True, steps=4, **options)
        frames = one.frames("tune", 4)
    assert case.lesion is not None
    slice_of = np.repeat(np.arange(case.n_slices), np.diff(case.starts))
    known = np.unique(slice_of[case.lesion])
    counted = ~np.isin(slice_of, known[1::2])
    form = make_parametrization("softplus", np.array(vein(case)), case.prepared.dt_s)
    own = Tuner(target_of(case, case.lesion), form, Settings(), TuneOptions(**options), loss_mask=counted)
    part = slice(int(case.starts[3]), int(case.starts[4]))
    for (header, arrays), step in zip(frames, [own.step() for _ in range(4)], strict=True):
        assert (header["kind"], header["run"], header["shows"], header["z"]) == ("tune", 1, "slice", 3)
        assert (header["number"], header["negative"]) == (step.number, step.n_negative)
        for name in ("dice", "held_out_dice"):
            assert header[name] == pytest.approx(getattr(step, name), abs=1e-4)
        for name in ("loss", "distance", "roughness", "threshold"):
            assert header[name] == pytest.approx(getattr(step, name), rel=1e-3, abs=1e-6)
        np.testing.assert_allclose(arrays["curve"], step.curve, rtol=1e-3, atol=0.02)
        np.testing.assert_allclose(arrays["cbf"], step.cbf[part], rtol=1e-3)
        np.testing.assert_allclose(arrays["gradient"], step.gradient, atol=1e-3 * np.abs(step.gradient).max())
        tmax = case.slice_flow(case.operator(step.curve, Settings()), 3).tmax
        assert (np.abs(arrays["tmax"] - tmax) < 0.02).mean() > 0.999
    header, _ = frames[0]
    numbers = case.numbers(case.volume_flow(np.array(vein(case)), Settings()), Settings())
    assert numbers["core_ml"] is not None
    assert header["numbers"]["core_ml"] == pytest.approx(numbers["core_ml"], abs=0.3), (
        "softplus raises values near 0"
    )
    assert header["numbers"]["hypoperfused_ml"] is None


def test_all_slices_are_sent_on_the_preview_grid(client: TestClient, session: LiveSession, case: LiveCase) -> None:
    with connected(client, session) as one:
        viewport = {"slice": 0, "all": True}
        one.send(of="tune", act="start", run=3, viewport=viewport, curve=vein(case), form="free", steps=1)
        header, arrays = one.read()
    assert header["shows"] == "coarse"
    assert arrays["cbf"].size == arrays["tmax"].size == case.preview.grid.kept.sum()


def test_at_most_two_frames_are_in_flight(
    client: TestClient, session: LiveSession, case: LiveCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked = counting(monkeypatch)
    with connected(client, session) as one:
        one.start("tune", curve=vein(case), form="free")
        numbers = [one.read()[0]["number"] for _ in range(2)]
        time.sleep(0.4)
        assert len(worked) == 2, "no frame is acknowledged"
        one.send(of="tune", act="seen", run=1, viewport=VIEWPORT)
        numbers.append(one.read()[0]["number"])
    assert numbers == [0, 1, 2]


def counting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    worked: list[float] = []
    step = Tuner.step

    def counted(self: Tuner) -> TuneStep:
        worked.append(time.monotonic())
        return step(self)

    monkeypatch.setattr(Tuner, "step", counted)
    return worked


def count_at_rest(worked: list[float], rest_s: float = 0.8, timeout_s: float = 60) -> int:
    """Return the number of steps once none has begun for ``rest_s``."""
    end = time.monotonic() + timeout_s
    while True:
        n = len(worked)
        time.sleep(rest_s)
        if len(worked) == n:
            return n
        assert time.monotonic() < end, "the run does not pause"


def test_pause_step_run_and_stop(
    client: TestClient, session: LiveSession, case: LiveCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked = counting(monkeypatch)
    with connected(client, session) as one:
        one.start("tune", curve=vein(case), form="free")
        one.frames("tune", 3)
        one.send(of="tune", act="pause")
        paused = count_at_rest(worked)
        seen = [one.read()[0]["number"] for _ in range(paused - 3)]
        for _ in seen:
            one.send(of="tune", act="seen", run=1, viewport=VIEWPORT)
        one.send(of="tune", act="step")
        assert one.frames("tune", 1)[0][0]["number"] == paused
        assert count_at_rest(worked) == paused + 1
        one.send(of="tune", act="run")
        assert [h["number"] for h, _ in one.frames("tune", 2)] == [paused + 1, paused + 2]
        one.send(of="tune", act="stop")
        stopped = count_at_rest(worked)
        for _ in range(3):
            one.send(of="tune", act="seen", run=1, viewport=VIEWPORT)
        assert count_at_rest(worked) == stopped, "no step after stop"
        one.start("tune", run=2, curve=vein(case), form="free", steps=1)
        fresh = one.read()
        while fresh[0]["run"] == 1:  # frames already in flight
            fresh = one.read()
        assert (fresh[0]["run"], fresh[0]["number"]) == (2, 0)


def test_a_closed_socket_ends_the_stream(
    client: TestClient, session: LiveSession, case: LiveCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked = counting(monkeypatch)
    monkeypatch.setattr(streams, "MAX_FRAMES_IN_FLIGHT", 10_000)
    with connected(client, session) as one:
        one.start("tune", curve=vein(case), form="free")
        one.frames("tune", 3)
    count_at_rest(worked)  # the run is endless: only the closed socket ends it


def test_changed_settings_end_the_stream_with_a_message(
    client: TestClient, session: LiveSession, case: LiveCase
) -> None:
    with connected(client, session) as one:
        one.start("tune", curve=vein(case), form="free")
        one.frames("tune", 1)
        session.configure(case, Settings(lambda_rel=0.2), state_of(session).start)
        last = one.frames("tune")[-1][0]
    assert last["kind"] == "tune-end"
    assert "settings have changed" in last["message"]


def test_a_diverging_learning_rate_ends_the_stream_with_a_message(
    client: TestClient, session: LiveSession, case: LiveCase
) -> None:
    wild = {"rate": 10.0, "curvature": 0.0, "loss": "cross-entropy", "steps": 200}
    with connected(client, session) as one:
        one.start("tune", curve=vein(case), form="free", **wild)
        frames = one.frames("tune")
    assert frames[-1][0]["kind"] == "tune-end"
    assert "lower the rate" in frames[-1][0]["message"]
    assert len(frames) > 1
    assert np.isfinite(frames[-2][1]["curve"]).all()


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"form": "spline"}, "parametrization must be one of"),
        ({"form": "network-last", "network": "unknown"}, "This network is not installed"),
        ({"target": "painted"}, "The target is empty: paint a lesion"),
        ({"target": "else"}, "The target is truth or painted"),
        ({"curve": [0.0] * 60}, "positive bolus"),
        ({"curve": [1.0] * 20}, "20 points; the series has 60"),
        ({"curve": "x"}, "Invalid request"),
        ({"origin": [1.0] * 20}, "20 points; the series has 60"),
        ({"threshold": "low"}, "Invalid request"),
        ({"threshold": float("nan")}, "Invalid request"),
        ({"rate": 0}, "rate must lie above 0"),
        ({"rate": "fast"}, "Invalid request"),
        ({"loss": "l2"}, "loss must be one of"),
        ({"viewport": {"slice": "x"}}, "Invalid request"),
        ({"of": "unheard"}, "Invalid request"),
        ({"act": "dance"}, "Invalid request"),
    ],
)
def test_invalid_options_give_a_message(
    client: TestClient, session: LiveSession, case: LiveCase, fields: dict[str, Any], part: str
) -> None:
    with connected(client, session) as one:
        message = {
            "of": "tune",
            "act": "start",
            "run": 1,
            "viewport": VIEWPORT,
            "curve": vein(case),
            "form": "free",
        }
        one.send(**{**message, **fields})
        header, _ = one.read()
        assert header["kind"] in {"error", "tune-end"}
        assert part in header["message"]
        one.start("tune", curve=vein(case), form="free", steps=1)
        assert one.read()[0]["kind"] == "tune", "the socket stays open"


def test_hypoperfused_tissue_is_part_of_the_target_where_it_is_known(
    client: TestClient, session: LiveSession, case: LiveCase
) -> None:
    assert case.hypoperfused is not None
    assert case.lesion is not None
    assert (case.lesion <= case.hypoperfused).all()
    with connected(client, session) as one:
        one.start("tune", curve=vein(case), form="free", with_tmax=True, steps=1)
        (header, _), *_ = one.frames("tune", 1)
    form = make_parametrization("free", np.array(vein(case)), case.prepared.dt_s)
    target = target_of(case, case.lesion, hypoperfused=True)
    step = Tuner(target, form, Settings(), TuneOptions(with_tmax=True)).step()
    assert header["hypoperfused_dice"] == pytest.approx(step.hypoperfused_dice, abs=1e-4)
    assert header["loss"] == pytest.approx(step.loss, rel=1e-4)


# Painted lesion as target


def runs_of(flags: np.ndarray) -> list[int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return [int(v) for first, last in edges.reshape(-1, 2) for v in (first, last - first)]


def test_a_painted_lesion_is_received_slice_by_slice(
    client: TestClient, session: LiveSession, case: LiveCase
) -> None:
    rng = np.random.default_rng(0)
    wanted = np.zeros(case.tiles.n_voxels, bool)
    with connected(client, session) as one:
        for z in (2, 3):
            part = slice(int(case.starts[z]), int(case.starts[z + 1]))
            wanted[part] = np.repeat(rng.random(len(wanted[part]) // 40 + 1) < 0.2, 40)[: len(wanted[part])]
            runs = runs_of(wanted[part])
            middle = len(runs) // 4 * 2
            for fresh, some in ((True, runs[:middle]), (False, runs[middle:])):
                one.ws.send_text(json.dumps({"type": "target", "slice": z, "runs": some, "fresh": fresh}))
                header, _ = one.read()
        assert header["kind"] == "target"
        assert header["voxels"] == wanted.sum()
        assert header["ml"] == pytest.approx(wanted.sum() * case.prepared.voxel_ml)
        np.testing.assert_array_equal(painted(session, case), wanted)
        one.start("tune", curve=vein(case), form="free", target="painted", steps=1)
        (header, _), *_ = one.frames("tune", 1)
        form = make_parametrization("free", np.array(vein(case)), case.prepared.dt_s)
        step = Tuner(target_of(case, wanted), form, Settings(), TuneOptions()).step()
        assert header["dice"] == pytest.approx(step.dice, abs=1e-4)
        one.ws.send_text(json.dumps({"type": "target", "slice": 2, "runs": [], "fresh": True}))
        left = one.read()[0]["voxels"]
    assert left == wanted[case.starts[3] :].sum()
    assert not painted(open_session(), case).any(), "the painted lesion belongs to one session"


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"slice": 99, "runs": []}, "no such slice"),
        ({"slice": -1, "runs": []}, "no such slice"),
        ({"slice": 2, "runs": [0, 10**7]}, "outside the brain"),
        ({"slice": 2, "runs": [-5, 10]}, "outside the brain"),
        ({"slice": 2, "runs": [5, 0]}, "outside the brain"),
        ({"slice": 2, "runs": [5]}, "Invalid request"),
        ({"slice": 2, "runs": "x"}, "Invalid request"),
        ({"slice": 2, "runs": [10**30, 1]}, "Invalid request"),
        ({"runs": []}, "Invalid request"),
        ({"slice": 2, "runs": [1, 1] * 5000}, "too long"),
    ],
)
def test_an_invalid_painted_lesion_changes_nothing(
    client: TestClient, session: LiveSession, case: LiveCase, fields: dict[str, Any], part: str
) -> None:
    with connected(client, session) as one:
        one.ws.send_text(json.dumps({"type": "target", **fields}))
        header, _ = one.read()
    assert header["kind"] == "error"
    assert part in header["message"]
    assert not painted(session, case).any()


# Sensitivity


@pytest.mark.parametrize("quantity", ["core_ml", "soft_dice", "rcbf", "tmax"])
def test_sensitivity_stream_equals_perfcore_gradient(
    client: TestClient, session: LiveSession, case: LiveCase, quantity: str
) -> None:
    curve, state = np.array(vein(case)), state_of(session)
    with connected(client, session) as one:
        one.start("sensitivity", curve=curve.tolist(), quantity=quantity, region="hypoperfused")
        (header, arrays), (end, _) = one.frames("sensitivity")
        one.start("sensitivity", curve=curve.tolist(), quantity=quantity, region="hypoperfused", quick=True, run=2)
        (quick, rough), *_ = one.frames("sensitivity", run=2)
    assert end["kind"] == "sensitivity-end"
    assert end["message"] is None
    flow = case.volume_flow(state.start.value, Settings())
    assert case.lesion is not None
    own = sensitivity.aif_gradient(
        curve, target_of(case, case.lesion), Settings(), quantity, voxel_ml=case.prepared.voxel_ml,
        region=flow.tmax > 6,
    )  # fmt: skip
    assert header["exact"] is True
    assert header["value"] == pytest.approx(own.value, rel=1e-5)
    np.testing.assert_allclose(arrays["gradient"], own.by_sample, atol=1e-4 * np.abs(own.by_sample).max())
    assert quick["exact"] is False
    assert quick["value"] == pytest.approx(own.value, rel=0.02)
    assert np.corrcoef(rough["gradient"], own.by_sample)[0, 1] > 0.99


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"quantity": "cbv"}, "quantity must be one of"),
        ({"quantity": "rcbf", "region": "moon"}, "A region is one of"),
        ({"quantity": "rcbf", "region": "painted"}, "The region is empty"),
        ({"quantity": "soft_dice", "target": "painted"}, "The target is empty"),
    ],
)
def test_a_sensitivity_that_cannot_be_computed_gives_a_message(
    client: TestClient, session: LiveSession, case: LiveCase, fields: dict[str, str], part: str
) -> None:
    with connected(client, session) as one:
        one.start("sensitivity", curve=vein(case), **fields)
        header, _ = one.read()
    assert header["kind"] == "sensitivity-end"
    assert part in header["message"]


def test_sensitivity_map_equals_perfcore(client: TestClient, session: LiveSession, case: LiveCase) -> None:
    curve = np.array(vein(case))
    with connected(client, session) as one:
        for name in ("width", "amplitude"):
            one.start("sensitivity_map", curve=curve.tolist(), direction=name)
            (header, arrays), *_ = one.frames("sensitivity_map")
            along = sensitivity.edit_direction(curve, case.prepared.dt_s, name)
            empty = np.zeros(case.tiles.n_voxels, bool)
            own = sensitivity.sensitivity_map(curve, along, target_of(case, empty), Settings())
            assert header["direction"] == name
            np.testing.assert_allclose(arrays["change"], own, atol=1e-5)
    assert np.abs(own).max() < 1e-4, "rCBF is invariant to amplitude"


def test_tornado_stream_equals_perfcore(client: TestClient, session: LiveSession, case: LiveCase) -> None:
    curve = np.array(vein(case))
    with connected(client, session) as one:
        one.start("tornado", curve=curve.tolist())
        *frames, end = one.frames("tornado")
    assert end[0]["message"] is None
    names = ("core_ml", "hypoperfused_ml", "reference_cbf")

    def figures(moved: np.ndarray) -> dict[str, float | None]:
        every = case.numbers(case.volume_flow(moved, Settings()), Settings())
        return {name: every[name] for name in names}

    own = list(sensitivity.tornado(curve, case.prepared.dt_s, figures))
    assert [h["handle"] for h, _ in frames] == [s.handle for s in own]
    for (header, _), swing in zip(frames, own, strict=True):
        assert header["here"] == pytest.approx(figures(curve))
        assert header["low"] == pytest.approx(swing.low)
        assert header["high"] == pytest.approx(swing.high)


# AIF uncertainty


def test_uncertainty_from_a_bootstrap_of_the_clusters_voxels(
    client: TestClient, session: LiveSession, case: LiveCase
) -> None:
    state = state_of(session)
    with connected(client, session) as one:
        one.start("uncertainty", way="voxels")
        *frames, end = one.frames("uncertainty")
    assert end[0]["message"] is None
    header, arrays = frames[-1]
    assert [h["n_done"] for h, _ in frames] == list(range(5, 201, 5))
    assert header["of"] == [f"{len(state.start.voxels)} voxels"]
    curves = bootstrap_aifs(case.prepared, state.start, 200)
    np.testing.assert_allclose(arrays["low"], np.percentile(curves, 5, axis=0), rtol=1e-5, atol=1e-4)
    for i in (0, 57, 199):
        flow = case.volume_flow(curves[i], Settings())
        assert arrays["core_ml"][i] == pytest.approx(case.numbers(flow, Settings())["core_ml"], abs=0.1)
    assert header["quantiles"] == pytest.approx(np.percentile(arrays["core_ml"], [5, 50, 95]), rel=1e-5)
    assert arrays["fraction"].mean() / 255 * len(arrays["fraction"]) * case.prepared.voxel_ml == pytest.approx(
        arrays["core_ml"].mean(), rel=0.01
    )
    assert header["basis_error"] == case.basis_error


def test_uncertainty_from_picked_voxels_and_from_selectors(
    client: TestClient, session: LiveSession, case: LiveCase
) -> None:
    state = state_of(session)
    picked = [list(v) for v in state.start.voxels[:3]]
    with connected(client, session) as one:
        one.start("uncertainty", way="voxels", voxels=picked)
        header, arrays = one.frames("uncertainty", 1)[0]
        voxels = state.start.voxels[:3]
        mean = np.mean([case.prepared.enhancement[voxel] for voxel in voxels], axis=0, dtype=np.float64)
        own = bootstrap_aifs(case.prepared, replace(state.start, value=mean, voxels=voxels), 200)
        np.testing.assert_allclose(arrays["high"], np.percentile(own, 95, axis=0), rtol=1e-5, atol=1e-4)
        assert header["of"] == ["3 voxels"]
        one.start("uncertainty", run=2, way="selectors")
        frames = [f for f in one.frames("uncertainty", 12, run=2) if f[0]["run"] == 2]
    finding = [h["finding"] for h, _ in frames if h.get("finding")]
    assert set(finding) >= {"straka", "peruzzo", "mouridsen", "murase"}
    assert len(next(h["of"] for h, _ in frames if not h["finding"])) >= 2


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"way": "dice"}, "from voxels or from selectors"),
        ({"way": "voxels", "voxels": [[0, 0, 0]]}, "outside the brain"),
        ({"way": "voxels", "voxels": 7}, "Invalid request"),
        ({}, "Invalid request"),
    ],
)
def test_an_uncertainty_that_cannot_be_computed_gives_a_message(
    client: TestClient, session: LiveSession, fields: dict[str, Any], part: str
) -> None:
    with connected(client, session) as one:
        one.start("uncertainty", **fields)
        header, _ = one.read()
    assert header["kind"] in {"error", "uncertainty-end"}
    assert part in header["message"]


def test_an_aif_without_voxels_gives_a_message(client: TestClient, session: LiveSession, case: LiveCase) -> None:
    session.configure(case, Settings(), case.sources["truth"])
    with connected(client, session) as one:
        one.start("uncertainty", way="voxels")
        header, _ = one.read()
    assert header["kind"] == "uncertainty-end"
    assert "mean of 0 voxels" in header["message"]


def test_the_vof_is_an_aif_source(case: LiveCase) -> None:
    assert case.vof is not None
    assert "vein" in case.offered.methods
    found = case.offered.get("vein")
    assert found.source_id == "vein"
    np.testing.assert_array_equal(found.value, case.vof.value)
