"""A drawn head for tests: ellipses of scalp, skull, grey and white matter, a ventricle, an artery, a vein."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfcore.types import PerfusionSeries


@dataclass(frozen=True)
class Head:
    """A series and what it was drawn from."""

    series: PerfusionSeries
    aif: NDArray[np.float64]
    vof: NDArray[np.float64]
    brain: NDArray[np.bool_]
    lesion: NDArray[np.bool_]
    artery: NDArray[np.bool_]
    vein: NDArray[np.bool_]
    ventricle: NDArray[np.bool_]
    arrival_s: float


def bolus(t: NDArray[np.float64], start: float, alpha: float = 3.0, beta: float = 1.5) -> NDArray[np.float64]:
    """Gamma-variate of height 1."""
    s = np.clip(t - start, 0, None)
    return (s / (alpha * beta)) ** alpha * np.exp(alpha - s / beta)


def draw_head(
    n: int = 96,
    n_slices: int = 3,
    n_time: int = 50,
    dt_s: float = 1.0,
    *,
    noise: float = 3.0,
    seed: int = 0,
    side: str = "right",
    yaw_deg: float = 0.0,
    shift_mm: float = 0.0,
    arrival_s: float = 12.0,
    vessels: bool = True,
    slice_mm: float = 5.0,
    scale: float = 1.0,
    flip_x: bool = False,
    artery_late_s: float = 0.0,
) -> Head:
    """Draw a head of about 155 × 200 mm in a field of 240 mm; ``side`` is the patient's (RAS+ affine)."""
    pixel = 240.0 / n
    along = (np.arange(n) - (n - 1) / 2) * pixel
    world_x, world_y = np.meshgrid(-along if flip_x else along, along, indexing="ij")
    turn = np.deg2rad(yaw_deg)
    x = np.cos(turn) * (world_x - shift_mm) + np.sin(turn) * world_y
    y = -np.sin(turn) * (world_x - shift_mm) + np.cos(turn) * world_y
    radius = np.hypot(x / 72.0, y / 92.0)

    t = np.arange(n_time) * dt_s
    fine = np.arange(0, n_time * dt_s, 0.1)

    def artery_at(time: NDArray[np.float64], late: float = 0.0) -> NDArray[np.float64]:
        first = 320 * bolus(time, arrival_s + late, 3.0, 1.5 + 0.05 * late)
        return first + 30 * bolus(time, arrival_s + 11 + late, 3.0, 3.0)

    def tissue(cbf: float, mtt: float, delay: float) -> NDArray[np.float64]:
        residue = cbf / 6000 * 1.04 / 0.7333 * np.exp(-fine / mtt)
        return np.interp(t - delay, fine, np.convolve(artery_at(fine), residue)[: fine.size] * 0.1)

    sign = 1.0 if side == "right" else -1.0
    brain = radius < 1
    white = np.hypot(x / 45.0, y / 60.0) < 1
    ventricle = (np.abs(x) < 8) & (np.abs(y) < 25)
    core = np.hypot((x - sign * 42) / 22.0, y / 35.0) < 1
    penumbra = (np.hypot((x - sign * 42) / 28.0, y / 55.0) < 1) & brain
    still = np.full((n, n), -1000.0)
    still[radius < 1.22] = 30
    still[radius < 1.14] = 700
    still[radius < 1.04] = 20
    curves = np.zeros((n, n, n_time))
    for where, hu, curve in (
        (brain, 35, tissue(60, 4, 1)),
        (white, 29, tissue(25, 4.8, 1.3)),
        (penumbra, 31, tissue(28, 8, 5)),
        (core, 31, tissue(9, 9, 8)),
        (ventricle, 8, np.zeros(n_time)),
    ):
        still[where], curves[where] = hu, curve
    artery = np.hypot(x + sign * 14, y - 30) < 3.5
    vein = np.hypot(x, y + 86) < 5
    if vessels:
        for where, late in ((artery, artery_late_s), (vein, 4.0 + artery_late_s / 4)):
            still[where], curves[where] = 40, artery_at(t, late)
    data = np.repeat((still[..., None] + scale * curves)[:, :, None], n_slices, axis=2)
    data += noise * np.random.default_rng(seed).standard_normal(data.shape)
    affine = np.diag([-pixel if flip_x else pixel, pixel, slice_mm, 1.0])
    affine[:2, 3] = along[-1] if flip_x else along[0], along[0]

    def deep(plane: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.repeat(plane[:, :, None], n_slices, axis=2)

    return Head(
        series=PerfusionSeries(data.astype(np.float32), affine, dt_s, lesion=deep(core)),
        aif=scale * artery_at(t),
        vof=scale * artery_at(t, 4.0),
        brain=deep(brain),
        lesion=deep(core),
        artery=deep(artery),
        vein=deep(vein),
        ventricle=deep(ventricle),
        arrival_s=arrival_s,
    )
