"""Tests of the words of an evaluation: they follow from the figures, also where those are bad."""

from __future__ import annotations

from typing import Any

import pytest

from perfcore.evaluation.headline import headline
from perfcore.evaluation.wording import difference_text, failures, is_better, mean_text, p_text, table_note
from perfcore.metric_info import METRICS

DICE = METRICS["dice"]


def difference(mean: float | None, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"mean": mean, "low": low, "high": high}


@pytest.mark.parametrize(("found", "text"), [
    (difference(0.0123, 0.004, 0.0204), "+0.012 (0.004 to 0.020)"),
    (difference(-0.031, -0.05, -0.01), "−0.031 (−0.050 to −0.010)"),
    (difference(0.00499, 0.001, 0.009), "no difference (< 0.005; 0.001 to 0.009)"),
    (difference(-0.004, -0.03, 0.02), "no difference (< 0.005; −0.030 to 0.020)"),
    (difference(0.005, -0.03, 0.02), "+0.005 (−0.030 to 0.020)"),
    (difference(None), "–"),
])  # fmt: skip
def test_a_difference_below_its_meaning_is_called_none(found: dict[str, Any], text: str) -> None:
    assert difference_text(DICE, found) == text


def test_only_dice_has_a_least_difference() -> None:
    assert {name for name, info in METRICS.items() if info.negligible} == {
        "dice", "hard_dice", "calibrated_dice", "hypoperfused_dice", "hypoperfused_dice_anchored",
    }  # fmt: skip
    assert difference_text(METRICS["volume_bias_ml"], difference(0.001, 0, 0.002)) == "+0.0 (0.0 to 0.0)"


@pytest.mark.parametrize(("found", "better"), [
    (difference(0.02, 0.01, 0.03), True), (difference(0.02, -0.001, 0.04), False),
    (difference(0.004, 0.003, 0.005), False), (difference(-0.02, -0.03, -0.01), False), (difference(None), False),
])  # fmt: skip
def test_better_is_more_than_nothing_and_sure(found: dict[str, Any], better: bool) -> None:
    assert is_better(DICE, found) is better


def test_better_is_lower_for_a_distance() -> None:
    assert is_better(METRICS["hd95_mm"], difference(-3, -5, -1))
    assert not is_better(METRICS["hd95_mm"], difference(3, 1, 5))


def test_means_p_values_and_failures() -> None:
    assert mean_text(DICE, difference(0.7561, 0.721, 0.7899)) == "0.756 (0.721 to 0.790)"
    assert mean_text(DICE, difference(0.7561)) == "0.756"
    assert mean_text(DICE, difference(None)) == "–"
    assert p_text({"paired_t_holm": 0.0004, "wilcoxon_holm": 0.0321}) == "p < 0.001 (t), 0.032 (Wilcoxon)"
    untested = {"paired_t_holm": None, "wilcoxon_holm": None}
    assert p_text({**untested, **difference(None), "n_patients": 2}) == "needs 3 patients"
    assert p_text({**untested, **difference(0.0, 0.0, 0.0), "n_patients": 9}) == "equal in every patient"
    assert p_text({**untested, **difference(0.1, 0.0, 0.2), "n_patients": 9}) == ""
    assert failures({"failed": 2, "fallback": 0}) == "2"
    assert failures({"failed": 0, "fallback": 33}) == "0 (fallbacks: 33)"


def test_the_note_names_what_was_not_evaluated() -> None:
    methods = {"straka": {"not_evaluated": 0}, "cnn-regression": {"not_evaluated": 94}}
    note = table_note({"methods": methods})
    assert "Network, regression in 94" in note
    assert "Straka in" not in note
    assert "(cases.csv says why)" not in table_note({"methods": {"straka": {"not_evaluated": 0}}})
    for term in ("Failures:", "null model", "calibrated threshold", "±10 s in steps of 0.1 s"):
        assert term in note


def statistics(auto: float, null: float | None, truth: float, low: float = 0.004) -> dict[str, Any]:
    """A network that is better or worse in core and hypoperfused tissue by given amounts."""

    def against(mean: float | None) -> dict[str, Any]:
        found = difference(None) if mean is None else difference(mean, mean - low, mean + low)
        return {"cnn-x": dict.fromkeys(("dice", "hypoperfused_dice", "calibrated_dice"), found)}

    return {
        "methods": dict.fromkeys(("truth", "straka", "cnn-x", "null-cnn-x")),
        "differences": {"straka": against(auto), "truth": against(truth), "null": against(null)},
    }


def test_the_headline_says_what_the_figures_say() -> None:
    (sentence,) = headline(statistics(0.012, 0.02, -0.03))
    assert sentence.startswith("cnn-x against Straka: core +0.012 (0.008 to 0.016), core at a calibrated ")
    parts = sentence.split("; ")
    assert parts[1].startswith("against its own mean curve: core +0.020 (0.016 to 0.024)")
    assert parts[2].startswith("against the true AIF: core −0.030 (−0.034 to −0.026)")
    assert sentence.endswith(" It is better than its own mean curve in core and hypoperfused tissue.")


@pytest.mark.parametrize(("null", "low"), [(0.003, 0.001), (0.02, 0.03), (-0.1, 0.01)])
def test_a_network_that_is_not_better_than_its_mean_curve_is_said_to_have_learnt_nothing(
    null: float, low: float
) -> None:
    (sentence,) = headline(statistics(0.2, null, 0.1, low))
    assert sentence.endswith(
        " It is not better than its own mean curve: on these cases the patient's own curve gains nothing."
    )


def test_a_network_better_in_one_only_is_said_to_be_so() -> None:
    found = statistics(0.01, 0.02, 0.01)
    found["differences"]["null"]["cnn-x"] = {
        **found["differences"]["null"]["cnn-x"], "dice": difference(0.001, -0.01, 0.01),
    }  # fmt: skip
    (sentence,) = headline(found)
    assert sentence.endswith(" It is better than its own mean curve in hypoperfused tissue, not in core.")


def test_an_unknown_null_is_said_to_be_unknown() -> None:
    (sentence,) = headline(statistics(0.01, None, 0.01))
    assert "against its own mean curve" not in sentence
    assert sentence.endswith(" It was not compared with its own mean curve.")
    none = statistics(0.01, 0.01, 0.01)
    none["differences"] = {}
    assert headline(none) == ["cnn-x: too few patients for a comparison."]
