"""Fit the AIF posterior to phantoms, or measure its coverage on others.

``python -m tools.calibrate_posterior --fit --seed A`` fits it and writes the package's calibration. It uses
``--cases`` training cases, as many of the cohort, and as many varied ones: training cases with any bolus from
textbook to sluggish and with healthy tissue dispersed by up to 1 s, since patients are not all like the cohort.
The factor of the residuals is fitted to the first two, by cross-validation. Without ``--fit`` it prints, for cases
of another seed and JSON last:

- coverage: how often the 80 % interval of the core contains the core that the true AIF gives with the same
  settings, with its 95 % interval (Clopper 1934, doi:10.1093/biomet/26.4.404);
- sharpness: the median width of that interval over its median, of cores of at least 1 ml;
- the null: the default selector's core times two factors, the same for every case, that cover 80 % of these cases;
- the Brier scores of the decisions, beside those of the default selector's yes or no.

Groups of ``--cases`` each: ``plain`` (cases of the cohort without confounder or finding), ``realistic`` (cases of
the cohort as they come) and ``broad`` (two-slice training cases, bolus widths log-uniform over 5 to 20 s). A case
without an artery counts as a failure and has no interval.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, count, islice
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import torch
from scipy.stats import binomtest

from perfcore.aif.curves import disperse, fine_grid
from perfcore.aif.select import select
from perfcore.aif.select.candidates import healthy_curve
from perfcore.analysis.aif_posterior.bolus_shape import FINE_DT_S, BolusShape, measure_bolus
from perfcore.analysis.aif_posterior.posterior import AifPosterior
from perfcore.analysis.aif_posterior.storage import load_posterior, save_posterior
from perfcore.analysis.aif_posterior.vessels import Vessels, measure_tissue, measure_vessels
from perfcore.analysis.lesion_distribution import LesionDistribution, decisions, lesion_distribution
from perfcore.deconvolution.inverse import build_operator
from perfcore.deconvolution.temporal_basis import checked_basis
from perfcore.errors import PerfcoreError
from perfcore.phantom.cases import PhantomCase, make_from_recipe
from perfcore.phantom.cohort import draw_recipe, draw_training_recipe
from perfcore.phantom.physiology import Bolus
from perfcore.phantom.recipe import Recipe
from perfcore.pipeline import tile
from perfcore.preprocess import Prepared, prepare
from perfcore.runtime.progress import progress
from perfcore.settings import PRESETS, Settings
from perfcore.types import Aif, DoubleArray

LEVEL: Final = 0.8
QUANTILES: Final = ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2)
SPREADS: Final = (0.8, 1.0, 1.2, 1.4)
N_DRAWS: Final = 100
N_FOLDS: Final = 8
MAX_SLICES: Final = 2
"""Calibration cases of more slices do not serve to fit the spread."""
SMALL_CORE_ML: Final = 1.0
NULL_OFFSET_ML: Final = 0.5
VARIED_WIDTH_S: Final = (4.5, 20.0)
VARIED_ALPHA: Final = (2.0, 14.0)
MIN_DISPERSION_S, MAX_DISPERSION_S = 0.005, 1.0
TRUTH_DURATION_S: Final = 160.0
"""A true AIF is known beyond the end of the scan."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Job(NamedTuple):
    """A case: its cohort, ``training``, ``cohort`` or ``varied``, the seed and the index from 1."""

    cohort: str
    seed: int
    index: int

    @property
    def recipe(self) -> Recipe:
        if self.cohort == "cohort":
            return draw_recipe(self.seed, self.index)
        recipe = draw_training_recipe(self.seed, self.index)
        return (
            recipe if self.cohort == "training" else replace(recipe, bolus=varied_bolus(recipe.bolus, self.random))
        )

    @property
    def is_plain(self) -> bool:
        """Whether the case has neither confounder nor finding."""
        return not self.recipe.confounders and not self.recipe.findings.names

    @property
    def random(self) -> np.random.Generator:
        """The generator of what is varied, always in the same state."""
        return np.random.default_rng([self.seed, self.index])


