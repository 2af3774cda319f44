"""Names of BIDS derivatives, with their JSON files; CAPLEX codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from perfcore.batch.inputs import InputCase
from perfcore.batch.run import bids_cases
from perfcore.bids import BidsCase
from perfcore.cli import app
from perfcore.map_info import MAPS, caplex_codes, computed_maps
from tests.support.synthetic_head import draw_head
from tests.support.tiny_cohort import save_nifti, write_tiny_cohort

# A name of BIDS: entities as key-label pairs, then one suffix (of letters and digits) and the extension.
BIDS_NAME = re.compile(r"sub-[0-9a-zA-Z]+(_[a-z]+-[0-9a-zA-Z]+)*_[0-9a-zA-Z]+\.(nii\.gz|json|tsv)")
CODE = re.compile(r"Q\.[A-Z]{2}1\.\d{3}(\.\[[a-z]\])?")


def maps(*args: object) -> Any:
    return CliRunner().invoke(app, ["maps", *(str(arg) for arg in args)])


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A subject of ISLES 2024."""
    root = tmp_path_factory.mktemp("isles")
    head = draw_head(64, 2, 45)
    name = "sub-stroke0007_ses-01_space-ncct_ctp.nii.gz"
    hu = np.round(head.series.data).astype(np.int16)
    save_nifti(hu, head.series.affine, root / "derivatives" / "sub-stroke0007" / "ses-01" / name, 1.0)
    return root / "derivatives" / "sub-stroke0007"


@pytest.fixture(scope="module")
def dataset(subject: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dataset") / "out"
    result = maps(subject, "--out", out, "--names", "bids", "--core-threshold", 0.35)
    assert result.exit_code == 0, result.stderr
    return out


def test_a_dataset_has_the_layout_of_a_derivative(subject: Path, dataset: Path, tmp_path: Path) -> None:
    about = load(dataset / "dataset_description.json")
    assert about["DatasetType"] == "derivative"
    assert {"Name", "BIDSVersion"} < set(about)
    assert about["GeneratedBy"][0]["Name"] == "AIF Lab"
    folder = dataset / "sub-stroke0007" / "ses-01" / "perf"
    names = {path.name for path in folder.iterdir()}
    assert {path.name for path in dataset.iterdir()} == {"dataset_description.json", "sub-stroke0007"}
    assert all(BIDS_NAME.fullmatch(name) for name in names)
    start = "sub-stroke0007_ses-01_space-ncct"
    some = (
        "cbf.nii.gz", "tmax.json", "desc-core_mask.nii.gz", "desc-brain_mask.json", "desc-relative_cbf.nii.gz",
        "desc-core_probseg.nii.gz", "desc-aif_timeseries.tsv",
    )  # fmt: skip
    assert {f"{start}_{end}" for end in some} < names
    data = [name for name in names if not name.endswith(".json")]
    assert all(re.sub(r"\.(nii\.gz|tsv)$", ".json", name) in names for name in data)
    assert len({name for name in names if name.endswith(".nii.gz")}) == len(computed_maps()) + 3
    assert maps(subject, "--out", tmp_path, "--core-threshold", 0.35).exit_code == 0
    for plain, ending in (("mtt.nii.gz", "mtt.nii.gz"), ("hypoperfused.nii.gz", "desc-hypoperfused_mask.nii.gz")):
        assert (tmp_path / plain).read_bytes() == (folder / f"{start}_{ending}").read_bytes()
    curve = np.loadtxt(folder / f"{start}_desc-aif_timeseries.tsv", delimiter="\t", skiprows=1)
    np.testing.assert_array_equal(curve, np.loadtxt(tmp_path / "aif.csv", delimiter=",", skiprows=1))
    summary = load(folder / f"{start}_desc-perfusion_summary.json")
    assert summary["core_ml"] == load(tmp_path / "summary.json")["core_ml"]


def test_json_files_state_units_thresholds_and_codes(dataset: Path) -> None:
    folder = dataset / "sub-stroke0007" / "ses-01" / "perf"

    def about(ending: str) -> Any:
        return load(folder / f"sub-stroke0007_ses-01_space-ncct_{ending}.json")

    assert (about("cbf")["Units"], about("cbf")["CAPLEX"]) == ("ml/100 g/min", "Q.PH1.003")
    assert about("desc-relative_cbf")["Units"] == "1"
    assert about("desc-core_mask")["Type"] == "Lesion"
    assert "0.35" in about("desc-core_mask")["Description"]
    assert about("desc-brain_mask")["Type"] == "Brain"
    assert about("desc-aif_timeseries")["time_s"]["Units"] == "s"
    for path in folder.glob("*.nii.gz"):
        assert nib.load(path).shape[:3] == (64, 64, 2)


def test_a_run_into_the_same_dataset_replaces_its_files(subject: Path, dataset: Path) -> None:
    folder = dataset / "sub-stroke0007" / "ses-01" / "perf"
    before = sorted(folder.iterdir())
    description = (dataset / "dataset_description.json").read_bytes()
    assert maps(subject, "--out", dataset, "--names", "bids").exit_code == 0
    assert sorted(folder.iterdir()) == before
    assert (dataset / "dataset_description.json").read_bytes() == description


def test_many_cases_are_one_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    root = write_tiny_cohort(tmp_path / "cohort", 2, truth=False)
    result = maps(root, "--out", tmp_path / "out", "--names", "bids")
    assert result.exit_code == 0, result.stderr
    found = {path.name for path in (tmp_path / "out").iterdir()}
    assert found == {"dataset_description.json", "cases.csv", "sub-case1", "sub-case2"}
    masks = (tmp_path / "out").rglob("*_desc-brain_mask.json")
    assert [load(path)["SpatialReference"] for path in masks] == ["orig", "orig"]


def test_a_failed_run_leaves_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "scan.nii").write_bytes(b"rubbish")
    assert maps(tmp_path / "scan.nii", "--out", tmp_path / "out", "--names", "bids").exit_code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("file", "name", "prefix"),
    [
        ("sub-01_ses-a_run-2_desc-x_bold.nii.gz", "case", "sub-01_ses-a_run-2"),
        ("sub-01_ctp.nii", "case", "sub-01"),
        ("Erika Mustermann.nii.gz", "case", "sub-case"),
        ("scan.nii.gz", "case_12 (2)", "sub-case122"),
        ("scan.nii.gz", "例", "sub-case"),
        ("sub-.nii.gz", "x", "sub-x"),
    ],
)
def test_entities_come_from_the_name_of_the_series(tmp_path: Path, file: str, name: str, prefix: str) -> None:
    bids = BidsCase.of(tmp_path / file, name)
    assert bids.prefix == prefix
    assert bids.file_name("cbf.nii.gz") == f"{prefix}_cbf.nii.gz"


