"""Statistics of a cohort: means, tests against a reference method, and agreement of volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from perfcore.metrics import evaluated
from perfcore.types import DoubleArray

LIMITS_SD: Final = 1.96
MIN_PAIRS: Final = 3
"""Minimum number of paired cases of a test."""


@dataclass(frozen=True)
class BlandAltman:
    """Bland–Altman limits of agreement of two volumes (doi:10.1016/S0140-6736(86)90837-8), ml.

    ``bias_ml`` is the mean difference; ``low_ml`` and ``high_ml`` are the 95 % limits of agreement.
    """

    bias_ml: float
    low_ml: float
    high_ml: float


def bland_altman(measured_ml: DoubleArray, known_ml: DoubleArray) -> BlandAltman:
    """Return the limits of agreement of volumes in ml, shape ``(n_cases,)`` each, n ≥ 2."""
    difference = measured_ml - known_ml
    bias, spread = float(difference.mean()), float(difference.std(ddof=1))
    return BlandAltman(bias, bias - LIMITS_SD * spread, bias + LIMITS_SD * spread)


def summarise(rows: pd.DataFrame, references: list[str]) -> dict[str, Any]:
    """Return mean and standard deviation per method, and tests against each reference.

    Parameters
    ----------
    rows
        One row per case and method, from :func:`perfcore.evaluation.case_evaluation.evaluate_case`.
    references
        Methods against which the others are tested.

    Returns
    -------
    dict
        ``methods``: per method and metric ``mean``, ``sd``, ``n``, with ``found``, ``failed`` and
        ``bland_altman``; ``p_values``: per reference, method and metric ``paired_t`` and ``mann_whitney_u``, over
        the cases for which both methods have a value.
    """
    methods: dict[str, Any] = {}
    for method, own in rows.groupby("method", sort=False):
        found = own[own["found"]]
        figures: dict[str, Any] = {name: _mean_and_sd(found[name]) for name in evaluated()}
        volumes = found[["core_ml", "lesion_ml"]].astype(float).dropna()
        agreement = None
        if len(volumes) >= 2:
            agreement = vars(bland_altman(volumes["core_ml"].to_numpy(), volumes["lesion_ml"].to_numpy()))
        methods[str(method)] = {
            **figures, "found": len(found), "failed": len(own) - len(found), "bland_altman": agreement,
        }  # fmt: skip
    tests = {
        reference: {
            method: {name: _tests(rows, method, reference, name) for name in evaluated()}
            for method in methods
            if method != reference
        }
        for reference in references
        if reference in methods
    }
    return {"methods": methods, "p_values": tests}


def best_method(summary: dict[str, Any], methods: list[str], metric: str = "dice") -> str | None:
    """Return the method with the highest mean of a metric; None if no method has a value."""
    means = {m: summary["methods"][m][metric]["mean"] for m in methods if m in summary["methods"]}
    known = {method: mean for method, mean in means.items() if mean is not None}
    return max(known, key=lambda method: known[method]) if known else None


def _mean_and_sd(values: pd.Series[Any]) -> dict[str, Any]:
    numbers = pd.to_numeric(values).dropna().to_numpy(float)
    return {
        "mean": float(numbers.mean()) if len(numbers) else None,
        "sd": float(numbers.std(ddof=1)) if len(numbers) > 1 else None,
        "n": len(numbers),
    }


def _tests(rows: pd.DataFrame, method: str, reference: str, metric: str) -> dict[str, float | int | None]:
    """Return the p-values of a method against a reference, and the number of paired cases."""
    table = rows[rows["found"]].pivot_table(index="case", columns="method", values=metric, aggfunc="first")
    if method not in table or reference not in table:
        return {"paired_t": None, "mann_whitney_u": None, "n": 0}
    pairs = table[[method, reference]].astype(float).dropna()
    one, other = pairs[method].to_numpy(), pairs[reference].to_numpy()
    if len(pairs) < MIN_PAIRS or np.allclose(one, other, rtol=0, atol=1e-12):
        return {"paired_t": None, "mann_whitney_u": None, "n": len(pairs)}
    return {
        "paired_t": float(stats.ttest_rel(one, other).pvalue),
        "mann_whitney_u": float(stats.mannwhitneyu(one, other).pvalue),
        "n": len(pairs),
    }
