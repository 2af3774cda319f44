"""How the selectors do on phantom cases: ``python -m tools.cohort_figures`` prints a table, and JSON last.

The cases are of a seed that nothing was tuned on. Shape is compared at the best scale and lag; core Dice with a
selector's curve is compared with that of the true curve on the same cases.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import torch

from perfcore.aif.select import SELECTORS, select
from perfcore.errors import NoArteryError
from perfcore.metrics import dice
from perfcore.phantom.cases import make_case
from perfcore.pipeline import make_maps, tile
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.types import Aif

LAGS_S = np.arange(-8.0, 8.25, 0.25)


def shape_correlation(found: Aif, true: Aif) -> tuple[float, float]:
    """Return the best correlation over lags, and that lag in seconds (positive: found is late)."""
    moved = [np.interp(found.time_s - lag, true.time_s, true.value) for lag in LAGS_S]
    scores = [float(np.corrcoef(found.value, curve)[0, 1]) for curve in moved]
    best = int(np.argmax(scores))
    return scores[best], float(LAGS_S[best])


def one_case(job: tuple[int, int]) -> dict[str, Any]:
    torch.set_num_threads(1)
    seed, index = job
    made = make_case(seed, index)
    truth = made.truth
    start = time.perf_counter()
    prepared = prepare(made.series, Settings())
    seconds = time.perf_counter() - start
    tiles = tile(prepared)
    low = truth.core | truth.penumbra

    def lesions(aif: Aif) -> dict[str, float | None]:
        maps = make_maps(prepared, tiles, Aif(prepared.time_s, aif.value), Settings())
        return {"dice": dice(maps.core, truth.core), "hypoperfused_dice": dice(maps.hypoperfused, low)}

    result: dict[str, Any] = {
        "index": index, "confounders": made.description["confounders"], "prepare_s": seconds,
        "slices": made.series.grid[2], "truth": lesions(truth.aif),
    }  # fmt: skip
    for method in SELECTORS:
        try:
            chosen = select(prepared, method)
        except NoArteryError:
            continue
        r, lag = shape_correlation(chosen.aif, truth.aif)
        vein = None if chosen.vof is None else shape_correlation(chosen.vof, truth.vof)[0]
        result[method] = {"r": r, "lag_s": lag, "vof_r": vein, **lesions(chosen.aif)}
    return result


def summary(cases: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    table = {}
    for method in SELECTORS:
        found = [c for c in cases if method in c]

        def values(name: str, of: str = method, among: list[dict[str, Any]] = found) -> np.ndarray:
            return np.array([c[of][name] for c in among if c[of][name] is not None])

        core = [c for c in found if c["truth"]["dice"] is not None]
        loss = np.array([c["truth"]["dice"] - c[method]["dice"] for c in core])
        table[method] = {
            "found": len(found), "r_median": float(np.median(values("r"))),
            "r_worst_decile": float(np.quantile(values("r"), 0.1)),
            "late_over_1.5_s": int((np.abs(values("lag_s")) > 1.5).sum()),
            "vof_r_median": float(np.median(values("vof_r"))), "dice_mean": float(values("dice").mean()),
            "dice_truth_mean": float(values("dice", "truth").mean()), "dice_loss_median": float(np.median(loss)),
            "hypoperfused_dice_mean": float(values("hypoperfused_dice").mean()),
            "hypoperfused_dice_truth_mean": float(values("hypoperfused_dice", "truth").mean()),
        }  # fmt: skip
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=94)
    parser.add_argument("--seed", type=int, default=20260)
    given = parser.parse_args()
    jobs = [(given.seed, i) for i in range(1, given.cases + 1)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        cases = list(pool.map(one_case, jobs))
    table = summary(cases)
    for method, row in table.items():
        print(f"{method:<10}", "  ".join(f"{name} {value:.3g}" for name, value in row.items()))
    print(json.dumps({"seed": given.seed, "n_cases": len(cases), "selectors": table}))


if __name__ == "__main__":
    main()
