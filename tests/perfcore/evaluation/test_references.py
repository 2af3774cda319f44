"""Tests of the references of an evaluation: null models, the default's curve and expert AIFs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest

from perfcore.aif.network.inference import typical_aif
from perfcore.aif.network.weights import Network
from perfcore.aif.select import SELECTORS
from perfcore.aif.select.selection import Selection
from perfcore.errors import ArgumentError, InputDataError, NoArteryError
from perfcore.evaluation import methods as evaluation_methods
from perfcore.evaluation.case_evaluation import EvaluationJob, evaluate_case
from perfcore.evaluation.run import evaluate_cases, trained_networks
from perfcore.io.aif_csv import write_aif_csv
from perfcore.io.cohort import CohortCase, find_cohort
from perfcore.preprocess import Prepared, prepare
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.support import oracle
from tests.support.evaluation_cohort import NETWORKS, best_r, judge_here, maps_again, one
from tests.support.tiny_cohort import tiny_head, write_tiny_cohort


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


# Null models


def test_the_typical_curve_is_a_method_like_the_others(folder: Path, rows: pd.DataFrame) -> None:
    case = find_cohort(folder)[1]
    aif = typical_aif(prepare(case.load(), Settings())).aif
    maps, series, _ = maps_again(case, aif)
    row = one(rows, "case_2", "null-typical")
    assert series.lesion is not None
    both = 2 * (maps.core & series.lesion).sum()
    assert row["dice"] == pytest.approx(both / (maps.core.sum() + series.lesion.sum()), rel=2e-5)
    true = case.load_truth(series).aif
    assert true is not None
    assert row["aif_r"] == pytest.approx(best_r(aif, true), rel=1e-5)


def test_each_network_is_compared_with_its_own_mean_curve(
    folder: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two mean curves that are told apart: one network's is the true AIF, the other's a late one."""
    cases = find_cohort(folder)[:5]
    asked: list[str] = []

    def mean_curve(prepared: Prepared, network: Network) -> Selection:
        asked.append(network.name)
        head = next(tiny_head(k) for k in range(1, 6) if tiny_head(k).series.data.shape == (*prepared.grid, 40))
        late = 0 if network.name == "cnn-regression" else 8
        return Selection(Aif(prepared.time_s, np.roll(head.aif, late)), None, "")

    monkeypatch.setattr(evaluation_methods, "mean_curve_aif", mean_curve)
    summary, rows = judge_here(cases, tmp_path, weights=weights)
    assert Counter(asked) == dict.fromkeys(NETWORKS, 5)
    assert set(summary["differences"]["null"]) == set(NETWORKS)
    for name in NETWORKS:
        own = rows[rows["method"] == name].set_index("case")
        null = rows[rows["method"] == f"null-{name}"].set_index("case")
        assert null["found"].all()
        pd.testing.assert_series_equal(null["fold"], own["fold"])
        found = summary["differences"]["null"][name]["hypoperfused_dice"]
        by_patient = (own["hypoperfused_dice"] - null["hypoperfused_dice"]).groupby(own["patient"]).mean()
        assert found["mean"] == pytest.approx(by_patient.mean(), rel=1e-4)
    late, early = (rows.loc[rows["method"] == f"null-{name}", "tmax_bias_s"].mean() for name in reversed(NETWORKS))
    assert late < early - 4
    assert all("its own mean curve" in sentence for sentence in summary["headline"])


def test_a_network_without_mean_curve_has_a_row_that_says_so(
    folder: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_prepared: Prepared, network: Network) -> NoReturn:
        raise ArgumentError(f"{network.name} has no mean curve; train it again.")

    monkeypatch.setattr(evaluation_methods, "mean_curve_aif", none)
    result = evaluate_case(EvaluationJob(find_cohort(folder)[0], (), trained_networks(weights)))
    row = result.rows[-1]
    assert row["method"] == "null-cnn-weighting-core"
    assert row["note"] == "cnn-weighting-core has no mean curve; train it again."
    assert (row["found"], row["failed"]) == (False, False)
    assert row["method"] not in result.sweep


# Experts


