"""Statistics of a cohort: means and differences over patients, with intervals and tests; agreement of volumes.

The unit is the patient: the scans of a patient are averaged first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from perfcore.aif.select import BEST
from perfcore.aif.sources import OWN_NULL, is_network, null_of
from perfcore.metric_info import evaluated
from perfcore.types import DoubleArray

COMPARATOR: Final = BEST
"""Method that all others are compared with, named beforehand: the selector that ``auto`` stands for."""
LIMITS_SD: Final = 1.96
MIN_PAIRS: Final = 3
"""Minimum number of patients of an interval and of a test."""
N_RESAMPLES: Final = 2000
INTERVAL: Final = (2.5, 97.5)
"""Percentiles of the bootstrap means that bound an interval."""
SAME: Final = 1e-12
"""Largest difference between two methods that count as equal in a patient."""


@dataclass(frozen=True)
class BlandAltman:
    """Bland–Altman limits of agreement of two volumes (doi:10.1016/S0140-6736(86)90837-8), ml.

    ``bias_ml`` is the mean difference; ``low_ml`` and ``high_ml`` are the 95 % limits of agreement.
    """

    bias_ml: float
    low_ml: float
    high_ml: float


@dataclass(frozen=True)
class Difference:
    """Difference of a method minus a reference over the patients for which both have a value.

    Attributes
    ----------
    mean, low, high
        Mean difference with its 95 % bootstrap interval, in the unit of the metric.
    n_patients
        Number of patients.
    paired_t, wilcoxon
        p-values of the paired t-test and of Wilcoxon's signed-rank test, two-sided.
    paired_t_holm, wilcoxon_holm
        The same, adjusted by Holm's method over the methods that are compared with the reference.

    All but ``n_patients`` are None for too few patients, p-values also where the two methods are equal.
    """

    mean: float | None
    low: float | None
    high: float | None
    n_patients: int
    paired_t: float | None = None
    wilcoxon: float | None = None
    paired_t_holm: float | None = None
    wilcoxon_holm: float | None = None


def bland_altman(measured_ml: DoubleArray, known_ml: DoubleArray) -> BlandAltman:
    """Return the limits of agreement of volumes in ml, shape ``(n_cases,)`` each, n ≥ 2."""
    difference = measured_ml - known_ml
    bias, spread = float(difference.mean()), float(difference.std(ddof=1))
    return BlandAltman(bias, bias - LIMITS_SD * spread, bias + LIMITS_SD * spread)


def bootstrap_interval(values: DoubleArray) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of a mean (Efron 1979, doi:10.1214/aos/1176344552).

    Parameters
    ----------
    values
        Shape ``(n_patients,)``, finite; 2,000 resamples from a fixed seed.
    """
    low, high = np.percentile(_resamples(len(values)) @ values, INTERVAL)
    return float(low), float(high)


@lru_cache(maxsize=32)
def _resamples(n: int) -> DoubleArray:
    """Return the weight of each of ``n`` values in each bootstrap mean, shape ``(2000, n)``."""
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), N_RESAMPLES)
    return np.asarray(drawn / n, np.float64)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted by Holm's step-down method (doi:10.2307/4615733); None stays and does not count."""
    known = sorted((p, k) for k, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for place, (p, k) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - place) * p))
        adjusted[k] = largest
    return adjusted


def difference(values: DoubleArray) -> Difference:
    """Return mean, interval and raw p-values of differences between two methods, shape ``(n_patients,)``."""
    n = len(values)
    if n < MIN_PAIRS:
        return Difference(None, None, None, n)
    found = Difference(float(values.mean()), *bootstrap_interval(values), n)
    if np.abs(values).max() <= SAME:
        return found
    return Difference(
        found.mean, found.low, found.high, n,
        float(stats.ttest_1samp(values, 0.0).pvalue) if values.std() > SAME else None,
        float(stats.wilcoxon(values).pvalue),
    )  # fmt: skip


def references_of(methods: Sequence[str]) -> list[str]:
    """Return the references of an evaluation: the comparator, then the expert or the truth, then the own nulls."""
    known = next((name for name in ("expert", "truth") if name in methods), None)
    nulls = [OWN_NULL] if any(null_of(name) in methods for name in methods) else []
    return [*([COMPARATOR] if COMPARATOR in methods else []), *([known] if known else []), *nulls]


