"""Random recipes of a phantom cohort as varied as ISLES 2018: patient, stroke, scan, confounders
and findings beside the stroke.

The distributions were fitted to measured clinical curves on seed 7 (``python -m tools.realism``); any other seed
judges them.

Every draw has its own seed, made of the cohort seed, the patient number and the scan number, so that a case
depends neither on the size of the cohort nor on other cases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import ndtri

from perfcore.aif.curves import gamma_variate_width
from perfcore.errors import ArgumentError
from perfcore.phantom.findings import FINDINGS, Finding, Findings
from perfcore.phantom.physiology import Bolus, ResidueFamily
from perfcore.phantom.recipe import CONFOUNDERS, Confounder, Recipe
from perfcore.phantom.scanner import Scanner
from perfcore.phantom.stroke import Site

PAIR_PROBABILITY: Final = 0.6
"""Probability that two neighbouring cases are two scans of one patient (31 of 47 in ISLES 2018)."""

_PAIRS, _PATIENT, _SCAN, _TRAINING, _TRAINING_SCAN, _FINDINGS = 9001, 9002, 9003, 9004, 9005, 9006


@dataclass(frozen=True)
class _SiteFacts:
    """Statistics of an occlusion site: share of cases, hypoperfused volume (ml), height of the slab (mm)."""

    share: float
    hypoperfused_ml: tuple[float, float]
    centre_mm: float


_SITES: Final[dict[Site | None, _SiteFacts]] = {
    "M1": _SiteFacts(0.43, (150.0, 310.0), 14.0),
    "M2-superior": _SiteFacts(0.18, (70.0, 170.0), 20.0),
    "M2-inferior": _SiteFacts(0.16, (70.0, 170.0), 10.0),
    "ACA": _SiteFacts(0.07, (30.0, 90.0), 38.0),
    "PCA": _SiteFacts(0.09, (30.0, 90.0), 4.0),
    None: _SiteFacts(0.07, (0.0, 0.0), 12.0),
}
_FAMILIES: Final[dict[ResidueFamily, float]] = {
    "exponential": 0.45, "box-exponential": 0.25, "gamma": 0.2, "box": 0.1,
}  # fmt: skip
_SLABS: Final[tuple[tuple[float, int, tuple[int, ...], tuple[float, float]], ...]] = (
    (0.66, 2, (43, 45, 46, 49), (7.0, 10.0)),
    (0.10, 4, (44, 49), (6.0, 9.0)),
    (0.12, 8, (49, 60), (7.0, 9.0)),
    (0.12, 16, (53, 64), (5.0, 5.0)),
)
"""Share of cases, number of slices, numbers of frames, range of the slice thickness (mm)."""
_PROBABILITIES: Final[dict[Confounder, float]] = {
    "partial-volume": 0.10, "distal-aif": 0.08, "venous-contamination": 0.10, "truncated": 0.10,
    "low-cardiac-output": 0.12, "motion": 0.10, "no-artery": 0.08, "streaks": 0.08,
}  # fmt: skip

WIDTH_S: Final = (10.8, 0.24)
"""Width of the first pass: median in seconds and standard deviation of its logarithm; log-normal."""
TRAINING_WIDTH_S: Final = (5.0, 20.0)
"""Range of the width of the first pass in cases to train on, seconds."""
PEAK_HU: Final = (165.0, 0.48)
"""Peak of undiluted blood at the median width, and standard deviation of its logarithm; the area is the dose."""
ARTERY_SCALE: Final = (0.8, 0.25)
"""Factor on the radii of arteries: median and standard deviation of its logarithm; log-normal."""
MAX_ARTERY_SCALE: Final = 1.3
VESSEL_BLUR_MM: Final = (0.4, 2.6)
CORE_BORDER: Final = 0.12
CORE_SHARE: Final = (0.9, 1.3)
"""Parameters of the beta distribution of the core's share of the hypoperfused tissue."""
LAST_VEIN: Final = 0.48
"""Fraction of its peak to which the vein falls before the end of a complete scan."""
MIN_ONSET_S: Final = 3.0
MAX_FRAMES: Final = 64

_FINDING_PROBABILITIES: Final[dict[Finding, float]] = {
    "chronic-infarct": 0.10, "leukoaraiosis": 0.15, "carotid-stenosis": 0.07, "emboli": 0.06,
}  # fmt: skip

