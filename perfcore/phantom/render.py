"""From a recipe to a scan: anatomy, stroke, bolus and scanner put together, slice by slice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from perfcore.aif.curves import disperse, fine_grid, sample
from perfcore.phantom.anatomy import HU, Grid, Head, make_head
from perfcore.phantom.physiology import FINE_DT_S, PERFUSION, STATES, tissue_curve
from perfcore.phantom.pose import Pose
from perfcore.phantom.recipe import Recipe
from perfcore.phantom.scanner import add_noise, add_streaks, jerk, move
from perfcore.phantom.stroke import BEHIND, Stroke, at_voxels, make_stroke, smooth_field
from perfcore.phantom.vessels import ARTERIES, SINUS_COMPANIONS, Vessel, centre_line, tube, veins
from perfcore.types import BoolArray, DoubleArray, FloatArray

MAX_DELAY_S = 16.0
CLOT_HU = 65.0


@dataclass(frozen=True, eq=False)
class Tissue:
    """Perfusion of every voxel; without vessels, 0 where there is no tissue. Shapes ``(nx, ny, nz)``.

    Attributes
    ----------
    state
        0 normal, 1 penumbra, 2 core (uint8).
    gm_flow, wm_flow
        Fraction of the voxel times the factor on the label's CBF.
    gm_bin, wm_bin
        Delay in steps of the fine grid.
    """

    state: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    gm_flow: FloatArray
    wm_flow: FloatArray
    gm_bin: np.ndarray[tuple[int, ...], np.dtype[np.int32]]
    wm_bin: np.ndarray[tuple[int, ...], np.dtype[np.int32]]

    def total(self, gm: FloatArray, wm: FloatArray) -> FloatArray:
        """Mix a quantity of grey and of white matter, given per state. Shapes ``(3,)`` → ``(nx, ny, nz)``."""
        return self.gm_flow * gm[self.state] + self.wm_flow * wm[self.state]


@dataclass(frozen=True, eq=False)
class Scan:
    """A rendered scan and everything that is true about it; see :class:`perfcore.phantom.cases.PhantomTruth`."""

    grid: Grid
    data: FloatArray
    cbf: FloatArray
    cbv: FloatArray
    mtt: FloatArray
    delay_s: FloatArray
    core: BoolArray
    penumbra: BoolArray
    artery_fraction: FloatArray
    vein_fraction: FloatArray
    time_s: DoubleArray
    aif: DoubleArray
    vof: DoubleArray


def render(recipe: Recipe) -> Scan:
    """Compute a scan. The same recipe gives the same bytes."""
    grid = Grid(recipe.pixel_mm, recipe.slice_mm, recipe.n_slices, recipe.centre_mm)
    pose = Pose.draw(_rng(recipe.patient_seed, 0), recipe.tilt)
    body = _rng(recipe.patient_seed, 1)
    head = make_head(pose, grid, float(body.uniform(0, 6.28)), float(body.uniform(5.0, 7.0)))
    tissue = _perfuse(recipe, head)
    cbf, cbv, mtt, delay = _maps(tissue)
    core, penumbra = _labels(recipe, head, tissue, cbf)

    fine = fine_grid(recipe.n_time * recipe.dt_s, FINE_DT_S)
    time = np.arange(recipe.n_time, dtype=np.float64) * recipe.dt_s
    artery, vein = recipe.bolus.artery(fine), recipe.bolus.vein(fine)
    vessels = _vessels(recipe, pose, grid, artery, vein, time)
    data = _scan(recipe, grid, head, tissue, _curve_tables(recipe, artery, time), vessels)
    arteries = np.minimum(sum((f for f, _, kind in vessels if kind == "artery"), np.zeros(grid.shape, np.float32)), 1)
    venous = np.minimum(sum((f for f, _, kind in vessels if kind == "vein"), np.zeros(grid.shape, np.float32)), 1)
    return Scan(
        grid, data, cbf, cbv, mtt, delay, core, penumbra, arteries, venous,
        time, sample(artery, FINE_DT_S, time), sample(vein, FINE_DT_S, time),
    )


def _rng(seed: tuple[int, ...], stage: int) -> np.random.Generator:
    return np.random.default_rng([*seed, stage])


def _perfuse(recipe: Recipe, head: Head) -> Tissue:
    rng = _rng(recipe.patient_seed, 2)
    flow_field = at_voxels(smooth_field(rng, 2.5, 0.05), head.mni_mm)
    delay_field = at_voxels(smooth_field(rng, 6.0, 0.2), head.mni_mm)
    state = np.zeros(head.gm.shape, np.uint8)
    depth = np.zeros(head.gm.shape, np.float32)
    stroke = draw_stroke(recipe)
    if stroke is not None:
        state[at_voxels(stroke.hypoperfused, head.mni_mm) > 0] = 1
        state[(at_voxels(stroke.core, head.mni_mm) > 0) & (state == 1)] = 2
        depth = at_voxels(stroke.depth, head.mni_mm)
    factor = np.array([1.0, recipe.penumbra_flow, recipe.core_flow], np.float32) * np.float32(recipe.flow)
    flow = np.clip(1 + flow_field, 0.88, 1.12) * factor[state]
    later = np.clip(delay_field, -0.5, 0.5) + np.where(state == 1, 1.2 * depth - 0.3, 0).astype(np.float32)
    bins = []
    for kind in ("gm", "wm"):
        base = np.array([PERFUSION[s][kind].delay_s for s in STATES], np.float32)  # type: ignore[index]
        bins.append(np.rint((base[state] + later) / FINE_DT_S).astype(np.int32))
    return Tissue(state, head.gm * flow, head.wm * flow, bins[0], bins[1])


def draw_stroke(recipe: Recipe) -> Stroke | None:
    """Return the patient's stroke, None without an occlusion."""
    if recipe.site is None:
        return None
    rng = _rng(recipe.patient_seed, 3)
    return make_stroke(rng, recipe.site, recipe.side, recipe.hypoperfused_ml, recipe.core_ml)


