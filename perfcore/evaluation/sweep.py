"""Sweep of the core threshold, and the threshold of each method calibrated on the patients of other folds."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from perfcore.evaluation.figures import THRESHOLDS
from perfcore.io.cohort import CohortCase, assign_folds
from perfcore.types import DoubleArray

N_FOLDS: Final = 5
FOLD_SEED: Final = 0
Sweeps = dict[str, dict[str, DoubleArray]]
"""Dice of the core at each of `THRESHOLDS`, shape ``(21,)``, by method and case."""


def calibrate(sweeps: Sweeps, cases: list[CohortCase]) -> dict[tuple[str, str], tuple[float, float]]:
    """Return threshold and Dice of the core per method and case, each calibrated without the case's fold.

    The threshold of a method in a fold maximises its mean Dice over the patients of the other folds (the lowest of
    equal ones); the scans of a patient are averaged and share a fold. There are five folds, or as many as patients
    with a lesion; the same for all methods.

    Parameters
    ----------
    sweeps
        Sweep of each method in each case with a lesion.
    cases
        The cases, with their patients.

    Returns
    -------
    Empty for fewer than two patients.
    """
    used = [case for case in cases if any(case.name in by_case for by_case in sweeps.values())]
    n_folds = min(N_FOLDS, len({case.patient for case in used}))
    if n_folds < 2:
        return {}
    folds = dict(zip((case.name for case in used), assign_folds(used, n_folds, FOLD_SEED), strict=True))
    patient = {case.name: case.patient for case in used}
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for method, by_case in sweeps.items():
        for fold in range(1, n_folds + 1):
            others = {name: sweep for name, sweep in by_case.items() if folds[name] != fold}
            if not others:
                continue
            best = int(mean_sweep(others, patient)[0].argmax())
            for name, sweep in by_case.items():
                if folds[name] == fold:
                    found[method, name] = THRESHOLDS[best], float(sweep[best])
    return found


def mean_sweep(by_case: dict[str, DoubleArray], patient: dict[str, str]) -> tuple[DoubleArray, int]:
    """Return the mean sweep over the patients, shape ``(21,)``, and their number."""
    table = pd.DataFrame(by_case).T.groupby(lambda name: patient[name]).mean()
    return table.to_numpy(np.float64).mean(axis=0), len(table)


def sweep_table(sweeps: Sweeps, patient: dict[str, str]) -> pd.DataFrame:
    """Return the table of ``sweep.csv``: ``method``, ``threshold``, ``dice_mean`` over ``n`` patients."""
    rows: list[dict[str, Any]] = []
    for method, by_case in sweeps.items():
        mean, n = mean_sweep(by_case, patient)
        rows += [
            {"method": method, "threshold": threshold, "dice_mean": dice, "n": n}
            for threshold, dice in zip(THRESHOLDS, mean.tolist(), strict=True)
        ]
    return pd.DataFrame(rows, columns=["method", "threshold", "dice_mean", "n"])
