"""Tests of the evaluation's statistics: by hand, against scipy, and for what intervals promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perfcore.evaluation.run import case_columns
from perfcore.evaluation.statistics import (
    bland_altman,
    bootstrap_interval,
    difference,
    holm,
    references_of,
    summarise,
)
from perfcore.metric_info import evaluated

NOTHING = {"paired_t": None, "wilcoxon": None}


def table(patients: str = "", **dice: list[float | None]) -> pd.DataFrame:
    """Rows of methods with one Dice per case; a patient per case, or per letter; None: not evaluated."""
    rows = []
    for method, values in dice.items():
        for k, value in enumerate(values):
            row: dict[str, Any] = dict.fromkeys(case_columns())
            row |= {"case": f"case_{k}", "patient": patients[k] if patients else f"P{k}"}
            row |= {
                "method": method.replace("_", "-"),
                "found": value is not None,
                "failed": False,
                "fallback": False,
            }
            if value is not None:
                row |= dict.fromkeys(evaluated(), value) | {"core_ml": 10 * value, "lesion_ml": 5.0}
            rows.append(row)
    return pd.DataFrame(rows)


def test_bland_altman_by_hand() -> None:
    measured, known = np.array([10.0, 24, 31, 5]), np.array([12.0, 20, 30, 5])
    found = bland_altman(measured, known)
    differences = [-2.0, 4, 1, 0]
    bias = sum(differences) / 4
    sd = (sum((d - bias) ** 2 for d in differences) / 3) ** 0.5
    assert vars(found) == pytest.approx(
        {"bias_ml": bias, "low_ml": bias - 1.96 * sd, "high_ml": bias + 1.96 * sd}, rel=1e-12
    )


def test_means_and_p_values_by_hand() -> None:
    a, b = [0.5, 0.7, 0.65, 0.8, None], [0.4, 0.72, 0.52, 0.61, 0.9]
    summary = summarise(table(a=a, b=b), ["b", "absent"])
    dice = summary["methods"]["a"]["dice"]
    assert dice["mean"] == pytest.approx((0.5 + 0.7 + 0.65 + 0.8) / 4)
    assert dice["sd"] == pytest.approx(np.std([0.5, 0.7, 0.65, 0.8], ddof=1))
    about = summary["methods"]["a"]
    assert (dice["n"], about["found"], about["failed"], about["not_evaluated"]) == (4, 4, 0, 1)
    assert set(summary["differences"]) == set(summary["p_values"]) == {"b"}
    found = summary["differences"]["b"]["a"]["dice"]
    d = np.array([0.1, -0.02, 0.13, 0.19])  # the four cases with both values
    t = d.mean() / (d.std(ddof=1) / 2)
    assert found["mean"] == pytest.approx(d.mean())
    assert found["paired_t"] == pytest.approx(2 * stats.t.sf(abs(t), 3), rel=1e-10)
    # Signed ranks of |d| are 2, −1, 3, 4; of the 16 signs, two make a rank sum of 1 or less, two of 9 or more.
    assert found["wilcoxon"] == pytest.approx(4 / 16)
    assert found["n_patients"] == 4
    assert summary["p_values"]["b"]["a"]["dice"] == {
        "paired_t": found["paired_t"], "wilcoxon": found["wilcoxon"], "n": 4,
    }  # fmt: skip


def test_the_scans_of_a_patient_are_averaged_first() -> None:
    """Three scans of patient A weigh as much as one of each other patient."""
    summary = summarise(table("AAABC", a=[0.9, 0.6, 0.6, 0.2, 0.3], b=[0.5, 0.5, 0.2, 0.1, 0.1]), ["b"])
    dice = summary["methods"]["a"]["dice"]
    assert (dice["mean"], dice["n"]) == (pytest.approx((0.7 + 0.2 + 0.3) / 3), 3)
    found = summary["differences"]["b"]["a"]["dice"]
    d = np.array([0.3, 0.1, 0.2])
    assert (found["mean"], found["n_patients"]) == (pytest.approx(d.mean()), 3)
    assert found["paired_t"] == pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=1e-9)


def test_a_scan_without_a_value_of_both_methods_is_left_out_of_the_difference() -> None:
    """Else the patient's mean over other scans would be the difference."""
    summary = summarise(table("AABC", a=[0.9, 0.2, 0.5, 0.6], b=[None, 0.1, 0.4, 0.5]), ["b"])
    assert summary["differences"]["b"]["a"]["dice"]["mean"] == pytest.approx(0.1)


def test_few_or_equal_pairs_have_no_p_value() -> None:
    few = summarise(table(a=[0.5, 0.6, None], b=[0.4, 0.5, 0.6]), ["b"])
    assert few["p_values"]["b"]["a"]["dice"] == {**NOTHING, "n": 2}
    assert few["differences"]["b"]["a"]["dice"]["mean"] is None
    same = summarise(table(a=[0.5, 0.6, 0.7], b=[0.5, 0.6, 0.7]), ["b"])
    assert same["p_values"]["b"]["a"]["dice"] == {**NOTHING, "n": 3}
    found = same["differences"]["b"]["a"]["dice"]
    assert (found["mean"], found["low"], found["high"]) == (0, 0, 0)
    none = summarise(table(a=[None, None, None], b=[0.5, 0.6, 0.7]), ["b"])
    assert none["p_values"]["b"]["a"]["dice"] == {**NOTHING, "n": 0}
    assert none["methods"]["a"]["dice"] == {"mean": None, "sd": None, "low": None, "high": None, "n": 0}
    assert none["methods"]["a"]["bland_altman"] is None


