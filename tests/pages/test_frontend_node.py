"""Unit tests of the browser's JavaScript, run by Node, some of them against values of the Python modules."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pages.live.server import wire
from pages.session.share_link import unpack_curve
from pages.ui.link_code import qr_rows
from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.aif.variants import VARIANTS, variant_curve
from perfcore.analysis.lesion_distribution import decisions
from perfcore.analysis.region import Region, polygon_mask, region_statistics
from perfcore.display.slice_layout import Layout
from perfcore.map_info import VoxelValues, computed_maps
from perfcore.maps import CORE_SLOPE, is_core, is_hypoperfused
from perfcore.preprocess.hemispheres import Midplane
from perfcore.stroke_figures import LARGE_CORE_ML, TARGET_RATIO
from perfcore.teaching.class_statistics import curve_band, spread_of
from perfcore.units import CBV_PER_RATIO
from tests.support.aif_quality_golden import golden_aif_quality
from tests.support.engine_golden import golden_engine
from tests.support.one_file_golden import golden_one_file

ROOT = Path(__file__).parents[2]
HANDLES: dict[str, float] = {
    "amplitude": 0.5, "shift_s": 3.5, "width": 1.4, "dispersion_s": 2.5, "tail": 0.2, "cut_s": 15.0,
    "baseline": 6.0, "smooth_s": 1.7,
}  # fmt: skip


def golden_edits() -> list[dict[str, Any]]:
    rng = np.random.default_rng(7)
    bolus = 200 * np.exp(-0.5 * ((np.arange(50) - 14.0) / 3) ** 2) + 20 / (1 + np.exp(14.0 - np.arange(50)))
    curves = [bolus, rng.normal(0, 50, 43), np.linspace(0, 9, 20), np.r_[3.0, 0.5 * np.arange(10.0), np.zeros(9)]]
    edits = [CurveEdit(), CurveEdit(**HANDLES), *(CurveEdit(**{name: value}) for name, value in HANDLES.items())]
    edits += [CurveEdit(width=0.4, shift_s=-7.3, tail=3.0, smooth_s=0.3), CurveEdit(dispersion_s=0.2, cut_s=0.0)]
    return [
        {
            "curve": curve.tolist(),
            "dt": dt_s,
            "edit": asdict(edit),
            "expected": edit_curve(curve, dt_s, edit).tolist(),
        }
        for curve, dt_s, edit in itertools.product(curves, (0.7, 1.0, 2.0), edits)
    ]


def golden_variants() -> list[dict[str, Any]]:
    start = 200 * np.exp(-0.5 * ((np.arange(50) - 14.0) / 3) ** 2) + 20 / (1 + np.exp(14.0 - np.arange(50)))
    vof = 0.9 * np.roll(start, 5)
    return [
        {"variant": asdict(info), "dt": dt_s, "start": start.tolist(), "vof": vof.tolist(),
         "expected": variant_curve(info, start, dt_s, vof).tolist()}
        for info in VARIANTS for dt_s in (0.7, 2.0)
    ]  # fmt: skip


def golden_layouts() -> list[dict[str, Any]]:
    nx, ny = 7, 5
    index = np.arange(nx * ny).reshape(nx, ny)
    found = []
    for swap, flip_x, flip_y in itertools.product((False, True), repeat=3):
        screen = Layout(swap, flip_x, flip_y).apply(index)
        rows, columns = screen.shape
        found.append({"swap": swap, "flipX": flip_x, "flipY": flip_y, "rows": rows, "columns": columns,
                      "nx": nx, "ny": ny, "screen": screen.tolist()})  # fmt: skip
    return found


def without_nan(values: Any) -> list[float | None]:
    """Return values as JSON has them: null in place of NaN."""
    return [None if np.isnan(value) else float(value) for value in np.ravel(values)]


def golden_wire(packed: Path) -> dict[str, Any]:
    """Return frames of each array type as bytes and as values, edits to pack, and the file for the packed ones."""
    rng = np.random.default_rng(11)
    frames: list[tuple[str, dict[str, Any], dict[str, np.ndarray]]] = [
        ("volume", {"seq": 7, "text": "λ ≤ 0.3", "nothing": None},
         {"cbf": rng.normal(size=13).astype(np.float32), "flags": rng.integers(0, 256, 5, np.uint8)}),
        ("stale", {"epoch": 2}, {}),
        ("case", {"grid": [3, 2, 1]},
         {"hu": rng.integers(-1024, 3072, 7, np.int16), "starts": np.array([0, 2**32 - 1], np.uint32),
          "gap": np.array([1.5, np.nan], np.float32), "none": np.zeros(0, np.uint32)}),
    ]  # fmt: skip
    frames.append(("static", {"z": 1}, {name: array for frame in frames for name, array in frame[2].items()}))
    sent = [
        *frames[:-1],
        (
            "static",
            {"z": 1},
            {  # the same arrays in byte planes
                name: wire.BytePlanes(array) if array.itemsize > 1 else array
                for name, array in frames[-1][2].items()
            },
        ),
    ]
    curves = [rng.normal(0, 100, n).astype(np.float32).tolist() for n in (2, 61)]
    return {
        "bytes": base64.b64encode(b"".join(wire.pack(*frame) for frame in sent)).decode(),
        "frames": [
            {"kind": kind, "header": header, "arrays": {
                name: {"type": array.dtype.name, "values": without_nan(array)} for name, array in arrays.items()}}
            for kind, header, arrays in frames
        ],
        "edits": [
            {"epoch": 3 + i, "seq": 2**31 + i, "flags": wire.FLAG_REST | (wire.FLAG_KEEP if i else 0),
             "slice": 5 * i, "curve": curve}
            for i, curve in enumerate(curves)
        ],
        "packed": str(packed),
    }  # fmt: skip


def assert_packed_by_the_browser(packed: Path, edits: list[dict[str, Any]]) -> None:
    found = json.loads(packed.read_text())
    assert len(found["edits"]) == len(found["curves"]) == len(edits)
    for sent, message, text in zip(edits, found["edits"], found["curves"], strict=True):
        edit = wire.unpack_edit(base64.b64decode(message))
        assert (edit.epoch, edit.sequence, edit.slice_index) == (sent["epoch"], sent["seq"], sent["slice"])
        assert edit.at_rest and not edit.all_slices
        assert edit.keep == bool(sent["flags"] & wire.FLAG_KEEP)
        assert edit.curve.tolist() == sent["curve"] == unpack_curve(text).tolist()


def golden_maps() -> dict[str, Any]:
    """Return CBF and Tmax of two AIFs on three slices, with perfcore's maps and lesions, and their difference."""
    rng = np.random.default_rng(5)
    n, aif_area = 400, 812.5
    area, ttp = rng.uniform(0.5, 60, n).astype(np.float32), rng.uniform(5, 30, n).astype(np.float32)
    threshold, tmax_limit_s = 0.38, 6.0
    flows: list[dict[str, Any]] = []
    for _ in range(2):
        cbf, tmax = rng.uniform(1, 60, n).astype(np.float32), rng.uniform(-1, 15, n).astype(np.float32)
        reference = float(cbf[cbf > 30].mean())
        cbf[:3] = threshold * reference, 0, -2  # at the threshold, and without a transit time
        tmax[0] = tmax_limit_s
        values = VoxelValues(
            torch.from_numpy(cbf), torch.from_numpy(tmax), reference, torch.from_numpy(area), aif_area,
            torch.from_numpy(ttp), threshold,
        )  # fmt: skip
        core, low = is_core(values.rcbf, threshold), is_hypoperfused(values.tmax, tmax_limit_s)
        assert 0 < core.sum() < n and 0 < low.sum() < n
        flows.append({
            "cbf": cbf.tolist(), "tmax": tmax.tolist(), "reference": reference,
            "core": core.int().tolist(), "hypoperfused": low.int().tolist(),
            "maps": {name: without_nan(compute(values)) for name, compute in computed_maps().items()},
        })  # fmt: skip
    difference = np.subtract(flows[1]["cbf"], flows[0]["cbf"])
    return {
        "flows": flows, "area": area.tolist(), "ttp": ttp.tolist(), "starts": [0, 130, 130, n],
        "aifArea": aif_area, "cbvPerRatio": CBV_PER_RATIO, "core": threshold, "tmaxLimit": tmax_limit_s,
        "slope": CORE_SLOPE,
        "difference": difference.tolist(), "quantile": float(np.quantile(np.abs(difference), 0.98)),
    }  # fmt: skip