def _maps(tissue: Tissue) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the effective CBF, CBV, MTT and (flow-weighted) delay of the voxels' mixtures."""
    gm_cbf, wm_cbf, gm_cbv, wm_cbv = (
        np.array([getattr(PERFUSION[s][kind], what) for s in STATES], np.float32)
        for what in ("cbf", "cbv") for kind in ("gm", "wm")
    )  # fmt: skip
    cbf, cbv = tissue.total(gm_cbf, wm_cbf), tissue.total(gm_cbv, wm_cbv)
    some = cbf > 0
    mtt = np.divide(60 * cbv, cbf, out=np.zeros_like(cbf), where=some)
    late = tissue.gm_flow * gm_cbf[tissue.state] * tissue.gm_bin + tissue.wm_flow * wm_cbf[tissue.state] * tissue.wm_bin
    delay = np.divide(late * np.float32(FINE_DT_S), cbf, out=np.zeros_like(cbf), where=some)
    return cbf, cbv, mtt, delay.astype(np.float32)


def _labels(recipe: Recipe, head: Head, tissue: Tissue, cbf: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Return core and penumbra: voxels that are mostly tissue; the penumbra's rCBF is above 0.42."""
    solid = head.gm + head.wm >= 0.5
    healthy = solid & (head.mni_mm[0] * recipe.side < 0) & (tissue.state == 0)
    reference = float(cbf[healthy].mean()) if healthy.any() else 40.0
    core = solid & (tissue.state == 2)
    penumbra = solid & (tissue.state == 1) & (cbf > 0.43 * reference)
    return core, penumbra


def _curve_tables(recipe: Recipe, artery: DoubleArray, time: DoubleArray) -> tuple[FloatArray, FloatArray]:
    """Return curves of pure grey and white matter by state and delay. Shape ``(3 * n_delays, n_time)``."""
    n_delays = round(MAX_DELAY_S / FINE_DT_S)
    tables = []
    for kind in ("gm", "wm"):
        rows = []
        for state in STATES:
            label = PERFUSION[state][kind]  # type: ignore[index]
            curve = tissue_curve(artery, FINE_DT_S, label.cbf, label.mtt_s, recipe.residue)
            shifts = np.arange(n_delays)[:, None] * FINE_DT_S
            rows.append(sample(curve, FINE_DT_S, time[None] - shifts))
        tables.append(np.concatenate(rows).astype(np.float32))
    return tables[0], tables[1]


def _vessels(
    recipe: Recipe, pose: Pose, grid: Grid, artery: DoubleArray, vein: DoubleArray, time: DoubleArray
) -> list[tuple[FloatArray, FloatArray, str]]:
    """Return vessels that share a curve: fraction of the voxel, curve in HU at the frames, kind."""
    behind = BEHIND[recipe.site] if recipe.site is not None else ()
    clouds: dict[tuple[str, float], list[tuple[DoubleArray, DoubleArray]]] = {}
    for vessel in ARTERIES:
        for side in (1, -1) if vessel.paired else (1,):
            late = vessel.name in behind and side == recipe.side
            scale = recipe.artery_scale * (recipe.late_scale if late else 1.0)
            kind = "late" if late else "artery"
            if late and recipe.site == "M1" and vessel.name == "M1-distal":
                kind = "clot"
            points, volume = _fill(vessel, side, scale, pose)
            clouds.setdefault((kind, vessel.delay_s), []).append((points, volume))
            if "venous-contamination" in recipe.confounders and vessel.name in SINUS_COMPANIONS:
                clouds.setdefault(("vein", 0.0), []).append((points + (0.6, 1.2, 0.8), 0.8 * volume))
    for vessel in veins():
        for side in (1, -1) if vessel.paired else (1,):
            clouds.setdefault(("vein", 0.0), []).append(_fill(vessel, side, 1.0, pose))
    found = []
    for (kind, delay), parts in clouds.items():
        fraction = grid.rasterise(np.concatenate([p for p, _ in parts]), np.concatenate([v for _, v in parts]))
        curve = vein if kind == "vein" else artery
        if kind == "late":
            curve = disperse(curve, FINE_DT_S, recipe.late_tau_s)
            delay += recipe.late_delay_s
        sampled = sample(curve, FINE_DT_S, time, delay) * (kind != "clot")
        if fraction.any():
            found.append((fraction, sampled.astype(np.float32), "artery" if kind == "late" else kind))
    return found


def _fill(vessel: Vessel, side: int, scale: float, pose: Pose) -> tuple[DoubleArray, DoubleArray]:
    points, radius = centre_line(vessel, side)
    return tube(pose.to_scanner(points), scale * radius)


def _scan(
    recipe: Recipe, grid: Grid, head: Head, tissue: Tissue,
    tables: tuple[FloatArray, FloatArray], vessels: list[tuple[FloatArray, FloatArray, str]],
) -> FloatArray:  # fmt: skip
    data = np.full((*grid.shape, recipe.n_time), HU["air"], np.float32)
    start = int((recipe.bolus.onset_s + 4) / recipe.dt_s)
    path = jerk(recipe.n_time, start, recipe.scanner.motion_mm, _rng(recipe.scan_seed, 0))

    def expose(k: int) -> None:
        rng = _rng(recipe.scan_seed, 10 + k)
        x, y = (np.flatnonzero((head.baseline[:, :, k] > -990).any(axis=axis)) for axis in (1, 0))
        if x.size == 0:
            return
        box = (slice(max(x[0] - 2, 0), x[-1] + 3), slice(max(y[0] - 2, 0), y[-1] + 3))
        block = _enhance(head, tissue, tables, vessels, box, k)
        if recipe.scanner.motion_mm > 0:
            move(block, path, grid.pixel_mm, HU["air"])
        if recipe.scanner.streak_hu > 0:
            add_streaks(block, recipe.scanner.streak_hu, rng)
        add_noise(block, recipe.scanner, rng)
        np.rint(block, out=block)
        np.clip(block, -1024, 3071, out=block)
        data[box[0], box[1], k] = block

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(expose, range(recipe.n_slices)))
    return data


