"""AIF uncertainty over the WebSocket: posterior, bootstrap, picked voxels and selectors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from pages.live.compute.case import LiveCase
from pages.live.server.session import LiveSession
from perfcore.analysis.aif_posterior import posterior_aifs
from perfcore.analysis.aif_uncertainty import bootstrap_aifs
from perfcore.analysis.lesion_distribution import DECISIONS
from perfcore.errors import NoArteryError
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.support.stream_client import connected, state_of


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
    np.testing.assert_allclose(arrays["low"], np.percentile(curves, 10, axis=0), rtol=1e-5, atol=1e-4)
    for i in (0, 57, 199):
        flow = case.volume_flow(curves[i], Settings())
        assert arrays["core_ml"][i] == pytest.approx(case.numbers(flow, Settings())["core_ml"], abs=0.1)
    assert header["quantiles"] == pytest.approx(np.percentile(arrays["core_ml"], [10, 50, 90]), rel=1e-5)
    assert arrays["fraction"].mean() / 255 * len(arrays["fraction"]) * case.prepared.voxel_ml == pytest.approx(
        arrays["core_ml"].mean(), rel=0.01
    )
    assert header["basis_error"] == case.basis_error


def test_uncertainty_from_the_posterior_does_not_depend_on_the_start_aif(
    client: TestClient, session: LiveSession, case: LiveCase
) -> None:
    results = []
    for start in (case.sources["straka"], case.sources["truth"]):
        session.configure(case, Settings(), start)
        with connected(client, session) as one:
            one.start("uncertainty", way="posterior")
            *frames, end = one.frames("uncertainty")
        assert end[0]["message"] is None
        results.append((*frames[-1], start))
    (header, arrays, start), (_, other, truth) = results
    assert header["of"] == ["posterior"]
    assert header["n_done"] == header["n_total"] == 200
    # The scale rounds differently, which moves a few voxels over the threshold.
    np.testing.assert_allclose(arrays["core_ml"], other["core_ml"], atol=5 * case.prepared.voxel_ml)
    # The band has the scale of the start AIF.
    np.testing.assert_allclose(other["low"] / truth.area, arrays["low"] / start.area, rtol=1e-4, atol=1e-6)
    curves = posterior_aifs(case.prepared, case.sources["straka"], case.vof, 200)
    for i in (0, 57, 199):
        numbers = case.numbers(case.volume_flow(curves[i], Settings()), Settings())
        assert arrays["core_ml"][i] == pytest.approx(numbers["core_ml"], abs=0.1)
    assert [decision["label"] for decision in header["decisions"]] == list(DECISIONS.values())
    assert header["decisions"][0]["fraction"] == pytest.approx(np.mean(arrays["core_ml"] >= 70), abs=1e-9)
    assert all(0 <= decision["fraction"] <= 1 for decision in header["decisions"])


def test_posterior_without_an_artery_gives_a_message(
    client: TestClient, session: LiveSession, case: LiveCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_method: str) -> Aif:
        raise NoArteryError("No artery was found.")

    monkeypatch.setattr(case.offered, "get", refuse)
    with connected(client, session) as one:
        one.start("uncertainty", way="posterior")
        header, _ = one.read()
    assert header["kind"] == "uncertainty-end"
    assert header["message"] == "No artery was found."


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
        np.testing.assert_allclose(arrays["high"], np.percentile(own, 90, axis=0), rtol=1e-5, atol=1e-4)
        assert header["of"] == ["3 voxels"]
        one.start("uncertainty", run=2, way="selectors")
        frames = [f for f in one.frames("uncertainty", 12, run=2) if f[0]["run"] == 2]
    finding = [h["finding"] for h, _ in frames if h.get("finding")]
    assert set(finding) >= {"straka", "peruzzo", "mouridsen", "murase"}
    assert len(next(h["of"] for h, _ in frames if not h["finding"])) >= 2


def test_the_curves_of_a_class_are_each_taken_once(
    client: TestClient, session: LiveSession, case: LiveCase
) -> None:
    truth = case.sources["truth"].value
    curves = np.stack([np.roll(truth, shift) for shift in (0, 2, 4, 5)])
    asked: list[str] = []

    def given(of: LiveCase) -> np.ndarray:
        asked.append(of.name)
        return curves

    session.class_curves = given
    with connected(client, session) as one:
        one.start("uncertainty", way="class")
        *frames, end = one.frames("uncertainty")
    assert end[0]["message"] is None
    assert asked == [case.name]
    header, arrays = frames[-1]
    assert (header["n_done"], header["n_total"], header["of"]) == (4, 4, ["class"])
    oracle = [case.numbers(case.volume_flow(curve, Settings()), Settings())["core_ml"] for curve in curves]
    np.testing.assert_allclose(arrays["core_ml"], oracle, atol=0.1)
    np.testing.assert_allclose(arrays["middle"], np.median(curves, axis=0), rtol=1e-5, atol=1e-4)
    # The probability of core is the fraction of the class whose curve makes a voxel core.
    assert set(np.unique(arrays["fraction"])) <= {round(255 * k / 4) for k in range(5)}


def test_without_a_class_its_curves_are_refused(client: TestClient, session: LiveSession) -> None:
    with connected(client, session) as one:
        one.start("uncertainty", way="class")
        header, _ = one.read()
    assert header["kind"] == "uncertainty-end"
    assert "let people draw" in header["message"]


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"way": "dice"}, "from the posterior, from voxels or from selectors"),
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
