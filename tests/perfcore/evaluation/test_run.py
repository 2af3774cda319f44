"""Tests of the evaluation: figures against independent computations, files and errors."""

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

from perfcore.aif.select import SELECTORS, select
from perfcore.errors import InputDataError, NoArteryError, OutputError
from perfcore.evaluation.case_evaluation import EvaluationJob, evaluate_case
from perfcore.evaluation.figures import FPR
from perfcore.evaluation.run import EVALUATION_FILES, case_columns, evaluate, evaluate_cases
from perfcore.io.cohort import CohortCase, find_cohort
from perfcore.metric_info import evaluated
from perfcore.metrics import hausdorff95, roc_below
from perfcore.preprocess import Prepared, prepare
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.support import oracle
from tests.support.evaluation_cohort import METHODS, NETWORKS, best_r, judge_here, maps_again, monai_hd95, one
from tests.support.tiny_cohort import hard_label_of, tiny_head, write_series


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


# Figures


def maps_aif(case: CohortCase, method: str) -> Aif:
    """The AIF of a method, anew."""
    series = case.load()
    if method == "truth":
        true = case.load_truth(series).aif
        assert true is not None
        return true
    return select(prepare(series, Settings()), method).corrected()


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
    late, low = maps.hypoperfused, truth.hypoperfused
    late_healthy = maps_again(case, maps_aif(case, method), settings=Settings(tmax_reference="healthy"))[
        0
    ].hypoperfused
    other = hard_label_of(head)
    tmax = (maps.tmax - maps_again(case, truth.aif)[0].tmax)[prepared.mask].astype(float)
    expected = {
        "dice": 2 * both / (core.sum() + lesion.sum()),
        "jaccard": both / (core | lesion).sum(),
        "auc": roc_auc_score(lesion[brain], -maps.rcbf[brain]),
        "hd95_mm": monai_hd95(core, lesion, series.spacing_mm),
        "core_ml": core.sum() * voxel_ml,
        "lesion_ml": lesion.sum() * voxel_ml,
        "volume_bias_ml": (int(core.sum()) - int(lesion.sum())) * voxel_ml,
        "hypoperfused_ml": late.sum() * voxel_ml,
        "hard_dice": 2 * (core & other).sum() / (core.sum() + other.sum()),
        "hypoperfused_dice": 2 * (late & low).sum() / (late.sum() + low.sum()),
        "hypoperfused_dice_anchored": 2 * (late_healthy & low).sum() / (late_healthy.sum() + low.sum()),
        "aif_r": best_r(maps_aif(case, method), truth.aif),
        "tmax_bias_s": np.mean(tmax),
        "tmax_sd_s": np.sqrt(np.mean(np.square(tmax - np.mean(tmax)))),
        "reference_cbf": maps.cbf.reshape(-1)[prepared.index[prepared.reference]].mean(),
    }
    assert found["found"]
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(float(value), rel=2e-5, abs=1e-6), name
    assert found["hard_dice"] < found["dice"], "another scan shows another lesion"
    assert found["patient"] == case.patient
    assert found["n_slices"] == 1
    assert found["seconds"] > 0