def varied_bolus(bolus: Bolus, rng: np.random.Generator) -> Bolus:
    """Return a bolus of any shape with the area of another one's first pass."""
    width_s, alpha = np.exp(rng.uniform(*np.log(VARIED_WIDTH_S))), np.exp(rng.uniform(*np.log(VARIED_ALPHA)))
    return Bolus.of_width(
        float(width_s),
        float(alpha),
        float(bolus.peak_hu * bolus.width_s / width_s),
        recirculation=float(rng.uniform(0, 0.25)),
        recirculation_delay_s=float(rng.uniform(9, 16)),
        plateau=float(rng.uniform(0, 0.25)),
        onset_s=bolus.onset_s,
        vein_delay_s=bolus.vein_delay_s,
        vein_tau_s=bolus.vein_tau_s,
    )


class Opened(NamedTuple):
    """A rendered and prepared case with its vessels and the default selector's AIF."""

    made: PhantomCase
    prepared: Prepared
    vessels: Vessels
    aif: Aif


def open_case(job: Job, settings: Settings) -> Opened:
    """Render and prepare a case; raises NoArteryError where the posterior cannot be computed."""
    torch.set_num_threads(1)
    made = make_from_recipe(job.recipe)
    prepared = prepare(made.series, settings)
    found = select(prepared)
    return Opened(made, prepared, measure_vessels(prepared, found.aif, found.vof), found.aif)


def observe(job: Job) -> tuple[Vessels, BolusShape] | None:
    """Return the vessels and the true AIF of a case; None where no artery is found."""
    try:
        opened = open_case(job, Settings())
        vessels, dt_s = opened.vessels, opened.prepared.dt_s
        if job.cohort == "varied":
            tau_s = max(float(job.random.uniform(0, MAX_DISPERSION_S)), MIN_DISPERSION_S)
            wide = disperse(np.asarray(healthy_curve(opened.prepared), np.float64), dt_s, tau_s)
            vessels = replace(vessels, tissue=measure_tissue(wide, dt_s))
    except PerfcoreError:
        return None
    truth = job.recipe.bolus.artery(fine_grid(TRUTH_DURATION_S, FINE_DT_S))
    return vessels, measure_bolus(truth, FINE_DT_S)


def distribution(prepared: Prepared, curves: DoubleArray, settings: Settings) -> LesionDistribution:
    """Return the lesions of a case over some AIFs, as the Lab computes them."""
    reference, tiles = torch.from_numpy(np.array(prepared.reference)), tile(prepared)
    basis, _ = checked_basis(tiles, build_operator(torch.from_numpy(curves[0]), prepared.dt_s, settings).matrix)
    *_, last = lesion_distribution(
        curves, basis or tiles, reference, settings,
        dt_s=prepared.dt_s, voxel_ml=prepared.voxel_ml, batch=len(curves),
    )  # fmt: skip
    return last


def unseen_ranks(case: tuple[Job, AifPosterior]) -> list[tuple[float, float]] | None:
    """Return, at each of ``SPREADS``, the fractions of draws whose core is below, and not above, the true AIF's.

    ``case`` is a job and a posterior that was fitted to other cases. None for a small core.
    """
    job, posterior = case
    opened = open_case(job, Settings())
    drawn = [
        posterior.with_spread(spread).draw(opened.vessels, opened.prepared.time_s, N_DRAWS) for spread in SPREADS
    ]
    curves = np.concatenate([opened.made.truth.aif.value[None], *drawn])
    true, *cores = distribution(opened.prepared, curves, Settings()).core_ml
    if true < SMALL_CORE_ML:
        return None
    rows = np.reshape(cores, (len(SPREADS), N_DRAWS))
    return [(float((row < true).mean()), float((row <= true).mean())) for row in rows]