def golden_regions() -> dict[str, Any]:
    """Return polygons with their mirrors and the pixels inside, and values with their statistics."""
    rng = np.random.default_rng(13)
    affine = np.array([[-2.0, 0.1, 0, 60], [0.1, 1.5, 0, -50], [0, 0.2, 5, -10], [0, 0, 0, 1]])
    normal = np.array([0.95, 0.25, 0.15])
    plane = Midplane(normal / np.linalg.norm(normal), 3.0, 1.0)
    images = [plane.mirror_in_slice(affine, z) for z in range(3)]
    regions = [Region(z, rng.uniform(-2, 22, (8, 2)).round(3)) for z in (0, 1, 2, 2)]
    lists = [rng.normal(3, 50, n).astype(np.float32) for n in (1, 2, 75, 400)]
    lists += [np.zeros(0), np.full(3, np.nan), np.r_[lists[2], np.nan]]
    return {
        "mirror": np.concatenate([np.ravel(image) for image in images if image is not None]).tolist(),
        "polygons": [
            {"slice": one.slice_index, "vertices": one.vertices.tolist(), "mirrored": there.vertices.tolist(),
             "inside": polygon_mask(one.vertices, (20, 17)).astype(int).tolist()}
            for one in regions if (there := one.mirrored(plane, affine)) is not None
        ],
        "statistics": [
            {"values": without_nan(values), "voxels": found.n_voxels,
             **dict(zip(("mean", "sd", "median"), without_nan([found.mean, found.sd, found.median]), strict=True))}
            for values in lists for found in [region_statistics(values)]
        ],
    }  # fmt: skip