def test_figures_are_neither_perfect_nor_trivial(rows: pd.DataFrame) -> None:
    """Perfect or trivial figures would make the tests above pass vacuously."""
    own = rows[rows["found"] & rows["dice"].notna()]
    assert 0.2 < own["dice"].min() < own["dice"].max() <= 1
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
    known = [name for name in METHODS if judged[1]["methods"][name]["auc"]["n"]]
    assert list(table.columns) == ["fpr", *known]
    np.testing.assert_allclose(table["fpr"], FPR)
    curves = []
    for case in find_cohort(folder)[:5]:
        maps, series, _ = maps_again(case, method="straka")
        assert series.lesion is not None
        curves.append(roc_below(maps.rcbf.ravel(), series.lesion.ravel(), FPR))
    curves.append(FPR)  # no artery in case 6: rCBF tells nothing
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
    assert sorted(path.name for path in out.iterdir()) == sorted(EVALUATION_FILES)
    assert read["n_cases"] == 7
    assert read["n_patients"] == 5
    assert list(read["methods"]) == list(METHODS)
    for method, about in read["methods"].items():
        own = rows[rows["method"] == method]
        for metric in evaluated():
            by_patient: dict[str, list[float]] = {}
            for patient, value in zip(own["patient"], own[metric], strict=True):
                if not np.isnan(value):
                    by_patient.setdefault(patient, []).append(value)
            values = np.array([np.mean(scans) for scans in by_patient.values()])
            assert about[metric]["n"] == len(values)
            if not len(values):
                assert about[metric] == {"mean": None, "sd": None, "low": None, "high": None, "n": 0}
                continue
            assert about[metric]["mean"] == pytest.approx(values.mean(), rel=1e-4, abs=1e-6)
            assert about[metric]["sd"] == pytest.approx(values.std(ddof=1), rel=1e-3, abs=1e-5)
            assert values.min() - 1e-4 <= about[metric]["low"] <= about[metric]["mean"] + 1e-9
            assert about[metric]["mean"] - 1e-9 <= about[metric]["high"] <= values.max() + 1e-4
        assert (about["found"], about["failed"]) == (own["found"].sum(), own["failed"].sum())
        assert about["found"] + about["failed"] + about["not_evaluated"] == 7
        if about["found"]:
            difference = (own["core_ml"] - own["lesion_ml"]).to_numpy(float)
            assert about["bland_altman"]["bias_ml"] == pytest.approx(np.nanmean(difference), abs=1e-4)
    assert (read["reference"], read["comparator"]) == ("truth", "straka")
    assert list(read["p_values"]) == list(read["differences"]) == ["straka", "truth", "null"]
    for reference in ("straka", "truth"):
        assert set(read["p_values"][reference]) == set(METHODS) - {reference}
    assert set(read["differences"]["null"]) == set(NETWORKS)
    assert len(read["headline"]) == len(NETWORKS)
    assert read["settings"]["lambda_rel"] == 0.3


def test_differences_match_scipy(judged: tuple[Path, dict[str, Any]], rows: pd.DataFrame) -> None:
    compared = 0
    for method, by_metric in judged[1]["differences"]["truth"].items():
        for metric, found in by_metric.items():
            wide = rows.pivot(index=["patient", "case"], columns="method", values=metric).reindex(columns=METHODS)
            pairs = wide[[method, "truth"]].dropna().groupby("patient").mean()
            d = (pairs[method] - pairs["truth"]).to_numpy()
            assert found["n_patients"] == len(d)
            p = judged[1]["p_values"]["truth"][method][metric]
            assert p == {"paired_t": found["paired_t"], "wilcoxon": found["wilcoxon"], "n": len(d)}
            if found["paired_t"] is None:
                assert len(d) < 3 or np.allclose(d, 0, atol=1e-9)
                continue
            compared += 1
            assert found["mean"] == pytest.approx(d.mean(), rel=1e-3, abs=1e-4)
            assert found["paired_t"] == pytest.approx(
                stats.ttest_rel(pairs[method], pairs["truth"]).pvalue, rel=0.01
            )
            assert found["wilcoxon"] == pytest.approx(stats.wilcoxon(d.round(9)).pvalue, rel=0.01)
    assert compared > 10


def test_sweep_is_the_mean_dice_at_each_threshold(folder: Path, judged: tuple[Path, dict[str, Any]]) -> None:
    table = pd.read_csv(judged[0] / "sweep.csv")
    assert list(table.columns) == ["method", "threshold", "dice_mean", "n"]
    for method, own in table.groupby("method"):
        about = judged[1]["methods"][method]["dice"]
        used = own.loc[own["threshold"] == Settings().core_threshold].iloc[0]
        assert used["dice_mean"] == pytest.approx(about["mean"], rel=1e-5)
        assert (own["n"] == about["n"]).all()
        assert own["threshold"].tolist() == [round(0.2 + 0.02 * k, 2) for k in range(21)]
    # Straka finds no artery in case 6; cases 1 and 2, and 3 and 4, are of one patient each.
    for threshold in (0.2, 0.38, 0.5, 0.6):
        found = []
        for case in find_cohort(folder)[:5]:
            maps, series, _ = maps_again(case, method="straka", settings=Settings(core_threshold=threshold))
            assert series.lesion is not None
            found.append(2 * (maps.core & series.lesion).sum() / (maps.core.sum() + series.lesion.sum()))
        mean = (np.mean(found[:2]) + np.mean(found[2:4]) + found[4] + 0) / 4
        own = table[(table["method"] == "straka") & (table["threshold"] == threshold)]
        assert own["dice_mean"].item() == pytest.approx(mean, rel=2e-5)


