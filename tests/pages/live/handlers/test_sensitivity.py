"""Sensitivity streams over the WebSocket: gradient, map and tornado chart."""

from __future__ import annotations

import numpy as np
import pytest
from starlette.testclient import TestClient

from pages.live.compute.case import LiveCase
from pages.live.handlers.lesion_target import target_of
from pages.live.server.session import LiveSession
from perfcore.analysis import sensitivity
from perfcore.settings import Settings
from tests.support.stream_client import connected, state_of, vein


@pytest.mark.parametrize("quantity", ["core_ml", "soft_dice", "rcbf", "tmax"])
def test_sensitivity_stream_equals_perfcore_gradient(
    client: TestClient, session: LiveSession, case: LiveCase, quantity: str
) -> None:
    curve, state = np.array(vein(case)), state_of(session)
    with connected(client, session) as one:
        one.start("sensitivity", curve=curve.tolist(), quantity=quantity, region="hypoperfused")
        (header, arrays), (end, _) = one.frames("sensitivity")
    assert end["kind"] == "sensitivity-end"
    assert end["message"] is None
    flow = case.volume_flow(state.start.value, Settings())
    assert case.lesion is not None
    own = sensitivity.aif_gradient(
        curve, target_of(case, case.lesion), Settings(), quantity, voxel_ml=case.prepared.voxel_ml,
        region=flow.tmax > 6,
    )  # fmt: skip
    assert header["value"] == pytest.approx(own.value, rel=1e-5)
    np.testing.assert_allclose(arrays["gradient"], own.by_sample, atol=1e-4 * np.abs(own.by_sample).max())


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