def fitted_spread(ranks: DoubleArray) -> tuple[float, DoubleArray]:
    """Return the spread at which intervals contain the true AIF's core in ``LEVEL`` of the cases; coverage at all.

    Parameters
    ----------
    ranks
        Rows of :func:`unseen_ranks`, shape ``(n_cases, len(SPREADS), 2)``.
    """
    inside = (ranks[..., 1] >= QUANTILES[0]) & (ranks[..., 0] <= QUANTILES[-1])
    coverage = inside.mean(axis=0)
    return float(np.interp(LEVEL, np.maximum.accumulate(coverage), SPREADS)), coverage


def fit(seed: int, n_cases: int, command: str) -> None:
    """Fit the posterior and write the calibration of the package."""
    jobs = [Job(cohort, seed, k) for k in range(1, n_cases + 1) for cohort in ("training", "cohort", "varied")]
    seen = list(zip(jobs, on_all_cores(observe, jobs, "Observing cases"), strict=True))
    used = [(job, *found) for job, found in seen if found is not None]
    # Cases of one patient are neighbours in the list: folds are contiguous.
    fold = np.arange(len(used)) * N_FOLDS // len(used)
    others = [fitted([case for i, case in enumerate(used) if fold[i] != k]) for k in range(N_FOLDS)]
    alike = [i for i, (job, *_) in enumerate(used) if job.cohort != "varied" and job.recipe.n_slices <= MAX_SLICES]
    some = [(used[i][0], others[fold[i]]) for i in alike]
    ranks = np.array([row for row in on_all_cores(unseen_ranks, some, "Fitting the spread") if row is not None])
    spread, coverage = fitted_spread(ranks)
    about = {"command": command, "cases": str(len(used)), "without_artery": str(len(seen) - len(used))}
    save_posterior(fitted(used).with_spread(spread), about)
    print(f"Fitted to {len(used)} cases of {len(seen)}.")
    found = ", ".join(f"{covered:.3f} at {factor:g}" for factor, covered in zip(SPREADS, coverage, strict=True))
    print(f"{len(ranks)} unseen cases: coverage {found}; {LEVEL} at {spread:.2f}.")


def fitted(cases: list[tuple[Job, Vessels, BolusShape]]) -> AifPosterior:
    """Return the posterior fitted to cases."""
    return AifPosterior.fit([vessels for _, vessels, _ in cases], [truth for *_, truth in cases])


def measure_case(job: Job, settings: Settings) -> dict[str, Any]:
    """Return the true AIF's lesions of a case, the posterior's and the default selector's."""
    found: dict[str, Any] = {"cohort": job.cohort, "index": job.index}
    try:
        opened = open_case(job, settings)
    except PerfcoreError as error:
        return found | {"failed": str(error)}
    drawn = load_posterior().draw(opened.vessels, opened.prepared.time_s, N_DRAWS)
    curves = np.concatenate([opened.made.truth.aif.value[None], opened.aif.value[None], drawn])
    lesions = distribution(opened.prepared, curves, settings)
    held = decisions(lesions.core_ml, lesions.hypoperfused_ml)
    ratio = lesions.hypoperfused_ml / np.maximum(lesions.core_ml, opened.prepared.voxel_ml)
    for name, values in {"core": lesions.core_ml, "hypoperfused": lesions.hypoperfused_ml, "ratio": ratio}.items():
        found[name] = {
            "true": values[0],
            "selector": values[1],
            "interval": np.quantile(values[2:], QUANTILES).tolist(),
        }
    found["decisions"] = {
        name: {"true": bool(value[0]), "selector": bool(value[1]), "probability": float(value[2:].mean())}
        for name, value in held.items()
    }
    return found


