"""Figures of an evaluation as text, the same in the report and on the page."""

from __future__ import annotations

from typing import Any, Final

from perfcore.aif.sources import OWN_NULL, source_label
from perfcore.evaluation.figures import MAX_SHIFT_S, SHIFT_STEP_S, THRESHOLDS
from perfcore.evaluation.statistics import COMPARATOR, MIN_PAIRS, N_RESAMPLES
from perfcore.evaluation.sweep import N_FOLDS
from perfcore.metric_info import NEGLIGIBLE_DICE, MetricInfo

DIFFERENCE_NOTE: Final = (
    "Method minus reference, mean over the patients (the scans of a patient are averaged first), with the 95 % "
    f"bootstrap interval by patient ({N_RESAMPLES:,} resamples). p of the paired t-test and of Wilcoxon's test, "
    "adjusted by Holm's method over all methods that are compared with one reference by one metric. A mean "
    f"difference in Dice below {NEGLIGIBLE_DICE:g} is called no difference."
)
SWEEP_NOTE: Final = (
    "Dice of the core, rCBF below the threshold, mean over the patients; cases without a curve count as 0. "
    "Vertical line: the threshold of the table."
)


def table_note(summary: dict[str, Any]) -> str:
    """Return how the table of an evaluation is to be read."""
    skipped = {source_label(m): about["not_evaluated"] for m, about in summary["methods"].items()}
    left_out = ", ".join(f"{name} in {n}" for name, n in skipped.items() if n)
    return (
        "Failures: cases without a curve, or with one that cannot be inverted. They count: Dice and Jaccard 0 "
        "and AUC 0.5; HD and volume are undefined. A selector that finds no curve has that of "
        f"{source_label(COMPARATOR)} (fallbacks). "
        + (f"Not evaluated, and left out of the means (cases.csv says why): {left_out}. " if left_out else "")
        + "Dice, Jaccard, AUC and HD are undefined for an empty known core, HD also for an empty predicted core. "
        "Dice, other scan: against the lesion as another scan shows it hours later. Dice, calibrated: at the "
        f"threshold of rCBF ({THRESHOLDS[0]:g} to {THRESHOLDS[-1]:g}) that maximises the mean Dice of the method "
        f"over the patients of the other folds ({N_FOLDS} folds). Hypoperf. Dice, anchored: Tmax counted from "
        "healthy tissue. AIF r: Pearson's r with the true AIF over the frames, maximised over shifts of the AIF "
        f"by up to ±{MAX_SHIFT_S:g} s in steps of {SHIFT_STEP_S:g} s. Tmax bias and SD: mean and standard "
        "deviation over the brain of Tmax minus that of the true AIF. Three null models: the typical curve for "
        f"everybody, each network's mean curve for everybody, and {source_label(COMPARATOR)} with a calibrated "
        "threshold (its calibrated Dice). A network has to be better than they are to have learnt about patients."
    )


def failures(about: dict[str, Any]) -> str:
    """Return the number of failures of a method, and of its fallbacks where there are some."""
    fallbacks = f" (fallbacks: {about['fallback']})" if about["fallback"] else ""
    return f"{about['failed']}{fallbacks}"


def p_text(found: dict[str, Any]) -> str:
    """Return the adjusted p-values of a difference, ``p 0.012 (t), 0.020 (Wilcoxon)``, or why there is none."""
    if found["wilcoxon_holm"] is None:
        if found["n_patients"] < MIN_PAIRS:
            return f"needs {MIN_PAIRS} patients"
        return "equal in every patient" if found["low"] == found["high"] == 0 else ""
    return f"p {_p(found['paired_t_holm'])} (t), {_p(found['wilcoxon_holm'])} (Wilcoxon)"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def reference_label(reference: str) -> str:
    """Return how a reference of the differences is called."""
    if reference == OWN_NULL:
        return "its own mean curve"
    return {"truth": "the true AIF", "expert": "the expert"}.get(reference, source_label(reference))


def interval(info: MetricInfo, figure: dict[str, Any]) -> str:
    """Return the 95 % interval of a mean, ``0.021 to 0.034``; empty where there is none."""
    if figure["low"] is None:
        return ""
    return f"{info.text(figure['low'])} to {info.text(figure['high'])}"


def mean_text(info: MetricInfo, figure: dict[str, Any]) -> str:
    """Return a mean with its interval, ``0.756 (0.721 to 0.790)``."""
    between = interval(info, figure)
    return info.text(figure["mean"]) + (f" ({between})" if between else "")


def difference_text(info: MetricInfo, found: dict[str, Any]) -> str:
    """Return a difference with its interval, ``+0.012 (0.004 to 0.020)``; one without meaning is called none."""
    mean = found["mean"]
    if mean is None:
        return "–"
    if abs(mean) < info.negligible:
        return f"no difference (< {info.negligible:g}; {interval(info, found)})"
    sign = "+" if mean > 0 else ""
    return f"{sign}{info.text(mean)} ({interval(info, found)})"


def is_better(info: MetricInfo, found: dict[str, Any]) -> bool:
    """Return whether a method is better than the reference by more than nothing, and surely so (95 %)."""
    if found["mean"] is None:
        return False
    sign = -1 if info.better == "lower" else 1
    bound = found["low"] if sign > 0 else found["high"]
    return bool(sign * found["mean"] >= info.negligible and sign * bound > 0)
