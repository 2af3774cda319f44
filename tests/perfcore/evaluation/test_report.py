"""Tests of the report: self-contained HTML, what it shows, and its example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perfcore.evaluation import case_evaluation
from perfcore.evaluation.case_evaluation import EvaluationJob, evaluate_case
from perfcore.evaluation.figures import FPR
from perfcore.evaluation.report import make_report
from perfcore.evaluation.run import EVALUATION_FILES, evaluate_cases
from perfcore.evaluation.wording import difference_text
from perfcore.io.cohort import CohortCase, find_cohort
from perfcore.io.datasets.case_folders import CaseFiles
from perfcore.metric_info import METRICS
from perfcore.types import PerfusionSeries
from tests.support import oracle
from tests.support.evaluation_cohort import judge_here
from tests.support.html_page import check_page
from tests.support.tiny_cohort import save_nifti, tiny_head


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


N_FIGURES = 6


def test_report_is_self_contained(judged: tuple[Path, dict[str, Any]]) -> None:
    out, summary = judged
    page = check_page((out / "report.html").read_text(encoding="utf-8"))
    assert page.tags["svg"] == N_FIGURES
    shown = " ".join(page.text)
    for title in ("Table 1.", "Fig. 2.", "Fig. 3.", "ROC of rCBF", "Distribution over the cases", "Differences",
                  "Core Dice by the threshold of rCBF", "Against Straka", "Against the true AIF",
                  "Against its own mean curve"):  # fmt: skip
        assert title in shown
    for sentence in summary["headline"]:
        assert sentence in shown
    assert "Research and teaching, not for clinical use." in shown
    assert "7 cases of 5 patients" in shown
    assert "cross-validated on unseen cases" in shown
    means = summary["methods"]["straka"]["dice"]
    assert f"{means['mean']:.3f} {means['low']:.3f} to {means['high']:.3f}" in shown
    found = summary["differences"]["straka"]["cnn-weighting-core"]["hypoperfused_dice"]
    assert difference_text(METRICS["hypoperfused_dice"], found) in shown
    assert "Typical curve (null model)" in shown
    assert "Network, regression (null model)" in shown
    assert "case_1" in shown


def test_report_escapes_names(judged: tuple[Path, dict[str, Any]], rows: pd.DataFrame) -> None:
    summary = json.loads(json.dumps(judged[1]))
    evil = "<script>alert(1)</script>"
    summary["methods"][evil] = {**summary["methods"]["straka"], "failed": 2}
    summary["differences"][evil] = {evil: summary["differences"]["truth"]["straka"]}
    summary["headline"] = [evil]
    summary["networks"][evil] = {"kind": "x", "loss": "core", "folds": 0}
    summary["settings"]["deconvolution"] = evil
    copies = rows[rows["method"] == "straka"].assign(method=evil)
    example_slice = make_example_slice()
    sweep = pd.DataFrame({"method": evil, "threshold": [0.3, 0.4], "dice_mean": [0.5, 0.6], "n": 3})
    text = make_report(pd.concat([rows, copies]), summary, {evil: FPR}, sweep, (evil, {evil: example_slice}))
    page = check_page(text)
    assert evil in " ".join(page.text)
    assert "<script" not in text


def make_example_slice() -> case_evaluation.ExampleSlice:
    rng = np.random.default_rng(0)
    rcbf = rng.random((9, 7)).astype(np.float32)
    return case_evaluation.ExampleSlice(
        rcbf, rcbf < 0.3, rcbf < 0.4, None, np.arange(5.0), np.array([0, 1, 3, 2, 1.0])
    )


def test_example_is_first_case_with_lesion(folder: Path, tmp_path: Path) -> None:
    cases = [find_cohort(folder)[k] for k in (7, 6, 1, 0)]  # rubbish, no lesion, and two that serve
    evaluate_cases(cases, tmp_path, workers=1)
    page = check_page((tmp_path / "report.html").read_text())
    assert "known lesion: case_2" in " ".join(page.text)
    assert page.tags["svg"] == N_FIGURES


def test_cohort_without_lesion_has_report(folder: Path, tmp_path: Path) -> None:
    summary, _ = judge_here([find_cohort(folder)[6]], tmp_path)
    assert summary["methods"]["straka"]["dice"]["mean"] is None
    page = check_page((tmp_path / "report.html").read_text())
    assert "no case with a lesion" in " ".join(page.text)


def test_report_is_reproducible(folder: Path, tmp_path: Path) -> None:
    for name in ("one", "other"):
        evaluate_cases(find_cohort(folder)[:3], tmp_path / name, workers=1)
    for file in set(EVALUATION_FILES) - {"cases.csv"}:  # which has times
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_example_slice_is_upright(tmp_path: Path) -> None:
    """Anterior is up for both directions of the y axis."""
    shown = []
    for flip in (False, True):
        head = tiny_head(1)
        affine, data, lesion = head.series.affine.copy(), head.series.data, head.lesion
        lesion = lesion & (np.indices(lesion.shape)[1] > 24)  # the anterior part
        if flip:
            affine[1, 1], affine[1, 3] = -affine[1, 1], -affine[1, 3]
            data, lesion = data[:, ::-1], lesion[:, ::-1]
        series = PerfusionSeries(data, affine, 1.0, lesion=lesion)
        name = "SMIR.Brain.XX.O.{}.1"
        hu = np.round(series.data).astype(np.int16)
        for modality, volume in (("CT_4DPWI", hu), ("OT", lesion.astype(np.uint8))):
            at = tmp_path / str(flip) / "case_1" / name.format(modality) / f"{name.format(modality)}.nii"
            save_nifti(np.ascontiguousarray(volume), affine, at, 1.0 if volume.ndim == 4 else None)
        case = CohortCase(CaseFiles("case_1", tmp_path / str(flip) / "case_1"), "P1", None)
        shown.append(
            evaluate_case(EvaluationJob(case, ("straka",), (), with_example=True)).example_slices["straka"]
        )
    for example_slice in shown:
        rows, height = np.nonzero(example_slice.lesion)[0], example_slice.lesion.shape[0]
        assert rows.mean() < height / 2
        assert np.isfinite(example_slice.rcbf).any(axis=1).all()
    np.testing.assert_array_equal(shown[0].lesion, shown[1].lesion)