_PATIENT_CONFOUNDERS: Final[tuple[Confounder, ...]] = ("low-cardiac-output", "partial-volume")
_SCAN_CONFOUNDERS: Final = tuple(name for name in _PROBABILITIES if name not in _PATIENT_CONFOUNDERS)


def patient_of(index: int, seed: int) -> tuple[int, int]:
    """Return the patient of case ``index`` and the number of the scan, both from 1.

    Cases 2 and 3, 4 and 5, ... may share a patient, whose number is the first of the two.
    """
    if index == 1:
        return 1, 1
    first = index - index % 2
    together = np.random.default_rng([seed, _PAIRS, first]).random() < PAIR_PROBABILITY
    return (first, index - first + 1) if together else (index, 1)


def draw_recipe(seed: int, index: int) -> Recipe:
    """Return the recipe of case ``index`` (from 1) of the cohort with a seed.

    Case 1 is easy: 8 slices, a core of at least 10 ml, arteries in the slab, no confounder.

    Raises
    ------
    ArgumentError
        The seed is negative or the index is below 1.
    """
    _check(seed, index)
    patient, scan = patient_of(index, seed)
    rng = np.random.default_rng([seed, _PATIENT, patient])
    scan_rng = np.random.default_rng([seed, _SCAN, patient, scan])
    recipe = _blank(index, (seed, patient), scan)
    if index == 1:
        return _with_lesson(_easy_case(rng, recipe))
    ill = _with_findings(np.random.default_rng([seed, _FINDINGS, patient]), _draw_patient(rng, recipe))
    return _with_lesson(_draw_scan(scan_rng, ill, scan))


def draw_training_recipe(seed: int, index: int) -> Recipe:
    """Return the recipe of case ``index`` (from 1) of a cohort to train on.

    Every case has two slices and a patient of its own, none is easy, and the width of the bolus is log-uniform
    over ``TRAINING_WIDTH_S``. No case is one of :func:`draw_recipe`'s.

    Raises
    ------
    ArgumentError
        The seed is negative or the index is below 1.
    """
    _check(seed, index)
    rng, scan_rng = (np.random.default_rng([seed, kind, index]) for kind in (_TRAINING, _TRAINING_SCAN))
    recipe = _draw_patient(rng, _blank(index, (seed, _TRAINING, index), 1))
    width_s = float(np.exp(rng.uniform(*np.log(TRAINING_WIDTH_S))))
    _, n_slices, frames, thickness = _SLABS[0]
    recipe = replace(
        recipe,
        bolus=replace(
            recipe.bolus,
            beta_s=width_s / gamma_variate_width(recipe.bolus.alpha, 1.0),
            peak_hu=recipe.bolus.peak_hu * recipe.bolus.width_s / width_s,
        ),
        n_slices=n_slices,
        n_time=int(rng.choice(frames)),
        slice_mm=round(_uniform(rng, *thickness), 1),
        confounders=tuple(name for name in recipe.confounders if name != "low-cardiac-output"),
    )
    ill = _with_findings(np.random.default_rng([seed, _FINDINGS, _TRAINING, index]), recipe)
    return _with_lesson(_draw_scan(scan_rng, ill, 1))


def _check(seed: int, index: int) -> None:
    if seed < 0 or index < 1:
        raise ArgumentError(f"seed must be at least 0 and index at least 1; got {seed} and {index}.")


def _blank(index: int, patient_seed: tuple[int, ...], scan: int) -> Recipe:
    return Recipe(
        name=f"case_{index}", title=f"Case {index}", lesson="", patient=f"P{patient_seed[-1]:04d}",
        patient_seed=patient_seed, scan_seed=(*patient_seed, scan),
    )  # fmt: skip


def _easy_case(rng: np.random.Generator, recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        side=int(rng.choice((-1, 1))),
        hypoperfused_ml=_uniform(rng, 220, 280),
        core_ml=_uniform(rng, 55, 80),
        flow=_uniform(rng, 0.92, 1.1),
        core_flow=_uniform(rng, 0.6, 0.75),
        core_border=CORE_BORDER,
        bolus=_bolus(rng, _uniform(rng, 0.1, 0.5), peak=_uniform(rng, 0.6, 0.95)),
        scanner=Scanner(noise_hu=_uniform(rng, 3.0, 4.0)),
        centre_mm=_uniform(rng, 4, 9),
    )


