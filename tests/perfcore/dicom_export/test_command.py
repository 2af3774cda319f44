"""`maps --dicom-out`: files, refusals before the work, and no output of a run that fails."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from highdicom.seg import segread
from typer.testing import CliRunner, Result

from perfcore import results
from perfcore.batch import case as command
from perfcore.cli import app
from perfcore.dicom_export.objects import SEGMENTATION, file_names
from perfcore.errors import OutputError
from tests import ROOT
from tests.perfcore.dicom_export.conftest import head_files
from tests.support import oracle
from tests.support.dicom_export import NAME, SERIES, save
from tests.support.synthetic_head import draw_head
from tests.support.tiny_cohort import write_series


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(head_files(), tmp_path_factory.mktemp("study"))


def run(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def never(*_args: object, **_options: object) -> NoReturn:
    raise AssertionError("the work was begun")


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")} if folder.exists() else set()


def test_objects_are_written_beside_the_maps(tmp_path: Path) -> None:
    """In a process of its own, where nothing captures warnings of a name in one part, which quote it."""
    save(head_files(PatientName=NAME), tmp_path / "study")
    command_line = ["maps", "study", "--out", "maps", "--dicom-out", "new/dicom"]
    done = subprocess.run(
        [sys.executable, "-W", "always", "-m", "perfcore", *command_line],
        capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=100,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    out, dicom = tmp_path / "maps", tmp_path / "new" / "dicom"
    assert names_in(dicom) == set(file_names())
    assert names_in(out) <= set(results.file_names())
    assert done.stderr == ""
    text = (out / "summary.json").read_text()
    assert not [word for word in (NAME, SERIES) if word in done.stdout + text]
    lesions, summary = segread(dicom / f"{SEGMENTATION}.dcm"), json.loads(text)
    for number, name in ((1, "core_ml"), (2, "hypoperfused_ml")):
        volume = lesions.get_volume(segment_numbers=[number])
        assert volume.array.sum() * volume.voxel_volume / 1000 == pytest.approx(summary[name], rel=1e-9)
        assert summary[name] > 1


def test_off_by_default(study: Path, tmp_path: Path) -> None:
    assert run("maps", study, "--out", tmp_path / "maps").exit_code == 0
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".dcm"]


@pytest.mark.parametrize("places", [("same", "same"), ("a", "a/b"), ("a/b", "a")])
def test_folders_that_hold_each_other(study: Path, tmp_path: Path, places: tuple[str, str]) -> None:
    out, dicom = (tmp_path / place for place in places)
    assert run("maps", study, "--out", out, "--dicom-out", dicom).exit_code == 0
    assert (out / "summary.json").exists()
    assert all((dicom / name).exists() for name in file_names())
    assert not list(tmp_path.rglob(".*"))


def test_other_input_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_analyse", never)
    write_series(draw_head(48, 1, 40), tmp_path / "case")
    result = run("maps", tmp_path / "case", "--out", tmp_path / "maps", "--dicom-out", tmp_path / "dicom")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: --dicom-out needs DICOM input")
    assert result.stderr.count("\n") == 1
    assert names_in(tmp_path / "maps") | names_in(tmp_path / "dicom") == set()


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_analyse", never)
    (tmp_path / "dicom").write_text("a file")
    result = run("maps", study, "--out", tmp_path / "maps", "--dicom-out", tmp_path / "dicom")
    assert result.exit_code == 2
    assert "a file is in its place" in result.stderr
    assert not (tmp_path / "maps").exists()


def test_a_source_without_a_study_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_analyse", never)
    anonymous = save(head_files(StudyInstanceUID=None), tmp_path / "study")
    result = run("maps", anonymous, "--out", tmp_path / "maps", "--dicom-out", tmp_path / "dicom")
    assert result.exit_code == 2
    assert "no valid UIDs" in result.stderr
    assert names_in(tmp_path / "maps") | names_in(tmp_path / "dicom") == set()


def test_a_full_disk_leaves_nothing(study: Path, tmp_path: Path) -> None:
    """The first DICOM object does not fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 10, hard))
    try:
        result = run("maps", study, "--out", tmp_path / "maps", "--dicom-out", tmp_path / "dicom")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 2
    assert "cannot be written (File too large)" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_nothing(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The objects are complete when the maps cannot be written; neither appears."""

    def full(*_args: object, **_options: object) -> NoReturn:
        raise OutputError("The disk is full.")

    monkeypatch.setattr(results, "write_results", full)
    result = run("maps", study, "--out", tmp_path / "maps", "--dicom-out", tmp_path / "dicom" / "deep")
    assert result.exit_code == 2
    assert result.stderr == "Error: The disk is full.\n"
    assert list(tmp_path.iterdir()) == []
