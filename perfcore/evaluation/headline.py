"""What an evaluation says, in words computed from its figures."""

from __future__ import annotations

from typing import Any, Final

from perfcore.aif.sources import OWN_NULL, is_network, source_label
from perfcore.evaluation.statistics import COMPARATOR
from perfcore.evaluation.wording import difference_text, is_better, reference_label
from perfcore.metric_info import METRICS

HEADLINE_METRICS: Final = {
    "dice": "core",
    "calibrated_dice": "core at a calibrated threshold",
    "hypoperfused_dice": "hypoperfused tissue",
}
"""Metrics of a headline, with what each measures."""
_OUTCOMES: Final = {"dice": "core", "hypoperfused_dice": "hypoperfused tissue"}
"""Metrics of which one has to be better than a network's own mean curve gives."""


def headline(statistics: dict[str, Any]) -> list[str]:
    """Return one sentence or two per network: its differences from each reference, and what it has learnt.

    Parameters
    ----------
    statistics
        Result of :func:`perfcore.evaluation.statistics.summarise`.
    """
    return [_of_network(name, statistics) for name in statistics["methods"] if is_network(name)]


def _of_network(name: str, statistics: dict[str, Any]) -> str:
    parts = []
    for reference in sorted(statistics["differences"], key=_order):
        found = statistics["differences"][reference].get(name)
        figures = [
            f"{what} {difference_text(METRICS[metric], found[metric])}"
            for metric, what in HEADLINE_METRICS.items()
            if found is not None and found[metric]["mean"] is not None
        ]
        if figures:
            parts.append(f"against {reference_label(reference)}: {', '.join(figures)}")
    if not parts:
        return f"{source_label(name)}: too few patients for a comparison."
    return f"{source_label(name)} {'; '.join(parts)}. {_verdict(name, statistics)}"


def _order(reference: str) -> int:
    return [COMPARATOR, OWN_NULL].index(reference) if reference in (COMPARATOR, OWN_NULL) else 2


def _verdict(name: str, statistics: dict[str, Any]) -> str:
    """Return whether a network has learnt something about the patient, by its own mean curve."""
    found = statistics["differences"].get(OWN_NULL, {}).get(name, {})
    known = {metric: what for metric, what in _OUTCOMES.items() if found.get(metric, {}).get("mean") is not None}
    if not known:
        return "It was not compared with its own mean curve."
    better = [what for metric, what in known.items() if is_better(METRICS[metric], found[metric])]
    if not better:
        return "It is not better than its own mean curve: on these cases the patient's own curve gains nothing."
    rest = [what for what in known.values() if what not in better]
    return f"It is better than its own mean curve in {' and '.join(better)}" + (
        f", not in {' and '.join(rest)}." if rest else "."
    )