def summary(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Return coverage, sharpness and scores of the cases of a group."""
    valid = [case for case in cases if "failed" not in case]
    found: dict[str, Any] = {"n": len(cases), "failed": len(cases) - len(valid)}
    for name in ("core", "hypoperfused", "ratio"):
        found[f"{name}_coverage"] = coverage_of([case[name] for case in valid])
    large = [case["core"] for case in valid if case["core"]["true"] >= SMALL_CORE_ML]
    found["core_coverage_1ml"] = coverage_of(large)
    found["relative_width"] = float(
        np.median([(c["interval"][2] - c["interval"][0]) / c["interval"][1] for c in large])
    )
    errors = [np.log((c["true"] + NULL_OFFSET_ML) / (c["selector"] + NULL_OFFSET_ML)) for c in large]
    factors = np.exp(np.quantile(errors, [QUANTILES[0], QUANTILES[-1]]))
    found["null_relative_width"] = float(factors[1] - factors[0])
    for name in ("large_core", "ratio", "target"):
        rows = [case["decisions"][name] for case in valid]
        found[f"{name}_true"] = float(np.mean([row["true"] for row in rows]))
        found[f"{name}_brier"] = float(np.mean([(row["probability"] - row["true"]) ** 2 for row in rows]))
        found[f"{name}_selector_brier"] = float(np.mean([row["selector"] != row["true"] for row in rows]))
    return found


def coverage_of(rows: list[dict[str, Any]]) -> list[float]:
    """Return the fraction of the intervals that contain the true AIF's value, its 95 % interval, and n."""
    hits = sum(row["interval"][0] <= row["true"] <= row["interval"][2] for row in rows)
    interval = binomtest(hits, len(rows)).proportion_ci()
    return [hits / len(rows), float(interval.low), float(interval.high), len(rows)]


def measure(seed: int, n_cases: int, settings: Settings) -> None:
    """Measure the posterior on cases of either cohort and print the figures.

    Few cases of the cohort are plain: more of these follow after the first ``n_cases``.
    """
    broad, realistic = ([Job(cohort, seed, k) for k in range(1, n_cases + 1)] for cohort in ("training", "cohort"))
    further = (Job("cohort", seed, k) for k in count(n_cases + 1))
    plain = list(islice((job for job in chain(realistic, further) if job.is_plain), n_cases))
    jobs = list(dict.fromkeys([*broad, *realistic, *plain]))
    cases = list(on_all_cores(partial(measure_case, settings=settings), jobs, "Measuring"))
    found = dict(zip(jobs, cases, strict=True))
    groups = {"plain": plain, "realistic": realistic, "broad": broad}
    table = {name: summary([found[job] for job in group]) for name, group in groups.items()}
    for name, row in table.items():
        print(f"{name}: {row['n']} cases, {row['failed']} without an artery")
        for key, value in row.items():
            if isinstance(value, list):
                print(f"  {key:<26}{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f}), n {value[3]}")
            elif isinstance(value, float):
                print(f"  {key:<26}{value:.4f}")
    print(json.dumps({"seed": seed, "table": table, "cases": cases}))


def on_all_cores(work: Callable[[Item], Result], items: list[Item], title: str) -> Iterator[Result]:
    """Yield the result of each item in order."""
    with ProcessPoolExecutor(os.cpu_count()) as pool, progress(title) as advance:
        results: Iterable[Result] = pool.map(work, items)
        for done, result in enumerate(results, 1):
            advance(done, len(items))
            yield result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--fit", action="store_true", help="fit the posterior in place of measuring it")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cases", type=int, default=400, help="of each kind or group")
    parser.add_argument("--preset", choices=tuple(PRESETS), default="paper", help="settings to measure with")
    given = parser.parse_args()
    if given.fit:
        fit(given.seed, given.cases, shlex.join(["python", "-m", "tools.calibrate_posterior", *sys.argv[1:]]))
    else:
        measure(given.seed, given.cases, Settings.preset(given.preset))


if __name__ == "__main__":
    main()
