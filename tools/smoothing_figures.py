"""What smoothing leaves and what it costs: ``python -m tools.smoothing_figures`` prints a table, and JSON last.

Noise is a scan minus the same scan without noise, less its own baseline, smoothed as tissue is, in healthy tissue.
Blur is the full width at half maximum of what becomes of one voxel in one frame. Dice is that of the true curve,
so that only smoothing differs; the difference from the default is paired over cases.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from perfcore.metrics import dice
from perfcore.phantom.cases import make_from_recipe
from perfcore.phantom.cohort import draw_recipe
from perfcore.pipeline import make_maps, tile
from perfcore.preprocess import Prepared, prepare
from perfcore.preprocess.smoothing import smooth_masked, smooth_plane, smooth_time, spatial_sigmas
from perfcore.settings import Settings
from perfcore.types import Aif, FloatArray

SIGMAS = ((2.0, 1.0), (2.5, 1.5), (3.0, 1.5), (3.0, 2.0))
ASKED_HU = 0.8


def half_width(profile: FloatArray, step: float) -> float:
    """Return the full width at half maximum of a peak, between samples by straight lines."""
    peak = int(profile.argmax())
    fallen = peak + int(np.argmax(profile[peak:] < profile[peak] / 2))
    above, below = float(profile[fallen - 1]), float(profile[fallen])
    return 2.0 * step * (fallen - 1 - peak + (above - 0.5 * float(profile[peak])) / (above - below))


def blur(sigma_mm: float, sigma_s: float, *, pixel_mm: float = 0.9, dt_s: float = 1.0) -> tuple[float, float]:
    """Return the width in mm and s of what smoothing makes of one voxel in one frame."""
    plane = np.zeros((65, 65, 1), np.float32)
    plane[32, 32] = 1.0
    frames = np.zeros((1, 65), np.float32)
    frames[0, 32] = 1.0
    space = smooth_plane(plane, sigma_mm / pixel_mm, sigma_mm / pixel_mm)[:, 32, 0]
    return half_width(space, pixel_mm), half_width(smooth_time(frames, sigma_s / dt_s)[0], dt_s)


def residual_noise(noise: FloatArray, prepared: Prepared, settings: Settings) -> float:
    """Return the standard deviation in HU, over healthy voxels and frames, of noise that was smoothed."""
    weight = prepared.mask.copy()
    weight[prepared.mask] = ~prepared.vessels
    alone = noise - noise[..., : prepared.n_baseline].mean(axis=3, keepdims=True)
    sigmas = (
        *spatial_sigmas(settings.spatial_sigma_mm, prepared.spacing_mm),
        settings.temporal_sigma_s / prepared.dt_s,
    )
    return float(smooth_masked(alone, weight, prepared.mask, sigmas)[prepared.reference].std())


def one_case(job: tuple[int, int]) -> dict[str, dict[str, float | None]]:
    torch.set_num_threads(1)
    recipe = draw_recipe(*job)
    quiet = replace(recipe, scanner=replace(recipe.scanner, noise_hu=0.0))
    made, clean = make_from_recipe(recipe), make_from_recipe(quiet)
    truth = made.truth
    low = truth.core | truth.penumbra
    result = {}
    for sigma_mm, sigma_s in SIGMAS:
        settings = Settings(spatial_sigma_mm=sigma_mm, temporal_sigma_s=sigma_s)
        prepared = prepare(made.series, settings)
        maps = make_maps(prepared, tile(prepared), Aif(prepared.time_s, truth.aif.value), settings)
        result[f"{sigma_mm}/{sigma_s}"] = {
            "noise_hu": residual_noise(made.series.data - clean.series.data, prepared, settings),
            "dice": dice(maps.core, truth.core),
            "hypoperfused_dice": dice(maps.hypoperfused, low),
        }
    return result


def summary(cases: list[dict[str, dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Return figures by preset; a difference from the default comes with its standard error."""
    default = f"{Settings().spatial_sigma_mm}/{Settings().temporal_sigma_s}"
    table = {}
    for sigma_mm, sigma_s in SIGMAS:
        name = f"{sigma_mm}/{sigma_s}"
        width_mm, width_s = blur(sigma_mm, sigma_s)
        noise = np.array([case[name]["noise_hu"] for case in cases])
        row = {
            "width_mm": width_mm, "width_s": width_s, "noise_median_hu": float(np.median(noise)),
            "noise_max_hu": float(noise.max()), "above_0.8_hu": int((noise > ASKED_HU).sum()),
        }  # fmt: skip
        for score in ("dice", "hypoperfused_dice"):
            known = [case for case in cases if case[name][score] is not None]
            now, then = (np.array([case[which][score] for case in known]) for which in (name, default))
            row[score] = float(now.mean())
            row[f"{score}_gain"] = float((now - then).mean())
            row[f"{score}_gain_se"] = float((now - then).std(ddof=1) / np.sqrt(len(known)))
        table[name] = row
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
    for name, row in table.items():
        print(f"{name:<8}", "  ".join(f"{key} {value:.3g}" for key, value in row.items()))
    print(json.dumps({"seed": given.seed, "n_cases": len(cases), "presets": table}))


if __name__ == "__main__":
    main()
