"""Cases of the inputs: which path is a case, and what it is called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perfcore.batch.inputs import InputCase, list_cases
from perfcore.io.dicom.studies import study_folders
from tests.support import dicom_export
from tests.support.dicom_export import export, save, zipped
from tests.support.tiny_cohort import save_nifti


def names(*inputs: Path, **options: tuple[str, ...]) -> list[str]:
    return [case.name for case in list_cases(inputs, **options)]


def nifti(path: Path) -> Path:
    save_nifti(np.zeros((2, 2, 1, 12), np.int16), np.eye(4), path, 1.0)
    return path


def small_export(**fields: object) -> dict[str, bytes]:
    return export(dicom_export.bolus(2, 1, 4), **fields)


def test_an_isles_2018_root_is_its_cases(tmp_path: Path) -> None:
    for part, numbers in (("TRAINING", (1, 2, 10)), ("TESTING", (1,))):
        for k in numbers:
            nifti(tmp_path / part / f"case_{k}" / "SMIR.Brain.XX.O.CT_4DPWI.1" / "SMIR.Brain.XX.O.CT_4DPWI.1.nii")
    assert names(tmp_path) == ["case_1", "case_2", "case_10", "testing_case_1"]
    assert list_cases([tmp_path])[2] == InputCase("case_10", tmp_path / "TRAINING" / "case_10")
    assert names(tmp_path / "TRAINING" / "case_2") == ["case_2"]


def test_an_isles_2024_root_is_its_subjects(tmp_path: Path) -> None:
    for k in (1, 2):
        subject = f"sub-stroke000{k}"
        nifti(tmp_path / "raw_data" / subject / "ses-01" / f"{subject}_ses-01_ctp.nii.gz")
    assert names(tmp_path) == ["sub-stroke0001", "sub-stroke0002"]


def test_inputs_of_one_name_are_numbered(tmp_path: Path) -> None:
    paths = [nifti(tmp_path / place / name) for place, name in
             [("a", "scan.nii"), ("b", "scan.nii.gz"), ("c", "SCAN.nii"), ("d", "scan (2).nii")]]  # fmt: skip
    assert names(*paths) == ["scan", "scan (2)", "SCAN (3)", "scan (2) (2)"]
    assert names(paths[0], taken=("Scan",)) == ["scan (2)"]


def test_a_folder_that_holds_one_case_is_called_as_the_folder(tmp_path: Path) -> None:
    nifti(tmp_path / "patient 7" / "ctp.nii.gz")
    assert names(tmp_path / "patient 7") == ["patient 7"]


def test_an_input_that_cannot_be_read_stays_a_case(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    given = [tmp_path / "none.nii", tmp_path / "empty", tmp_path / "..nii"]
    assert list_cases(given) == [
        InputCase("none", given[0]), InputCase("empty", given[1]), InputCase("case", given[2]),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["cases.csv.nii", "Cases.CSV"])
def test_no_case_is_called_as_the_table(tmp_path: Path, name: str) -> None:
    assert names(tmp_path / name, taken=("cases.csv",))[0].casefold() == "cases.csv (2)"


# DICOM studies


def test_subfolders_and_archives_of_different_studies_are_cases(tmp_path: Path) -> None:
    save(small_export(StudyInstanceUID="1.2.1"), tmp_path / "b")
    save(small_export(StudyInstanceUID="1.2.2"), tmp_path / "a")
    (tmp_path / "c.zip").write_bytes(zipped(small_export(StudyInstanceUID="1.2.3")))
    (tmp_path / "broken.ZIP").write_bytes(b"PK rubbish")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("no DICOM")
    (tmp_path / "readme.txt").write_text("no DICOM")
    assert study_folders(tmp_path) == [tmp_path / name for name in ("a", "b", "broken.ZIP", "c.zip")]
    assert names(tmp_path) == ["a", "b", "broken", "c"]


def test_the_same_study_identifier_of_two_patients_is_two_studies(tmp_path: Path) -> None:
    for patient in ("p1", "p2"):
        save(small_export(StudyInstanceUID="", PatientID=patient), tmp_path / patient)
    assert names(tmp_path) == ["p1", "p2"]


def test_places_without_any_identifier_are_studies(tmp_path: Path) -> None:
    for place in ("a", "b"):
        save(
            small_export(StudyInstanceUID=None, PatientID=None, PatientName=None, PatientBirthDate=None),
            tmp_path / place,
        )
    assert names(tmp_path) == ["a", "b"]
    assert names(tmp_path / "a") == ["a"]


def test_series_of_one_study_in_subfolders_are_one_case(tmp_path: Path) -> None:
    for series in ("1.5.1", "1.5.2"):
        save(small_export(StudyInstanceUID="1.2.1", SeriesInstanceUID=series), tmp_path / "study" / series)
    assert study_folders(tmp_path / "study") == []
    assert names(tmp_path / "study") == ["study"]


def test_files_that_lie_in_the_folder_itself_make_it_one_case(tmp_path: Path) -> None:
    for study in ("1.2.1", "1.2.2"):
        save(small_export(StudyInstanceUID=study), tmp_path / study)
    assert len(study_folders(tmp_path)) == 2
    name, content = next(iter(small_export(StudyInstanceUID="1.2.3").items()))
    (tmp_path / Path(name).name).write_bytes(content)
    assert study_folders(tmp_path) == []
