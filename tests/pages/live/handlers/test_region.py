"""Drawn region and its mirror, over the WebSocket."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from pages.live.compute.case import LiveCase
from pages.live.server.session import LiveSession
from perfcore.analysis.region import MAX_VERTICES, Region, RegionStatistics, region_curve, region_statistics
from tests.support.stream_client import connected

SQUARE = [[60, 110], [85, 110], [85, 140], [60, 140]]


def ask(client: TestClient, session: LiveSession, **fields: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with connected(client, session) as one:
        one.ws.send_text(json.dumps({"type": "region", **fields}))
        return one.read()


def statistics_of(sent: dict[str, Any]) -> RegionStatistics:
    mean, sd, median = (np.nan if sent[name] is None else sent[name] for name in ("mean", "sd", "median"))
    return RegionStatistics(sent["voxels"], mean, sd, median)


def test_voxels_curves_and_fixed_maps_equal_perfcores(
    client: TestClient, session: LiveSession, case: LiveCase
) -> None:
    header, arrays = ask(client, session, number=7, slice=4, vertices=SQUARE)
    prepared = case.prepared
    region = Region(4, SQUARE)
    mirror = region.mirrored(prepared.midplane, prepared.affine)
    assert mirror is not None
    assert (header["kind"], header["number"], header["slice"]) == ("region", 7, 4)
    assert header["voxelMl"] == pytest.approx(prepared.voxel_ml)
    in_slice_order = prepared.index[case.order]
    ttp = np.full(prepared.mask.size, np.nan, np.float32)
    ttp[prepared.index] = prepared.ttp_s
    for side, one in (("region", region), ("mirror", mirror)):
        voxels = one.voxels(prepared.mask)
        assert 200 < len(voxels) <= 25 * 30
        np.testing.assert_array_equal(in_slice_order[arrays[side]], voxels)
        np.testing.assert_allclose(arrays[f"{side}Curve"], region_curve(prepared, voxels), rtol=1e-6)
        volumes = {"ttp": ttp, "baseline": prepared.baseline.reshape(-1), "tmip": prepared.tmip.reshape(-1)}
        assert set(header["fixed"][side]) == set(volumes)
        for name, volume in volumes.items():
            assert statistics_of(header["fixed"][side][name]) == region_statistics(volume[voxels])


def test_the_browser_mirrors_as_perfcore_does(case: LiveCase) -> None:
    mirrors = case.static[1]["mirror"].reshape(case.n_slices, 2, 3)
    for z in range(case.n_slices):
        expected = case.prepared.midplane.mirror_in_slice(case.prepared.affine, z)
        np.testing.assert_allclose(mirrors[z], expected, rtol=1e-6, atol=1e-6)


def test_a_region_outside_the_brain_is_empty(client: TestClient, session: LiveSession) -> None:
    header, arrays = ask(client, session, number=1, slice=0, vertices=[[0, 0], [3, 0], [3, 3]])
    assert set(arrays) == {"region", "mirror"}
    assert len(arrays["region"]) == len(arrays["mirror"]) == 0
    assert header["fixed"]["region"]["ttp"] == {"voxels": 0, "mean": None, "sd": None, "median": None}


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"slice": 8}, "no such slice"),
        ({"slice": -1}, "no such slice"),
        ({"vertices": SQUARE[:2]}, "between 3 and 256"),
        ({"vertices": [[0, 0]] * (MAX_VERTICES + 1)}, "between 3 and 256"),
        ({"vertices": "abc"}, "between 3 and 256"),
        ({"vertices": {"0": 1}}, "between 3 and 256"),
        ({"vertices": [[0, 0], [1, 1], [2]]}, "Invalid request"),
        ({"vertices": [[0, 0], [1, 1], ["x", 0]]}, "Invalid request"),
        ({"vertices": [[0, 0], [1, 1], [float("nan"), 0]]}, "Invalid request"),
        ({"vertices": [[0, 0], [1, 1], [float("inf"), 0]]}, "Invalid request"),
        ({"vertices": [[0, 0], [1, 1], [1e300, 0]]}, "Invalid request"),
        ({"vertices": [[0, 0], [1, 1], [10**30, 0]]}, "Invalid request"),
        ({"vertices": [[[0]], [[1]], [[2]]]}, "Invalid request"),
        ({"vertices": [[0.123456789012345, 0.123456789012345]] * 1000}, "too long"),
        ({"number": None}, "Invalid request"),
    ],
)
def test_an_invalid_region_is_refused(
    client: TestClient, session: LiveSession, fields: dict[str, Any], part: str
) -> None:
    header, _ = ask(client, session, **{"number": 1, "slice": 4, "vertices": SQUARE, **fields})
    assert header["kind"] == "error"
    assert part in header["message"]
