"""Rendering of a recipe into a scan: anatomy, stroke, bolus and scanner combined slice by slice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.curves import fine_grid, sample
from perfcore.phantom.anatomy import HU, Head, Skull, make_head
from perfcore.phantom.findings import emboli_field, with_findings
from perfcore.phantom.hard_label import HardLabel, make_hard_label
from perfcore.phantom.head_pose import HeadPose
from perfcore.phantom.physiology import CORE_LEVEL, FINE_DT_S
from perfcore.phantom.recipe import Recipe
from perfcore.phantom.scanner import add_noise, add_streaks, draw_motion, move_frames, noise_gain
from perfcore.phantom.tissue import Maps, Parenchyma, curve_table, draw_stroke, perfuse, true_labels, true_maps
from perfcore.phantom.vascular_signal import VascularSignal, make_vascular_signals, total_fraction
from perfcore.phantom.voxel_grid import VoxelGrid
from perfcore.types import BoolArray, DoubleArray, FloatArray

CLOT_HU = 65.0
EARLY_SIGN_HU = -2.0
"""HU change of the core on non-contrast CT."""
HU_RANGE = (-1024.0, 3071.0)


@dataclass(frozen=True, eq=False)
class Scan:
    """A rendered scan with its ground truth; see :class:`perfcore.phantom.cases.PhantomTruth`.

    ``data`` has shape ``(nx, ny, nz, n_time)``, whole HU as float32; ``aif`` and ``vof`` ``(n_time,)``.
    """

    grid: VoxelGrid
    data: FloatArray
    maps: Maps
    core: BoolArray
    penumbra: BoolArray
    hard_label: HardLabel
    artery_fraction: FloatArray
    vein_fraction: FloatArray
    distal_fraction: FloatArray
    time_s: DoubleArray
    aif: DoubleArray
    vof: DoubleArray


@dataclass(frozen=True, eq=False)
class _Subject:
    """Scanned subject: anatomy, perfusion, tissue curves and vessels."""

    head: Head
    tissue: Parenchyma
    gm_curves: FloatArray
    wm_curves: FloatArray
    blood: list[VascularSignal]


def render(recipe: Recipe) -> Scan:
    """Compute a scan. The same recipe gives the same bytes, for any number of threads."""
    grid = VoxelGrid(recipe.pixel_mm, recipe.slice_mm, recipe.n_slices, recipe.centre_mm)
    pose = HeadPose.draw(np.random.default_rng([*recipe.patient_seed, 0]), recipe.tilt)
    bones = np.random.default_rng([*recipe.patient_seed, 1])
    head = make_head(pose, grid, Skull(float(bones.uniform(5.0, 7.0)), float(bones.uniform(0.0, 6.28))))
    stroke = draw_stroke(recipe)
    head = with_findings(head, recipe.findings, stroke, recipe.patient_seed)
    emboli = emboli_field(recipe.findings, stroke, recipe.patient_seed) if recipe.findings.n_emboli else None
    tissue = perfuse(recipe, head, stroke, emboli)
    maps = true_maps(tissue)
    core, penumbra = true_labels(recipe, head, tissue.level, maps.cbf)

    fine = fine_grid(recipe.n_time * recipe.dt_s, FINE_DT_S)
    time_s = np.arange(recipe.n_time, dtype=np.float64) * np.float64(recipe.dt_s)
    artery, vein = recipe.bolus.artery(fine), recipe.bolus.vein(fine)
    blood = make_vascular_signals(recipe, pose, grid, artery=artery, vein=vein, time_s=time_s)
    gm_curves, wm_curves = (curve_table(kind, recipe, artery, time_s) for kind in ("gm", "wm"))
    data = _acquire(recipe, grid, _Subject(head, tissue, gm_curves, wm_curves, blood))
    return Scan(
        grid=grid, data=data, maps=maps, core=core, penumbra=penumbra,
        hard_label=make_hard_label(recipe, head, stroke, emboli),
        artery_fraction=total_fraction(blood, ("artery", "late"), grid.shape),
        vein_fraction=total_fraction(blood, ("vein",), grid.shape),
        distal_fraction=total_fraction(blood, ("late",), grid.shape),
        time_s=time_s, aif=sample(artery, FINE_DT_S, time_s), vof=sample(vein, FINE_DT_S, time_s),
    )  # fmt: skip


def _acquire(recipe: Recipe, grid: VoxelGrid, subject: _Subject) -> FloatArray:
    """Simulate every slice; each has its own random generator, so that the result does not depend on threads."""
    data = np.empty((*grid.shape, recipe.n_time), np.float32)
    scanner = recipe.scanner
    start = int((recipe.bolus.onset_s + 4) / recipe.dt_s)
    gain = noise_gain(subject.head.mni_mm, subject.head.inside)
    path = draw_motion(recipe.n_time, start, scanner.motion_mm, np.random.default_rng([*recipe.scan_seed, 0]))

    def acquire_slice(k: int) -> None:
        rng = np.random.default_rng([*recipe.scan_seed, 10 + k])
        data[:, :, k] = HU["air"]
        box = _head_box(subject.head.baseline[:, :, k])
        if box is None:
            return
        block = _enhance(subject, box, k)
        if scanner.motion_mm > 0:
            move_frames(block, path, grid.pixel_mm, HU["air"])
        if scanner.streak_hu > 0:
            add_streaks(block, scanner.streak_hu, rng)
        add_noise(block, scanner, rng, pixel_mm=grid.pixel_mm, dt_s=recipe.dt_s, gain=gain[box[0], box[1], k])
        np.rint(block, out=block)
        np.clip(block, *HU_RANGE, out=block)
        data[box[0], box[1], k] = block

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(acquire_slice, range(recipe.n_slices)))
    return data


def _head_box(baseline: FloatArray) -> tuple[slice, slice] | None:
    """Return the rectangle that holds a slice's head with a small margin, None where there is none."""
    head = baseline > HU["air"] + 10
    if not head.any():
        return None
    x, y = (np.flatnonzero(head.any(axis=axis)) for axis in (1, 0))
    return slice(max(x[0] - 4, 0), x[-1] + 5), slice(max(y[0] - 4, 0), y[-1] + 5)


