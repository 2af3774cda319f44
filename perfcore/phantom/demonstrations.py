"""Recipes of the six demonstration cases: patients as those of a cohort, each with one property to teach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from perfcore.phantom.cohort import CORE_BORDER
from perfcore.phantom.physiology import Bolus
from perfcore.phantom.recipe import Recipe
from perfcore.phantom.scanner import Scanner

_DILUTED: Final[dict[str, Any]] = {"artery_scale": 0.8, "late_scale": 0.72, "vessel_blur_mm": 1.5}
"""Medians of the cohort: the arteries of most patients fill only a part of their voxels."""


def _bolus(
    width_s: float, peak_hu: float, *, recirculation: float = 0.15, plateau: float = 0.19,
    vein_delay_s: float = 4.2, vein_tau_s: float = 1.8,
) -> Bolus:  # fmt: skip
    return Bolus.of_width(
        width_s, alpha=8.0, peak_hu=peak_hu, recirculation=recirculation, recirculation_delay_s=13.0,
        plateau=plateau, onset_s=8.0, vein_delay_s=vein_delay_s, vein_tau_s=vein_tau_s,
    )  # fmt: skip


_CLEAN: Final = Recipe(
    name="m1-occlusion",
    title="Clean M1 occlusion",
    lesson="A clot closes the left middle cerebral artery: a core, and around it tissue that can be saved.",
    patient="demo-1",
    patient_seed=(2018, 1),
    scan_seed=(2018, 1, 1),
    hypoperfused_ml=260.0,
    core_ml=80.0,
    core_flow=0.45,
    core_border=CORE_BORDER,
    bolus=_bolus(10.0, 220.0),
    scanner=Scanner(noise_hu=3.5),
    vessel_blur_mm=0.5,
)
_CASES: Final[tuple[Recipe, ...]] = (
    _CLEAN,
    replace(
        _CLEAN, name="small-core", title="Small core, large penumbra", patient="demo-2",
        lesson="Good collaterals keep most of the territory alive: the core is small, the mismatch large.",
        patient_seed=(2018, 2), scan_seed=(2018, 2, 1), side=1, hypoperfused_ml=240.0, core_ml=24.0,
        penumbra_flow=1.06, **_DILUTED,
    ),
    replace(
        _CLEAN, name="noisy", title="Noisy scan", patient="demo-3",
        lesson="A low dose drowns the tissue in noise: Tmax scatters, and without smoothing CBF reads too high.",
        patient_seed=(2018, 3), scan_seed=(2018, 3, 1), side=1, site="M2-inferior",
        hypoperfused_ml=130.0, core_ml=35.0, core_flow=0.6, scanner=Scanner(noise_hu=10.0), **_DILUTED,
    ),
    replace(
        _CLEAN, name="truncated", title="Scan stopped too early", patient="demo-4",
        lesson="The bolus came late and the scan ends before the veins have emptied, so volumes are cut off.",
        patient_seed=(2018, 4), scan_seed=(2018, 4, 1), hypoperfused_ml=200.0, core_ml=38.0, core_flow=0.75,
        n_time=45, bolus=_bolus(11.5, 190.0, recirculation=0.1, plateau=0.1).ending(44.0),
        confounders=("truncated",), **_DILUTED,
    ),
    replace(
        _CLEAN, name="distal-aif", title="Input function beyond the clot", patient="demo-5",
        lesson="The brightest arteries lie beyond the clot: late and spread out, they hide the delay.",
        patient_seed=(2018, 5), scan_seed=(2018, 5, 1), side=1, hypoperfused_ml=220.0, core_ml=50.0, core_flow=0.6,
        centre_mm=34.0, slice_mm=7.0, artery_scale=0.12, late_scale=1.5, late_delay_s=3.2, late_tau_s=1.8,
        bolus=_bolus(10.5, 260.0, vein_delay_s=5.0, vein_tau_s=2.5), scanner=Scanner(noise_hu=2.5),
        vessel_blur_mm=0.6, confounders=("distal-aif",),
    ),
    replace(
        _CLEAN, name="no-stroke", title="No stroke", patient="demo-6",
        lesson="Nothing is closed: what the maps show here is noise and the limits of the method.",
        patient_seed=(2018, 6), scan_seed=(2018, 6, 1), site=None, hypoperfused_ml=0.0, core_ml=0.0,
        **_DILUTED,
    ),
)  # fmt: skip

DEMONSTRATIONS: Final[dict[str, Recipe]] = {recipe.name: recipe for recipe in _CASES}
"""Recipes by name; the first one is the default case."""
