"""Agreement of two packages on the same cases: ICC, limits of agreement and Cohen's κ, with 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from scipy import stats

from perfcore.errors import InputDataError
from perfcore.evaluation.statistics import LIMITS_SD, MIN_PAIRS, bland_altman
from perfcore.evaluation.volume_table import VOLUMES, VolumeTable
from perfcore.stroke_figures import has_target_mismatch
from perfcore.types import BoolArray, DoubleArray

EQUAL: Final = 1e-12
"""Ratio of mean squares below which ratings count as equal."""
_TAIL: Final = 0.975
"""Quantile that bounds a two-sided 95 % interval."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Limits:
    """Bland–Altman figures of two volumes, ml: mean difference and 95 % limits of agreement."""

    bias: Estimate
    lower: Estimate
    upper: Estimate


UNDEFINED: Final = Estimate(None, None, None)


def icc_agreement(ratings: DoubleArray) -> Estimate:
    """Return ICC(2,1): two-way random effects, absolute agreement, single rater.

    Shrout & Fleiss 1979, doi:10.1037/0033-2909.86.2.420; interval from the F distribution: ICC(A,1) of McGraw &
    Wong 1996, doi:10.1037/1082-989X.1.1.30.

    Parameters
    ----------
    ratings
        Shape ``(n_cases, n_raters)``, at least 2 × 2, finite.

    Returns
    -------
    Estimate
        At most 1; undefined where no rating differs from another, the interval alone where no case does.
    """
    n, k = ratings.shape
    mean = ratings.mean()
    of_cases, of_raters = ratings.mean(axis=1), ratings.mean(axis=0)
    between = k * float(((of_cases - mean) ** 2).sum()) / (n - 1)
    raters = n * float(((of_raters - mean) ** 2).sum()) / (k - 1)
    rest = ratings - of_cases[:, None] - of_raters + mean
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    total = between + (k - 1) * error + k * (raters - error) / n
    if not total > 0:
        return UNDEFINED
    r = (between - error) / total
    if error + raters <= EQUAL * between:
        return Estimate(r, r, r)
    if between + error <= EQUAL * raters:
        return Estimate(r, None, None)
    a, b = k * r * raters, (n * (1 + (k - 1) * r) - k * r) * error
    freedom = (k - 1) * (n - 1) * (a + b) ** 2 / ((n - 1) * a**2 + b**2)
    f_low, f_high = stats.f.ppf(_TAIL, n - 1, freedom), stats.f.ppf(_TAIL, freedom, n - 1)
    other = k * raters + (k * n - k - n) * error
    low = n * (between - f_low * error) / (f_low * other + n * between)
    high = n * (f_high * between - error) / (other + n * f_high * between)
    return Estimate(r, float(low), float(high))


def limits_of_agreement(ours: DoubleArray, theirs: DoubleArray) -> Limits:
    """Return bias and limits of agreement of ours minus theirs, with intervals.

    Bland & Altman 1999, doi:10.1177/096228029900800204: the standard error of the bias is s/√n, that of a limit
    s·√(1/n + 1.96²/(2(n − 1))), both with Student's t of n − 1 degrees of freedom.

    Parameters
    ----------
    ours, theirs
        Volumes in ml, shape ``(n_cases,)`` each, n ≥ 2.
    """
    n = len(ours)
    found, spread = bland_altman(ours, theirs), float((ours - theirs).std(ddof=1))
    t = float(stats.t.ppf(_TAIL, n - 1))
    of_bias = t * spread / math.sqrt(n)
    of_limit = t * spread * math.sqrt(1 / n + LIMITS_SD**2 / (2 * (n - 1)))

    def around(value: float, half: float) -> Estimate:
        return Estimate(value, value - half, value + half)

    bias = around(found.bias_ml, of_bias)
    return Limits(bias, around(found.low_ml, of_limit), around(found.high_ml, of_limit))


