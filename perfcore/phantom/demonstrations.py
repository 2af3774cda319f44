"""Recipes of the six demonstration cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from perfcore.phantom.physiology import Bolus
from perfcore.phantom.recipe import Recipe
from perfcore.phantom.scanner import Scanner

_CLEAN: Final = Recipe(
    name="m1-occlusion",
    title="Clean M1 occlusion",
    lesson="A clot closes the left middle cerebral artery: a core, and around it tissue that can be saved.",
    patient="demo-1",
    patient_seed=(2018, 1),
    scan_seed=(2018, 1, 1),
    hypoperfused_ml=260.0,
    core_ml=70.0,
    core_flow=0.75,
    scanner=Scanner(noise_hu=3.5),
)
_CASES: Final[tuple[Recipe, ...]] = (
    _CLEAN,
    replace(
        _CLEAN, name="small-core", title="Small core, large penumbra", patient="demo-2",
        lesson="Good collaterals keep most of the territory alive: the core is small, the mismatch large.",
        patient_seed=(2018, 2), scan_seed=(2018, 2, 1), side=1, hypoperfused_ml=240.0, core_ml=14.0,
        penumbra_flow=1.06,
    ),
    replace(
        _CLEAN, name="noisy", title="Noisy scan", patient="demo-3",
        lesson="A low dose drowns the tissue in noise, and noise alone raises the blood flow that is read.",
        patient_seed=(2018, 3), scan_seed=(2018, 3, 1), side=1, site="M2-inferior",
        hypoperfused_ml=130.0, core_ml=45.0, scanner=Scanner(noise_hu=12.0),
    ),
    replace(
        _CLEAN, name="truncated", title="Scan stopped too early", patient="demo-4",
        lesson="The bolus came late and the scan ends before the veins have emptied, so volumes are cut off.",
        patient_seed=(2018, 4), scan_seed=(2018, 4, 1), hypoperfused_ml=200.0, core_ml=50.0,
        n_time=45, bolus=Bolus(beta_s=1.7, peak_hu=280.0).ending(44.0), confounders=("truncated",),
    ),
    replace(
        _CLEAN, name="distal-aif", title="Input function beyond the clot", patient="demo-5",
        lesson="The brightest arteries lie beyond the clot: late and spread out, they hide the delay.",
        patient_seed=(2018, 5), scan_seed=(2018, 5, 1), side=1, hypoperfused_ml=220.0, core_ml=50.0,
        centre_mm=32.0, slice_mm=7.0, artery_scale=0.12, late_scale=1.5, late_delay_s=2.5, late_tau_s=2.0,
        confounders=("distal-aif",),
    ),
    replace(
        _CLEAN, name="no-stroke", title="No stroke", patient="demo-6",
        lesson="Nothing is closed: what the maps show here is noise and the limits of the method.",
        patient_seed=(2018, 6), scan_seed=(2018, 6, 1), site=None, hypoperfused_ml=0.0, core_ml=0.0,
    ),
)  # fmt: skip

DEMONSTRATIONS: Final[dict[str, Recipe]] = {recipe.name: recipe for recipe in _CASES}
"""Recipes by name; the first one is the default case."""