def _draw_patient(rng: np.random.Generator, recipe: Recipe) -> Recipe:
    """Draw the properties shared by the scans of a patient: stroke, cardiac output, vessels, protocol."""
    sites = tuple(_SITES)
    site = sites[int(rng.choice(len(sites), p=[facts.share for facts in _SITES.values()]))]
    hypoperfused = _uniform(rng, *_SITES[site].hypoperfused_ml)
    failing = float(rng.beta(*CORE_SHARE))
    no_core = rng.random() < 0.08
    families = tuple(_FAMILIES)
    confounders = [name for name in _PATIENT_CONFOUNDERS if rng.random() < _PROBABILITIES[name]]
    width = _rank(rng, _PROBABILITIES["low-cardiac-output"], upper="low-cardiac-output" in confounders)
    thin = 1 - _rank(rng, _PROBABILITIES["partial-volume"], upper="partial-volume" in confounders)
    _, n_slices, frames, thickness = _SLABS[int(rng.choice(len(_SLABS), p=[slab[0] for slab in _SLABS]))]
    artery_scale = min(_log_normal(ARTERY_SCALE, thin), MAX_ARTERY_SCALE)
    return replace(
        recipe,
        site=site,
        side=int(rng.choice((-1, 1))),
        hypoperfused_ml=hypoperfused,
        core_ml=0.0 if no_core else 0.9 * failing * hypoperfused,
        flow=_uniform(rng, 0.85, 1.15),
        penumbra_flow=_uniform(rng, 0.97, 1.1),
        core_flow=_uniform(rng, 0.35, 0.75),
        core_border=CORE_BORDER,
        residue=families[int(rng.choice(len(families), p=list(_FAMILIES.values())))],
        bolus=_bolus(rng, width, peak=_uniform(rng, 0.02, 0.98)),
        n_slices=n_slices,
        n_time=int(rng.choice(frames)),
        slice_mm=round(_uniform(rng, *thickness), 1),
        pixel_mm=round(_uniform(rng, 0.84, 1.0), 3),
        centre_mm=_SITES[site].centre_mm + _uniform(rng, -10, 12),
        artery_scale=artery_scale,
        late_scale=0.9 * artery_scale,
        vessel_blur_mm=_uniform(rng, *VESSEL_BLUR_MM),
        late_delay_s=_uniform(rng, 2, 3.2),
        late_tau_s=_uniform(rng, 1.0, 2.2),
        confounders=tuple(confounders),
    )


def _with_findings(rng: np.random.Generator, recipe: Recipe) -> Recipe:
    """Draw the findings beside the stroke; emboli come with a stroke alone."""
    drawn = {name: bool(rng.random() < share) for name, share in _FINDING_PROBABILITIES.items()}
    findings = Findings(
        chronic_infarct_ml=drawn["chronic-infarct"] * _uniform(rng, 3, 25),
        leukoaraiosis=drawn["leukoaraiosis"] * _uniform(rng, 0.25, 0.6),
        carotid_delay_s=drawn["carotid-stenosis"] * _uniform(rng, 1.5, 3.5),
        carotid_side=int(rng.choice((-1, 1))),
        n_emboli=int(rng.integers(1, 4)) if drawn["emboli"] and recipe.site is not None else 0,
        centre_mm=recipe.centre_mm,
    )
    return replace(recipe, findings=findings)