def _enhance(
    head: Head, tissue: Tissue, tables: tuple[FloatArray, FloatArray],
    vessels: list[tuple[FloatArray, FloatArray, str]], box: tuple[slice, slice], k: int,
) -> FloatArray:  # fmt: skip
    """Return one slice over time without noise, HU. Shape ``(nx, ny, n_time)``."""
    at = (*box, k)
    n_time = tables[0].shape[1]
    base = head.baseline[at].copy()
    room = np.ones_like(base)
    blood = []
    for fraction, curve, kind in vessels:
        share = np.minimum(fraction[at], room) * head.inside[at]
        index = np.nonzero(share > 0.002)
        if index[0].size == 0:
            continue
        room -= share
        base += share * ((CLOT_HU if kind == "clot" else HU["blood"]) - base) 
        blood.append((index, share[index][:, None] * curve))
    block = np.repeat(base[:, :, None], n_time, axis=2)
    n_delays = len(tables[0]) // len(STATES)
    index = np.nonzero((tissue.gm_flow[at] + tissue.wm_flow[at] > 0.01) & head.inside[at])
    row = tissue.state[at][index].astype(np.int32) * n_delays
    free = room[index]
    tissue_part = np.take(tables[0], row + tissue.gm_bin[at][index], axis=0)
    tissue_part *= (tissue.gm_flow[at][index] * free)[:, None]
    white = np.take(tables[1], row + tissue.wm_bin[at][index], axis=0)
    white *= (tissue.wm_flow[at][index] * free)[:, None]
    tissue_part += white
    block[index] += tissue_part
    for where, enhancement in blood:
        block[where] += enhancement
    return block
