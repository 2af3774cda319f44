"""Tests of the sweep of thresholds and of their calibration on other folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfcore.evaluation.figures import THRESHOLDS
from perfcore.evaluation.sweep import FOLD_SEED, N_FOLDS, calibrate, sweep_table
from perfcore.io.cohort import CohortCase, assign_folds
from perfcore.io.datasets.case_folders import CaseFiles


def cases_of(patients: list[int]) -> list[CohortCase]:
    named = [CaseFiles(f"case_{k}", Path(f"case_{k}")) for k in range(len(patients))]
    return [CohortCase(case, f"P{patient}", None) for case, patient in zip(named, patients, strict=True)]


def drawn(seed: int, n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    best = rng.uniform(0.2, 0.6, (n, 1))
    return {f"case_{k}": curve for k, curve in enumerate(1 - (np.array(THRESHOLDS) - best) ** 2)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=14), st.integers(0, 1000), st.data())
def test_a_calibrated_threshold_does_not_see_the_patients_own_fold(
    patients: list[int], seed: int, data: st.DataObject
) -> None:
    cases, sweep = cases_of(patients), drawn(seed, len(patients))
    before = calibrate({"a": sweep}, cases)
    if len(set(patients)) < 2:
        assert before == {}
        return
    assert set(before) == {("a", case.name) for case in cases}
    chosen = data.draw(st.sampled_from(cases))
    own = {case.name for case in cases if case.patient == chosen.patient}
    changed = {name: curve[::-1] ** 3 if name in own else curve for name, curve in sweep.items()}
    after = calibrate({"a": changed}, cases)
    for name in own:
        assert after["a", name][0] == before["a", name][0]
        place = THRESHOLDS.index(after["a", name][0])
        assert after["a", name][1] == changed[name][place]
    assert len({before["a", name][0] for name in own}) == 1, "a patient's scans share a fold"


def test_the_threshold_is_the_best_for_the_patients_of_the_other_folds() -> None:
    """Two patients are two folds: each gets the threshold that is best for the other, its scans averaged."""
    cases = cases_of([1, 1, 1, 2])
    at = {t: k for k, t in enumerate(THRESHOLDS)}
    sweep = {f"case_{k}": np.zeros(len(THRESHOLDS)) for k in range(4)}
    for name, threshold, dice in (("case_0", 0.3, 0.6), ("case_1", 0.44, 0.5), ("case_2", 0.44, 0.4),
                                  ("case_3", 0.52, 0.9), ("case_3", 0.44, 0.1)):  # fmt: skip
        sweep[name][at[threshold]] = dice
    found = calibrate({"a": sweep}, cases)
    assert found == {("a", "case_0"): (0.52, 0), ("a", "case_1"): (0.52, 0), ("a", "case_2"): (0.52, 0),
                     ("a", "case_3"): (0.44, 0.1)}  # fmt: skip


def test_five_folds_are_the_same_for_all_methods() -> None:
    cases = cases_of([k // 2 for k in range(24)])
    folds = assign_folds(cases, N_FOLDS, FOLD_SEED)
    assert set(folds) == {1, 2, 3, 4, 5}
    sweeps = {"a": drawn(0, 24), "b": drawn(1, 24)}
    found = calibrate(sweeps, cases)
    for method, sweep in sweeps.items():
        for case, fold in zip(cases, folds, strict=True):
            means = [
                np.mean([sweep[c.name][k] for c, other in zip(cases, folds, strict=True) if other != fold])
                for k in range(len(THRESHOLDS))
            ]
            best = max(range(len(means)), key=means.__getitem__)
            assert found[method, case.name] == (THRESHOLDS[best], sweep[case.name][best])


def test_the_table_weighs_patients() -> None:
    cases = cases_of([1, 1, 2])
    sweep = {f"case_{k}": np.full(len(THRESHOLDS), value) for k, value in enumerate((0.2, 0.4, 0.9))}
    table = sweep_table({"a": sweep}, {case.name: case.patient for case in cases})
    assert table["dice_mean"].to_numpy() == pytest.approx(np.full(len(THRESHOLDS), 0.6))
    assert (table["n"] == 2).all()
    assert tuple(table["threshold"]) == THRESHOLDS
    assert 0.38 in THRESHOLDS
