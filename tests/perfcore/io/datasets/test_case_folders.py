"""Tests of case listing (ISLES 2018, folders of NIfTI files) and of load_series."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.datasets.case_folders import N_TRAINING_CASES, find_cases, patient_of
from perfcore.io.load import load_series

GRID = (6, 5, 2)
SERIES = np.random.default_rng(0).integers(0, 90, (*GRID, 12)).astype(np.int16)
LESION = (SERIES[..., 0] > 60).astype(np.uint8)
MODALITIES = ("CT", "CT_4DPWI", "CT_CBF", "CT_CBV", "CT_MTT", "CT_Tmax", "OT")


def save(data: np.ndarray, path: Path, dt: float = 1.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = nib.Nifti1Image(data, np.diag([0.9, 0.9, 5, 1]))
    made.header.set_xyzt_units("mm", "sec")
    if data.ndim > 3:
        made.header["pixdim"][4] = dt
    path.write_bytes(made.to_bytes())


def write_case(
    folder: Path, *, first_id: int = 345_600, lesion: bool = True, dt: float = 1.0, data: np.ndarray = SERIES
) -> Path:
    for at, modality in enumerate(MODALITIES):
        if modality == "OT" and not lesion:
            continue
        name = f"SMIR.Brain.XX.O.{modality}.{first_id + at}"
        volume = {"CT_4DPWI": data, "OT": LESION}.get(modality, np.full(GRID, at, np.int16))
        save(volume, folder / name / f"{name}.nii", dt)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "ISLES 2018 größe"
    for number in (10, 2, 1):
        write_case(root / "TRAINING" / f"case_{number}")
    write_case(root / "TESTING" / "case_1", lesion=False)
    (root / "TRAINING" / ".DS_Store").write_bytes(b"x")
    (root / "TRAINING" / "readme.txt").write_text("x")
    (root / "TRAINING" / "notes").mkdir()
    return root


def names(folder: Path) -> list[str]:
    return [case.name for case in find_cases(folder)]


def test_listing_accepts_root_part_and_single_case(root: Path) -> None:
    assert names(root) == ["case_1", "case_2", "case_10", "testing_case_1"]
    assert names(root / "TRAINING") == ["case_1", "case_2", "case_10"]
    assert names(root / "TESTING") == ["case_1"]
    assert names(root / "TRAINING" / "case_2") == ["case_2"]
    assert [case.number for case in find_cases(root)] == [1, 2, 10, None]


def test_root_with_testing_folder_only(root: Path) -> None:
    (root / "TRAINING").rename(root.parent / "elsewhere")
    assert names(root) == ["case_1"]


def test_case_is_loaded_with_mask_and_lesion(root: Path) -> None:
    case = find_cases(root)[1]
    series = case.load()
    np.testing.assert_array_equal(series.data, SERIES)
    assert series.lesion is not None
    np.testing.assert_array_equal(series.lesion, LESION > 0)
    assert (series.case, series.units, series.dt_s, series.warnings) == ("case_2", "hu", 1.0, ())
    assert find_cases(root)[3].load().lesion is None
    assert case.load(dt_s=2, units="concentration").dt_s == 2


def test_ct_is_distinguished_from_other_modalities(root: Path) -> None:
    series = find_cases(root)[0].load()
    assert series.data.shape == (*GRID, 12)
    (pwi,) = (root / "TRAINING" / "case_1").glob("*CT_4DPWI*")
    for path in (*pwi.iterdir(), pwi):
        path.unlink() if path.is_file() else path.rmdir()
    (case,) = [case for case in find_cases(root / "TRAINING") if case.name == "case_1"]
    with pytest.raises(InputDataError, match="no perfusion series"):
        case.load()


@pytest.mark.parametrize("dt", [0, -1, np.nan, 1e12])
def test_an_unusable_time_step_becomes_1_s_with_a_warning(tmp_path: Path, dt: float) -> None:
    series = load_series(write_case(tmp_path / "case_4", dt=dt))
    assert series.dt_s == 1
    assert len(series.warnings) == 1
    assert "1 s was used" in series.warnings[0].sentence


@pytest.mark.parametrize("shape", [(*GRID, 12, 1), (*GRID, 1, 12)])
def test_singleton_dimensions(tmp_path: Path, shape: tuple[int, ...]) -> None:
    series = load_series(write_case(tmp_path / "case_4", data=SERIES.reshape(shape)))
    np.testing.assert_array_equal(series.data, SERIES)
    assert series.dt_s == 1


def test_listing_reads_no_voxel(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    assert len(find_cases(root)) == 4


def test_a_bad_case_does_not_hide_others(root: Path) -> None:
    training = root / "TRAINING"
    write_case(training / "case_3")
    next((training / "case_3").glob("*4DPWI*/*.nii")).write_bytes(b"rubbish")
    (training / "case_4").mkdir()
    write_case(training / "case_5")
    next((training / "case_5").glob("*4DPWI*/*.nii")).unlink()
    write_case(training / "case_6")
    write_case(training / "case_6", first_id=99)
    write_case(training / "case_7")
    next((training / "case_7").glob("*OT*/*.nii")).write_bytes(b"")
    (training / "case_8").write_text("a file")
    (training / "case_9").symlink_to(training / "case_9")
    cases = {case.name: case for case in find_cases(root)}
    assert list(cases)[:8] == [f"case_{n}" for n in (1, 2, 3, 4, 5, 6, 7, 10)]
    for number, part in [
        (3, "not a NIfTI file"),
        (4, "no perfusion series"),
        (5, "holds 0 NIfTI files of the modality CT_4DPWI"),
        (6, "holds 2 NIfTI files"),
        (7, "lesion mask is an empty file"),
    ]:
        with pytest.raises(InputDataError, match=part):
            cases[f"case_{number}"].load()
    for number in (1, 2, 10):
        assert cases[f"case_{number}"].load().grid == GRID


def test_a_folder_of_nifti_files(tmp_path: Path) -> None:
    for name in ("b 10.nii", "b 2.nii", "Grün.nii", "twice.nii"):
        save(SERIES, tmp_path / name, 2.0)
    (tmp_path / "twice.nii.gz").write_bytes((tmp_path / "twice.nii").read_bytes())
    save(LESION, tmp_path / "a mask.nii")
    (tmp_path / "c.nii.gz").write_bytes(b"rubbish")
    (tmp_path / "._b.nii").write_bytes(b"rubbish")
    os.mkfifo(tmp_path / "d.nii")
    (tmp_path / "e.nii").mkdir()
    write_case(tmp_path / "case_1")
    cases = {case.name: case for case in find_cases(tmp_path)}
    assert list(cases) == ["Grün", "b 2", "b 10", "c", "case_1", "d", "twice", "twice (2)"]
    assert cases["b 10"].load().dt_s == 2
    assert cases["b 2"].load().case == "b 2"
    for bad in "cd":
        with pytest.raises(InputDataError):
            cases[bad].load()


def test_display_names_are_printable_and_short(tmp_path: Path) -> None:
    save(SERIES, tmp_path / ("line\nbreak\udcff" + "x" * 200 + ".nii"))
    (name,) = names(tmp_path)
    assert name.startswith("line?break?xxx")
    assert len(name) == 80


def test_unreadable_folders_are_refused(tmp_path: Path) -> None:
    assert find_cases(tmp_path) == []
    (tmp_path / "file").write_bytes(b"x")
    for path in (tmp_path / "none", tmp_path / "file", Path("a\0b")):
        with pytest.raises(InputDataError, match="folder cannot be read"):
            find_cases(path)


def test_isles_2018_patient_numbers() -> None:
    patients = [patient_of(n) for n in range(1, N_TRAINING_CASES + 1)]
    assert len(set(patients)) == 63
    pairs = {n: n + 1 for n in range(1, N_TRAINING_CASES) if patients[n - 1] == patients[n]}
    assert len(pairs) == 94 - 63
    for first, second in [(1, 2), (7, 8), (18, 19), (32, 33), (59, 60), (78, 79)]:
        assert pairs[first] == second
    for single in (9, 17, 20, 25, 30, 31, 38, 61, 74, 77, 80, 94):
        assert patient_of(single) == single
        assert single not in pairs


# load_series


def test_load_a_case_folder_of_any_name(root: Path) -> None:
    folder = root / "TRAINING" / "case_2"
    assert load_series(folder).case == "case_2"
    folder.rename(root / "Erika Mustermann")
    assert load_series(root / "Erika Mustermann").case == "case"


def test_load_series_does_not_keep_the_file_name(tmp_path: Path) -> None:
    save(SERIES, tmp_path / "Erika Mustermann.nii", 0)
    with pytest.raises(InputDataError, match=r"time step in the header is unusable.*--dt"):
        load_series(tmp_path / "Erika Mustermann.nii")
    series = load_series(tmp_path / "Erika Mustermann.nii", dt_s=1.25)
    assert (series.case, series.dt_s) == ("case", 1.25)


def test_load_a_folder_with_one_series(tmp_path: Path) -> None:
    save(SERIES, tmp_path / "a.nii")
    save(LESION, tmp_path / "mask.nii")
    series = load_series(tmp_path, mask=tmp_path / "mask.nii", units="concentration")
    assert series.units == "concentration"
    assert series.mask is not None
    assert series.mask.sum() == LESION.sum()


def test_load_series_refuses_no_series_and_several(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputDataError, match="holds 4 cases; expected one"):
        load_series(root)
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "IM0001").write_bytes(bytes(200))
    with pytest.raises(InputDataError, match="holds no ISLES 2018 case"):
        load_series(tmp_path / "dicom")
    with pytest.raises(InputDataError, match="does not exist"):
        load_series(tmp_path / "none")
    with pytest.raises(ArgumentError, match="time step must lie"):
        load_series(root / "TRAINING" / "case_1", dt_s=0)
