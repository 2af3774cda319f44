"""Painted lesion as the target of fine-tuning."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from pages.live.compute.case import LiveCase
from pages.live.handlers.lesion_target import painted, target_of
from pages.live.server.session import LiveSession, open_session
from perfcore.analysis.finetune import TuneOptions, Tuner, make_parametrization
from perfcore.settings import Settings
from tests.support.stream_client import connected, vein


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
