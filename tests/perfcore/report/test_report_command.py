"""``maps --report``: files, figures, no patient field, and a missing package found before the work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from perfcore.cli import app
from perfcore.results import nifti_bytes
from tests.perfcore.report.test_page_html import Figures, shown_text
from tests.support import dicom_export
from tests.support.html_page import check_page
from tests.support.pdf_text import read_pdf
from tests.support.synthetic_head import draw_head


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["maps", *map(str, args)])


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    series = draw_head(64, 2, 45).series
    path = tmp_path_factory.mktemp("series") / "head.nii.gz"
    path.write_bytes(nifti_bytes(np.asarray(series.data, np.float32), series.affine))
    return path


def test_the_report_lies_beside_the_maps(head: Path, tmp_path: Path) -> None:
    done = run(head, "--out", tmp_path / "out", "--report", "--preset", "vendor", "--dt", 1)
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    figures = Figures(text).found
    same = figures.keys() & summary.keys()
    assert same >= {"core_ml", "hypoperfused_ml", "mismatch_ml", "mismatch_ratio", "target_mismatch", "side"}
    assert {name: figures[name][0] for name in same} == {name: summary[name] for name in same}
    assert "Preset vendor" in shown_text(text)
    read = read_pdf((tmp_path / "out" / "report.pdf").read_bytes())
    assert read.n_pages == 1
    assert all(printed in read.pieces for _, printed in figures.values())


def test_the_report_has_the_names_of_a_bids_dataset(head: Path, tmp_path: Path) -> None:
    done = run(head, "--out", tmp_path / "out", "--report", "--names", "bids", "--dt", 1)
    assert done.exit_code == 0, done.output
    found = sorted(path.name for path in (tmp_path / "out").rglob("*_report.*"))
    assert found == ["sub-case_desc-perfusion_report.html", "sub-case_desc-perfusion_report.pdf"]


def test_no_patient_field_is_in_the_report(tmp_path: Path) -> None:
    series = draw_head(64, 2, 30).series
    stored = (series.data.transpose(3, 2, 1, 0)[:, ::-1] + 1024).round().clip(0).astype(int)
    folder = dicom_export.save(dicom_export.export(stored), tmp_path / "export")
    done = run(folder, "--out", tmp_path / "out", "--report")
    assert done.exit_code == 0, done.output
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    check_page(html, images=True)
    pdf = (tmp_path / "out" / "report.pdf").read_bytes()
    for private in (dicom_export.NAME, "Erika", "19640812", "Klinik", str(tmp_path)):
        assert private not in html
        assert private not in read_pdf(pdf).text
        assert private.encode() not in pdf


def test_a_missing_package_is_found_before_the_work(
    head: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfcore.report.files.find_spec", lambda name: None)
    monkeypatch.setattr("perfcore.io.load.load_series", lambda *a, **k: pytest.fail("the series was read"))
    done = run(head, "--out", tmp_path / "out", "--report")
    assert done.exit_code == 2
    assert done.output == 'Error: The report needs matplotlib; install it with pip install "aif-lab[report]".\n'
    assert not (tmp_path / "out").exists()
