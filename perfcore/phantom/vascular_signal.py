"""Vascular signal of a scan: volume fraction of arteries and veins in every voxel, and their enhancement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from perfcore.aif.curves import disperse, sample
from perfcore.phantom.head_pose import HeadPose
from perfcore.phantom.physiology import FINE_DT_S
from perfcore.phantom.recipe import Recipe
from perfcore.phantom.stroke import DISTAL_ARTERIES
from perfcore.phantom.vessels import ARTERIES, COMPANION_ARTERIES, Vessel, centre_line, tube, veins
from perfcore.phantom.voxel_grid import VoxelGrid
from perfcore.types import DoubleArray, FloatArray

Kind = Literal["artery", "late", "clot", "vein"]
COMPANION_OFFSET_MM = (0.6, 1.2, 0.8)


@dataclass(frozen=True, eq=False)
class VascularSignal:
    """Vessels with a common enhancement curve.

    Attributes
    ----------
    kind
        An open artery, an artery beyond the clot, the clot itself, or a vein.
    fraction
        How much of each voxel they fill, 0 to 1. Shape ``(nx, ny, nz)``.
    curve
        Enhancement of pure blood at the frames, HU. Shape ``(n_time,)``.
    """

    kind: Kind
    fraction: FloatArray
    curve: FloatArray


def make_vascular_signals(
    recipe: Recipe, pose: HeadPose, grid: VoxelGrid, *, artery: DoubleArray, vein: DoubleArray, time_s: DoubleArray
) -> list[VascularSignal]:
    """Return the vessels of a scan, grouped by curve, arteries first.

    Parameters
    ----------
    recipe, pose, grid
        The case, how the head lies, and the voxels.
    artery, vein
        Enhancement at the end of the internal carotid artery and in the sinuses, HU, on the fine grid.
        Shape ``(n_fine,)``.
    time_s
        Times of the frames. Shape ``(n_time,)``.
    """
    clouds: dict[tuple[Kind, float], list[tuple[DoubleArray, DoubleArray]]] = {}
    companions: list[tuple[DoubleArray, DoubleArray]] = []
    for vessel in ARTERIES:
        for side in _sides(vessel):
            kind = _kind(recipe, vessel, side)
            scale = recipe.late_scale if kind == "late" else recipe.artery_scale
            points, volume = _fill(vessel, side, scale, recipe, pose)
            clouds.setdefault((kind, vessel.delay_s + _carotid_delay(recipe, vessel, side)), []).append(
                (points, volume)
            )
            if "venous-contamination" in recipe.confounders and vessel.name in COMPANION_ARTERIES:
                companions.append((points + COMPANION_OFFSET_MM, volume))
    sinuses = [_fill(vessel, side, 1.0, recipe, pose) for vessel in veins() for side in _sides(vessel)]
    clouds["vein", 0.0] = sinuses + companions
    late_curve = disperse(artery, FINE_DT_S, recipe.late_tau_s)
    found: list[VascularSignal] = []
    for (kind, delay), parts in clouds.items():
        fraction = grid.rasterise(np.concatenate([p for p, _ in parts]), np.concatenate([v for _, v in parts]))
        pure = {"artery": artery, "late": late_curve, "clot": np.zeros_like(artery), "vein": vein}[kind]
        behind = recipe.late_delay_s if kind == "late" else 0.0
        curve = sample(pure, FINE_DT_S, time_s, delay + behind)
        found.append(VascularSignal(kind, fraction, curve.astype(np.float32)))
    return found


def total_fraction(
    blood: list[VascularSignal], kinds: tuple[Kind, ...], shape: tuple[int, int, int]
) -> FloatArray:
    """Return how much of each voxel the vessels of some kinds fill, 0 to 1. Shape ``(nx, ny, nz)``."""
    total = np.zeros(shape, np.float32)
    for vessels in blood:
        if vessels.kind in kinds:
            total += vessels.fraction
    return np.minimum(total, np.float32(1))


def _kind(recipe: Recipe, vessel: Vessel, side: int) -> Kind:
    if recipe.site is None or side != recipe.side or vessel.name not in DISTAL_ARTERIES[recipe.site]:
        return "artery"
    return "clot" if recipe.site == "M1" and vessel.name == "M1-distal" else "late"


def _carotid_delay(recipe: Recipe, vessel: Vessel, side: int) -> float:
    """Return the delay of a vessel of the anterior circulation beyond a narrow carotid artery, s."""
    beyond = side == recipe.findings.carotid_side and vessel.name.startswith(("ICA", "M", "A1", "A2", "A3"))
    return recipe.findings.carotid_delay_s if beyond else 0.0


def _sides(vessel: Vessel) -> tuple[int, ...]:
    return (1, -1) if vessel.paired else (1,)


def _fill(
    vessel: Vessel, side: int, scale: float, recipe: Recipe, pose: HeadPose
) -> tuple[DoubleArray, DoubleArray]:
    points, radius_mm = centre_line(vessel, side)
    return tube(pose.to_scanner(points), scale * radius_mm, recipe.vessel_blur_mm)