def test_two_cases_never_share_files(tmp_path: Path) -> None:
    names = ["sub-1_ctp.nii", "b/sub-1_ctp.nii", "sub-1x2_ctp.nii", "c/SUB.nii"]
    cases = [InputCase(f"n{k}", tmp_path / name) for k, name in enumerate(names)]
    assert [case.prefix for case in bids_cases(cases)] == ["sub-1", "sub-1x3", "sub-1x2", "sub-n3"]


def test_codes_have_the_form_of_the_lexicon(dataset: Path) -> None:
    codes = caplex_codes()
    assert codes["cbf"] == "Q.PH1.003"  # Blood flow; alternative name: Cerebral blood flow (CBF)
    assert {name for name in codes if name in MAPS} == {"cbf", "cbv", "mtt", "tmax", "ttp"}
    assert all(CODE.fullmatch(code) for code in codes.values())
    summary = next(dataset.rglob("*_summary.json"))
    assert load(summary)["caplex"] == codes


def test_two_runs_of_one_session_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    head = draw_head(48, 1, 40)
    hu = np.round(head.series.data).astype(np.int16)
    for run in (1, 2):
        save_nifti(hu, head.series.affine, tmp_path / "in" / f"sub-1_run-{run}_ctp.nii", 1.0)
    (tmp_path / "in" / "sub-2_ctp.nii").write_bytes(b"rubbish")
    result = maps(tmp_path / "in", "--out", tmp_path / "new" / "out", "--names", "bids")
    assert result.exit_code == 2
    assert result.stdout == "Wrote the maps of 2 of 3 cases.\n"
    out = tmp_path / "new" / "out"
    assert {path.name for path in out.iterdir()} == {"dataset_description.json", "cases.csv", "sub-1"}
    names = {path.name for path in (out / "sub-1" / "perf").iterdir()}
    assert {"sub-1_run-1_cbf.nii.gz", "sub-1_run-2_cbf.nii.gz"} < names
