"""Tests of the command line: files written, messages and exit status."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import nibabel as nib
import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import aif_methods
from perfcore.cli import app
from perfcore.errors import NoArteryError
from perfcore.io.datasets.case_folders import find_cases
from perfcore.phantom.cases import make_demonstration
from perfcore.phantom.files import write_case
from tests import ROOT
from tests.support.synthetic_head import Head, draw_head

RUNNER = CliRunner()


def run(*args: object) -> Result:
    return RUNNER.invoke(app, [str(arg) for arg in args])


def process(code_or_args: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *code_or_args]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)


@pytest.fixture(scope="module")
def head() -> Head:
    return draw_head(64, 3, 45)


def save(data: np.ndarray, affine: np.ndarray, path: Path, dt: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    if data.ndim == 4:
        image.header["pixdim"][4] = dt
    image.header["descrip"] = b"Erika Mustermann"
    nib.save(image, path)
    return path


@pytest.fixture(scope="module")
def data(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ISLES case, a NIfTI file, masks and AIF files in a folder whose name has spaces and non-ASCII letters."""
    folder = tmp_path_factory.mktemp("Fälle 例")
    series, affine = head.series, head.series.affine
    hu = np.round(series.data).astype(np.int16)
    assert series.lesion is not None
    for modality, volume in [("CT_4DPWI", hu), ("CT", hu[..., 0]), ("OT", series.lesion.astype(np.uint8))]:
        name = f"SMIR.Brain.XX.O.{modality}.3456"
        save(volume, affine, folder / "case_12" / name / f"{name}.nii")
    save(hu, affine, folder / "Erika Mustermann.nii.gz", 1.5)
    save(hu, affine, folder / "no step.nii", 0)
    save(hu[..., :9], affine, folder / "short.nii")
    save(hu[..., 0], affine, folder / "volume.nii")
    save((series.data - series.data[..., :8].mean(-1, keepdims=True)), affine, folder / "enhancement.nii")
    save(head.brain.astype(np.uint8), affine, folder / "mask.nii")
    save(head.brain[:, :, :2].astype(np.uint8), affine, folder / "thin mask.nii")
    save(np.zeros(series.grid, np.uint8), affine, folder / "empty mask.nii")
    (folder / "rubbish.nii.gz").write_bytes(b"rubbish")
    (folder / "folder").mkdir()
    times = np.arange(45.0)
    for name, time_s, value in [
        ("aif", times, head.aif),
        ("fine", np.arange(0, 50, 0.25), np.interp(np.arange(0, 50, 0.25), times, head.aif)),
        ("short", times[:30], head.aif[:30]),
        ("flat", times, 0 * head.aif),
    ]:
        rows = "".join(f"{t},{v}\r\n" for t, v in zip(time_s, value, strict=True))
        (folder / f"{name}.csv").write_bytes(b"\xef\xbb\xbftime_s,value\r\n" + rows.encode())
    return folder


