"""The benchmark's file: what others script against, here and from a worker of a real cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from perfcore import benchmark
from perfcore.benchmark import MAX_REPEATS, MAX_VOXELS, Plan
from perfcore.cli import app
from perfcore.errors import ArgumentError
from perfcore.runtime import jobs

WAYS = [
    "autograd_svd_circulant_forward_backward", "plain_forward", "plain_forward_backward", "fused_forward",
    "fused_forward_backward", "basis32_forward", "oscillation_forward", "memory_pass",
    "busy_plain_forward", "busy_fused_forward",
]  # fmt: skip
SMALL = ["--voxels", "300", "--repeats", "2", "--device", "cpu"]


def command(*args: object) -> Result:
    return CliRunner().invoke(app, ["benchmark", *(str(arg) for arg in args)])


def check(result: dict[str, Any]) -> None:
    assert list(result) == ["machine", "size", "median_ms", "ratios", "errors", "extra_memory_mb"]
    assert {"cores", "threads", "torch"} <= set(result["machine"])
    assert result["machine"]["torch"] == torch.__version__
    assert (result["size"]["voxels"], result["size"]["n_time"]) == (300, 60)
    median = result["median_ms"]
    assert sorted(median) == sorted(WAYS)
    assert all(value > 0 for value in median.values())
    assert "fused_forward/plain_forward" in result["ratios"]
    for name, ratio in result["ratios"].items():
        way, other = name.split("/")
        assert ratio == pytest.approx(median[way] / median[other], rel=0.02, abs=1e-4)
    assert set(result["errors"]) == {"basis32_mean_relative", "float32_relative"}
    assert result["errors"]["float32_relative"] < 1e-5


def test_output_follows_the_schema(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder" / "benchmark.json"
    result = command("--out", out, *SMALL)
    assert (result.exit_code, result.stderr) == (0, "")
    check(json.loads(out.read_text(encoding="utf-8")))
    assert list(out.parent.iterdir()) == [out]
    assert all(way in result.stdout for way in WAYS)


def test_benchmark_on_a_dask_worker(tmp_path: Path, cluster: str) -> None:
    out = tmp_path / "benchmark.json"
    result = command("--out", out, *SMALL, "--scheduler", cluster)
    assert result.exit_code == 0, result.output
    measured = json.loads(out.read_text(encoding="utf-8"))
    check(measured)
    assert measured["machine"]["threads"] == 1  # as that worker was started


def test_missing_scheduler_is_a_one_line_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SCHEDULER_TIMEOUT_S", 1)
    result = command("--out", tmp_path / "new" / "b.json", *SMALL, "--scheduler", "tcp://127.0.0.1:1")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: No Dask scheduler answers at 'tcp://127.0.0.1:1'")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["{folder}", "{file}/b.json", "/proc/none/b.json"])
def test_unwritable_output_is_an_error_before_any_measurement(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "run", lambda *_: pytest.fail("it is measured"))
    (tmp_path / "file").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    result = command("--out", out.format(folder=tmp_path, file=tmp_path / "file"), *SMALL)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: The output f")
    assert result.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("name", "most"), [("voxels", MAX_VOXELS), ("repeats", MAX_REPEATS)])
def test_sizes_out_of_range_raise(name: str, most: int, tmp_path: Path) -> None:
    for value in (0, -1, most + 1):
        result = command("--out", tmp_path / "b.json", f"--{name}", value)
        assert result.exit_code == 2
        assert result.stderr == f"Error: {name} must lie between 1 and {most}; got {value}.\n"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ArgumentError):
        Plan(repeats=0)