def cohen_kappa(first: BoolArray, second: BoolArray) -> Estimate:
    """Return Cohen's κ of two raters' decisions (Cohen 1960, doi:10.1177/001316446002000104).

    The interval has the asymptotic standard error of Fleiss, Cohen & Everitt 1969 (doi:10.1037/h0028106), and ends
    at −1 and 1. It has no width where all decisions agree.

    Parameters
    ----------
    first, second
        Shape ``(n_cases,)`` each.

    Returns
    -------
    Estimate
        Undefined where both raters always decide alike for the same answer, since that may be chance.
    """
    n = len(first)
    p = np.array([[np.mean((first == i) & (second == j)) for j in (False, True)] for i in (False, True)])
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, by_chance = float(np.trace(p)), float(rows @ columns)
    if by_chance >= 1:
        return UNDEFINED
    kappa = (observed - by_chance) / (1 - by_chance)
    crossed = columns[:, None] + rows[None, :]  # p(second = i) + p(first = j)
    on_diagonal = float((np.diag(p) * ((1 - by_chance) - np.diag(crossed) * (1 - observed)) ** 2).sum())
    off_diagonal = float((p * crossed**2).sum() - (np.diag(p) * np.diag(crossed) ** 2).sum())
    rest = (observed * by_chance - 2 * by_chance + observed) ** 2
    variance = (on_diagonal + (1 - observed) ** 2 * off_diagonal - rest) / (n * (1 - by_chance) ** 4)
    half = float(stats.norm.ppf(_TAIL)) * math.sqrt(max(variance, 0.0))
    return Estimate(kappa, max(kappa - half, -1.0), min(kappa + half, 1.0))


def compare_volumes(ours: VolumeTable, theirs: VolumeTable) -> dict[str, Any]:
    """Return the agreement of two packages, as ``agreement.json`` has it.

    Returns
    -------
    dict
        ``n_cases`` in both; ``only_ours``, ``only_theirs`` (cases in one table alone) and ``without_volumes`` (in
        both, without a number in one) by name; ``difference``; per volume ``icc_2_1``, ``bias``, ``lower_limit``
        and ``upper_limit``, each with ``value``, ``low``, ``high``; ``target_mismatch`` with ``kappa`` and the
        numbers of cases by decision.

    Raises
    ------
    InputDataError
        Fewer than 3 cases have volumes in both.
    """
    common = [case for case in ours.cases if case in theirs.cases]
    names = [case for case in common if case in ours.volumes and case in theirs.volumes]
    if len(names) < MIN_PAIRS:
        raise InputDataError(
            f"The two tables have {len(names)} cases with volumes in common, of {len(ours.cases)} and "
            f"{len(theirs.cases)}; expected at least {MIN_PAIRS}, so give both the same names of cases."
        )
    pairs = paired_volumes(ours, theirs)
    decisions = [has_target_mismatch(*(pairs[name][:, rater] for name in VOLUMES)) for rater in (0, 1)]
    a, b = decisions
    return {
        "n_cases": len(names),
        "only_ours": [case for case in ours.cases if case not in theirs.cases],
        "only_theirs": [case for case in theirs.cases if case not in ours.cases],
        "without_volumes": [case for case in common if case not in names],
        "difference": "ours minus theirs",
        **{name: _agreement(pairs[name]) for name in VOLUMES},
        "target_mismatch": {
            "kappa": asdict(cohen_kappa(a, b)),
            "both": int((a & b).sum()),
            "only_ours": int((a & ~b).sum()),
            "only_theirs": int((~a & b).sum()),
            "neither": int((~a & ~b).sum()),
        },
    }


def paired_volumes(ours: VolumeTable, theirs: VolumeTable) -> dict[str, DoubleArray]:
    """Return each volume of the cases that both tables have, shape ``(n_cases, 2)``: ours, theirs; ml."""
    names = [case for case in ours.volumes if case in theirs.volumes]
    found: Mapping[str, list[list[float]]] = {
        name: [[table.volumes[case][k] for table in (ours, theirs)] for case in names]
        for k, name in enumerate(VOLUMES)
    }
    return {name: np.array(values, np.float64).reshape(-1, 2) for name, values in found.items()}


def _agreement(pairs: DoubleArray) -> dict[str, Any]:
    limits = limits_of_agreement(pairs[:, 0], pairs[:, 1])
    return {
        "icc_2_1": asdict(icc_agreement(pairs)),
        "bias": asdict(limits.bias),
        "lower_limit": asdict(limits.lower),
        "upper_limit": asdict(limits.upper),
    }
