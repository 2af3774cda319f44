"""Fine-tuning over the WebSocket: steps, pause, stop and errors."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from pages.live.compute.case import LiveCase
from pages.live.handlers import streams
from pages.live.handlers.lesion_target import target_of
from pages.live.server.session import LiveSession
from perfcore.analysis.finetune import TuneOptions, Tuner, TuneStep, make_parametrization
from perfcore.settings import Settings
from tests.support.stream_client import VIEWPORT, connected, state_of, vein


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
    target = target_of(case, case.lesion, preview=True)
    own = Tuner(target, form, Settings(), TuneOptions(**options), loss_mask=counted)
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


@pytest.mark.parametrize("with_tmax", [False, True])
def test_the_figures_of_a_step_are_the_numbers_of_the_lab(
    client: TestClient, session: LiveSession, case: LiveCase, with_tmax: bool
) -> None:
    with connected(client, session) as one:
        one.start("tune", curve=vein(case), form="free", learn_threshold=True, with_tmax=with_tmax, steps=3)
        header, arrays = one.frames("tune", 3)[-1]
    assert header["threshold"] != Settings().core_threshold
    settings = Settings(core_threshold=header["threshold"])
    flow = case.volume_flow(arrays["curve"].astype(float), settings)
    numbers = case.numbers(flow, settings)
    # Steps are computed on the temporal basis: some voxels at a threshold differ, of 0.0035 ml each.
    for name, abs_error in {"core_ml": 0.2, "hypoperfused_ml": 0.6, "mismatch_ml": 0.6, "dice": 1.5e-3}.items():
        assert header["numbers"][name] == pytest.approx(numbers[name], abs=abs_error)
    assert header["dice"] == header["numbers"]["dice"]
    assert case.hypoperfused is not None
    late = flow.tmax > settings.tmax_threshold_s
    both = 2 * (late & case.hypoperfused).sum() / (late.sum() + case.hypoperfused.sum())
    assert header["hypoperfused_dice"] == pytest.approx(both, abs=2e-3), "trained or not"
    assert (header["target"], header["with_tmax"]) == ("truth", with_tmax)


def test_all_visible_slices_are_sent(client: TestClient, session: LiveSession, case: LiveCase) -> None:
    with connected(client, session) as one:
        viewport = {"slice": 0, "all": True}
        one.send(of="tune", act="start", run=3, viewport=viewport, curve=vein(case), form="free", steps=1)
        header, arrays = one.read()
    assert header["shows"] == "volume"
    flow = case.volume_flow(arrays["curve"].astype(float), Settings())
    np.testing.assert_allclose(arrays["cbf"], flow.cbf, rtol=1e-3)
    assert (np.abs(arrays["tmax"] - flow.tmax) < 0.02).mean() > 0.999


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
    target = target_of(case, case.lesion, hypoperfused=True, preview=True)
    step = Tuner(target, form, Settings(), TuneOptions(with_tmax=True)).step()
    # That of the step is of the soft argmax, at most 0.06 s above Tmax.
    assert header["hypoperfused_dice"] == pytest.approx(step.hypoperfused_dice, abs=0.02)
    assert header["loss"] == pytest.approx(step.loss, rel=1e-4)
