"""Phantom cases: series, ground truth and description, by demonstration name or by seed and index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perfcore.errors import ArgumentError
from perfcore.phantom.cohort import draw_recipe
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.phantom.findings import FINDINGS
from perfcore.phantom.recipe import CONFOUNDERS, Recipe
from perfcore.phantom.render import render
from perfcore.types import Aif, BoolArray, FloatArray, PerfusionSeries


@dataclass(frozen=True, eq=False)
class PhantomTruth:
    """Ground truth of a phantom case.

    The maps are those of the parenchyma without vessels: the mixture of grey and white matter in a voxel, 0 where
    there is neither.

    Attributes
    ----------
    cbf, cbv, mtt
        ml/100 g/min, ml/100 g, s; ``cbv = cbf * mtt / 60``. Shape ``(nx, ny, nz)``, float32.
    delay_s
        Arrival after ``aif``, flow-weighted over the mixture, s. Shape ``(nx, ny, nz)``.
    core, penumbra
        Labels of voxels that are mostly tissue. Shape ``(nx, ny, nz)``.
    hard_label
        Lesion as another scan shows it hours later. Shape ``(nx, ny, nz)``.
    artery_fraction, vein_fraction
        Volume fraction of contrast-filled artery or vein, 0 to 1. Shape ``(nx, ny, nz)``.
    distal_fraction
        The part of ``artery_fraction`` that lies beyond the clot. Shape ``(nx, ny, nz)``.
    aif
        Enhancement of the feeding artery, HU, without partial volume.
    vof
        Enhancement of the large veins, HU, without partial volume.
    """

    cbf: FloatArray
    cbv: FloatArray
    mtt: FloatArray
    delay_s: FloatArray
    core: BoolArray
    penumbra: BoolArray
    hard_label: BoolArray
    artery_fraction: FloatArray
    vein_fraction: FloatArray
    distal_fraction: FloatArray
    aif: Aif
    vof: Aif


@dataclass(frozen=True, eq=False)
class PhantomCase:
    """Series, ground truth and JSON description of a phantom case."""

    series: PerfusionSeries
    truth: PhantomTruth
    description: dict[str, Any]


def demonstration_names() -> tuple[str, ...]:
    """Return the names of the demonstration cases, the default one first."""
    return tuple(DEMONSTRATIONS)


def make_demonstration(name: str) -> PhantomCase:
    """Return a demonstration case.

    Raises
    ------
    ArgumentError
        There is no demonstration of this name.
    """
    if name not in DEMONSTRATIONS:
        raise ArgumentError(f"demonstration must be one of {', '.join(DEMONSTRATIONS)}; got {name!r}.")
    return make_from_recipe(DEMONSTRATIONS[name])


def make_case(seed: int, index: int) -> PhantomCase:
    """Return case ``index`` (from 1) of the cohort with a seed.

    The case does not depend on the size of the cohort or on other cases.

    Raises
    ------
    ArgumentError
        The seed is negative or the index is below 1.
    """
    return make_from_recipe(draw_recipe(seed, index))


def make_from_recipe(recipe: Recipe) -> PhantomCase:
    """Render a recipe and describe it."""
    scan = render(recipe)
    series = PerfusionSeries(scan.data, scan.grid.affine, recipe.dt_s, case=recipe.name, lesion=scan.core)
    truth = PhantomTruth(
        cbf=scan.maps.cbf, cbv=scan.maps.cbv, mtt=scan.maps.mtt, delay_s=scan.maps.delay_s,
        core=scan.core, penumbra=scan.penumbra, hard_label=scan.hard_label.lesion,
        artery_fraction=scan.artery_fraction, vein_fraction=scan.vein_fraction,
        distal_fraction=scan.distal_fraction,
        aif=Aif(scan.time_s, scan.aif, source_id="truth"), vof=Aif(scan.time_s, scan.vof, source_id="truth"),
    )  # fmt: skip
    about = {**_describe(recipe, series, truth), "reperfused": scan.hard_label.reperfused}
    return PhantomCase(series, truth, about)


def _describe(recipe: Recipe, series: PerfusionSeries, truth: PhantomTruth) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "title": recipe.title,
        "lesson": recipe.lesson,
        "patient": recipe.patient,
        "occlusion": recipe.site,
        "side": recipe.side_name,
        "core_ml": round(float(truth.core.sum()) * series.voxel_ml, 2),
        "penumbra_ml": round(float(truth.penumbra.sum()) * series.voxel_ml, 2),
        "hard_label_ml": round(float(truth.hard_label.sum()) * series.voxel_ml, 2),
        "findings": list(recipe.findings.names),
        "finding_notes": [FINDINGS[name] for name in recipe.findings.names],
        "confounders": list(recipe.confounders),
        "confounder_notes": [CONFOUNDERS[name] for name in recipe.confounders],
        "residue": recipe.residue,
        "noise_hu": round(recipe.scanner.noise_hu, 2),
        "motion_mm": round(recipe.scanner.motion_mm, 2),
        "streak_hu": round(recipe.scanner.streak_hu, 2),
        "aif_peak_hu": round(truth.aif.peak, 1),
        "aif_peak_time_s": truth.aif.peak_time_s,
        "shape": [*series.grid, series.n_time],
        "spacing_mm": [round(s, 4) for s in series.spacing_mm],
        "dt_s": recipe.dt_s,
        "patient_seed": list(recipe.patient_seed),
        "scan_seed": list(recipe.scan_seed),
    }