def _draw_scan(rng: np.random.Generator, recipe: Recipe, scan: int) -> Recipe:
    """Draw the properties of one scan: slab position, bolus timing, image quality."""
    slab_mm = recipe.n_slices * recipe.slice_mm
    centre = recipe.centre_mm if scan == 1 else recipe.centre_mm + slab_mm
    if slab_mm > 45:
        centre = min(recipe.centre_mm, 16.0) + _uniform(rng, -3, 3)
    found = {name for name in _SCAN_CONFOUNDERS if rng.random() < _PROBABILITIES[name]}
    thin = "partial-volume" in recipe.confounders
    if recipe.site not in {"M1", "M2-superior", "M2-inferior"} or thin:
        found.discard("distal-aif")
    if "distal-aif" in found or recipe.site == "PCA" or slab_mm > 45 or thin:
        found.discard("no-artery")
    if "no-artery" in found:
        found.discard("venous-contamination")
    bolus, n_time = replace(recipe.bolus, onset_s=recipe.bolus.onset_s + _uniform(rng, -1, 1)), recipe.n_time
    complete = _complete(bolus, n_time, recipe.dt_s)
    if "truncated" in found or complete is None:
        found.add("truncated")
        n_time = min(n_time, 49)
        bolus = bolus.ending((n_time - 1) * recipe.dt_s)
        bolus = replace(bolus, onset_s=max(bolus.onset_s, MIN_ONSET_S))
    else:
        bolus, n_time = complete
    scale, late = recipe.artery_scale, recipe.late_scale
    if "distal-aif" in found:
        centre, scale, late = max(centre, 38.0), 0.12, 1.5
    if "no-artery" in found:
        centre, scale, late = _uniform(rng, 40, 48), min(scale, 0.3), min(late, 0.3)
    scanner = Scanner(
        noise_hu=_uniform(rng, 2.5, 6.0) if rng.random() < 0.85 else _uniform(rng, 6.0, 10.0),
        cutoff_per_mm=_uniform(rng, 0.3, 0.4),
        frame_s=_uniform(rng, 2.0, 3.0),
        motion_mm=_uniform(rng, 1.5, 4.0) if "motion" in found else 0.0,
        streak_hu=_uniform(rng, 3.0, 7.0) if "streaks" in found else 0.0,
    )
    names = [name for name in CONFOUNDERS if name in found or name in recipe.confounders]
    return replace(
        recipe, bolus=bolus, n_time=n_time, scanner=scanner, centre_mm=centre,
        artery_scale=scale, late_scale=late, confounders=tuple(names),
    )  # fmt: skip


def _complete(bolus: Bolus, n_time: int, dt_s: float) -> tuple[Bolus, int] | None:
    """Return a bolus and a number of frames within which the vein falls to ``LAST_VEIN``, None if there are none.

    A bolus that is too wide for the scan arrives earlier; if that is not enough, the scan is longer.
    """
    excess_s = bolus.vein_fall_s(LAST_VEIN) - (n_time - 1) * dt_s
    if excess_s <= 0:
        return bolus, n_time
    earlier_s = min(excess_s, max(bolus.onset_s - MIN_ONSET_S, 0.0))
    frames = n_time + int(np.ceil((excess_s - earlier_s) / dt_s))
    return (replace(bolus, onset_s=bolus.onset_s - earlier_s), frames) if frames <= MAX_FRAMES else None


def _with_lesson(recipe: Recipe) -> Recipe:
    what = "No artery is closed." if recipe.site is None else f"The {recipe.side_name} {recipe.site} is closed."
    notes = [CONFOUNDERS[name] for name in recipe.confounders] + [FINDINGS[name] for name in recipe.findings.names]
    return replace(recipe, lesson=" ".join([what, *notes]))


def _bolus(rng: np.random.Generator, width: float, peak: float) -> Bolus:
    """Draw a bolus; width and peak are ranks between 0 and 1 in their distributions."""
    width_s = _log_normal(WIDTH_S, width)
    return Bolus.of_width(
        width_s,
        alpha=_uniform(rng, 5.0, 12.0),
        peak_hu=_log_normal(PEAK_HU, peak) * WIDTH_S[0] / width_s,
        recirculation=_uniform(rng, 0.06, 0.22),
        recirculation_delay_s=_uniform(rng, 12, 15),
        plateau=_uniform(rng, 0.07, 0.2),
        onset_s=_uniform(rng, 4, 10),
        vein_delay_s=_uniform(rng, 3.5, 5.0),
        vein_tau_s=_uniform(rng, 0.8, 3.0),
    )


def _rank(rng: np.random.Generator, share: float, *, upper: bool) -> float:
    """Draw a rank in the upper ``share`` of a distribution, or in the rest of it."""
    return _uniform(rng, 1 - share, 0.99) if upper else _uniform(rng, 0.01, 1 - share)


def _log_normal(median_and_sd: tuple[float, float], rank: float) -> float:
    median, sd = median_and_sd
    return float(median * np.exp(sd * ndtri(rank)))


def _uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))
