"""Tests of the result files: content, grid, and no output after a failure."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from perfcore import results
from perfcore.errors import InputDataError, OutputError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.io.atomic_write import check_out_dir, check_out_file, write_files
from perfcore.pipeline import Analysis, analyse
from perfcore.results import file_names, write_results
from tests.support.synthetic_head import draw_head

MAPS = ["cbf", "rcbf", "cbv", "mtt", "tmax", "ttp", "core_probability"]
MASKS = ["core", "hypoperfused", "brain_mask"]
FILES = {f"{name}.nii.gz" for name in MAPS + MASKS} | {"aif.csv", "vof.csv", "summary.json"}
KEYS = [
    "case", "shape", "spacing_mm", "dt_s", "time_source", "n_time", "settings", "aif", "core_ml",
    "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", "tmax_volumes_ml", "hypoperfusion_index",
    "target_mismatch", "side", "reference_cbf", "tmax_shift_s", "quality", "quality_codes", "doubtful", "caplex",
]  # fmt: skip
AGREEMENT = ["dice", "jaccard", "auc", "hd95_mm", "lesion_ml"]
OBLIQUE = np.array([[-3.7, 0.1, 0.3, 118], [0.1, 3.8, -0.2, -118], [0.2, 0.1, 5.2, 12], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    series = draw_head(64, 3, 45).series
    series = replace(series, affine=OBLIQUE.astype(np.float32).astype(float), case="case_1", time_source="header")
    return analyse(series, device="cpu")


@pytest.fixture(scope="module")
def written(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "new" / "Karten größe"
    write_results(analysis, out, options={"preset": "paper", "device": "cpu"}, load_s=0.5)
    return out


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_exactly_the_documented_files_are_written(analysis: Analysis, written: Path) -> None:
    assert entries(written) == FILES - (set() if analysis.vof else {"vof.csv"})
    assert entries(written.parent) == {written.name}


@pytest.mark.parametrize("name", MAPS)
def test_map_files_equal_the_maps(analysis: Analysis, written: Path, name: str) -> None:
    image = nib.load(written / f"{name}.nii.gz")
    assert image.get_data_dtype() == np.float32
    assert image.shape == analysis.series.grid
    np.testing.assert_array_equal(image.affine, analysis.series.affine)
    values = np.asarray(image.dataobj)
    mask = analysis.prepared.mask
    assert (values[~mask] == 0).all()
    np.testing.assert_array_equal(values[mask], getattr(analysis.maps, name)[mask])
    assert np.ptp(values[mask]) > 0


@pytest.mark.parametrize("name", MASKS)
def test_mask_files_equal_the_masks(analysis: Analysis, written: Path, name: str) -> None:
    image = nib.load(written / f"{name}.nii.gz")
    assert image.get_data_dtype() == np.uint8
    expected = analysis.prepared.mask if name == "brain_mask" else getattr(analysis.maps, name)
    np.testing.assert_array_equal(np.asarray(image.dataobj) > 0, expected)
    assert set(np.unique(np.asarray(image.dataobj))) == {0, 1}


def test_nifti_headers_carry_no_input_fields(written: Path) -> None:
    header = nib.load(written / "cbf.nii.gz").header
    assert header["descrip"].item() == header["aux_file"].item() == header["db_name"].item() == b""
    assert header.get_xyzt_units()[0] == "mm"
    assert len(header.extensions) == 0
    assert (written / "cbf.nii.gz").read_bytes()[3:8] == bytes(5)  # no name, no time in the gzip header


def test_aif_files_round_trip(analysis: Analysis, written: Path) -> None:
    aif = read_aif_csv(written / "aif.csv", analysis.series.time_s)
    np.testing.assert_allclose(aif.value, analysis.aif.value, rtol=1e-8)
    assert aif.quality == ()
    assert analysis.vof is not None
    vof = read_aif_csv(written / "vof.csv", analysis.series.time_s)
    np.testing.assert_allclose(vof.value, analysis.vof.value, rtol=1e-8)


def test_summary(analysis: Analysis, written: Path) -> None:
    text = (written / "summary.json").read_text(encoding="utf-8")
    summary = json.loads(text)
    assert list(summary) == [*KEYS, *AGREEMENT, "seconds"]
    numbers = analysis.numbers
    assert summary["case"] == "case_1"
    assert summary["shape"] == [64, 64, 3]
    assert summary["spacing_mm"] == pytest.approx(np.linalg.norm(OBLIQUE[:3, :3], axis=0), rel=1e-6)
    assert (summary["dt_s"], summary["n_time"], summary["time_source"]) == (1.0, 45, "header")
    assert summary["core_ml"] == pytest.approx(numbers.core_ml)
    assert summary["core_ml"] > 0
    assert summary["hypoperfused_ml"] > summary["core_ml"]
    assert summary["mismatch_ml"] == pytest.approx(summary["hypoperfused_ml"] - summary["core_ml"])
    assert summary["mismatch_ratio"] == pytest.approx(summary["hypoperfused_ml"] / summary["core_ml"])
    tmax, voxel_ml = analysis.maps.tmax[analysis.prepared.mask], analysis.series.voxel_ml
    above = {level: (tmax > float(level)).sum() * voxel_ml for level in ("4", "6", "8", "10")}
    assert summary["tmax_volumes_ml"] == pytest.approx(above)
    assert summary["tmax_volumes_ml"]["6"] == pytest.approx(summary["hypoperfused_ml"])
    assert summary["hypoperfusion_index"] == pytest.approx(above["10"] / above["6"])
    assert summary["target_mismatch"] is bool(
        summary["mismatch_ratio"] >= 1.8 and summary["mismatch_ml"] >= 15 and summary["core_ml"] < 70
    )
    assert summary["side"] == numbers.side
    assert summary["dice"] == numbers.dice
    assert summary["lesion_ml"] == pytest.approx(analysis.series.lesion.sum() * analysis.series.voxel_ml)
    aif = summary["aif"]
    keys = "method voxels peak peak_time_s quality quality_codes why score partial_volume verdict reason"
    assert list(aif) == keys.split()
    assert [tuple(voxel) for voxel in aif["voxels"]] == list(analysis.aif.voxels)
    assert aif["peak"] == analysis.aif.peak
    settings = summary["settings"]
    assert settings["lambda_rel"] == 0.3
    assert settings["regularization"] == "tikhonov"
    assert (settings["units"], settings["mask"], settings["preset"], settings["device"]) == (
        "hu", "automatic", "paper", "cpu",
    )  # fmt: skip
    assert list(summary["seconds"]) == ["load", "preprocess", "aif", "deconvolution", "total"]
    assert summary["seconds"]["load"] == 0.5
    assert summary["seconds"]["total"] == pytest.approx(0.5 + analysis.seconds["total"])
    assert summary["quality"] == [str(flag) for flag in analysis.quality]
    assert summary["quality_codes"] == [flag.code for flag in analysis.quality]
    assert 'spacing_mm": [' in text  # lists of numbers in one line
    assert max(map(len, text.splitlines())) < 300


def test_the_same_analysis_writes_the_same_bytes(analysis: Analysis, written: Path, tmp_path: Path) -> None:
    write_results(analysis, tmp_path / "again", options={"preset": "paper", "device": "cpu"}, load_s=0.5)
    for name in entries(written):
        assert (tmp_path / "again" / name).read_bytes() == (written / name).read_bytes(), name


def stand_in(analysis: Analysis, **changes: Any) -> Any:
    fields = (
        "series", "prepared", "settings", "aif", "selection", "corrected", "vof", "maps", "numbers", "quality",
        "seconds", "aif_quality",
    )  # fmt: skip
    return SimpleNamespace(**{name: getattr(analysis, name) for name in fields} | changes)


def test_summary_without_a_lesion_has_no_agreement_keys(analysis: Analysis, tmp_path: Path) -> None:
    write_results(stand_in(analysis, series=replace(analysis.series, lesion=None), vof=None), tmp_path / "out")
    assert entries(tmp_path / "out") == FILES - {"vof.csv"}
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert list(summary) == [*KEYS, "seconds"]
    assert "load" not in summary["seconds"]


def test_results_are_written_in_the_order_of_the_stored_axes(analysis: Analysis, tmp_path: Path) -> None:
    """A file stored as (z, x, y) gets maps stored as (z, x, y), with an affine that puts them where they were."""
    series = replace(analysis.series, stored_axes=(1, 2, 0))
    write_results(stand_in(analysis, series=series), tmp_path / "stored")
    write_results(stand_in(analysis), tmp_path / "plain")
    order = [2, 0, 1]
    for name in ("tmax", "core", "brain_mask"):
        stored, plain = (nib.load(tmp_path / folder / f"{name}.nii.gz") for folder in ("stored", "plain"))
        np.testing.assert_array_equal(stored.get_fdata(), plain.get_fdata().transpose(order))
        np.testing.assert_allclose(stored.affine, plain.affine[:, [*order, 3]], rtol=1e-6)
    stored, plain = (json.loads((tmp_path / name / "summary.json").read_text()) for name in ("stored", "plain"))
    assert stored["shape"] == [plain["shape"][axis] for axis in order]
    assert stored["spacing_mm"] == [plain["spacing_mm"][axis] for axis in order]
    assert stored["aif"]["voxels"] == [[voxel[axis] for axis in order] for voxel in plain["aif"]["voxels"]]
    assert stored["aif"]["voxels"]


def test_undefined_values_are_null(analysis: Analysis, tmp_path: Path) -> None:
    empty = replace(analysis.series, lesion=np.zeros(analysis.series.grid, bool))
    unknown = dict.fromkeys(("dice", "jaccard", "auc", "mismatch_ratio"))
    numbers = replace(analysis.numbers, hd95_mm=float("nan"), lesion_ml=0.0, **unknown)
    write_results(stand_in(analysis, series=empty, numbers=numbers), tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [summary[name] for name in (*AGREEMENT, "mismatch_ratio")] == [None, None, None, None, 0.0, None]


def test_numpy_numbers_become_json_numbers(analysis: Analysis) -> None:
    numbers = replace(analysis.numbers, core_ml=np.float64(3.5), auc=np.float32(np.inf))
    summary = results.summarize(stand_in(analysis, numbers=numbers))
    assert type(summary["core_ml"]) is float
    assert summary["auc"] is None


def test_other_files_of_an_existing_folder_are_kept(analysis: Analysis, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "sub").mkdir()
    (tmp_path / "cbf.nii.gz").write_bytes(b"old")
    (tmp_path / "vof.csv").write_text("of an earlier run")
    write_results(stand_in(analysis, vof=None), tmp_path)
    assert entries(tmp_path) == FILES - {"vof.csv"} | {"notes.txt", "sub"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert nib.load(tmp_path / "cbf.nii.gz").shape == analysis.series.grid


def test_a_failed_write_leaves_no_files(
    analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "cbf.nii.gz").write_bytes(b"old")

    def full(self: Path, content: bytes) -> int:
        if self.name == "summary.json":
            raise OSError(28, "No space left on device", str(self))
        with self.open("wb") as file:
            return file.write(content)

    monkeypatch.setattr(Path, "write_bytes", full)
    for out in (tmp_path / "a" / "b" / "new", tmp_path / "old"):
        with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)") as caught:
            write_results(analysis, out)
        assert str(tmp_path) not in str(caught.value)
    assert entries(tmp_path) == {"old"}
    assert entries(tmp_path / "old") == {"cbf.nii.gz"}
    assert (tmp_path / "old" / "cbf.nii.gz").read_bytes() == b"old"


def test_the_report_is_written_with_the_files_and_removed_with_them(analysis: Analysis, tmp_path: Path) -> None:
    write_results(analysis, tmp_path / "out", report=True)
    assert entries(tmp_path / "out") == FILES | {"report.html", "report.pdf"}
    assert set(file_names()) >= entries(tmp_path / "out")
    write_results(analysis, tmp_path / "out")
    assert entries(tmp_path / "out") == FILES, "a report of an earlier run is not that of these maps"


def test_a_failed_report_leaves_no_files(
    analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfcore.report.page_pdf.make_pdf", lambda *parts: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_results(analysis, tmp_path / "a" / "out", report=True)
    monkeypatch.setattr("perfcore.report.files.find_spec", lambda name: None)
    with pytest.raises(InputDataError, match=r'needs matplotlib; install it with pip install "aif-lab\[report\]"'):
        write_results(analysis, tmp_path / "a" / "out", report=True)
    assert entries(tmp_path) == set()


def test_an_internal_error_leaves_no_files(analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(AttributeError):
        write_results(stand_in(analysis, numbers=analysis.numbers, maps=None), tmp_path / "a" / "out")
    assert entries(tmp_path) == set()


def test_unwritable_paths_are_refused(analysis: Analysis, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    (tmp_path / "taken" / "core.nii.gz").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    for out, part in [
        (tmp_path / "file", "a file is in its place"),
        (tmp_path / "nowhere", "a file is in its place"),
        (tmp_path / "file" / "below", "cannot be written"),
        (tmp_path / "taken", "in the place of core.nii.gz"),
        (tmp_path / "a\0b", "path is not valid"),
        (tmp_path / ("x" * 300) / "y", "cannot be written"),
        (Path("/proc/none/out"), "cannot be written"),
    ]:
        for attempt in (lambda out: check_out_dir(out, file_names()), lambda out: write_results(analysis, out)):
            with pytest.raises(OutputError, match=part):
                attempt(out)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_output_check_leaves_no_files(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "cbf.nii.gz").write_bytes(b"old")
    before = sorted(tmp_path.rglob("*"))
    check_out_dir(tmp_path / "a" / "b", file_names())
    check_out_dir(tmp_path / "old", file_names())
    check_out_file(tmp_path / "a" / "b.json")
    check_out_file(tmp_path / "old" / "cbf.nii.gz")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "old" / "cbf.nii.gz").read_bytes() == b"old"


def test_write_files_is_all_or_nothing(tmp_path: Path) -> None:
    new, first = tmp_path / "new", {"a.csv": "1\n", "b.json": "{}\n"}
    write_files(new, first)
    assert {path.name: path.read_text() for path in new.iterdir()} == first
    write_files(new, {"a.csv": "2\n"})  # what is not of the set stays
    assert {path.name: path.read_text() for path in new.iterdir()} == first | {"a.csv": "2\n"}
    (tmp_path / "taken" / "b.json").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=r"in the place of b\.json"):
        write_files(tmp_path / "taken", {"a.csv": "1\n", "b.json": "{}\n"})
    with pytest.raises(OutputError, match=r"a folder is in its place"):
        check_out_file(tmp_path / "taken" / "b.json")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_relative_output_folder(analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_results(analysis, Path("out"))
    assert entries(tmp_path) == {"out"}
    monkeypatch.chdir(tmp_path / "out")
    write_results(analysis, Path())
    assert entries(tmp_path / "out") == FILES


def test_every_map_is_a_complete_gzip_stream(written: Path) -> None:
    for path in written.glob("*.nii.gz"):
        assert len(gzip.decompress(path.read_bytes())) > 352


def test_the_zip_holds_the_same_files(analysis: Analysis, tmp_path: Path) -> None:
    write_results(analysis, tmp_path / "out", options={"preset": "paper"})
    packed = results.results_zip(analysis, options={"preset": "paper"})
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == entries(tmp_path / "out")
        for name in archive.namelist():
            assert archive.read(name) == (tmp_path / "out" / name).read_bytes(), name
    assert results.results_zip(analysis, options={"preset": "paper"}) == packed
