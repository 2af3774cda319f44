"""`page`: one file, refusals before the work, no output of a run that fails, nothing of a patient in it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from perfcore.cli import app, page
from perfcore.io.aif_csv import aif_csv_text
from perfcore.io.load import load_series
from perfcore.pipeline import analyse
from perfcore.types import Aif
from tests.perfcore.dicom_export.conftest import head_files
from tests.support.dicom_export import NAME, SERIES, save
from tests.support.one_file import PageReader
from tests.support.wire_frames import read

MARKS = {"PatientName": f"{NAME}^Erika", "PatientID": NAME, "StudyDescription": NAME, "InstitutionName": NAME}


def run(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(head_files(**MARKS), tmp_path_factory.mktemp("data") / f"{NAME} study")


@pytest.fixture(scope="module")
def written(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "new" / "page.html"
    done = run("page", study, "--out", out, "--title", "My case", "--text", "First.\n\nSecond.")
    assert done.exit_code == 0, done.output
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]
    return out


def test_nothing_of_a_patient_is_in_the_file(written: Path, study: Path) -> None:
    reader = PageReader(written.read_bytes())
    everything = (written.read_bytes() + reader.everything()).lower()
    for word in (NAME, "Erika", SERIES, study.parent.name, Path.home().name + "/"):
        assert word.lower().encode() not in everything, word


def test_numbers_are_those_of_maps(written: Path, study: Path) -> None:
    expected = analyse(load_series(study))
    reader = PageReader(written.read_bytes())
    header, arrays = read(reader.frames()["case"])
    np.testing.assert_allclose(arrays["start"], expected.aif.value, rtol=1e-6)
    assert header["startNumbers"]["core_ml"] == pytest.approx(expected.numbers.core_ml, abs=1e-9)
    assert header["startNumbers"]["hypoperfused_ml"] == pytest.approx(expected.numbers.hypoperfused_ml, abs=1e-9)
    assert (reader.page["title"], reader.page["text"]) == ("My case", "First.\n\nSecond.")


def test_a_curve_and_a_text_are_read_from_files(study: Path, tmp_path: Path) -> None:
    series = load_series(study)
    curve = analyse(series).aif
    (tmp_path / "aif.csv").write_text(aif_csv_text(Aif(curve.time_s, 0.5 * curve.value)))
    (tmp_path / "text.txt").write_bytes("\ufeffÜber <b>".encode())
    options = ["--aif", tmp_path / "aif.csv", "--text", f"@{tmp_path / 'text.txt'}"]
    done = run("page", study, "--out", tmp_path / "page.html", *options)
    assert done.exit_code == 0, done.output
    reader = PageReader((tmp_path / "page.html").read_bytes())
    header, arrays = read(reader.frames()["case"])
    np.testing.assert_allclose(arrays["start"], 0.5 * curve.value, rtol=1e-4, atol=1e-3)
    assert header["aifVoxels"] == []
    assert reader.page["text"] == "Über <b>"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--regularization", "oscillation"], "--regularization tikhonov"),
        (["--regularization", "tsvd", "--deconvolution", "causal"], "--deconvolution circulant"),
        (["--lesson", "nothing"], "lesson must be one of"),
        (["--title", "x" * 121], "at most 120"),
        (["--text", "@missing.txt"], "The file of the text cannot be read"),
        (["--report"], "No such option"),
    ],
)
def test_refused_before_the_work_without_output(
    options: list[str], sentence: str, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_args: object, **_options: object) -> NoReturn:
        raise AssertionError("the work was begun")

    monkeypatch.setattr("pages.one_file.command.load_series", never)
    done = run("page", study, "--out", tmp_path / "page.html", *options)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not [*tmp_path.iterdir()]


def test_a_run_that_fails_leaves_the_earlier_file(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    out.write_text("earlier")
    (tmp_path / "rubbish.nii").write_bytes(b"rubbish")
    done = run("page", tmp_path / "rubbish.nii", "--out", out)
    assert done.exit_code == 2
    assert out.read_text() == "earlier"
    assert {path.name for path in tmp_path.iterdir()} == {"page.html", "rubbish.nii"}


@pytest.mark.parametrize("missing", ["pages_of_nobody.one_file", "tests.one_file"])
def test_without_the_dashboard_the_remedy_is_named(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "DASHBOARD", missing)
    done = run("page", tmp_path, "--out", tmp_path / "page.html")
    assert done.exit_code == 2
    assert "in the folder of the repository" in done.stderr
