"""Tests of the evaluation: figures against independent computations, files, errors and expert AIFs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from perfcore.aif.select import SELECTORS
from perfcore.errors import InputDataError, NoArteryError, OutputError
from perfcore.evaluation.case_evaluation import FPR, EvaluationJob, evaluate_case
from perfcore.evaluation.run import case_columns, evaluate, evaluate_cases
from perfcore.io.aif_csv import write_aif_csv
from perfcore.io.cohort import CohortCase, find_cohort
from perfcore.metrics import evaluated, hausdorff95, roc_below
from perfcore.preprocess import Prepared
from perfcore.types import Aif
from tests.support import oracle
from tests.support.evaluation_cohort import METHODS, judge_here, maps_again, monai_hd95, one
from tests.support.tiny_cohort import tiny_head, write_series, write_tiny_cohort


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


# Figures


@pytest.mark.parametrize("method", ["truth", "straka", "peruzzo"])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_figures_of_case_match_reference(folder: Path, rows: pd.DataFrame, k: int, method: str) -> None:
    head = tiny_head(k)
    case = next(case for case in find_cohort(folder) if case.name == f"case_{k}")
    truth = case.load_truth(case.load())
    maps, series, prepared = maps_again(case, truth.aif if method == "truth" else None, method)
    core, lesion = maps.core, head.lesion
    brain = np.isfinite(maps.rcbf)
    found = one(rows, case.name, method)
    both = int((core & lesion).sum())
    voxel_ml = 5.0 * 5.0 * 5.0 / 1000  # 48 pixels of a field of 240 mm, slices of 5 mm
    assert truth.hypoperfused is not None
    assert truth.delay_s is not None
    late = maps.hypoperfused
    tissue = np.argwhere(prepared.mask & (truth.delay_s > 0) & np.isfinite(maps.tmax))
    errors = [abs(maps.tmax[x, y, z] - truth.delay_s[x, y, z]) for x, y, z in tissue]
    expected = {
        "dice": 2 * both / (core.sum() + lesion.sum()),
        "jaccard": both / (core | lesion).sum(),
        "auc": roc_auc_score(lesion[brain], -maps.rcbf[brain]),
        "hd95_mm": monai_hd95(core, lesion, series.spacing_mm),
        "core_ml": core.sum() * voxel_ml,
        "lesion_ml": lesion.sum() * voxel_ml,
        "volume_bias_ml": (int(core.sum()) - int(lesion.sum())) * voxel_ml,
        "hypoperfused_ml": late.sum() * voxel_ml,
        "hypoperfused_dice": 2 * (late & truth.hypoperfused).sum() / (late.sum() + truth.hypoperfused.sum()),
        "tmax_error_s": np.mean(errors),
        "reference_cbf": maps.cbf.reshape(-1)[prepared.index[prepared.reference]].mean(),
    }
    assert found["found"]
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(float(value), rel=2e-5, abs=1e-6), name
    assert found["patient"] == case.patient
    assert found["n_slices"] == 1
    assert found["seconds"] > 0


def test_figures_are_neither_perfect_nor_trivial(rows: pd.DataFrame) -> None:
    """Perfect or trivial figures would make the tests above pass vacuously."""
    own = rows[rows["found"] & rows["dice"].notna()]
    assert 0.3 < own["dice"].min() < own["dice"].max() <= 1
    assert own["hypoperfused_dice"].nunique() > 5
    assert own["hd95_mm"].nunique() > 2


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.9, 0.9, 5.0), (2.0, 0.7, 1.3)])
@pytest.mark.parametrize("seed", range(6))
def test_hd95_matches_monai(seed: int, spacing: tuple[float, float, float]) -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    a, b = (gaussian_filter(rng.random((22, 18, 9)), 1.7) > np.float64(0.5 + 0.01 * (seed % 3)) for _ in range(2))
    assert a.any()
    assert b.any()
    assert hausdorff95(a, b, spacing) == pytest.approx(monai_hd95(a, b, spacing), rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_roc_matches_sklearn_and_auc(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known = rng.random(3000) < 0.1
    rcbf = (rng.normal(0.8, 0.3, 3000) - 0.4 * known).astype(np.float32).round(seed)  # with ties for few digits
    rcbf[::50] = np.nan
    fine = np.linspace(0, 1, 20_001)
    curve = roc_below(rcbf, known, fine)
    assert curve[0] >= 0
    assert curve[-1] == 1
    assert (np.diff(curve) >= 0).all()
    valid = np.isfinite(rcbf)
    # Sensitivities at false positive rates that a threshold attains.
    at = np.unique(rcbf[valid])
    rates = [np.searchsorted(np.sort(rcbf[valid & own]), at, side="right") / (valid & own).sum()
             for own in (~known, known)]  # fmt: skip
    reached = pd.DataFrame({"false": rates[0], "true": rates[1]})
    least, most = (reached.groupby("false")["true"].transform(how).to_numpy() for how in ("min", "max"))
    found = roc_below(rcbf, known, rates[0])
    assert (found >= least - 1e-12).all()
    assert (found <= most + 1e-12).all()
    area = float(np.trapezoid(curve, fine))
    assert area == pytest.approx(roc_auc_score(known[valid], -rcbf[valid]), abs=2e-4)


def test_mean_roc_is_mean_over_cases(folder: Path, judged: tuple[Path, dict[str, Any]]) -> None:
    table = pd.read_csv(judged[0] / "roc.csv")
    assert list(table.columns) == ["fpr", *METHODS]
    np.testing.assert_allclose(table["fpr"], FPR)
    curves = []
    for case in find_cohort(folder)[:5]:
        maps, series, _ = maps_again(case, method="straka")
        assert series.lesion is not None
        curves.append(roc_below(maps.rcbf.ravel(), series.lesion.ravel(), FPR))
    np.testing.assert_allclose(table["straka"], np.mean(curves, axis=0), rtol=1e-4)


# Files


def test_table_has_row_per_case_and_method(rows: pd.DataFrame) -> None:
    assert list(rows.columns) == list(case_columns())
    assert set(evaluated()) <= set(case_columns())
    assert Counter(zip(rows["case"], rows["method"], strict=True)) == Counter(
        (f"case_{k}", method) for k in range(1, 8) for method in METHODS
    )
    assert one(rows, "case_2", "straka")["confounders"] == "late artery"


def test_summary_follows_contract(judged: tuple[Path, dict[str, Any]], rows: pd.DataFrame) -> None:
    out, summary = judged
    text = (out / "summary.json").read_text()
    read = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert read.keys() == summary.keys()
    assert sorted(path.name for path in out.iterdir()) == ["cases.csv", "report.html", "roc.csv", "summary.json"]
    assert read["n_cases"] == 7
    assert read["n_patients"] == 5
    assert list(read["methods"]) == list(METHODS)
    for method, about in read["methods"].items():
        own = rows[(rows["method"] == method) & rows["found"]]
        for metric in ("auc", "dice", "jaccard", "hd95_mm", "volume_bias_ml", "hypoperfused_dice", "tmax_error_s"):
            values = own[metric].dropna().to_numpy(float)
            assert about[metric]["n"] == len(values)
            assert about[metric]["mean"] == pytest.approx(values.mean(), rel=1e-4, abs=1e-6)
            assert about[metric]["sd"] == pytest.approx(values.std(ddof=1), rel=1e-3, abs=1e-5)
        assert about["found"] == len(own)
        difference = (own["core_ml"] - own["lesion_ml"]).to_numpy(float)
        assert about["bland_altman"]["bias_ml"] == pytest.approx(difference.mean(), abs=1e-4)
    assert read["reference"] == "truth"
    means = {name: read["methods"][name]["dice"]["mean"] for name in METHODS}
    assert means[read["best_classical"]] == max(means[name] for name in SELECTORS)
    assert means[read["best_network"]] == max(means["cnn-regression"], means["cnn-weighting-core"])
    assert set(read["p_values"]) == {"truth", read["best_classical"]}
    for reference, tests in read["p_values"].items():
        assert set(tests) == set(METHODS) - {reference}
    assert read["settings"]["lambda_rel"] == 0.3


def test_p_values_match_scipy(judged: tuple[Path, dict[str, Any]], rows: pd.DataFrame) -> None:
    tests, compared = judged[1]["p_values"]["truth"], 0
    for method, by_metric in tests.items():
        for metric, found in by_metric.items():
            wide = rows[rows["found"]].pivot(index="case", columns="method", values=metric)
            pairs = wide[[method, "truth"]].dropna()
            assert found["n"] == len(pairs)
            if found["paired_t"] is None:
                assert np.allclose(pairs[method], pairs["truth"], atol=1e-9)
                continue
            compared += 1
            one, other = pairs[method], pairs["truth"]
            assert found["paired_t"] == pytest.approx(stats.ttest_rel(one, other).pvalue, rel=0.01)
            rank = stats.mannwhitneyu(one, other, alternative="two-sided").pvalue
            assert found["mann_whitney_u"] == pytest.approx(rank, rel=0.01)
    assert compared > 10


# Cases and methods that fail


def test_selector_without_aif_counts_as_failed(judged: tuple[Path, dict[str, Any]], rows: pd.DataFrame) -> None:
    for selector in SELECTORS:
        row = one(rows, "case_6", selector)
        assert not row["found"]
        assert row["note"].startswith("No artery was found:")
        assert row[list(evaluated())].isna().all()
        about = judged[1]["methods"][selector]
        assert (about["found"], about["failed"]) == (6, 1)
        assert about["dice"]["n"] == 5
    assert one(rows, "case_6", "truth")["found"]
    assert "Straka in 1 cases" in (judged[0] / "report.html").read_text()


def test_case_without_lesion_has_volumes_but_no_overlap(rows: pd.DataFrame) -> None:
    row = one(rows, "case_7", "truth")
    assert row["found"]
    assert row["lesion_ml"] == 0
    assert row["volume_bias_ml"] == row["core_ml"]
    assert row[["dice", "jaccard", "auc", "hd95_mm"]].isna().all()


def test_unreadable_case_is_reported(judged: tuple[Path, dict[str, Any]], rows: pd.DataFrame) -> None:
    assert set(judged[1]["refused"]) == {"case_8"}
    assert judged[1]["refused"]["case_8"].endswith(".")
    assert "case_8" not in set(rows["case"])


def test_lesion_outside_brain_has_no_roc(folder: Path, tmp_path: Path) -> None:
    head = tiny_head(1)
    corner = np.zeros_like(head.lesion)
    corner[:2, :2] = True
    write_series(replace(head, lesion=corner), tmp_path / "data" / "case_1")
    write_series(tiny_head(2), tmp_path / "data" / "case_2")
    _, rows = judge_here(find_cohort(tmp_path / "data"), tmp_path / "out")
    assert one(rows, "case_1", "straka")["dice"] == 0
    assert np.isnan(one(rows, "case_1", "straka")["auc"])
    assert pd.read_csv(tmp_path / "out" / "roc.csv").notna().all(axis=None)


def test_no_usable_case_raises(folder: Path, tmp_path: Path) -> None:
    bad = find_cohort(folder)[7]
    with pytest.raises(InputDataError, match=r"^No case of the data folder can be evaluated; the first error: "):
        evaluate_cases([bad], tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputDataError, match="holds no case"):
        evaluate(tmp_path, tmp_path / "out")


def test_unwritable_output_raises(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError):
        evaluate(folder, tmp_path / "out")
    (tmp_path / "taken" / "report.html").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"in the place of report\.html"):
        evaluate(folder, tmp_path / "taken")


def test_failed_report_leaves_no_files(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise ValueError("no report")

    monkeypatch.setattr("perfcore.evaluation.run.make_report", fail)
    with pytest.raises(ValueError, match="no report"):
        evaluate_cases([find_cohort(folder)[0]], tmp_path / "out", workers=1)
    assert list(tmp_path.iterdir()) == []


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
    default, other = evaluate_case(EvaluationJob(find_cohort(folder)[0], ("straka", "murase"), ())).rows[-2:]
    assert "note" not in default
    assert other["note"] == "Murase found no artery; the curve is that of Straka."
    assert other["found"]
    assert (other["dice"], other["tmax_error_s"]) == (default["dice"], default["tmax_error_s"])


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
    assert set(summary["p_values"]["expert"]["straka"]["dice"]) == {"paired_t", "mann_whitney_u", "n"}
    assert summary["p_values"]["expert"]["straka"]["dice"]["n"] == 3


def test_invalid_expert_aif_fails_its_case_only(folder: Path, tmp_path: Path) -> None:
    cases = find_cohort(folder)[:3]
    expert = tmp_path / "expert"
    write_expert(cases[0], expert)
    write_expert(cases[1], expert, np.r_[0.0, 50.0, np.full(38, -10.0)])  # a bolus, and a negative area
    (expert / "case_3.csv").write_text("time_s,value\n0,nan\n")
    _, rows = judge_here(cases, tmp_path / "out", expert=expert)
    found = rows[rows["method"] == "expert"].set_index("case")
    assert found["found"].to_dict() == {"case_1": True, "case_2": False, "case_3": False}
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
    assert list(summary["p_values"]) == [summary["best_classical"]]
    assert rows[["hypoperfused_dice", "tmax_error_s"]].isna().all(axis=None)
    assert summary["methods"]["straka"]["hypoperfused_dice"] == {"mean": None, "sd": None, "n": 0}
    assert "Hypoperfusion Dice" not in (tmp_path / "out" / "report.html").read_text()
