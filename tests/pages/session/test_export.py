"""Exported files: the exported command lines make the exported maps again."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from pages.library.catalog import CatalogEntry, LoadedCase, demonstrations, open_case
from pages.live.server.session import Workspace
from pages.session.export import Export
from perfcore.cli import app
from perfcore.io.aif_csv import read_aif_csv
from perfcore.map_info import computed_maps
from perfcore.phantom.cases import make_case
from perfcore.report.files import HTML_FILE, PDF_FILE
from perfcore.settings import Settings
from perfcore.types import PerfusionSeries
from tests import ROOT
from tests.perfcore.report.test_page_html import Figures
from tests.support.html_page import check_page
from tests.support.pdf_text import read_pdf


def export(entry: CatalogEntry, settings: Settings, preset: str = "paper", *, edit: bool = True) -> Export:
    case = open_case(entry, settings)
    start = next(iter(case.sources.values()))
    curve = start.value * np.linspace(1.1, 0.8, start.value.size) if edit else None
    # As it comes from the browser: float32.
    return Export(
        entry,
        Workspace(1, case, settings, start),
        preset,
        None if curve is None else curve.astype(np.float32).astype(float),
    )


def unzip(content: bytes, out: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(out)
    return out


def run_here(lines: list[str]) -> None:
    """Run command lines in this process and folder."""
    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "perfcore"]
        done = CliRunner().invoke(app, words[3:], catch_exceptions=False)
        assert done.exit_code == 0, done.output


def run_lines(lines: list[str], folder: Path) -> None:
    """Run command lines in a process of their own."""
    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "perfcore"]
        done = subprocess.run(
            [sys.executable, *words[1:]], cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def assert_same_maps(a: Path, b: Path) -> None:
    for name in computed_maps():
        one, other = (nib.load(folder / f"{name}.nii.gz") for folder in (a, b))
        np.testing.assert_array_equal(one.affine, other.affine)
        values = np.asarray(one.dataobj)
        scale = np.nanmax(np.abs(values))
        assert scale > 0.5, name
        np.testing.assert_allclose(np.asarray(other.dataobj), values, rtol=1e-5, atol=1e-5 * scale, err_msg=name)
    for name in ("core", "hypoperfused", "brain_mask"):
        one, other = (np.asarray(nib.load(folder / f"{name}.nii.gz").dataobj) for folder in (a, b))
        np.testing.assert_array_equal(one, other, err_msg=name)


@pytest.mark.parametrize(
    ("preset", "changes", "edit"),
    [
        ("paper", {}, True),
        ("vendor", {"deconvolution": "causal", "lambda_rel": 0.15, "spatial_sigma_mm": 1.5}, True),
        ("paper", {"regularization": "tsvd", "reference": "brain", "tmax_threshold_s": 8.0}, False),
        ("paper", {"tmax_reference": "healthy"}, True),
    ],
)
def test_the_exported_lines_make_the_exported_maps(
    preset: str, changes: dict, edit: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = next(e for e in demonstrations() if e.key == "demo-distal-aif")
    taken = export(entry, Settings.preset(preset, **changes), preset, edit=edit)
    (tmp_path / "aif.csv").write_text(taken.curve_csv())
    lines = taken.commands()
    assert len(lines) == 2, "the first writes the demonstration, the second makes its maps"
    if preset == "vendor":
        run_lines(lines, tmp_path)
    else:  # starting a process costs more than the maps
        monkeypatch.chdir(tmp_path)
        run_here(lines)
    here = unzip(taken.maps_zip(), tmp_path / "zip")
    assert_same_maps(here, tmp_path / "maps")
    ours, theirs = (json.loads((f / "summary.json").read_text()) for f in (here, tmp_path / "maps"))
    for name in ("core_ml", "hypoperfused_ml", "reference_cbf", "dice", "auc", "tmax_shift_s"):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-6), name
    for name in Settings().as_dict():
        assert ours["settings"][name] == theirs["settings"][name], name
    assert {p.name for p in here.iterdir()} == {p.name for p in (tmp_path / "maps").iterdir()}


@pytest.mark.parametrize("edit", [True, False])
def test_the_report_is_that_of_the_exported_maps(edit: bool, tmp_path: Path) -> None:
    settings = Settings(core_threshold=0.3, tmax_threshold_s=8.0)
    taken = export(demonstrations()[0], settings, edit=edit)
    summary = json.loads((unzip(taken.maps_zip(), tmp_path) / "summary.json").read_text())
    html = taken.report(HTML_FILE).decode()
    figures = {name: value for name, (value, _) in Figures(html).found.items()}
    for name in ("core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", "target_mismatch", "side", "dice"):
        assert figures[name] == summary[name], name
    start, vof = taken.state.start, taken.state.case.vof
    text = " ".join(check_page(html, images=True).text)
    assert f"{len(start.voxels)} voxels" in text or edit
    assert ("edited; no voxels" in text) is edit
    assert "rCBF < 0.3, Tmax > 8 s" in text
    assert ("VOF" in text) is (vof is not None)
    read = read_pdf(taken.report(PDF_FILE))
    assert read.n_pages == 1
    assert taken.entry.title in read.pieces
    assert f"{taken.aif.peak:.1f}" in read.pieces


def test_an_edited_curve_is_written_with_all_its_digits() -> None:
    taken = export(demonstrations()[0], Settings())
    read = read_aif_csv(taken.curve_csv().encode(), taken.state.start.time_s)
    np.testing.assert_array_equal(read.value.astype(np.float32), taken.edited.astype(np.float32))
    assert taken.aif.source_id == "edited"


def test_settings_and_lines_as_json() -> None:
    taken = export(demonstrations()[0], Settings.preset("vendor", core_threshold=0.25), "vendor")
    written = json.loads(taken.settings_json())
    assert Settings(**written["settings"]) == taken.state.settings
    assert written["aif"] == {"start": taken.state.start.source_id, "edited": True, "file": "aif.csv"}
    assert written["commands"] == taken.commands()
    assert written["commands"][1].endswith("--aif aif.csv --preset vendor --core-threshold 0.25 --out maps")


@pytest.fixture(scope="module")
def upload() -> CatalogEntry:
    series = make_case(3, 1).series
    mine = PerfusionSeries(series.data, series.affine, 1.25, case="Upload 1", units="hu")
    return CatalogEntry("upload-1", "Upload 1", "", lambda: LoadedCase(mine), owner="session")


def test_the_command_of_an_upload_has_no_file_name(upload: CatalogEntry, tmp_path: Path) -> None:
    taken = export(upload, Settings())
    (line,) = taken.commands()
    assert "maps YOUR_SERIES --aif aif.csv --dt 1.25" in line
    summary = json.loads((unzip(taken.maps_zip(), tmp_path) / "summary.json").read_text())
    assert (summary["case"], summary["dt_s"]) == ("upload", 1.25)
    assert "<h1>upload</h1>" in taken.report(HTML_FILE).decode()


def test_the_command_of_a_folder_case_names_the_case() -> None:
    demo = demonstrations()[0]
    entry = CatalogEntry("folder-case 7", "case 7", "", demo.read)
    (line,) = export(entry, Settings()).commands()
    assert shlex.split(line)[4] == "YOUR_FOLDER/case 7"