def _enhance(subject: _Subject, box: tuple[slice, slice], k: int) -> FloatArray:
    """Return one slice over time without noise, HU. Shape ``(nx, ny, n_time)``."""
    head, tissue = subject.head, subject.tissue
    at = (*box, k)
    base = head.baseline[at] + np.float32(EARLY_SIGN_HU) * (tissue.level[at] > CORE_LEVEL // 2) * (
        head.gm[at] + head.wm[at]
    )
    room = head.inside[at].astype(np.float32)
    filled = []
    for vessels in subject.blood:
        share = np.minimum(vessels.fraction[at], room)
        where = np.nonzero(share > 0.002)
        if where[0].size == 0:
            continue
        room[where] -= share[where]
        base += share * (np.float32(CLOT_HU if vessels.kind == "clot" else HU["blood"]) - base)
        filled.append((where, share[where][:, None] * vessels.curve))
    block = np.repeat(base[:, :, None], subject.gm_curves.shape[2], axis=2)
    where = np.nonzero((tissue.gm_flow[at] + tissue.wm_flow[at] > 0.005) & (room > 0))
    free = room[where]
    block[where] += _mix(subject.gm_curves, tissue.level[at][where], tissue.gm_steps[at][where],
                         tissue.gm_flow[at][where] * free)  # fmt: skip
    block[where] += _mix(subject.wm_curves, tissue.level[at][where], tissue.wm_steps[at][where],
                         tissue.wm_flow[at][where] * free)  # fmt: skip
    for where, enhancement in filled:
        block[where] += enhancement
    return block


def _mix(curves: FloatArray, level: NDArray[np.uint8], steps: NDArray[np.int32], weight: FloatArray) -> FloatArray:
    """Return each voxel's curve from the table, weighted. Shape ``(n_voxels, n_time)``."""
    n_levels, n_delays, n_time = curves.shape
    rows = level.astype(np.int32) * n_delays + steps
    mixed: FloatArray = np.take(curves.reshape(n_levels * n_delays, n_time), rows, axis=0)
    mixed *= weight[:, None]
    return mixed
