"""Maps of many cases: their folders and table, refused cases, workers that die, interrupted runs, a cluster."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from perfcore.batch import case as one_case
from perfcore.batch import run as many
from perfcore.batch.case import CaseOptions
from perfcore.batch.inputs import list_cases
from perfcore.batch.run import KILLED, map_cases
from perfcore.batch.table import CASES_FILE, CaseOutcome, columns
from perfcore.cli import app
from perfcore.metric_info import METRICS
from perfcore.results import file_names
from perfcore.runtime import jobs
from tests import ROOT
from tests.support import batch_work
from tests.support.tiny_cohort import tiny_head, write_series, write_tiny_cohort

FILES = set(file_names())


def maps(*args: object) -> Result:
    return CliRunner().invoke(app, ["maps", *(str(arg) for arg in args)])


def table(out: Path) -> list[dict[str, str]]:
    with (out / CASES_FILE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cases, the second of which is refused."""
    folder = write_tiny_cohort(tmp_path_factory.mktemp("data") / "cohort", 3, truth=False)
    (series,) = (folder / "TRAINING" / "case_2").glob("*CT_4DPWI*/*.nii")
    series.write_bytes(series.read_bytes()[:1000])
    return folder


@pytest.fixture(scope="module")
def written(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("written") / "new" / "out"
    return out, maps(root, "--out", out, "--core-threshold", 0.35)


def test_a_root_is_written_case_by_case_with_a_table(written: tuple[Path, Result]) -> None:
    out, result = written
    assert entries(out) == {"case_1", "case_3", CASES_FILE}
    assert entries(out.parent) == {out.name}
    assert [row["case"] for row in table(out)] == ["case_1", "case_2", "case_3"]
    assert result.stdout == "Wrote the maps of 2 of 3 cases.\n"
    for row in (table(out)[0], table(out)[2]):
        assert entries(out / row["case"]) <= FILES
        summary = json.loads((out / row["case"] / "summary.json").read_text(encoding="utf-8"))
        assert summary["case"] == row["case"]
        assert summary["settings"]["core_threshold"] == 0.35
        for name in ("core_ml", "hypoperfused_ml", "mismatch_ml", "dice", "auc", "reference_cbf", "lesion_ml"):
            assert float(row[name]) == pytest.approx(summary[name], rel=1e-5)
        for level, volume in summary["tmax_volumes_ml"].items():
            assert float(row[f"tmax_{level}_ml"]) == pytest.approx(volume, rel=1e-5)
        assert row["side"] == (summary["side"] or "")
        assert row["target_mismatch"] == str(summary["target_mismatch"])
        assert row["quality"].split() == summary["quality_codes"]
        assert row["problem"] == ""


def test_a_refused_case_is_named_with_its_reason(written: tuple[Path, Result]) -> None:
    out, result = written
    refused = table(out)[1]
    assert refused["problem"].endswith(".")
    assert {name for name, cell in refused.items() if cell} == {"case", "problem"}
    assert result.exit_code == 2
    assert result.stderr == f"Error: case_2: {refused['problem']}\n"


def test_every_case_has_the_files_of_a_run_of_its_own(
    root: Path, written: tuple[Path, Result], tmp_path: Path
) -> None:
    single = maps(root / "TRAINING" / "case_3", "--out", tmp_path, "--core-threshold", 0.35)
    assert single.exit_code == 0, single.stderr
    for name in entries(tmp_path) - {"summary.json"}:
        assert (tmp_path / name).read_bytes() == (written[0] / "case_3" / name).read_bytes(), name


def test_several_inputs_and_a_second_run_into_the_same_folder(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # in this process, which is sooner
    write_series(tiny_head(1), tmp_path / "other" / "case_1")
    given = (root / "TRAINING" / "case_1", tmp_path / "other" / "case_1")
    out = tmp_path / "out"
    (out / "case_1").mkdir(parents=True)
    (out / "case_1" / "notes.txt").write_text("kept")
    result = maps(*given, "--out", out)
    assert (result.exit_code, result.stderr) == (0, "")
    assert entries(out) == {"case_1", "case_1 (2)", CASES_FILE}
    assert "notes.txt" in entries(out / "case_1")
    assert maps(*given, "--out", out, "--aif", "none.csv").exit_code == 2
    assert entries(out / "case_1 (2)") <= FILES
    assert {row["problem"] for row in table(out)} == {
        "The AIF file does not exist at the path given; check the path."
    }


def test_columns_are_the_figures_of_the_registry() -> None:
    assert {"core_ml", "hypoperfused_ml", "target_mismatch", "side"} < set(columns())
    assert len(set(columns())) == len(columns())
    ours = {"case", "problem", "tmax_shift_s", "aif", "dt_s", "n_time", "quality"}
    assert set(columns()) - set(METRICS) == ours


def test_the_table_grows_with_every_case(root: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int, list[str]]] = []

    def look(done: int, total: int) -> None:
        seen.append((done, total, [row["case"] for row in table(tmp_path)]))

    map_cases(list_cases([root]), tmp_path, CaseOptions(device="cpu"), workers=1, progress=look)
    assert seen == [(k, 3, ["case_1", "case_2", "case_3"][:k]) for k in (1, 2, 3)]


def test_the_folder_is_there_before_any_case_runs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    real = many.run_job

    def run_job(job: many.CaseJob) -> CaseOutcome:
        seen.append((tmp_path / "new" / "out").is_dir())
        return real(job)

    monkeypatch.setattr(many, "run_job", run_job)
    refused = list_cases([root])[1:2]
    map_cases(refused, tmp_path / "new" / "out", CaseOptions(device="cpu"), workers=1)
    assert seen == [True]
    assert entries(tmp_path / "new" / "out") == {CASES_FILE}


def test_a_fault_in_one_case_does_not_stop_the_others(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = one_case._analyse

    def analyse(series: object, *args: object) -> object:
        if series.case == "case_1":  # type: ignore[attr-defined]
            return {}["Erika Mustermann"]
        return real(series, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(one_case, "_analyse", analyse)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # in this process, where the fault is
    result = maps(root, "--out", tmp_path)
    assert result.exit_code == 1
    assert entries(tmp_path) == {"case_3", CASES_FILE}
    assert table(tmp_path)[0]["problem"].startswith("An internal error (KeyError in test_run.py, line ")
    assert "Mustermann" not in result.stderr + (tmp_path / CASES_FILE).read_text()


def test_a_killed_worker_costs_its_case_alone(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "run_job", batch_work.killed_on_second)
    outcomes = map_cases(list_cases([root])[:2], tmp_path, CaseOptions(device="cpu"), workers=2)
    assert [outcome.problem for outcome in outcomes] == [None, KILLED]
    assert entries(tmp_path) == {"case_1", CASES_FILE}
    assert [row["problem"] for row in table(tmp_path)] == ["", KILLED]


def test_an_interrupted_run_keeps_complete_cases_alone(
    root: Path, written: tuple[Path, Result], tmp_path: Path
) -> None:
    code = (
        "import signal; from perfcore.batch import run; from perfcore.cli import main\n"
        "from tests.support import batch_work\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # not ignored, as a background job has it
        "run.run_job = batch_work.stalls_on_second\n"
        "main()"
    )
    out = tmp_path / "out"
    command = [sys.executable, "-c", code, "maps", str(root), "--out", str(out)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stdout.readline() == "writing\n"
        assert list(out.glob(".unfinished-*"))
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "Traceback" not in errors
    done = entries(out) - {CASES_FILE}
    assert {"case_1"} <= done <= {"case_1", "case_3"}
    assert entries(tmp_path) == {"out"}
    assert all(entries(out / name) == entries(written[0] / name) for name in done)


def test_a_cluster_writes_the_same(root: Path, written: tuple[Path, Result], tmp_path: Path, cluster: str) -> None:
    result = maps(root, "--out", tmp_path / "out", "--core-threshold", 0.35, "--scheduler", cluster)
    assert result.exit_code == 2
    for local, spread in zip(table(written[0]), table(tmp_path / "out"), strict=True):
        assert spread | {"seconds": ""} == local | {"seconds": ""}


def test_no_scheduler_no_output(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SCHEDULER_TIMEOUT_S", 1)
    for inputs, part in [
        ((root,), "No Dask scheduler answers"),
        ((root / "TRAINING" / "case_1",), "several cases"),
    ]:
        result = maps(*inputs, "--out", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1")
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert part in result.stderr
        assert not (tmp_path / "out").exists()
