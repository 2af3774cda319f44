"""Parenchyma of a head: perfusion state, flow and delay of every voxel, true maps and tissue curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.curves import sample
from perfcore.phantom.anatomy import Head
from perfcore.phantom.findings import white_matter_flow
from perfcore.phantom.physiology import CORE_LEVEL, FINE_DT_S, Tissue, perfusion_levels, tissue_curve
from perfcore.phantom.recipe import Recipe
from perfcore.phantom.stroke import Stroke, at_voxels, make_stroke, smooth_field
from perfcore.types import BoolArray, DoubleArray, FloatArray
from perfcore.units import SECONDS_PER_MINUTE

_T = TypeVar("_T", bound=np.generic)

MAX_DELAY_S = 16.0
CORE_RCBF = 0.34
"""Tissue at risk whose CBF is below this fraction of the healthy mean is core."""
PENUMBRA_RCBF = 0.43
"""Voxels at risk that CSF takes below this fraction, and their own tissue's flow, get no label."""


@dataclass(frozen=True, eq=False)
class Parenchyma:
    """Perfusion of every voxel, without vessels; 0 where there is no tissue. Shapes ``(nx, ny, nz)``.

    Attributes
    ----------
    level
        Index into :func:`perfcore.phantom.physiology.perfusion_levels`: 0 normal, 1 penumbra, ``CORE_LEVEL`` core.
    gm_flow, wm_flow
        Fraction of the voxel times the factor on its level's CBF and CBV.
    gm_steps, wm_steps
        Delay in steps of the fine grid.
    """

    level: NDArray[np.uint8]
    gm_flow: FloatArray
    wm_flow: FloatArray
    gm_steps: NDArray[np.int32]
    wm_steps: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Maps:
    """True CBF [ml/100 g/min], CBV [ml/100 g], MTT [s] and delay [s]. Shapes ``(nx, ny, nz)``."""

    cbf: FloatArray
    cbv: FloatArray
    mtt: FloatArray
    delay_s: FloatArray


def draw_stroke(recipe: Recipe) -> Stroke | None:
    """Return the patient's stroke, None without an occlusion."""
    if recipe.site is None:
        return None
    rng = np.random.default_rng([*recipe.patient_seed, 3])
    return make_stroke(rng, recipe.site, recipe.side, recipe.hypoperfused_ml, recipe.core_ml)


def perfuse(recipe: Recipe, head: Head, stroke: Stroke | None, emboli: FloatArray | None) -> Parenchyma:
    """Assign perfusion level, flow and delay to every voxel.

    ``emboli`` are small infarcts elsewhere (:func:`perfcore.phantom.findings.emboli_field`), None for none.
    """
    rng = np.random.default_rng([*recipe.patient_seed, 2])
    brain = head.gm + head.wm > 0
    where = head.mni_mm[:, brain]
    flow = np.clip(1 + at_voxels(smooth_field(rng, 2.5, 0.05), where), 0.88, 1.12)
    later = np.clip(at_voxels(smooth_field(rng, 6.0, 0.2), where), -0.5, 0.5)
    level = np.zeros(flow.shape, np.uint8)
    if stroke is not None:
        at_risk = at_voxels(stroke.hypoperfused, where) > 0
        share = _core_share(at_voxels(stroke.core, where), recipe.core_border)
        level[at_risk] = 1 + np.rint(share[at_risk] * np.float32(CORE_LEVEL - 1)).astype(np.uint8)
        depth = at_voxels(stroke.depth, where)
        later += np.where(at_risk, (np.float32(1.2) * depth - np.float32(0.3)) * (1 - share), np.float32(0))
    if emboli is not None:
        level[at_voxels(emboli, where) > 0] = CORE_LEVEL
    if recipe.findings.carotid_delay_s > 0:
        later += recipe.findings.delays(where)
    flow *= _level_factors(recipe)[level]
    white = flow * white_matter_flow(recipe.findings, where) if recipe.findings.leukoaraiosis > 0 else flow
    return Parenchyma(
        level=_volume(brain, level),
        gm_flow=head.gm * _volume(brain, flow),
        wm_flow=head.wm * _volume(brain, white),
        gm_steps=_volume(brain, _steps("gm", level, later)),
        wm_steps=_volume(brain, _steps("wm", level, later)),
    )