def write_expert(case: CohortCase, folder: Path, value: np.ndarray | None = None) -> Aif:
    series = case.load()
    head = tiny_head(case.case.number or 0)
    aif = Aif(series.time_s, 0.5 * np.roll(head.aif, 1) if value is None else value)
    folder.mkdir(exist_ok=True)
    write_aif_csv(aif, folder / f"{case.name}.csv")
    return aif


def test_a_selector_that_finds_nothing_counts_with_the_defaults_curve_and_a_note(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_prepared: Prepared) -> NoReturn:
        raise NoArteryError("No artery was found.")

    monkeypatch.setitem(SELECTORS, "murase", replace(SELECTORS["murase"], function=nothing))
    rows = evaluate_case(EvaluationJob(find_cohort(folder)[0], ("straka", "murase"), ())).rows
    default, other = (next(row for row in rows if row["method"] == name) for name in ("straka", "murase"))
    assert "note" not in default
    assert other["note"] == "Murase found no artery; the curve is that of Straka."
    assert other["found"]
    assert (other["fallback"], default["fallback"]) == (True, False)
    assert (other["dice"], other["tmax_bias_s"]) == (default["dice"], default["tmax_bias_s"])


def test_expert_aifs_are_reference(folder: Path, tmp_path: Path) -> None:
    cases = find_cohort(folder)[:4]
    curves = {case.name: write_expert(case, tmp_path / "expert") for case in cases[:3]}
    summary, rows = judge_here(cases, tmp_path / "out", expert=tmp_path / "expert")
    assert summary["reference"] == "expert"
    assert summary["methods"]["expert"]["found"] == 3
    assert set(rows[rows["method"] == "expert"]["case"]) == {"case_1", "case_2", "case_3"}
    for case in cases[:3]:
        maps, _, prepared = maps_again(case, curves[case.name])
        row = one(rows, case.name, "expert")
        assert row["reference_cbf"] == pytest.approx(
            float(maps.cbf.reshape(-1)[prepared.index[prepared.reference]].mean()), rel=1e-4
        )
        # Half the peak: twice the CBF.
        assert row["reference_cbf"] > 1.7 * one(rows, case.name, "truth")["reference_cbf"]
    assert set(summary["p_values"]["expert"]["straka"]["dice"]) == {"paired_t", "wilcoxon", "n"}
    assert summary["p_values"]["expert"]["straka"]["dice"]["n"] == 2, "two cases are of one patient"


def test_invalid_expert_aif_fails_its_case_only(folder: Path, tmp_path: Path) -> None:
    cases = find_cohort(folder)[:3]
    expert = tmp_path / "expert"
    write_expert(cases[0], expert)
    write_expert(cases[1], expert, np.r_[0.0, 50.0, np.full(38, -10.0)])  # a bolus, and a negative area
    (expert / "case_3.csv").write_text("time_s,value\n0,nan\n")
    _, rows = judge_here(cases, tmp_path / "out", expert=expert)
    found = rows[rows["method"] == "expert"].set_index("case")
    assert found["found"].to_dict() == {"case_1": True, "case_2": False, "case_3": False}
    assert found["failed"].to_dict() == {"case_1": False, "case_2": True, "case_3": False}, "case 3 has no curve"
    assert "must be positive" in found.loc["case_2", "note"]
    assert rows[rows["method"] == "truth"]["found"].all()


def test_expert_folder_without_aif_raises(folder: Path, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputDataError, match=r"folder of the expert holds no AIF of these cases"):
            evaluate_cases(find_cohort(folder)[:1], tmp_path / "out", expert=place, workers=1)


def test_no_reference_without_expert_and_truth(tmp_path: Path) -> None:
    write_tiny_cohort(tmp_path / "data", 3, truth=False)
    summary, rows = judge_here(find_cohort(tmp_path / "data"), tmp_path / "out")
    assert summary["reference"] is None
    assert list(summary["differences"]) == ["straka", "null"]
    unknown = ["hard_dice", "hypoperfused_dice", "hypoperfused_dice_anchored", "aif_r", "tmax_bias_s", "tmax_sd_s"]
    assert rows[unknown].isna().all(axis=None)
    assert summary["methods"]["straka"]["hypoperfused_dice"]["mean"] is None
    assert "Hypoperfusion Dice" not in (tmp_path / "out" / "report.html").read_text()
