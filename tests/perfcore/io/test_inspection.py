"""Tests of the inspection of inputs: rows, what would be read, and that voxels are not read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from perfcore.cli import app
from perfcore.errors import InputDataError
from perfcore.io.dicom import duplicates
from perfcore.io.inspection import inspect_input
from tests.perfcore.io.datasets.test_case_folders import save as save_nifti
from tests.perfcore.io.dicom.test_series_choice import another, by_phase, merged
from tests.support.dicom_export import DT, N_SLICES, N_TIME, NAME, SIDE, bolus, export, save

VOXELS = bolus(12, 2, 8).transpose(3, 2, 1, 0).astype(np.int16)


def nifti(path: Path, dt: float, data: np.ndarray = VOXELS) -> Path:
    save_nifti(data, path, dt)
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["inspect", *map(str, args)])


def exported(folder: Path) -> Path:
    """A scan in two series, a short scan, a scout, and a file of another format."""
    scout = another(bolus(1, 1), "8", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    return save(merged(export(SeriesInstanceUID=by_phase), another(bolus(3)), scout, {"a.txt": b"text"}), folder)


def test_dicom_series_are_listed_with_what_would_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(duplicates, "read_pixels")
    found = inspect_input(exported(tmp_path / NAME))
    assert (found.format, found.chosen, found.refusal) == ("dicom", 1, None)
    scan, short = found.series
    assert (scan.number, scan.kind, scan.frames, scan.slices) == (1, "CT time series", N_TIME, N_SLICES)
    assert (scan.shape, scan.dt_s, scan.time_source) == ((SIDE, SIDE, N_SLICES), DT, "acquisition time")
    assert scan.spacing_mm == pytest.approx((0.8, 0.9, 5))
    assert (scan.files, scan.joined, scan.patient, scan.study) == (N_TIME * N_SLICES, 2, 1, 1)
    assert scan.is_usable
    assert short.reason == "The DICOM series has 3 frames; expected 10 or more, so give the whole series."
    assert [(one.kind, one.count) for one in found.left_out] == [("no DICOM", 1), ("localizer", 1)]


def test_several_patients_are_told_apart_without_a_name(tmp_path: Path) -> None:
    folder = save(merged(export(PatientID="first"), another(PatientID="second")), tmp_path)
    found = inspect_input(folder)
    assert [row.patient for row in found.series] == [1, 2]
    assert found.chosen is None
    assert found.refusal is not None
    assert "of 2 patients" in found.refusal
    result = run(folder)
    assert result.exit_code == 0
    assert "patient" in result.stdout
    assert "None would be read: The DICOM files hold series of 2 patients" in result.stdout


def test_a_nifti_series_is_listed_with_the_source_of_its_step(tmp_path: Path) -> None:
    found = inspect_input(nifti(tmp_path / "a.nii", 1.5))
    (row,) = found.series
    assert (row.kind, row.shape, row.frames, row.slices) == ("NIfTI", (8, 8, 2), 12, 2)
    assert (row.dt_s, row.time_source, found.chosen) == (1.5, "header", 1)
    (tmp_path / "b.json").write_text('{"RepetitionTime": 2}')
    sidecar = inspect_input(nifti(tmp_path / "b.nii", 0)).series[0]
    assert sidecar == replace(row, dt_s=2, time_source="sidecar RepetitionTime")
    name = "SMIR.Brain.XX.O.CT_4DPWI.1"
    nifti(tmp_path / "case_7" / name / f"{name}.nii", 0)
    case = inspect_input(tmp_path / "case_7").series[0]
    assert case == replace(row, case="case_7", dt_s=1, time_source="default")


def test_cases_of_a_folder_are_listed_and_a_bad_one_says_why(tmp_path: Path) -> None:
    nifti(tmp_path / f"{NAME}.nii", 1.5)
    nifti(tmp_path / "short.nii", 1.5, VOXELS[..., :9])
    found = inspect_input(tmp_path)
    assert [(row.case, row.is_usable) for row in found.series] == [("", True), ("", False)]
    assert found.series[1].reason == "The series has 9 frames; expected 10 or more, so give the whole series."
    assert (found.chosen, found.refusal) == (None, None)


@pytest.mark.parametrize("name", ["none", "none.nii", "none.zip", "empty", "rubbish.nii"])
def test_inputs_without_a_series_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "rubbish.nii").write_bytes(b"rubbish")
    with pytest.raises(InputDataError):
        inspect_input(tmp_path / name)
    result = run(tmp_path / name)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_the_command_prints_a_table_and_json_without_names(tmp_path: Path) -> None:
    folder = exported(tmp_path / NAME)
    table, as_json = run(folder), run(folder, "--json")
    assert (table.exit_code, as_json.exit_code) == (0, 0)
    for word in ("frames", "slices", "step, s", "1.5", "(2 series joined)", "expected 10 or more"):
        assert word in table.stdout
    assert table.stdout.endswith("Series 1 would be read.\n")
    loaded = json.loads(as_json.stdout)
    assert loaded == json.loads(json.dumps(inspect_input(folder).as_dict()))
    assert [row["usable"] for row in loaded["series"]] == [True, False]
    for text in (table.stdout, as_json.stdout):
        assert NAME not in text
        assert "a.txt" not in text


def test_an_export_of_unusable_series_is_listed_with_status_2(tmp_path: Path) -> None:
    result = run(save(export(bolus(9)), tmp_path))
    assert result.exit_code == 2
    assert "has 9 frames" in result.stdout