@pytest.fixture(scope="module")
def plain(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of `maps` with default options."""
    out = tmp_path_factory.mktemp("plain")
    assert run("maps", data / "case_12", "--out", out).exit_code == 0
    return out


def summary(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return loaded


# Files written


def test_an_isles_case(data: Path, head: Head, tmp_path: Path) -> None:
    out = tmp_path / "Karten 1" / "例"
    result = run("maps", data / "case_12", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.startswith("Core ")
    assert "Dice 0." in result.stdout
    written = summary(out)
    assert written["case"] == "case_12"
    assert written["aif"]["method"] == "straka"
    assert written["dice"] > 0.6
    assert written["lesion_ml"] == pytest.approx(head.lesion.sum() * head.series.voxel_ml, rel=1e-5)
    assert written["seconds"]["total"] >= written["seconds"]["load"] > 0
    core = nib.load(out / "core.nii.gz")
    np.testing.assert_allclose(core.affine, head.series.affine, rtol=1e-6)
    assert core.shape == head.series.grid
    assert written["core_ml"] == pytest.approx(np.asarray(core.dataobj).sum() * head.series.voxel_ml, rel=1e-5)
    assert written["settings"] | {"aif": "auto", "preset": "paper", "lambda_rel": 0.3} == written["settings"]


def test_results_of_a_nifti_file_do_not_contain_its_name(data: Path, tmp_path: Path) -> None:
    assert run("maps", data / "Erika Mustermann.nii.gz", "--out", tmp_path / "out").exit_code == 0
    written = summary(tmp_path / "out")
    assert written["dt_s"] == 1.5
    assert written["case"] == "case"
    assert "dice" not in written
    for path in (tmp_path / "out").iterdir():
        content = path.read_bytes()
        whole = gzip.decompress(content) if path.suffix == ".gz" else content
        assert b"Mustermann" not in whole


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--deconvolution", "causal"], {"deconvolution": "causal"}),
        (["--discretization", "rectangular"], {"discretization": "rectangular"}),
        (["--regularization", "tsvd"], {"regularization": "tsvd", "lambda_rel": 0.1}),
        (["--regularization", "oscillation"], {"regularization": "oscillation", "lambda_rel": 0.065}),
        (["--lambda-rel", "0.2"], {"regularization": "tikhonov", "lambda_rel": 0.2}),
        (
            ["--preset", "vendor"],
            {
                "preset": "vendor",
                "regularization": "tsvd",
                "lambda_rel": 0.1,
                "core_threshold": 0.3,
                "spatial_sigma_mm": 1.5,
                "temporal_sigma_s": 0,
            },
        ),
        (["--preset", "vendor", "--core-threshold", "0.35"], {"regularization": "tsvd", "core_threshold": 0.35}),
        (["--spatial-sigma-mm", "0", "--temporal-sigma-s", "0"], {"spatial_sigma_mm": 0, "temporal_sigma_s": 0}),
        (["--reference", "brain"], {"reference": "brain"}),
        (["--tmax-threshold", "4"], {"tmax_threshold_s": 4}),
        (["--tmax-reference", "healthy"], {"tmax_reference": "healthy"}),
        (["--dt", "2"], {"dt_s": 2}),
        (["--device", "cpu"], {"device": "cpu"}),
        (["--motion", "off"], {"motion": "off"}),
        (["--motion", "rigid"], {"motion": "rigid"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_appear_in_the_summary_and_change_the_maps(
    data: Path, plain: Path, tmp_path: Path, options: list[str], expected: dict[str, Any]
) -> None:
    assert run("maps", data / "case_12", "--out", tmp_path / "out", *options).exit_code == 0
    written = summary(tmp_path / "out")["settings"]
    assert {name: written[name] for name in expected} == expected
    maps = ("rcbf.nii.gz", "tmax.nii.gz", "core.nii.gz", "hypoperfused.nii.gz")
    alike = all((tmp_path / "out" / n).read_bytes() == (plain / n).read_bytes() for n in maps)
    assert alike == (options[0] in ("--device", "--motion"))  # this head lies still


def test_a_lower_core_threshold_gives_a_smaller_core(data: Path, tmp_path: Path) -> None:
    for threshold in ("0.2", "0.5"):
        run("maps", data / "case_12", "--out", tmp_path / threshold, "--core-threshold", threshold)
    assert summary(tmp_path / "0.2")["core_ml"] < summary(tmp_path / "0.5")["core_ml"]


@pytest.mark.parametrize("method", ["straka", "mouridsen", "peruzzo", "murase"])
def test_selectors_by_name(data: Path, tmp_path: Path, method: str) -> None:
    result = run("maps", data / "case_12", "--out", tmp_path, "--aif", method)
    assert result.exit_code == 0, result.stderr
    assert summary(tmp_path)["aif"]["method"] == method
    assert summary(tmp_path)["settings"]["aif"] == method


def nothing(_prepared: object) -> NoReturn:
    raise NoArteryError("No artery was found.")


def test_a_selector_that_finds_nothing_is_replaced_and_noted(
    data: Path, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SELECTORS, "murase", replace(SELECTORS["murase"], function=nothing))
    result = run("maps", data / "case_12", "--out", tmp_path, "--aif", "murase")
    assert result.exit_code == 0, result.stderr
    assert "Note: Murase found no artery; the curve is that of Straka." in result.stdout
    written = summary(tmp_path)
    assert (written["settings"]["aif"], written["aif"]["method"]) == ("murase", "straka")
    assert "aif_fallback" in written["quality_codes"]
    assert "aif_fallback" not in summary(plain)["quality_codes"]
    assert (tmp_path / "tmax.nii.gz").read_bytes() == (plain / "tmax.nii.gz").read_bytes()


def test_an_aif_from_a_csv_file(data: Path, head: Head, tmp_path: Path) -> None:
    assert run("maps", data / "case_12", "--out", tmp_path, "--aif", data / "aif.csv").exit_code == 0
    written = summary(tmp_path)
    assert written["aif"]["method"] == "file"
    assert written["aif"]["voxels"] == written["aif"]["quality"] == []
    assert written["aif"]["peak"] == pytest.approx(head.aif.max())
    table = np.loadtxt(tmp_path / "aif.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(table[:, 1], head.aif, atol=1e-6)
    result = run("maps", data / "case_12", "--out", tmp_path, "--aif", data / "fine.csv")
    assert "Note: The AIF has another time grid" in result.stdout
    assert "interpolated" in summary(tmp_path)["quality"][0]


def test_the_aif_is_scaled_to_the_area_of_the_vof_unless_that_is_off(
    data: Path, plain: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    done = run("maps", data / "case_12", "--out", raw, "--partial-volume", "off")
    assert done.exit_code == 0, done.stderr
    before, after = summary(raw), summary(plain)
    assert (before["settings"]["partial_volume"], after["settings"]["partial_volume"]) == ("off", "vein")
    ratio = before["aif"]["partial_volume"]
    assert after["aif"]["partial_volume"] == ratio > 1
    aif, vof = (np.loadtxt(plain / f"{n}.csv", delimiter=",", skiprows=1)[:, 1] for n in ("aif", "vof"))
    assert aif.sum() == pytest.approx(vof.sum(), rel=1e-6)
    assert after["aif"]["peak"] == pytest.approx(ratio * before["aif"]["peak"])
    for name in ("cbf", "cbv"):
        one, other = (np.asarray(nib.load(out / f"{name}.nii.gz").dataobj) for out in (raw, plain))
        np.testing.assert_allclose(ratio * other, one, rtol=1e-4, atol=1e-4)
    for name in ("core", "hypoperfused"):
        assert (raw / f"{name}.nii.gz").read_bytes() == (plain / f"{name}.nii.gz").read_bytes()


def test_a_given_curve_is_not_corrected_for_partial_volume(data: Path, head: Head, tmp_path: Path) -> None:
    options = ("--aif", data / "aif.csv", "--partial-volume", "vein")
    done = run("maps", data / "case_12", "--out", tmp_path, *options)
    assert done.exit_code == 0, done.stderr
    written = summary(tmp_path)
    assert written["aif"]["peak"] == pytest.approx(head.aif.max())
    assert written["aif"]["quality_codes"] == []
    assert written["aif"]["partial_volume"] is None
    assert written["settings"]["partial_volume"] == "off"


def test_a_scan_without_a_usable_vein_is_noted(tmp_path: Path) -> None:
    write_case(make_demonstration("truncated"), tmp_path / "in", 1)
    done = run("maps", tmp_path / "in" / "TRAINING" / "case_1", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert "Note: The AIF was not corrected for partial volume" in done.stdout
    assert summary(tmp_path / "out")["settings"]["partial_volume"] == "off"


def test_the_summary_explains_the_selection(plain: Path) -> None:
    aif = summary(plain)["aif"]
    assert aif["why"].startswith(
        f"{len(aif['voxels'])} voxels: neighbouring voxels with a high, early and narrow bolus"
    )
    assert 0.5 < aif["score"] <= 1


def test_concentration_units_need_no_baseline(data: Path, tmp_path: Path) -> None:
    options = ("--units", "concentration", "--mask", data / "mask.nii")
    result = run("maps", data / "enhancement.nii", "--out", tmp_path / "out", *options)
    assert result.exit_code == 0, result.stderr
    assert summary(tmp_path / "out")["settings"]["units"] == "concentration"


def test_a_given_mask_is_used(data: Path, head: Head, tmp_path: Path) -> None:
    assert run("maps", data / "case_12", "--out", tmp_path, "--mask", data / "mask.nii").exit_code == 0
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "brain_mask.nii.gz").dataobj) > 0, head.brain)
    assert summary(tmp_path)["settings"]["mask"] == "given"


def test_a_phantom_cohort_can_be_analysed(tmp_path: Path) -> None:
    result = run("phantom", "--out", tmp_path / "a", "--cases", 1, "--seed", 3)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert "1 case" in result.stdout
    assert (tmp_path / "a" / "truth" / "case_1" / "case.json").exists()
    (case,) = find_cases(tmp_path / "a")
    series = case.load()
    assert series.warnings == ()
    assert series.lesion is not None
    assert series.lesion.sum() * series.voxel_ml >= 10
    result = run("maps", case.path, "--out", tmp_path / "maps")
    assert result.exit_code == 0, result.stderr
    assert summary(tmp_path / "maps")["dice"] > 0.3
    again = run("phantom", "--out", tmp_path / "a", "--cases", 1)
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert "already holds" in again.stderr


def test_phantom_writes_a_demonstration_case(tmp_path: Path) -> None:
    result = run("phantom", "--out", tmp_path / "a", "--demonstration", "distal-aif")
    assert result.exit_code == 0, result.stderr
    (case,) = find_cases(tmp_path / "a")
    assert case.path == tmp_path / "a" / "TRAINING" / "case_1"
    made = make_demonstration("distal-aif")
    np.testing.assert_array_equal(case.load().data, made.series.data)
    description = json.loads((tmp_path / "a" / "truth" / "case_1" / "case.json").read_text())
    assert description["name"] == "distal-aif"


# Errors and exit status


INPUT = ["maps", "--out", "{out}"]
CASE = [*INPUT, "{case}"]
WRONG: dict[str, tuple[list[str], str]] = {
    "no command": ([], "Missing command"),
    "unknown command": (["mops"], "No such command 'mops'"),
    "no input": (["maps"], "Missing argument 'INPUT"),
    "no out": (["maps", "{case}"], "Missing option '--out'"),
    "unknown option": ([*CASE, "--lambda", "1"], "No such option: --lambda"),
    "option without a value": (["maps", "{case}", "--out"], "--out"),
    "dt no number": ([*CASE, "--dt", "x"], "Invalid value for '--dt'"),
    "dt 0": ([*CASE, "--dt", "0"], "time step must lie between"),
    "dt negative": ([*CASE, "--dt", "-1"], "time step must lie between"),
    "dt nan": ([*CASE, "--dt", "nan"], "time step must lie between"),
    "aif": ([*CASE, "--aif", "best"], "aif must be one of auto, straka"),
    "units": ([*CASE, "--units", "mol"], "units must be one of hu, concentration"),
    "preset": ([*CASE, "--preset", "x"], "preset must be one of paper, vendor"),
    "deconvolution": ([*CASE, "--deconvolution", "x"], "must be one of circulant, causal"),
    "discretization": ([*CASE, "--discretization", "x"], "must be one of volterra"),
    "regularization": ([*CASE, "--regularization", "x"], "must be one of tikhonov"),
    "lambda 0": ([*CASE, "--lambda-rel", "0"], "lambda_rel must lie between"),
    "lambda 2": ([*CASE, "--lambda-rel", "2"], "lambda_rel must lie between"),
    "lambda nan": ([*CASE, "--lambda-rel", "nan"], "lambda_rel must lie between"),
    "motion": ([*CASE, "--motion", "x"], "motion must be one of off, in-plane, rigid"),
    "sigma": ([*CASE, "--spatial-sigma-mm", "-1"], "spatial_sigma_mm must lie between"),
    "temporal": ([*CASE, "--temporal-sigma-s", "inf"], "temporal_sigma_s must lie"),
    "reference": ([*CASE, "--reference", "x"], "must be one of contralateral, brain"),
    "core": ([*CASE, "--core-threshold", "7"], "core_threshold must lie between"),
    "tmax": ([*CASE, "--tmax-threshold", "0"], "tmax_threshold_s must lie between"),
    "tmax reference": ([*CASE, "--tmax-reference", "x"], "must be one of absolute, healthy"),
    "device": ([*CASE, "--device", "tpu"], "device must be one of auto, cpu, cuda"),
    "input missing": ([*INPUT, "{data}/none.nii"], "series does not exist"),
    "input rubbish": ([*INPUT, "{data}/rubbish.nii.gz"], "series is not a NIfTI file"),
    "input of no step": ([*INPUT, "{data}/no step.nii"], "time step in the header is unusable"),
    "input of 9 frames": ([*INPUT, "{data}/short.nii"], "has 9 frames"),
    "input 3D": ([*INPUT, "{data}/volume.nii"], "has 3 dimensions"),
    "input empty folder": ([*INPUT, "{data}/folder"], "holds no ISLES 2018 case"),
    "input a device": ([*INPUT, "/dev/null"], "is a device"),
    "mask missing": ([*CASE, "--mask", "{data}/none.nii"], "brain mask does not exist"),
    "mask shape": ([*CASE, "--mask", "{data}/thin mask.nii"], "brain mask has shape"),
    "mask empty": ([*CASE, "--mask", "{data}/empty mask.nii"], "brain mask is empty"),
    "csv missing": ([*CASE, "--aif", "{data}/none.csv"], "AIF file does not exist"),
    "csv short": ([*CASE, "--aif", "{data}/short.csv"], "expected all of the series"),
    "csv flat": ([*CASE, "--aif", "{data}/flat.csv"], "no positive bolus"),
    "csv too short": ([*CASE, "--dt", "2", "--aif", "{data}/aif.csv"], "expected all of the series"),
    "phantom out": (["phantom"], "Missing option '--out'"),
    "phantom cases": (["phantom", "--out", "{out}", "--cases", "0"], "n_cases must be at least 1"),
    "phantom half a case": (["phantom", "--out", "{out}", "--cases", "1.5"], "Invalid value for '--cases'"),
    "phantom seed": (["phantom", "--out", "{out}", "--seed", "-1"], "seed at least 0"),
    "phantom unknown": (["phantom", "--out", "{out}", "--demonstration", "x"], "one of m1-occlusion"),
    "phantom out a file": (["phantom", "--out", "{data}/aif.csv"], "cannot be written"),
    "out empty": (["maps", "{case}", "--out", ""], "An argument is empty"),
    "out empty after =": (["maps", "{case}", "--out="], "An argument is empty"),
    "input empty": ([*INPUT, ""], "An argument is empty"),
    "partial volume": ([*CASE, "--partial-volume", "x"], "partial-volume must be one of off, vein"),
    "phantom out empty": (["phantom", "--out", ""], "An argument is empty"),
    "out a file": (["maps", "{case}", "--out", "{data}/aif.csv"], "a file is in its place"),
    "out is checked before any work": (["maps", "none", "--out", "{data}/aif.csv"], "a file is in its place"),
    "out below a file": (["maps", "{case}", "--out", "{data}/aif.csv/x"], "output folder cannot be written"),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_usage_and_bad_input_are_one_line_errors(name: str, data: Path, tmp_path: Path) -> None:
    args, part = WRONG[name]
    before = sorted(data.rglob("*"))
    places = {"case": data / "case_12", "data": data, "out": tmp_path / "out" / "deep"}
    result = run(*(arg.format(**places) for arg in args))
    assert part in result.stderr
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.endswith(".\n")
    assert result.stderr.count("\n") == 1
    assert sorted(data.rglob("*")) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_cuda_device_is_refused(data: Path, tmp_path: Path) -> None:
    result = run("maps", data / "case_12", "--out", tmp_path / "out", "--device", "cuda")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "No CUDA device" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_help() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "not for clinical use" in " ".join(result.stdout.split())
    result = run("maps", "--help")
    assert result.exit_code == 0
    listed = set(result.stdout.split())
    assert {"--out", "--aif", "--units", "--mask", "--dt", "--preset", "--lambda-rel", "--device"} < listed
    assert {"--deconvolution", "--discretization", "--regularization", "--reference"} < listed
    assert {"--spatial-sigma-mm", "--temporal-sigma-s", "--core-threshold", "--tmax-threshold"} < listed
    for method in aif_methods():
        assert method in result.stdout


def test_help_and_bad_usage_start_fast() -> None:
    for args, status in [(["maps", "--help"], 0), (["maps", "x", "--out", "y", "--dt", "z"], 2)]:
        seconds = []
        for _ in range(3):
            start = os.times()
            done = process(["-m", "perfcore", *args])
            end = os.times()
            seconds.append(end.children_user + end.children_system - start.children_user - start.children_system)
            assert done.returncode == status
            assert "Traceback" not in done.stderr
        assert min(seconds) < 0.7


def test_torch_is_imported_only_for_computation(data: Path, tmp_path: Path) -> None:
    code = (
        "import sys, atexit; from perfcore.cli import main\n"
        "atexit.register(lambda: print('torch' in sys.modules, 'nibabel' in sys.modules))\nmain()"
    )
    assert process(["-c", code, "maps", "--help"]).stdout.endswith("False False\n")
    done = process(["-c", code, "maps", str(data / "rubbish.nii.gz"), "--out", str(tmp_path / "out")])
    assert done.stdout == "False True\n"
    assert done.returncode == 2


def test_python_m_perfcore(data: Path, tmp_path: Path) -> None:
    done = process(["-m", "perfcore", "maps", str(data / "case_12"), "--out", str(tmp_path / "out")])
    assert done.returncode == 0
    assert done.stderr == ""
    assert (tmp_path / "out" / "summary.json").exists()
    done = process(["-m", "perfcore", "maps", str(data / "none"), "--out", str(tmp_path / "out2")])
    assert done.returncode == 2
    assert done.stderr == "Error: The series does not exist at the path given; check the path.\n"


def test_an_internal_error_is_one_line(data: Path, tmp_path: Path) -> None:
    code = (
        "from perfcore import cli\n"
        "from perfcore.batch import case\n"
        "def analyse(*args): return {}['Erika Mustermann']\n"
        "case._analyse = analyse\n"
        "cli.main()"
    )
    done = process(["-c", code, "maps", str(data / "case_12"), "--out", str(tmp_path / "out")])
    assert done.returncode == 1
    assert done.stderr == "Error: an internal error (KeyError in <string>, line 3); please report it.\n"
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_leaves_no_output(data: Path, tmp_path: Path) -> None:
    code = (
        "import signal, time; from perfcore import cli, results; from perfcore.batch import case\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # not ignored, as a background job has it
        "def files(*args, **options): yield 'cbf.nii.gz', b'half'; print('writing', flush=True); time.sleep(60)\n"
        "results.result_files = files\n"
        "case._analyse = lambda *args: (None, 'cpu')\n"
        "cli.main()"
    )
    out = tmp_path / "new" / "out"
    for sent, status in [(signal.SIGTERM, 143), (signal.SIGINT, 130)]:
        with subprocess.Popen(
            [sys.executable, "-c", code, "maps", str(data / "case_12"), "--out", str(out)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as running:  # fmt: skip
            assert running.stdout is not None
            assert running.stdout.readline() == "writing\n"
            assert list(out.parent.glob(".unfinished-*"))
            running.send_signal(sent)
            _, errors = running.communicate(timeout=120)
        assert running.returncode == status
        assert "Traceback" not in errors
        assert list(tmp_path.iterdir()) == []
