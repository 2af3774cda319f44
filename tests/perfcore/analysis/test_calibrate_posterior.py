"""The calibration of the AIF posterior: its spread, its coverage, and the cases that it varies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from perfcore.phantom.physiology import Bolus
from tools.calibrate_posterior import (
    SPREADS,
    VARIED_WIDTH_S,
    Job,
    coverage_of,
    fitted_spread,
    summary,
    varied_bolus,
)


def test_spread_is_that_of_the_nominal_coverage():
    rng = np.random.default_rng(3)
    # Draws of standard deviation `spread` of a true value of 1.1: 80 % of the cases are within at 1.1.
    true = rng.normal(0, 1.1, 20_000)
    below = norm.cdf(true[:, None] / np.array(SPREADS))
    spread, coverage = fitted_spread(np.stack([below, below], axis=-1))
    np.testing.assert_allclose(coverage, 2 * norm.cdf(norm.ppf(0.9) * np.array(SPREADS) / 1.1) - 1, atol=0.012)
    # Linear between coverages at 1 and 1.2.
    assert spread == pytest.approx(1.1, abs=0.03)


def test_equal_cores_are_inside():
    ranks = np.tile([[[0.0, 1.0]]], (10, len(SPREADS), 1))
    assert fitted_spread(ranks) == (SPREADS[0], pytest.approx(np.ones(len(SPREADS))))


def test_coverage_counts_the_ends_of_the_interval():
    rows = [{"true": t, "interval": [1.0, 2.0, 3.0]} for t in (0.9, 1.0, 2.5, 3.0, 3.1)]
    found, low, high, n = coverage_of(rows)
    assert (found, n) == (0.6, 5)
    # Clopper-Pearson for 3 of 5.
    assert (low, high) == (pytest.approx(0.1466, abs=1e-4), pytest.approx(0.9473, abs=1e-4))


def _case(core, hypoperfused, spread):
    def row(true):
        return {"true": true, "selector": 1.1 * true, "interval": [true * (1 - spread), true, true * (1 + spread)]}

    decision = {"true": True, "selector": False, "probability": 0.8}
    return {
        "core": row(core), "hypoperfused": row(hypoperfused), "ratio": row(hypoperfused / core),
        "decisions": dict.fromkeys(("large_core", "ratio", "target"), decision),
    }  # fmt: skip


def test_summary_counts_failures_and_compares_with_the_selector():
    found = summary(
        [_case(10.0, 30.0, 0.05), _case(40.0, 60.0, 0.15), _case(0.5, 9.0, 0.1), {"failed": "No artery."}]
    )
    assert (found["n"], found["failed"]) == (4, 1)
    assert found["core_coverage"][3] == 3
    assert found["core_coverage_1ml"][3] == 2
    assert found["relative_width"] == pytest.approx(0.2)
    # The selector is 10 % off in every case: known factors, of no width but for the offset of 0.5 ml.
    assert found["null_relative_width"] == pytest.approx(0, abs=0.01)
    assert found["ratio_brier"] == pytest.approx(0.04)
    assert found["ratio_selector_brier"] == 1.0


def test_varied_bolus_has_the_dose_of_the_other():
    rng = np.random.default_rng(2)
    bolus = Bolus.of_width(
        11.0, 7.0, 200.0, recirculation=0.1, recirculation_delay_s=12.0, plateau=0.1, onset_s=6.0,
        vein_delay_s=4.0, vein_tau_s=1.5,
    )  # fmt: skip
    found = [varied_bolus(bolus, rng) for _ in range(50)]
    np.testing.assert_allclose([b.peak_hu * b.width_s for b in found], 200 * 11)
    widths = [b.width_s for b in found]
    assert VARIED_WIDTH_S[0] <= min(widths) < 6
    assert 17 < max(widths) <= VARIED_WIDTH_S[1]
    assert {b.onset_s for b in found} == {6.0}


def test_varied_case_is_the_same_each_time_and_no_training_case():
    varied, again, training = Job("varied", 5, 3), Job("varied", 5, 3), Job("training", 5, 3)
    assert varied.recipe == again.recipe
    assert varied.recipe.bolus != training.recipe.bolus
    assert varied.recipe.patient_seed == training.recipe.patient_seed
