"""Choice of the best network and proof that a network has learned about the patient.

The rule is fixed beforehand and sees other cases than those of the released evaluation: the highest sum of core
Dice and hypoperfusion Dice, averaged over the training seeds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pandas as pd

from perfcore.aif.sources import OWN_NULL, is_network

CHOICE_FILE: Final = "choice.csv"
CHOICE_METRICS: Final = ("dice", "hypoperfused_dice")
MAX_P: Final = 0.01
"""Largest p-value with which a network counts as better than its own mean curve."""


def choice_table(evaluations: list[Path]) -> pd.DataFrame:
    """Return the figures of every network and training seed on the cases of the choice.

    Parameters
    ----------
    evaluations
        Folders of one evaluation per training seed, on the same cases.

    Returns
    -------
    One row per network and seed: ``network``, ``seed`` (place in the list), `CHOICE_METRICS`, ``aif_r`` and
    ``total``.
    """
    rows = []
    for seed, folder in enumerate(evaluations):
        methods = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["methods"]
        for name, about in methods.items():
            if is_network(name):
                figures = {key: about[key]["mean"] for key in (*CHOICE_METRICS, "aif_r")}
                total = sum(figures[key] or 0.0 for key in CHOICE_METRICS)
                rows.append({"network": name, "seed": seed, **figures, "total": total})
    return pd.DataFrame(rows)


def best_network(table: pd.DataFrame, names: list[str]) -> str:
    """Return the one of ``names`` with the highest mean total over the seeds of :func:`choice_table`."""
    mean = table[table["network"].isin(names)].groupby("network", sort=False)["total"].mean()
    return str(mean.idxmax())


def beats_own_mean(summary: dict[str, Any], name: str) -> bool:
    """Return whether a network is better than its own mean curve in core or hypoperfusion Dice.

    Better: the interval of the mean difference over patients is above 0, and Wilcoxon's p is below `MAX_P`.

    Parameters
    ----------
    summary
        Result of :func:`perfcore.evaluation.run.evaluate`.
    name
        Method name of the network.
    """
    found = summary["differences"].get(OWN_NULL, {}).get(name, {})
    return any(
        one["low"] is not None and one["low"] > 0 and one["wilcoxon"] is not None and one["wilcoxon"] < MAX_P
        for one in (found[key] for key in CHOICE_METRICS if key in found)
    )