def test_calibrated_dice_is_that_of_the_calibrated_threshold(folder: Path, rows: pd.DataFrame) -> None:
    for k in (1, 3, 5):
        row = one(rows, f"case_{k}", "straka")
        threshold = Settings(core_threshold=float(row["calibrated_threshold"]))
        maps, series, _ = maps_again(find_cohort(folder)[k - 1], method="straka", settings=threshold)
        assert series.lesion is not None
        both = 2 * (maps.core & series.lesion).sum()
        assert row["calibrated_dice"] == pytest.approx(both / (maps.core.sum() + series.lesion.sum()), rel=2e-5)
    assert (rows["calibrated_dice"] - rows["dice"]).abs().max() > 0.02, "the threshold matters"


# Cases and methods that fail


def test_a_case_without_aif_counts_as_the_worst_result(
    judged: tuple[Path, dict[str, Any]], rows: pd.DataFrame
) -> None:
    known = one(rows, "case_6", "truth")
    assert known["found"]
    assert not known["failed"]
    for selector in SELECTORS:
        row = one(rows, "case_6", selector)
        assert row["failed"]
        assert not row["found"]
        assert row["note"].startswith("No artery was found:")
        worst = {name: 0.0 for name in evaluated() if name.endswith("dice") or name == "jaccard"} | {
            "hypoperfused_dice_anchored": 0.0, "auc": 0.5, "lesion_ml": known["lesion_ml"],
        }  # fmt: skip
        assert row[list(worst)].to_dict() == worst
        undefined = [name for name in (*evaluated(), "core_ml", "seconds") if name not in worst]
        assert "hd95_mm" in undefined
        assert row[undefined].isna().all()
        about = judged[1]["methods"][selector]
        assert (about["found"], about["failed"]) == (6, 1)
        assert about["dice"]["n"] == judged[1]["methods"]["truth"]["dice"]["n"] == 4
        others = [one(rows, f"case_{k}", selector)["dice"] for k in range(1, 6)]
        mean = (np.mean(others[:2]) + np.mean(others[2:4]) + others[4] + 0) / 4
        assert about["dice"]["mean"] == pytest.approx(mean, rel=1e-5)
    report = (judged[0] / "report.html").read_text()
    assert "<td>Straka</td><td>1</td>" in report


def test_a_failure_without_lesion_has_no_dice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_prepared: Prepared) -> NoReturn:
        raise NoArteryError("No artery was found.")

    monkeypatch.setitem(SELECTORS, "straka", replace(SELECTORS["straka"], function=nothing))
    without_lesion = find_cohort(folder)[6]
    result = evaluate_case(EvaluationJob(without_lesion, ("straka",), ()))
    row = next(row for row in result.rows if row["method"] == "straka")
    assert row["failed"]
    assert row["dice"] is row["auc"] is row["jaccard"] is None
    assert row["hypoperfused_dice"] == 0, "the penumbra is known"
    assert result.roc == result.sweep == {}


def test_case_without_lesion_has_volumes_but_no_overlap(rows: pd.DataFrame) -> None:
    row = one(rows, "case_7", "truth")
    assert row["found"]
    assert row["lesion_ml"] == 0
    assert row["volume_bias_ml"] == row["core_ml"]
    assert row[["dice", "jaccard", "auc", "hd95_mm", "calibrated_dice"]].isna().all()


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
