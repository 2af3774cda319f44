"""Agreement of two packages: published examples, other implementations, and definitions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner, Result

from perfcore.batch.table import CaseOutcome, table_text
from perfcore.cli import app
from perfcore.errors import InputDataError
from perfcore.evaluation.agreement import (
    Estimate,
    cohen_kappa,
    compare_volumes,
    icc_agreement,
    limits_of_agreement,
)
from perfcore.evaluation.volume_table import VolumeTable, read_volume_table

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7.0]])
"""Table 2 of Shrout & Fleiss 1979."""
# Peak flow of 17 people by two meters, l/min: Table 1 of Bland & Altman 1986, first measurements.
WRIGHT = np.array([494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427.0])
MINI = np.array([512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451.0])


def decisions(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    a = np.repeat([True, True, False, False], [both, first, second, neither])
    return a, np.repeat([True, False, True, False], [both, first, second, neither])


# ICC


def test_icc_of_the_published_example() -> None:
    found = icc_agreement(SHROUT_FLEISS)
    assert round(found.value, 2) == 0.29  # Shrout & Fleiss 1979, Table 4
    assert (round(found.low, 3), round(found.high, 2)) == (0.019, 0.76)  # as R's psych::ICC prints it


def test_icc_is_that_of_the_variance_components() -> None:
    """Known variances: cases 9, raters 1, error 2; the interval covers the truth about as often as it says."""
    rng = np.random.default_rng(2)
    true, covered, values = 9 / (9 + 1 + 2), 0, []
    for _ in range(400):
        ratings = rng.normal(0, 3, (40, 1)) + rng.normal(0, 1, (1, 6)) + rng.normal(0, 2**0.5, (40, 6))
        found = icc_agreement(ratings)
        values.append(found.value)
        covered += found.low <= true <= found.high
    assert np.median(values) == pytest.approx(true, abs=0.02)
    assert 0.92 <= covered / 400 <= 0.98


def test_icc_is_lower_for_a_constant_difference() -> None:
    """Absolute agreement, not correlation: with a shift d, ICC = s²/(s² + d²/2) for the sample variance s²."""
    values = np.array([3.0, 10.0, 24.0, 60.0, 11.0])
    s2 = values.var(ddof=1)
    found = icc_agreement(np.stack([values, values + 8], axis=1))
    between, raters, n = 2 * s2, 5 * 2 * 4.0**2, 5
    assert found.value == pytest.approx(between / (between + 2 * raters / n))
    assert found.low < found.value < found.high <= 1
    assert icc_agreement(np.stack([values, values], axis=1)) == Estimate(1.0, 1.0, 1.0)


def test_icc_without_any_difference_is_undefined() -> None:
    assert icc_agreement(np.full((4, 2), 7.0)) == Estimate(None, None, None)
    assert icc_agreement(np.tile([[3.0, 5.0]], (4, 1))) == Estimate(0.0, None, None)


# Bland–Altman


def test_limits_of_the_published_example() -> None:
    """Bland & Altman 1986 state a bias of −2.1, limits −79.7 and 75.5, and intervals from s·√(3/n).

    The later formula, s·√(1/n + 1.96²/(2(n − 1))), is wider by 0.25 l/min; the paper rounds s and t.
    """
    found = limits_of_agreement(WRIGHT, MINI)
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    assert (found.bias.low, found.bias.high) == pytest.approx((-22.0, 17.8), abs=0.1)
    # The paper takes 2 SD for 1.96: 38.8 · 0.04 = 1.6 on either side.
    assert found.lower.value == pytest.approx(-79.7 + 1.6, abs=0.1)
    assert found.upper.value == pytest.approx(75.5 - 1.6, abs=0.1)
    half = stats.t.ppf(0.975, 16) * 38.8 * np.sqrt(3 / 17)
    for limit in (found.lower, found.upper):
        assert (limit.value - limit.low, limit.high - limit.value) == pytest.approx((half, half), abs=0.4)


def test_the_difference_is_ours_minus_theirs() -> None:
    found = limits_of_agreement(np.array([5.0, 7.0, 9.0]), np.array([1.0, 3.0, 5.0]))
    assert found.bias == found.lower == found.upper == Estimate(4.0, 4.0, 4.0)


# Cohen's κ


def test_kappa_by_hand() -> None:
    """20 yes-yes, 5, 10, 15 no-no: observed 0.7, by chance 0.5·0.6 + 0.5·0.4 = 0.5, so κ = 0.4."""
    assert cohen_kappa(*decisions(20, 5, 10, 15)).value == pytest.approx(0.4)


@pytest.mark.parametrize("table", [(20, 5, 10, 15), (3, 1, 0, 40), (1, 9, 8, 2), (30, 2, 2, 30), (0, 5, 5, 0)])
def test_kappa_equals_sklearn_and_its_error_the_delta_method(table: tuple[int, int, int, int]) -> None:
    a, b = decisions(*table)
    found = cohen_kappa(a, b)
    assert found.value == pytest.approx(cohen_kappa_score(a, b))
    p = np.array(table) / sum(table)

    def kappa(p: np.ndarray) -> float:
        observed, first, second = p[0] + p[3], p[0] + p[1], p[0] + p[2]
        total = p.sum()
        by_chance = (first * second + (total - first) * (total - second)) / total
        return float((observed - by_chance) / (total - by_chance))

    step = 1e-6
    slope = np.array([(kappa(p + step * e) - kappa(p - step * e)) / (2 * step) for e in np.eye(4)])
    variance = (p @ slope**2 - (p @ slope) ** 2) / sum(table)
    half = 1.959964 * np.sqrt(max(variance, 0.0))
    expected = (max(found.value - half, -1), min(found.value + half, 1))
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-4)


def test_kappa_of_one_answer_is_undefined() -> None:
    assert cohen_kappa(*decisions(5, 0, 0, 0)) == cohen_kappa(*decisions(0, 0, 0, 5)) == Estimate(None, None, None)
    assert cohen_kappa(*decisions(5, 5, 0, 0)).value == 0
    assert cohen_kappa(*decisions(5, 0, 0, 3)) == Estimate(1.0, 1.0, 1.0)


# Two tables


def table_of(**volumes: tuple[float, float] | None) -> VolumeTable:
    return VolumeTable(tuple(volumes), {case: pair for case, pair in volumes.items() if pair is not None})


def test_cases_are_paired_by_name_and_others_named() -> None:
    ours = table_of(a=(10, 90), b=(80, 200), c=(5, 6), d=(1, 2), e=None, f=(3, 3))
    theirs = table_of(c=(4, 40), x=(1, 1), b=(20, 100), a=(12, 80), e=(1, 2), f=None)
    found = compare_volumes(ours, theirs)
    assert found["n_cases"] == 3
    assert (found["only_ours"], found["only_theirs"], found["without_volumes"]) == (["d"], ["x"], ["e", "f"])
    assert found["core_ml"]["bias"]["value"] == pytest.approx((-2 + 60 + 1) / 3)
    assert found["hypoperfused_ml"]["bias"]["value"] == pytest.approx((10 + 100 - 34) / 3)
    counts = {name: found["target_mismatch"][name] for name in ("both", "only_ours", "only_theirs", "neither")}
    assert counts == {"both": 1, "only_ours": 0, "only_theirs": 2, "neither": 0}


def test_too_few_common_cases_are_refused() -> None:
    with pytest.raises(
        InputDataError, match=r"have 2 cases with volumes in common, of 3 and 2; expected at least 3"
    ):
        compare_volumes(table_of(a=(1, 2), b=(1, 2), c=(1, 2)), table_of(a=(1, 2), b=(1, 2)))


HEAD = "case,core_ml,hypoperfused_ml\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "a,1,20\nb,2.5,30\n",
        "\ufeff" + HEAD.replace("\n", "\r\n") + "a,1,20\r\n\r\nb,2.5,30\r\n",
        "x;Hypoperfused_ml ;case;core_ml\n,;20;a;1\n;30;b;2.5\n",
        "case\tcore_ml\thypoperfused_ml\nb\t2.5\t30\na\t1\t20",
    ],
)
def test_tables_as_programs_write_them(text: str) -> None:
    found = read_volume_table(text.encode(), "OURS")
    assert found.volumes == {"a": (1.0, 20.0), "b": (2.5, 30.0)}


def test_the_table_of_maps_is_read_with_its_refused_cases() -> None:
    text = table_text([
        CaseOutcome("case_1", {"core_ml": 3.25, "hypoperfused_ml": 0.0}),
        CaseOutcome("case_2", problem="No, why?"),
    ])  # fmt: skip
    found = read_volume_table(text.encode(), "OURS")
    assert found == VolumeTable(("case_1", "case_2"), {"case_1": (3.25, 0.0)})


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("\n", "needs each of the columns"),
        ("case,core_ml\na,1\n", "hypoperfused_ml is not"),
        ("case,case,core_ml,hypoperfused_ml\n", "case is not"),
        (HEAD + "a,1,2\nb,1,2\na,3,4\n", "Rows 2 and 4 of the table OURS name the same case"),
        (HEAD + ",1,2\n", "Row 2 of the table OURS names no case"),
        (HEAD + "a,-1,2\n", "Row 2 of the table OURS holds a volume"),
        (HEAD + "a,nan,2\n", "holds a volume"),
        (HEAD + "a,inf,2\n", "holds a volume"),
        (HEAD + 'a,"1,5",2\n', "holds a volume"),
        ("\0", "not a text table"),
    ],
)
def test_bad_tables_are_refused_in_a_sentence(text: str, part: str) -> None:
    with pytest.raises(InputDataError, match=part) as error:
        read_volume_table(text.encode(), "OURS")
    assert str(error.value).endswith(".")


# The command


def agreement(*args: object) -> Result:
    return CliRunner().invoke(app, ["agreement", *(str(arg) for arg in args)])


def test_the_command_writes_figures_and_a_picture(tmp_path: Path) -> None:
    ours, theirs, out = tmp_path / "ours.csv", tmp_path / "theirs.csv", tmp_path / "new" / "out"
    ours.write_text(HEAD + "a,10,90\nb,80,200\nc,5,6\nd,4,44\n")
    theirs.write_text(HEAD + "a,12,80\nb,20,100\nc,4,40\nErika,1,1\n")
    result = agreement(ours, theirs, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in out.iterdir()} == {"agreement.json", "bland_altman.png"}
    found = json.loads((out / "agreement.json").read_text(encoding="utf-8"))
    assert found == compare_volumes(*(read_volume_table(path, "") for path in (ours, theirs)))
    assert "3 cases in both." in result.stdout
    assert "Note: 1 only in THEIRS: Erika." in result.stdout
    assert "ICC(2,1)" in result.stdout
    with Image.open(out / "bland_altman.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[1] > 900
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50
    first = (out / "bland_altman.png").read_bytes()
    assert agreement(ours, theirs, "--out", out).exit_code == 0
    assert (out / "bland_altman.png").read_bytes() == first


def test_two_equal_tables_agree_fully(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEAD + "a,0,0\nb,0,0\nc,0,0\n")
    result = agreement(tmp_path / "a.csv", tmp_path / "a.csv", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "ICC(2,1) not defined" in result.stdout
    found = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert found["core_ml"]["icc_2_1"] == {"value": None, "low": None, "high": None}


@pytest.mark.parametrize("theirs", ["none.csv", "short.csv"])
def test_a_refused_comparison_leaves_no_output(tmp_path: Path, theirs: str) -> None:
    (tmp_path / "ours.csv").write_text(HEAD + "a,1,2\nb,1,2\nc,1,2\n")
    (tmp_path / "short.csv").write_text(HEAD + "a,1,2\n")
    result = agreement(tmp_path / "ours.csv", tmp_path / theirs, "--out", tmp_path / "out")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("Error: ")
    assert not (tmp_path / "out").exists()