def test_a_constant_difference_has_no_t() -> None:
    found = difference(np.full(6, 0.25))
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25), rel=1e-12)
    assert found.paired_t is None
    assert found.wilcoxon == pytest.approx(2 / 2**6)


@pytest.mark.parametrize("seed", range(5))
def test_difference_matches_scipy(seed: int) -> None:
    d = np.random.default_rng(seed).gamma(2.0, 0.1, 24) - 0.1
    found = difference(d)
    assert found.paired_t == pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=1e-12)
    assert found.wilcoxon == pytest.approx(stats.wilcoxon(d).pvalue, rel=1e-12)
    other = stats.bootstrap(
        (d,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    # An end of the interval over 2,000 resamples has a standard error of about 0.06 standard errors of the mean.
    allowed = 4 * 0.06 * d.std(ddof=1) / np.sqrt(d.size)
    assert bootstrap_interval(d) == pytest.approx((other.low, other.high), abs=allowed)
    assert bootstrap_interval(d) == bootstrap_interval(d), "the seed is fixed"


def test_intervals_cover_the_true_mean_in_95_of_100() -> None:
    rng = np.random.default_rng(3)
    n_trials, n = 600, 40
    covered = 0
    for _ in range(n_trials):
        low, high = bootstrap_interval(rng.normal(0.02, 0.1, n))
        covered += low <= 0.02 <= high
    # Percentile intervals of 40 values are narrower than Student's by 1.96/2.02·√(39/40): they cover 93.9 %.
    expected = 2 * stats.t.cdf(1.96 * np.sqrt(39 / 40), n - 1) - 1
    assert covered / n_trials == pytest.approx(expected, abs=4 * np.sqrt(0.94 * 0.06 / n_trials))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.02, None, 0.5, 0.8]) == [pytest.approx(0.06), None, 1.0, 1.0]
    assert holm([]) == []
    assert holm([None]) == [None]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_raw_and_bonferroni_in_the_same_order(p: list[float]) -> None:
    found = np.array([value for value in holm(p) if value is not None])
    assert (found >= np.array(p)).all()
    assert (found <= np.minimum(1, len(p) * np.array(p)) + 1e-15).all() or len(p) == 1
    order = np.argsort(p, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    # At each level it rejects what Holm's rule rejects: the first j with p_(j) ≤ level/(m − j + 1), all below it.
    for level in (0.01, 0.05, 0.2):
        limits = level / (len(p) - np.arange(len(p)))
        passed = np.array(p)[order] <= limits
        n_rejected = len(p) if passed.all() else int(np.argmin(passed))
        assert abs(int((found <= level).sum()) - n_rejected) <= int(np.isclose(found, level, rtol=1e-12).any())


def test_holm_is_over_the_methods_of_one_metric_and_reference() -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.3, 0.6, 12)
    values = {name: (base + shift + rng.normal(0, 0.05, 12)).tolist() for name, shift in
              (("b", 0.0), ("a", 0.03), ("c", 0.04), ("d", 0.01))}  # fmt: skip
    found = summarise(table(**values), ["b"])["differences"]["b"]
    raw = [found[name]["dice"]["wilcoxon"] for name in ("a", "c", "d")]
    adjusted = [found[name]["dice"]["wilcoxon_holm"] for name in ("a", "c", "d")]
    assert adjusted == pytest.approx(holm(raw))
    assert adjusted != pytest.approx(raw)


def test_the_comparator_is_named_beforehand() -> None:
    """`auto` stands for Straka, be it the best or not."""
    methods = ["truth", "straka", "murase", "cnn-x", "null-typical", "null-cnn-x"]
    assert references_of(methods) == ["straka", "truth", "null"]
    assert references_of(["expert", *methods]) == ["straka", "expert", "null"]
    assert references_of(["murase"]) == []
    summary = summarise(table(straka=[0.1, 0.2, 0.3], murase=[0.8, 0.7, 0.9]))
    assert list(summary["differences"]) == ["straka"]


def test_each_network_is_tested_against_its_own_null_as_one_family() -> None:
    rng = np.random.default_rng(1)
    null = rng.uniform(0.3, 0.6, 10)
    values = {
        "null_cnn_x": null, "null_cnn_y": null - 0.2, "cnn_x": null + rng.normal(0.02, 0.03, 10),
        "cnn_y": null + rng.normal(0.02, 0.03, 10),
    }  # fmt: skip
    found = summarise(table(**{name: v.tolist() for name, v in values.items()}))["differences"]["null"]
    assert set(found) == {"cnn-x", "cnn-y"}
    for name in ("x", "y"):
        d = values[f"cnn_{name}"] - values[f"null_cnn_{name}"]
        assert found[f"cnn-{name}"]["dice"]["mean"] == pytest.approx(d.mean())
    raw = [found[name]["dice"]["paired_t"] for name in ("cnn-x", "cnn-y")]
    assert [found[name]["dice"]["paired_t_holm"] for name in ("cnn-x", "cnn-y")] == pytest.approx(holm(raw))
