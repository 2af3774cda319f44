"""Tests of ``maps`` on DICOM exports of several series: refusal with the list, ``--series``, and the summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from perfcore.cli import app
from tests.perfcore.io.dicom.test_series_choice import another, by_phase, merged
from tests.support.dicom_export import NAME, export, save
from tests.support.synthetic_head import draw_head

HEAD = np.rint(draw_head(48, 3, 45).series.data).astype(int)[:, ::-1].transpose(3, 2, 1, 0) + 1024
FIGURES = ("core_ml", "hypoperfused_ml", "mismatch_ml", "reference_cbf", "aif")


def maps(*args: object) -> Result:
    return CliRunner().invoke(app, ["maps", *map(str, args)])


def summary(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Summary of the scan stored as one series, alone in its folder."""
    folder = save(export(HEAD), tmp_path_factory.mktemp("one"))
    out = tmp_path_factory.mktemp("maps")
    result = maps(folder, "--out", out)
    assert result.exit_code == 0, result.stderr
    return summary(out)


def test_a_single_series_is_stated(reference: dict[str, Any]) -> None:
    assert reference["core_ml"] > 0
    assert not {"series_joined", "series_left_out", "duplicates_left_out"} & {*reference["quality_codes"]}
    chosen = reference["series"]["chosen"]
    assert {name: chosen[name] for name in ("number", "frames", "slices", "dt_s", "joined")} == {
        "number": 1, "frames": 45, "slices": 3, "dt_s": 1.5, "joined": 1
    }  # fmt: skip
    assert reference["series"]["left_out"] == []


def test_a_joined_scan_beside_other_files_has_the_figures_of_the_reference(
    reference: dict[str, Any], tmp_path: Path
) -> None:
    mip = another(HEAD[:12], "8", ImageType=["DERIVED", "SECONDARY", "MIP"])
    folder = save(merged(export(HEAD, SeriesInstanceUID=by_phase), mip, {NAME: b"text"}), tmp_path / "in")
    assert maps(folder, "--out", tmp_path / "out").exit_code == 0
    found = summary(tmp_path / "out")
    assert {name: found[name] for name in FIGURES} == {name: reference[name] for name in FIGURES}
    assert found["series"]["chosen"] == reference["series"]["chosen"] | {"joined": 2}
    assert found["series"]["left_out"] == [
        {"number": None, "kind": "no DICOM", "count": 1, "reason": "files of another format"},
        {"number": None, "kind": "projection", "count": 36, "reason": "computed from a scan"},
    ]
    assert "series_joined" in found["quality_codes"]
    assert NAME not in json.dumps(found)


def test_several_scans_are_refused_with_a_list_and_chosen_by_number(
    reference: dict[str, Any], tmp_path: Path
) -> None:
    files = merged(another(HEAD[:20], times=lambda t, _z: 1000 + 2 * t), export(HEAD))
    folder = save(files, tmp_path / "in")
    result = maps(folder, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: The DICOM files hold 2 series that can be read: 1 (20 frames × 3 slices, 2 s apart) and "
        "2 (45 frames × 3 slices, 1.5 s apart); choose one by its number (--series N).\n"
    )
    assert not (tmp_path / "out").exists()
    assert maps(folder, "--out", tmp_path / "out", "--series", 2).exit_code == 0
    found = summary(tmp_path / "out")
    assert {name: found[name] for name in FIGURES} == {name: reference[name] for name in FIGURES}
    assert found["series"]["chosen"]["number"] == 2
    assert [one["number"] for one in found["series"]["left_out"]] == [1]
    result = maps(folder, "--out", tmp_path / "none", "--series", 7)
    assert result.exit_code == 2
    assert "numbered 1 to 2; list them with inspect" in result.stderr


def test_nifti_input_has_no_series_key_and_takes_no_number(tmp_path: Path) -> None:
    result = maps(tmp_path / "a.nii", "--out", tmp_path / "out", "--series", 1)
    assert result.exit_code == 2
    assert "for DICOM input" in result.stderr
