"""How like patients a phantom cohort is: ``python -m tools.realism`` prints two tables, and JSON last.

The first table has the quantiles of the cohort's true arterial and venous curves, of what the default selector
measures on its scans, and of the core, beside those of measured clinical curves (46 pairs, frames of 1 s) and of
ISLES 2018.

Of the patients only five quantiles are known, so that the Kolmogorov-Smirnov distance is taken at these:
:math:`\\max_p |F(q_p) - p|` for p of 5, 25, 50, 75 and 95 %, with F the cohort's empirical distribution function
and :math:`q_p` the patients' quantile. It is a lower bound of the distance between the two distributions.

The distributions of the cohort were fitted on seed 7; judge them on another.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final

import numpy as np
import torch

from perfcore.aif.select import select
from perfcore.errors import NoArteryError
from perfcore.metrics import dice
from perfcore.phantom.cases import make_case
from perfcore.pipeline import make_maps, tile
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.types import Aif, DoubleArray

PROBABILITIES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
PATIENTS: Final[dict[str, tuple[float, ...]]] = {
    "AIF width, s": (8.4, 10.1, 11.5, 13.5, 19.1),
    "AIF rise 20 % to peak, s": (5.2, 6.1, 7.2, 8.4, 10.2),
    "AIF fall peak to half, s": (4.4, 5.6, 6.4, 8.5, 12.2),
    "AIF tail / peak": (0.11, 0.16, 0.19, 0.26, 0.41),
    "VOF width, s": (9.3, 11.4, 13.2, 14.9, 20.2),
    "VOF tail / peak": (0.15, 0.19, 0.24, 0.38, 0.64),
    "VOF peak, HU": (55, 108, 141, 224, 459),
    "VOF after AIF, s": (4, 5, 6, 7, 9),
    "measured AIF peak, HU": (16, 20, 43, 97, 225),
    "area VOF / measured AIF": (1.3, 2.1, 3.3, 4.7, 8.3),
}
"""Quantiles 5, 25, 50, 75 and 95 % of measured clinical pairs of AIF and VOF."""
ISLES_CORE_ML: Final = (None, 5.7, 15.0, 45.0, None)
"""Quartiles of the lesions of ISLES 2018; 5 and 95 % are not known."""
CORE: Final = "core, ml"
TAIL_FRAMES: Final = 5


def distance(values: Sequence[float], quantiles: Sequence[float | None]) -> float:
    """Return the Kolmogorov-Smirnov distance of a sample at known quantiles of the other distribution.

    Parameters
    ----------
    values
        The sample.
    quantiles
        Values of the other distribution at ``PROBABILITIES``; None where unknown.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    gaps = [0.0]
    for probability, at in zip(PROBABILITIES, quantiles, strict=True):
        if at is not None:
            below, up_to = (np.searchsorted(ordered, at, side=side) / ordered.size for side in ("left", "right"))
            gaps.append(max(below - probability, probability - up_to))
    return float(max(gaps))


def shape_of(curve: DoubleArray, dt_s: float) -> tuple[float, float, float, float]:
    """Return width, rise from 20 % to the peak, and fall to half, in seconds, and the tail over the peak.

    Crossings are between frames by straight lines; a curve that does not fall to half by the end falls there.
    """
    top = int(curve.argmax())
    peak = float(curve[top])

    def before(level: float) -> float:
        under = np.flatnonzero(curve[:top] <= level * peak)
        k = int(under[-1]) if under.size else 0
        return k + float((level * peak - curve[k]) / max(curve[k + 1] - curve[k], 1e-9))

    under = np.flatnonzero(curve[top:] <= 0.5 * peak)
    end = curve.size - 1.0
    if under.size:
        k = top + int(under[0])
        end = k - float((0.5 * peak - curve[k]) / (curve[k - 1] - curve[k]))
    tail = float(curve[-TAIL_FRAMES:].mean()) / peak
    return (end - before(0.5)) * dt_s, (top - before(0.2)) * dt_s, (end - top) * dt_s, tail


def one_case(job: tuple[int, int]) -> dict[str, Any]:
    """Return what is compared, of one case of a cohort."""
    torch.set_num_threads(1)
    made = make_case(*job)
    truth, dt_s = made.truth, made.series.dt_s
    width, rise, fall, tail = shape_of(truth.aif.value, dt_s)
    vein_width, _, _, vein_tail = shape_of(truth.vof.value, dt_s)
    found = {
        "AIF width, s": width, "AIF rise 20 % to peak, s": rise, "AIF fall peak to half, s": fall,
        "AIF tail / peak": tail, "VOF width, s": vein_width, "VOF tail / peak": vein_tail,
        "VOF peak, HU": truth.vof.peak, "VOF after AIF, s": truth.vof.peak_time_s - truth.aif.peak_time_s,
    }  # fmt: skip
    if made.description["occlusion"] is not None and truth.core.any():
        found[CORE] = made.description["core_ml"]
    prepared = prepare(made.series, Settings())
    try:
        chosen = select(prepared)
        found["measured AIF peak, HU"] = chosen.aif.peak
        found["area VOF / measured AIF"] = truth.vof.area / chosen.aif.area
    except NoArteryError:
        pass
    maps = make_maps(prepared, tile(prepared), Aif(prepared.time_s, truth.aif.value), Settings())
    healthy = prepared.mask & (truth.cbf > 0) & ~truth.core & ~truth.penumbra
    return {
        "compared": found,
        "core_dice": dice(maps.core, truth.core),
        "hard_label_dice": dice(maps.core, truth.hard_label),
        "hypoperfused_dice": dice(maps.hypoperfused, truth.core | truth.penumbra),
        "specificity": 1 - float(maps.core[healthy].mean()),
        "core_bias_ml": float(maps.core.sum() - truth.core.sum()) * made.series.voxel_ml,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=94)
    parser.add_argument("--seed", type=int, default=20260)
    given = parser.parse_args()
    jobs = [(given.seed, k) for k in range(1, given.cases + 1)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        cases = list(pool.map(one_case, jobs))
    table: dict[str, dict[str, Any]] = {}
    for name, patients in {**PATIENTS, CORE: ISLES_CORE_ML}.items():
        values = [case["compared"][name] for case in cases if name in case["compared"]]
        quantiles = [float(q) for q in np.quantile(values, PROBABILITIES)]
        table[name] = {
            "n": len(values),
            "phantom": quantiles,
            "patients": patients,
            "ks": distance(values, patients),
        }
    print(f"{'':<26}{'patients 5/25/50/75/95 %':<34}{'phantom':<34}distance")
    for name, row in table.items():
        known, own = (
            " / ".join("-" if q is None else f"{q:.3g}" for q in row[of]) for of in ("patients", "phantom")
        )
        print(f"{name:<26}{known:<34}{own:<34}{row['ks']:.2f}")
    means = {
        name: float(np.mean([case[name] for case in cases if case[name] is not None]))
        for name in ("core_dice", "hard_label_dice", "hypoperfused_dice", "specificity", "core_bias_ml")
    }
    print("with the true curve:", ", ".join(f"{name} {value:.3f}" for name, value in means.items()))
    print(json.dumps({"seed": given.seed, "n_cases": len(cases), "table": table, "true_curve": means}))


if __name__ == "__main__":
    main()