def summarise(rows: pd.DataFrame, references: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the means of each method, and its differences from each reference.

    Parameters
    ----------
    rows
        One row per case and method, with the columns of ``cases.csv``.
    references
        Methods that the others are compared with, and `OWN_NULL` for each network's own null model; default:
        `references_of` the methods.

    Returns
    -------
    dict
        ``methods``: per method and metric ``mean``, ``sd``, ``low``, ``high`` (95 % bootstrap interval) and ``n``
        over the patients; with the numbers of cases ``found``, ``failed``, ``fallback`` and ``not_evaluated``, and
        ``bland_altman`` over the cases. ``differences``: per reference, method and metric the fields of
        `Difference`. ``p_values``: the same with ``paired_t``, ``wilcoxon`` and ``n`` alone.
    """
    names = [str(name) for name in rows["method"].unique()]
    by_place = rows.set_index(["patient", "case", "method"])
    tables = {
        metric: by_place[metric].astype(float).unstack("method")
        for metric in evaluated()
        if rows[metric].notna().any()
    }
    methods = {
        name: {metric: _mean(tables.get(metric), name) for metric in evaluated()} | _counts(rows, name)
        for name in names
    }
    wanted = references_of(names) if references is None else [r for r in references if r in {*names, OWN_NULL}]
    differences = {reference: _differences(tables, names, reference) for reference in wanted}
    p_values = {
        reference: {
            name: {
                metric: {"paired_t": d["paired_t"], "wilcoxon": d["wilcoxon"], "n": d["n_patients"]}
                for metric, d in by_metric.items()
            }
            for name, by_metric in by_method.items()
        }
        for reference, by_method in differences.items()
    }
    return {"methods": methods, "differences": differences, "p_values": p_values}


def _counts(rows: pd.DataFrame, method: str) -> dict[str, Any]:
    own = rows[rows["method"] == method]
    found, failed = own["found"].astype(bool), own["failed"].astype(bool)
    volumes = own.loc[found, ["core_ml", "lesion_ml"]].astype(float).dropna()
    agreement = None
    if len(volumes) >= 2:
        agreement = vars(bland_altman(volumes["core_ml"].to_numpy(), volumes["lesion_ml"].to_numpy()))
    return {
        "found": int(found.sum()), "failed": int(failed.sum()), "fallback": int(own["fallback"].sum()),
        "not_evaluated": int((~found & ~failed).sum()), "bland_altman": agreement,
    }  # fmt: skip


def _mean(table: pd.DataFrame | None, method: str) -> dict[str, Any]:
    if table is None or method not in table:
        return {"mean": None, "sd": None, "low": None, "high": None, "n": 0}
    values = _by_patient(table[method])
    n = len(values)
    low, high = bootstrap_interval(values) if n >= MIN_PAIRS else (None, None)
    return {
        "mean": float(values.mean()) if n else None,
        "sd": float(values.std(ddof=1)) if n > 1 else None,
        "low": low, "high": high, "n": n,
    }  # fmt: skip


def _by_patient(values: pd.Series[float]) -> DoubleArray:
    """Return the mean over the scans of each patient, shape ``(n_patients,)``; undefined scans are left out."""
    means = values.dropna().groupby(level="patient", sort=False).mean()
    return np.asarray(means, np.float64)


def _differences(
    tables: dict[str, pd.DataFrame], names: list[str], reference: str
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the differences of the methods from a reference, by method and metric; Holm within each metric."""
    if reference == OWN_NULL:
        pairs = {name: null_of(name) for name in names if is_network(name) and null_of(name) in names}
    else:
        pairs = {name: reference for name in names if name != reference}
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in pairs}
    for metric in evaluated():
        table = tables.get(metric)
        raw = [_difference_of(table, name, other) for name, other in pairs.items()]
        adjusted = zip(holm([d.paired_t for d in raw]), holm([d.wilcoxon for d in raw]), strict=True)
        for name, one, (t, w) in zip(pairs, raw, adjusted, strict=True):
            found[name][metric] = asdict(one) | {"paired_t_holm": t, "wilcoxon_holm": w}
    return found


def _difference_of(table: pd.DataFrame | None, method: str, reference: str) -> Difference:
    """Return the difference over the scans for which both methods have a value."""
    if table is None or method not in table or reference not in table:
        return Difference(None, None, None, 0)
    return difference(_by_patient(table[method] - table[reference]))
