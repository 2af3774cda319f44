"""Tests of phantom files: ISLES 2018 layout, reproducible bytes, no files after a failure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from perfcore.errors import ArgumentError, OutputError
from perfcore.phantom import files
from perfcore.phantom.cases import PhantomCase, make_from_recipe
from perfcore.phantom.cohort import draw_recipe
from perfcore.phantom.files import write_case, write_cohort

MAPS = ("cbf", "cbv", "mtt", "delay", "core", "penumbra", "hard_label")


def small_case(seed: int, index: int) -> PhantomCase:
    """A case of the cohort with two slices and ten frames."""
    return make_from_recipe(replace(draw_recipe(seed, index), n_slices=2, n_time=10, centre_mm=12.0))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "make_case", small_case)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


@pytest.mark.usefixtures("small")
def test_files_follow_isles_2018_layout(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    write_cohort(tmp_path / "deep" / "out", 2, 3, lambda k, n: done.append((k, n)))
    out = tmp_path / "deep" / "out"
    assert done == [(1, 2), (2, 2)]
    assert {path.name for path in out.iterdir()} == {"TRAINING", "truth", "NOTICE.txt"}
    ids = set()
    for k in (1, 2):
        case = small_case(3, k)
        scan = out / "TRAINING" / f"case_{k}"
        assert len(list(scan.iterdir())) == 3
        for modality in ("CT_4DPWI", "CT", "OT"):
            (folder,) = scan.glob(f"SMIR.Brain.XX.O.{modality}.*")
            (file,) = folder.iterdir()
            assert file.name == folder.name + ".nii"
            ids.add(folder.name.rsplit(".", 1)[1])
            image = nib.load(file)
            assert image.get_data_dtype() == np.int16
            assert np.allclose(image.affine, case.series.affine, atol=1e-4)
            if modality == "CT_4DPWI":
                assert np.array_equal(np.asarray(image.dataobj), case.series.data)
                assert image.header.get_zooms()[3] == 1.0
                assert image.header.get_xyzt_units() == ("mm", "sec")
            if modality == "OT":
                assert np.array_equal(np.asarray(image.dataobj) == 1, case.truth.core)
            if modality == "CT":
                assert image.shape == case.series.grid
        beside = out / "truth" / f"case_{k}"
        names = {path.name for path in beside.iterdir()}
        assert names == {*(f"{name}.nii.gz" for name in MAPS), "aif.csv", "vof.csv", "case.json"}
        assert np.array_equal(np.asarray(nib.load(beside / "cbf.nii.gz").dataobj), case.truth.cbf)
        assert np.array_equal(np.asarray(nib.load(beside / "delay.nii.gz").dataobj), case.truth.delay_s)
        assert np.array_equal(np.asarray(nib.load(beside / "penumbra.nii.gz").dataobj) == 1, case.truth.penumbra)
        hard = np.asarray(nib.load(beside / "hard_label.nii.gz").dataobj) == 1
        assert np.array_equal(hard, case.truth.hard_label)
        assert json.loads((beside / "case.json").read_text()) == case.description
        text = (beside / "aif.csv").read_text().splitlines()
        assert text[0] == "time_s,value"
        table = np.array([[float(cell) for cell in line.split(",")] for line in text[1:]])
        assert np.allclose(table[:, 0], case.truth.aif.time_s)
        assert np.allclose(table[:, 1], case.truth.aif.value, atol=1e-6)
    assert len(ids) == 6


@pytest.mark.usefixtures("small")
def test_same_seed_writes_identical_files_for_any_cohort_size(tmp_path: Path) -> None:
    write_cohort(tmp_path / "a", 1, 3)
    write_cohort(tmp_path / "b", 2, 3)
    write_cohort(tmp_path / "c", 1, 4)
    one, two, other = (digests(tmp_path / name) for name in "abc")
    assert one.items() <= two.items()
    series = next(name for name in one if "4DPWI" in name)
    assert one[series] != other[series]


def test_truth_gzip_has_no_timestamp_or_file_name(tmp_path: Path) -> None:
    write_case(small_case(3, 1), tmp_path / "out", 7)
    packed = (tmp_path / "out" / "truth" / "case_7" / "cbf.nii.gz").read_bytes()
    assert packed[:4] == b"\x1f\x8b\x08\x00"
    assert packed[4:8] == b"\x00\x00\x00\x00"


def test_cases_can_be_added_but_not_overwritten(tmp_path: Path) -> None:
    case = small_case(3, 1)
    write_case(case, tmp_path, 1)
    write_case(case, tmp_path, 2)
    before = digests(tmp_path)
    with pytest.raises(OutputError, match="already holds case_2"):
        write_case(case, tmp_path, 2)
    assert digests(tmp_path) == before
    assert not list(tmp_path.glob(".part-*"))


def test_a_failed_write_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def second_fails(seed: int, index: int) -> PhantomCase:
        if index == 2:
            raise OSError(28, "No space left on device")
        return small_case(seed, index)

    monkeypatch.setattr(files, "make_case", second_fails)
    with pytest.raises(OutputError, match="no space left on device"):
        write_cohort(tmp_path / "new" / "out", 2, 3)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(files, "make_case", lambda seed, index: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        write_cohort(tmp_path / "new", 1, 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small")
def test_unwritable_folder_error_hides_its_name(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_cohort(tmp_path / "secret", 1, 3)
    assert "secret" not in str(caught.value)
    with pytest.raises(OutputError, match="cannot be written"):
        write_cohort(tmp_path / "secret" / "below", 1, 3)
    assert (tmp_path / "secret").read_text() == "a file"


@pytest.mark.parametrize(("n_cases", "seed"), [(0, 1), (1, -1)])
def test_numbers_out_of_range_are_refused(tmp_path: Path, n_cases: int, seed: int) -> None:
    with pytest.raises(ArgumentError, match="n_cases must be at least 1"):
        write_cohort(tmp_path / "out", n_cases, seed)
    assert not (tmp_path / "out").exists()
