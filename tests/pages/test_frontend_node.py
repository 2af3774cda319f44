"""Unit tests of the browser's JavaScript, run by Node, some of them against values of the Python modules."""

from __future__ import annotations

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

from pages.live.compute.display_layout import Layout
from pages.live.compute.preview_grid import PreviewGrid
from perfcore.aif.edits import CurveEdit, edit_curve

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


def golden_grid() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    columns, rows, slices = 9, 7, 2
    voxels = np.argwhere(rng.random((columns, rows, slices)) < 0.7)
    voxels = voxels[np.argsort(voxels[:, 2], kind="stable")]
    grid = PreviewGrid.of(voxels, (columns, rows, slices))
    values = rng.normal(size=int(grid.kept.sum())).astype(np.float32)
    return {
        "kept": grid.kept.astype(int).tolist(), "starts": np.searchsorted(voxels[:, 2], [0, 1, 2]).tolist(),
        "pixel": (voxels @ [1, columns, 0]).tolist(), "values": values.tolist(), "rows": rows, "columns": columns,
        "expected": grid.interpolate(values).tolist(),
    }  # fmt: skip


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


def test_node_runs_the_unit_tests_of_the_frontend(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("Node is not on this machine; install it (Debian: apt-get install nodejs).")
        pytest.skip("Node is not on this machine.")
    golden = tmp_path / "golden.json"
    golden.write_text(json.dumps({"edits": golden_edits(), "grid": golden_grid(), "layouts": golden_layouts()}))
    files = sorted(str(path) for path in (ROOT / "pages").glob("*/frontend/test/*.test.js"))
    assert files
    run = subprocess.run(
        [node, "--test", "--test-reporter=tap", *files],
        check=False, cwd=ROOT,
        env={**os.environ, "AIF_LAB_GOLDEN": str(golden)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    counts = dict(re.findall(r"^# (pass|fail|skipped) (\d+)$", run.stdout, re.MULTILINE))
    assert int(counts["pass"]) > 20 and counts["fail"] == counts["skipped"] == "0", run.stdout
