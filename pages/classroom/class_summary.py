"""Summary of the answers of a round: what participants see at the reveal, and what the summary page says."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from pages.classroom.round import Round
from pages.classroom.tasks import Answer
from perfcore.analysis.lesion_distribution import DECISIONS, decisions
from perfcore.teaching.class_statistics import spread_of

SUMMARIZED: Final = ("core_ml", "hypoperfused_ml", "painted_ml")
"""Metrics whose spread is shown, where answers have them."""


_last: Final[weakref.WeakKeyDictionary[Round, tuple[int, dict[str, Any]]]] = weakref.WeakKeyDictionary()


def summary_of(one: Round) -> dict[str, Any]:
    """Return number, spread, values, decisions and right answers of a round, ready for JSON; without names.

    It is computed once after each change, as all participants get it at the reveal. Do not change it.
    """
    changed_at = one.changed_at
    found = _last.get(one)
    if found is None or found[0] != changed_at:
        _last[one] = found = changed_at, _summary(one)
    return found[1]


def _summary(one: Round) -> dict[str, Any]:
    answers = [answer for answer, _ in tuple(one.answers.values())]
    spreads = {name: _values(answers, name) for name in SUMMARIZED}
    return {
        "round": one.number,
        "n": len(answers),
        "spreads": {name: asdict(spread_of(values)) for name, values in spreads.items() if values},
        "values": {name: sorted(round(v, 2) for v in values) for name, values in spreads.items() if values},
        "decisions": decision_counts(answers),
        "items": [_item_summary(one, i, answers) for i in range(len(one.task.items))],
    }


def decision_counts(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return how many answers lead to each treatment decision of `DECISIONS`."""
    pairs = [(answer.numbers.get("core_ml"), answer.numbers.get("hypoperfused_ml")) for answer in answers]
    known = np.array([pair for pair in pairs if None not in pair], np.float64).reshape(-1, 2)
    if not len(known):
        return []
    found = decisions(known[:, 0], known[:, 1])
    return [{"label": DECISIONS[name], "n": int(holds.sum()), "of": len(known)} for name, holds in found.items()]


def _values(answers: Sequence[Answer], name: str) -> list[float]:
    return [value for answer in answers if (value := answer.numbers.get(name)) is not None]


def _item_summary(one: Round, place: int, answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the answers to one question, the right one, and how many are right."""
    item = one.task.items[place]
    values = [answer.values[place] for answer in answers]
    judged = [item.is_right(value) for value in values]
    n_right = None if item.right is None else sum(map(bool, judged))
    return {"values": values, "right": item.right, "nRight": n_right}
