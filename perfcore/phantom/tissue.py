"""Parenchyma of a head: perfusion state, flow and delay of every voxel, true maps and tissue curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.curves import sample
from perfcore.phantom.anatomy import Head
from perfcore.phantom.physiology import FINE_DT_S, PERFUSION, STATES, Tissue, tissue_curve
from perfcore.phantom.recipe import Recipe
from perfcore.phantom.stroke import Stroke, at_voxels, make_stroke, smooth_field
from perfcore.types import BoolArray, DoubleArray, FloatArray
from perfcore.units import SECONDS_PER_MINUTE

_T = TypeVar("_T", bound=np.generic)

MAX_DELAY_S = 16.0
PENUMBRA_RCBF = 0.43
"""Voxels at risk whose CBF is below this fraction of healthy tissue's, by partial volume, get no label."""


@dataclass(frozen=True, eq=False)
class Parenchyma:
    """Perfusion of every voxel, without vessels; 0 where there is no tissue. Shapes ``(nx, ny, nz)``.

    Attributes
    ----------
    state
        Index into ``STATES``: 0 normal, 1 penumbra, 2 core.
    gm_flow, wm_flow
        Fraction of the voxel times the factor on its label's CBF and CBV.
    gm_steps, wm_steps
        Delay in steps of the fine grid.
    """

    state: NDArray[np.uint8]
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


def perfuse(recipe: Recipe, head: Head) -> Parenchyma:
    """Assign perfusion state, flow and delay to every voxel."""
    rng = np.random.default_rng([*recipe.patient_seed, 2])
    brain = head.gm + head.wm > 0
    where = head.mni_mm[:, brain]
    flow = np.clip(1 + at_voxels(smooth_field(rng, 2.5, 0.05), where), 0.88, 1.12)
    later = np.clip(at_voxels(smooth_field(rng, 6.0, 0.2), where), -0.5, 0.5)
    state = np.zeros(flow.shape, np.uint8)
    stroke = draw_stroke(recipe)
    if stroke is not None:
        state[at_voxels(stroke.hypoperfused, where) > 0] = 1
        state[(at_voxels(stroke.core, where) > 0) & (state == 1)] = 2
        depth = at_voxels(stroke.depth, where)
        later += np.where(state == 1, np.float32(1.2) * depth - np.float32(0.3), np.float32(0))
    factor = np.array([1.0, recipe.penumbra_flow, recipe.core_flow], np.float32) * np.float32(recipe.flow)
    flow *= factor[state]
    return Parenchyma(
        state=_volume(brain, state),
        gm_flow=head.gm * _volume(brain, flow),
        wm_flow=head.wm * _volume(brain, flow),
        gm_steps=_volume(brain, _steps("gm", state, later)),
        wm_steps=_volume(brain, _steps("wm", state, later)),
    )


def true_maps(tissue: Parenchyma) -> Maps:
    """Return the effective values of the voxels' mixtures; the delay is weighted with the flow."""
    gm_cbf = tissue.gm_flow * _label("gm", "cbf")[tissue.state]
    wm_cbf = tissue.wm_flow * _label("wm", "cbf")[tissue.state]
    cbf = gm_cbf + wm_cbf
    cbv = tissue.gm_flow * _label("gm", "cbv")[tissue.state] + tissue.wm_flow * _label("wm", "cbv")[tissue.state]
    late = (gm_cbf * tissue.gm_steps + wm_cbf * tissue.wm_steps) * np.float32(FINE_DT_S)
    mtt, delay = np.zeros_like(cbf), np.zeros_like(cbf)
    np.divide(np.float32(SECONDS_PER_MINUTE) * cbv, cbf, out=mtt, where=cbf > 0)
    np.divide(late.astype(np.float32), cbf, out=delay, where=cbf > 0)
    return Maps(cbf, cbv, mtt, delay)


def true_labels(
    recipe: Recipe, head: Head, state: NDArray[np.uint8], cbf: FloatArray
) -> tuple[BoolArray, BoolArray]:
    """Return core and penumbra, of shape ``(nx, ny, nz)`` each.

    Both hold voxels that are at least half tissue. The penumbra leaves out voxels at the brain's edge that
    CSF takes below ``PENUMBRA_RCBF`` of the healthy side's mean.
    """
    solid = head.gm + head.wm >= 0.5
    healthy = solid & (head.mni_mm[0] * recipe.side < 0) & (state == 0)
    reference = float(cbf[healthy].mean(dtype=np.float64)) if healthy.any() else 40.0
    return solid & (state == 2), solid & (state == 1) & (cbf > PENUMBRA_RCBF * reference)


def curve_table(kind: Tissue, recipe: Recipe, artery: DoubleArray, time_s: DoubleArray) -> FloatArray:
    """Return the curves of pure tissue in HU by state and delay.

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
    Shape ``(3, n_delays, n_time)``; one delay per step of the fine grid.
    """
    delays = np.arange(round(MAX_DELAY_S / FINE_DT_S), dtype=np.float64) * FINE_DT_S
    table = np.empty((len(STATES), delays.size, time_s.size), np.float32)
    for row, state in zip(table, STATES, strict=True):
        label = PERFUSION[state][kind]
        curve = tissue_curve(artery, FINE_DT_S, label.cbf, label.mtt_s, recipe.residue)
        row[:] = sample(curve, FINE_DT_S, time_s[None] - delays[:, None])
    return table


def _volume(brain: BoolArray, values: NDArray[_T]) -> NDArray[_T]:
    volume = np.zeros(brain.shape, values.dtype)
    volume[brain] = values
    return volume


def _label(kind: Tissue, quantity: str) -> FloatArray:
    return np.array([getattr(PERFUSION[state][kind], quantity) for state in STATES], np.float32)


def _steps(kind: Tissue, state: NDArray[np.uint8], later: FloatArray) -> NDArray[np.int32]:
    steps = np.rint((_label(kind, "delay_s")[state] + later) / np.float32(FINE_DT_S))
    return np.asarray(np.clip(steps, 0, round(MAX_DELAY_S / FINE_DT_S) - 1), np.int32)