def golden_classroom() -> dict[str, Any]:
    """Return spreads, bands and decisions of random answers, and a QR code."""
    rng = np.random.default_rng(17)
    lists = [rng.gamma(2, 20, n) for n in (1, 2, 3, 30, 299)] + [np.full(5, 44.0), np.array([-3.0, 1.0])]
    bands = [rng.normal(50, 30, (n, 7)) for n in (1, 2, 3, 30)]
    core, low = rng.uniform(0, 120, 60), rng.uniform(0, 220, 60)
    core[:3], low[:3] = (70, 10, 0), (126, 18, 0)  # at the limits, and without a lesion
    found, pairs = decisions(core, low), zip(core.tolist(), low.tolist(), strict=True)
    return {
        "spreads": [{"values": values.tolist(), "spread": asdict(spread_of(values.tolist()))} for values in lists],
        "bands": [
            {"curves": curves.tolist(), "band": [line.tolist() for line in curve_band(list(curves))]}
            for curves in bands
        ],
        "decisions": {
            "all": [{"core_ml": a, "hypoperfused_ml": b} for a, b in pairs],
            "limits": {"largeCoreMl": LARGE_CORE_ML, "targetRatio": TARGET_RATIO},
            "smallCore": int((~found["large_core"]).sum()), "ratio": int(found["ratio"].sum()),
        },
        "qr": list(qr_rows("http://192.168.1.20:8501/join?room=ABC234#k=0123456789abcdefABCDEF")),
    }  # fmt: skip


def test_node_runs_the_unit_tests_of_the_frontend(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("Node is not on this machine; install it (Debian: apt-get install nodejs).")
        pytest.skip("Node is not on this machine.")
    golden, packed = tmp_path / "golden.json", tmp_path / "packed.json"
    frames = golden_wire(packed)
    values = {"edits": golden_edits(), "variants": golden_variants(), "layouts": golden_layouts(),
              "wire": frames, "maps": golden_maps(), "regions": golden_regions(),
              "engine": golden_engine(tmp_path), "oneFile": golden_one_file(),
              "classroom": golden_classroom(),
              "aifQuality": golden_aif_quality()}  # fmt: skip
    golden.write_text(json.dumps(values, allow_nan=False))
    files = sorted(str(path) for path in (ROOT / "pages").glob("*/frontend/test/*.test.js"))
    assert files
    run = subprocess.run(
        [node, "--test", "--test-reporter=tap", *files],
        check=False, cwd=ROOT,
        env={**os.environ, "AIF_LAB_GOLDEN": str(golden)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    counts = dict(re.findall(r"^# (pass|fail|skipped) (\d+)$", run.stdout, re.MULTILINE))
    assert int(counts["pass"]) > 100 and counts["fail"] == counts["skipped"] == "0", run.stdout
    assert_packed_by_the_browser(packed, frames["edits"])