def true_maps(tissue: Parenchyma) -> Maps:
    """Return the effective values of the voxels' mixtures; the delay is weighted with the flow."""
    gm_cbf = tissue.gm_flow * _levels("gm", "cbf")[tissue.level]
    wm_cbf = tissue.wm_flow * _levels("wm", "cbf")[tissue.level]
    cbf = gm_cbf + wm_cbf
    cbv = tissue.gm_flow * _levels("gm", "cbv")[tissue.level] + tissue.wm_flow * _levels("wm", "cbv")[tissue.level]
    late = (gm_cbf * tissue.gm_steps + wm_cbf * tissue.wm_steps) * np.float32(FINE_DT_S)
    mtt, delay = np.zeros_like(cbf), np.zeros_like(cbf)
    np.divide(np.float32(SECONDS_PER_MINUTE) * cbv, cbf, out=mtt, where=cbf > 0)
    np.divide(late.astype(np.float32), cbf, out=delay, where=cbf > 0)
    return Maps(cbf, cbv, mtt, delay)


def true_labels(
    recipe: Recipe, head: Head, level: NDArray[np.uint8], cbf: FloatArray
) -> tuple[BoolArray, BoolArray]:
    """Return core and penumbra, of shape ``(nx, ny, nz)`` each.

    Both hold voxels at risk that are at least half tissue. The core is where the flow of their tissue, without
    CSF, is below ``CORE_RCBF`` of the healthy side's mean. The penumbra is the rest, without voxels at the brain's
    edge whose flow is low by their CSF alone.
    """
    tissue = head.gm + head.wm
    solid = tissue >= 0.5
    healthy = solid & (head.mni_mm[0] * recipe.side < 0) & (level == 0)
    reference = np.float32(cbf[healthy].mean(dtype=np.float64) if healthy.any() else 40.0)
    relative = cbf / reference
    own = relative / np.maximum(tissue, np.float32(0.5))
    at_risk = solid & (level > 0)
    core = at_risk & (own < CORE_RCBF)
    return core, at_risk & ~core & (relative > np.clip(0.9 * own, CORE_RCBF, PENUMBRA_RCBF))


def curve_table(kind: Tissue, recipe: Recipe, artery: DoubleArray, time_s: DoubleArray) -> FloatArray:
    """Return the curves of pure tissue in HU by level and delay.

    Parameters
    ----------
    kind
        Grey or white matter.
    recipe
        Its residue's family counts.
    artery
        Arterial enhancement on the fine grid. Shape ``(n_fine,)``.
    time_s
        Times of the frames. Shape ``(n_time,)``.

    Returns
    -------
    Shape ``(CORE_LEVEL + 1, n_delays, n_time)``; one delay per step of the fine grid.
    """
    delays = np.arange(round(MAX_DELAY_S / FINE_DT_S), dtype=np.float64) * FINE_DT_S
    table = np.empty((CORE_LEVEL + 1, delays.size, time_s.size), np.float32)
    for row, level in zip(table, perfusion_levels(kind), strict=True):
        curve = tissue_curve(artery, FINE_DT_S, level.cbf, level.mtt_s, recipe.residue)
        row[:] = sample(curve, FINE_DT_S, time_s[None] - delays[:, None])
    return table


def _volume(brain: BoolArray, values: NDArray[_T]) -> NDArray[_T]:
    volume = np.zeros(brain.shape, values.dtype)
    volume[brain] = values
    return volume


def _core_share(core: FloatArray, border: float) -> FloatArray:
    """Return how far tissue is on the way from penumbra to core, 0 to 1; 0.5 is the border of the core."""
    if border == 0:
        return (core > 0).astype(np.float32)
    return np.asarray(np.clip(np.float32(0.5) + core / np.float32(2 * border), 0, 1), np.float32)


def _level_factors(recipe: Recipe) -> FloatArray:
    """Return the factor on CBF and CBV by level; the border of the core has only the factor of all tissue."""
    way = np.linspace(0.0, 1.0, CORE_LEVEL)
    own = np.interp(way, (0.0, 0.5, 1.0), (recipe.penumbra_flow, 1.0, recipe.core_flow))
    return (recipe.flow * np.concatenate([[1.0], own])).astype(np.float32)


def _levels(kind: Tissue, quantity: str) -> FloatArray:
    return np.array([getattr(level, quantity) for level in perfusion_levels(kind)], np.float32)


def _steps(kind: Tissue, level: NDArray[np.uint8], later: FloatArray) -> NDArray[np.int32]:
    steps = np.rint((_levels(kind, "delay_s")[level] + later) / np.float32(FINE_DT_S))
    return np.asarray(np.clip(steps, 0, round(MAX_DELAY_S / FINE_DT_S) - 1), np.int32)
