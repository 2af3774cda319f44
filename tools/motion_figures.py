"""How well imposed motion is found again: ``python -m tools.motion_figures`` prints a table, and JSON last.

A phantom is rendered in slices of 1 mm, turned and shifted as a whole, and seen through the scanner's thick
slices, so that what leaves the slab leaves it, and partial volume changes as it would; meanwhile contrast passes.
Errors are those of the shift of the slab's centre in voxels (millimetres divided by the spacing, axis by axis) and
of the rotation in degrees; with both, how far off the worst place of the brain is, in millimetres.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from perfcore.phantom.cohort import draw_recipe
from perfcore.phantom.recipe import Recipe
from perfcore.phantom.render import render
from perfcore.phantom.scanner import Scanner, add_noise
from perfcore.preprocess.motion import estimate_motion
from perfcore.preprocess.motion_rigid import estimate_rigid_motion, rotation_matrix

STILL_FRAMES = 3
ROOM_MM = 6.0
"""How far the finely sliced head reaches beyond the slab."""
SHIFT_MM, TURN_DEG = 2.0, 2.0
BRAIN_MM = (65.0, 85.0)
"""Half axes of the ellipse in which errors are looked at."""


def motions() -> NDArray[np.float64]:
    """Return what is imposed, shape ``(n, 6)``: mm and degrees, about each axis alone and all together."""
    alone = [sign * row for sign in (1, -1) for row in np.diag([SHIFT_MM] * 3 + [TURN_DEG] * 3)]
    shift, turn = np.array([1, -1, 1]) / np.sqrt(3), np.array([1, 1, -1]) / np.sqrt(3)
    together = [np.concatenate([s * SHIFT_MM * shift, t * TURN_DEG * turn]) for s in (1, -1) for t in (1, -1)]
    return np.array([*alone, *together])


def moving_scan(recipe: Recipe, path: NDArray[np.float64]) -> NDArray[np.float32]:
    """Render a case that moves, without noise.

    Parameters
    ----------
    recipe
        Its slices, frames and bolus count; its scanner does not.
    path
        Shape ``(n_time, 6)``: shift in mm and rotation in degrees about x, y, z through the slab's centre.

    Returns
    -------
    Shape ``(256, 256, n_slices, n_time)``.
    """
    height = recipe.n_slices * recipe.slice_mm
    fine = replace(recipe, slice_mm=1.0, n_slices=int(height + 2 * ROOM_MM), scanner=Scanner(0, 0, 0, 0))
    head = render(fine).data
    scale = np.array([recipe.pixel_mm, recipe.pixel_mm, 1.0])
    centre = (np.array(head.shape[:3]) - 1) / 2
    nx, ny = head.shape[:2]
    n_planes = max(1, round(recipe.slice_mm))
    planes = (np.arange(n_planes) + 0.5) / n_planes - 0.5
    seen = np.empty((nx, ny, recipe.n_slices, len(path)), np.float32)
    across = np.arange(recipe.n_slices) - (recipe.n_slices - 1) / 2
    for t, (shift, turn) in enumerate((row[:3], np.radians(row[3:])) for row in path):
        # Where the head's own point lies that is now at a place of the scanner.
        back = (rotation_matrix(turn).T * scale) / scale[:, None]
        frame = np.ascontiguousarray(head[..., t])
        for k in range(recipe.n_slices):
            heights = (across[k] + planes) * recipe.slice_mm
            offset = centre - back @ (np.array([*centre[:2], 0]) + shift / scale)
            grid = np.stack(np.meshgrid(np.arange(nx), np.arange(ny), heights, indexing="ij")).reshape(3, -1)
            at = back @ grid + offset[:, None]
            thin = ndimage.map_coordinates(frame, at, order=1, mode="nearest")
            seen[:, :, k, t] = thin.reshape(nx, ny, -1).mean(axis=2)
    return seen


def noisy(scan: NDArray[np.float32], noise_hu: float, recipe: Recipe) -> NDArray[np.float32]:
    """Return a scan with the phantom scanner's noise, in whole HU."""
    out, rng = scan.copy(), np.random.default_rng([*recipe.scan_seed, 99])
    for k in range(scan.shape[2]):
        add_noise(out[:, :, k], Scanner(noise_hu), rng, pixel_mm=recipe.pixel_mm, dt_s=recipe.dt_s)
    return np.rint(out)


def errors(
    found: NDArray[np.float64], true: NDArray[np.float64], recipe: Recipe
) -> dict[str, NDArray[np.float64]]:
    """Return each frame's errors; ``found`` is in mm and radians, ``true`` in mm and degrees, shape ``(n, 6)``."""
    spacing = np.array([recipe.pixel_mm, recipe.pixel_mm, recipe.slice_mm])
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([BRAIN_MM[0] * np.cos(angle), BRAIN_MM[1] * np.sin(angle)], axis=1)
    half = (recipe.n_slices - 1) / 2 * recipe.slice_mm
    places = np.concatenate([np.column_stack([ring, np.full(24, z)]) for z in (-half, half)])
    shift = found[:, :3] - true[:, :3]
    is_, was = Rotation.from_rotvec(found[:, 3:]), Rotation.from_rotvec(np.radians(true[:, 3:]))
    apart = places @ (is_.as_matrix() - was.as_matrix()).transpose(0, 2, 1) + shift[:, None]
    return {
        "voxels": np.linalg.norm(shift / spacing, axis=1), "degrees": np.degrees((is_ * was.inv()).magnitude()),
        "brain_mm": np.linalg.norm(apart, axis=2).max(axis=1),
    }  # fmt: skip


def slabs(recipe: Recipe) -> str:
    return "8 slices or more" if recipe.n_slices >= 8 else "4 slices"


def one_case(job: tuple[int, int, tuple[float, ...]]) -> list[dict[str, Any]]:
    seed, index, noises = job
    path = np.concatenate([np.zeros((STILL_FRAMES, 6)), motions()])
    recipe = replace(draw_recipe(seed, index), n_time=len(path), dt_s=3.5)
    recipe = replace(recipe, n_slices=max(recipe.n_slices, 4))
    scan = moving_scan(recipe, path)
    return [recover(noisy(scan, noise_hu, recipe), path, recipe) for noise_hu in noises]


def recover(data: NDArray[np.float32], path: NDArray[np.float64], recipe: Recipe) -> dict[str, Any]:
    """Return how far off both estimators are, frame by frame."""
    spacing = (recipe.pixel_mm, recipe.pixel_mm, recipe.slice_mm)
    start = time.perf_counter()
    plane = np.zeros_like(path)
    plane[:, [0, 1, 5]] = estimate_motion(data, spacing)
    middle = time.perf_counter()
    rigid = estimate_rigid_motion(data, spacing)
    end = time.perf_counter()
    return {
        "slab": slabs(recipe), "in-plane": errors(plane, path, recipe), "rigid": errors(rigid, path, recipe),
        "ms": {"in-plane": 1000 * (middle - start) / len(path), "rigid": 1000 * (end - middle) / len(path)},
    }  # fmt: skip


def groups() -> dict[str, NDArray[np.int64]]:
    """Return which frames belong together: the still ones, those that stay in the plane, those that do not."""
    imposed = motions()
    within = ~imposed[:, 2:5].any(axis=1)
    frames = np.arange(len(imposed)) + STILL_FRAMES
    return {"still": np.arange(STILL_FRAMES), "in the plane": frames[within], "through it": frames[~within]}


def summary(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    table = []
    for name in ("in-plane", "rigid"):
        for slab in sorted({case["slab"] for case in cases}, reverse=True):
            among = [case for case in cases if case["slab"] == slab]
            for group, frames in groups().items():
                row: dict[str, Any] = {"estimator": name, "slab": slab, "motion": group, "n_scans": len(among)}
                for unit in ("voxels", "degrees", "brain_mm"):
                    values = np.array([case[name][unit][frames] for case in among])
                    row |= {f"{unit}_median": float(np.median(values)), f"{unit}_worst": float(values.max())}
                row["ms_per_frame"] = float(np.median([case["ms"][name] for case in among]))
                table.append(row)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--seed", type=int, default=20260)
    parser.add_argument("--noise", type=float, nargs="+", default=[2.0, 5.0, 9.0])
    given = parser.parse_args()
    jobs = [(given.seed, i, tuple(given.noise)) for i in range(1, given.cases + 1)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        cases = [scan for scans in pool.map(one_case, jobs) for scan in scans]
    table = summary(cases)
    for row in table:
        print("  ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{v:<9}" for k, v in row.items()))
    print(f"load average {os.getloadavg()[0]:.1f}")
    print(json.dumps({"seed": given.seed, "noise_hu": given.noise, "n_cases": given.cases, "recovered": table}))


if __name__ == "__main__":
    main()
