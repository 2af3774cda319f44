"""Stroke model: arterial territories, hypoperfused tissue and core of an occlusion.

A territory is the tissue nearest to an artery's branches, in 3 mm voxels of MNI space. Beyond an occlusion the
tissue farthest from the branches of neighbouring territories is affected most, since collaterals come from them;
noise makes the borders irregular. The core is the most affected part of the hypoperfused tissue.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from perfcore.phantom.templates import load_templates
from perfcore.phantom.vessels import ARTERIES, centre_line
from perfcore.types import BoolArray, DoubleArray, FloatArray

Site = Literal["M1", "M2-superior", "M2-inferior", "ACA", "PCA"]
Territory = Literal["MCA-superior", "MCA-inferior", "ACA", "PCA", "VB"]

STEP_MM: Final = 3.0
SITES: Final[tuple[Site, ...]] = ("M1", "M2-superior", "M2-inferior", "ACA", "PCA")
TERRITORIES: Final[tuple[Territory, ...]] = ("MCA-superior", "MCA-inferior", "ACA", "PCA", "VB")

_SUPERIOR: Final = ("M1-distal", "M2-superior", "M3-orbitofrontal", "M3-prefrontal", "M3-precentral", "M3-central")
_INFERIOR: Final = ("M2-inferior", "M3-temporopolar", "M3-temporal", "M3-parietal", "M3-angular")
_ANTERIOR: Final = ("A2", "A3-pericallosal", "A3-callosomarginal", "A3-frontopolar")
_POSTERIOR: Final = ("P2", "P3-calcarine", "P3-parietooccipital", "P3-temporal")
_BRANCHES: Final[dict[Territory, tuple[str, ...]]] = {
    "MCA-superior": _SUPERIOR,
    "MCA-inferior": _INFERIOR,
    "ACA": _ANTERIOR,
    "PCA": _POSTERIOR,
    "VB": ("basilar", "SCA", "AICA", "PICA"),
}
_DEEP: Final[dict[Territory, tuple[tuple[float, float, float], ...]]] = {
    "MCA-superior": ((25, 2, 2), (26, -8, 8), (22, 10, 12), (26, 10, 22), (26, -8, 26), (24, -22, 26)),
    "MCA-inferior": ((30, -40, 16), (32, -48, 24)),
    "PCA": ((11, -18, 8), (12, -24, 4)),
}
_FED: Final[dict[Site, tuple[Territory, ...]]] = {
    "M1": ("MCA-superior", "MCA-inferior"),
    "M2-superior": ("MCA-superior",),
    "M2-inferior": ("MCA-inferior",),
    "ACA": ("ACA",),
    "PCA": ("PCA",),
}
_WORST: Final[dict[Site, tuple[float, float, float]]] = {
    "M1": (36, 0, 10),
    "M2-superior": (44, 8, 22),
    "M2-inferior": (50, -38, 14),
    "ACA": (8, 22, 42),
    "PCA": (14, -76, 6),
}
DEEP_MM: Final = 14.0
"""Distance from the border, towards the occluded territory, at which the severity is maximal."""
DISTAL_ARTERIES: Final[dict[Site, tuple[str, ...]]] = {
    "M1": _SUPERIOR + _INFERIOR,
    "M2-superior": _SUPERIOR[1:],
    "M2-inferior": _INFERIOR[:1] + _INFERIOR[2:],
    "ACA": _ANTERIOR,
    "PCA": _POSTERIOR,
}
"""Arteries that fill late, through collaterals, when the site is closed."""


RIM_MM: Final = 3.0
"""Rim of the hypoperfused tissue that the core spares."""


@dataclass(frozen=True, eq=False)
class Stroke:
    """Level sets of a stroke in MNI space; both are positive inside. 3 mm voxels.

    Attributes
    ----------
    hypoperfused
        Signed severity, about millimetres. Shape ``(66, 78, 63)``.
    core
        Signed severity, about 0.03 per millimetre. The same shape.
    depth
        From 0 at the border of what is hypoperfused to 1 at its worst. The same shape.
    """

    hypoperfused: FloatArray
    core: FloatArray
    depth: FloatArray


@lru_cache(maxsize=1)
def territory_distances() -> tuple[FloatArray, BoolArray]:
    """Return the distance to each territory's branches on the right, and the brain, in 3 mm voxels.

    Returns
    -------
    Millimetres, shape ``(5, 66, 78, 63)`` in the order of ``TERRITORIES`` (the same side as the voxel),
    and the brain's mask, shape ``(66, 78, 63)``.
    """
    templates = load_templates()
    brain = templates.t1[1::3, 1::3, 1::3] > 30
    shape = brain.shape
    axes = [templates.origin_mm[i] + 1 + STEP_MM * np.arange(shape[i]) for i in range(3)]
    where = np.nonzero(brain)
    points = np.stack([np.abs(axes[0][where[0]]), axes[1][where[1]], axes[2][where[2]]], axis=1)
    distances = np.full((len(TERRITORIES), *shape), 99.0, np.float32)
    by_name = {vessel.name: vessel for vessel in ARTERIES}
    for k, territory in enumerate(TERRITORIES):
        lines = [centre_line(by_name[name], 1, 2.0)[0] for name in _BRANCHES[territory]]
        lines.append(np.array(_DEEP.get(territory, ()), np.float64).reshape(-1, 3))
        distances[k][where] = cKDTree(np.concatenate(lines)).query(points)[0]
    distances.flags.writeable = False
    return distances, brain


def make_stroke(rng: np.random.Generator, site: Site, side: int, hypoperfused_ml: float, core_ml: float) -> Stroke:
    """Draw the tissue at risk and the core of an occlusion.

    Parameters
    ----------
    rng
        Source of randomness: the borders' shape and where the core begins.
    site
        The closed artery.
    side
        +1 right, −1 left.
    hypoperfused_ml
        Volume that starves, core included, in the template's brain; no more than the territory holds.
    core_ml
        Volume of the core in the template's brain, less than ``hypoperfused_ml``; 0 for none.
    """
    distances, brain = territory_distances()
    mine = np.isin(TERRITORIES, _FED[site])
    reach = np.minimum(distances[~mine].min(axis=0) - distances[mine].min(axis=0), 25.0)
    rough = _noise(rng, brain.shape, 7.0, 4.5) + _noise(rng, brain.shape, 3.0, 2.0)
    x = load_templates().origin_mm[0] + 1 + STEP_MM * np.arange(brain.shape[0])
    possible = brain & (side * x > 0)[:, None, None]
    severity = np.where(possible, reach + rough, -60.0).astype(np.float32)
    limit = max(_top(severity[possible], hypoperfused_ml), -2.0)
    hypoperfused = severity - limit
    at_risk = hypoperfused > 0
    depth = np.clip(hypoperfused / DEEP_MM, 0, 1)
    worst = 0.5 * depth + _noise(rng, brain.shape, 5.0, 0.14) + _noise(rng, brain.shape, 2.0, 0.07)
    worst += _around(np.array(_WORST[site]) * (side, 1, 1) + rng.normal(0, 7, 3))
    inner = at_risk & (hypoperfused > RIM_MM)
    if core_ml > 0 and inner.any():
        core = worst - _top(worst[inner], core_ml) - 0.5 * np.clip(RIM_MM - hypoperfused, 0, 20)
    else:
        core = np.full(brain.shape, -1.0)
    return Stroke(hypoperfused, core.astype(np.float32), depth.astype(np.float32))


def at_voxels(field: FloatArray, mni_mm: FloatArray) -> FloatArray:
    """Read a 3 mm field at MNI positions by linear interpolation. Shapes ``(3, ...)`` → ``(...)``."""
    first = (load_templates().origin_mm + 1).astype(np.float32).reshape((3,) + (1,) * (mni_mm.ndim - 1))
    at = (mni_mm - first) / np.float32(STEP_MM)
    return ndimage.map_coordinates(field, at, np.float32, order=1, mode="nearest", prefilter=False)


def voxel_positions(index: NDArray[np.integer]) -> DoubleArray:
    """Return the MNI positions of 3 mm voxels, mm. Shapes ``(..., 3)`` → ``(..., 3)``."""
    return np.asarray(load_templates().origin_mm + 1 + STEP_MM * np.asarray(index, np.float64), np.float64)


def smooth_field(rng: np.random.Generator, sigma: float, sd: float) -> FloatArray:
    """Draw a smooth field of a given standard deviation on the 3 mm grid, correlated over ``sigma`` voxels."""
    return _noise(rng, brain_mask().shape, sigma, sd)


def brain_mask() -> BoolArray:
    """Return the brain on the 3 mm grid. Shape ``(66, 78, 63)``."""
    return territory_distances()[1]


def ball(centre_mm: DoubleArray, volume_ml: float, shape: tuple[int, ...]) -> FloatArray:
    """Return the signed distance to the surface of a ball on the 3 mm grid, mm, positive inside."""
    radius = (3000.0 * volume_ml / (4 * np.pi)) ** (1 / 3)
    return np.asarray(radius - np.sqrt(_square_distance(centre_mm, shape)), np.float32)


def _square_distance(centre_mm: DoubleArray, shape: tuple[int, ...]) -> DoubleArray:
    first = load_templates().origin_mm + 1
    axes = [np.square(first[i] + STEP_MM * np.arange(shape[i]) - centre_mm[i]) for i in range(3)]
    square: DoubleArray = axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :]
    return square


def _top(values: FloatArray | DoubleArray, volume_ml: float) -> float:
    """Return the threshold above which the values fill a volume."""
    n = min(max(round(volume_ml * 1000 / STEP_MM**3), 1), values.size)
    return float(np.partition(values, values.size - n)[values.size - n])


def _noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float, sd: float) -> FloatArray:
    field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, truncate=2.5)
    return np.asarray(field * np.float32(sd / field.std()), np.float32)


def _around(centre_mm: DoubleArray) -> FloatArray:
    """Return a broad bump around an MNI position, 0 to 1, on the 3 mm grid."""
    return np.asarray(np.exp(-_square_distance(centre_mm, brain_mask().shape) / (2 * 24.0**2)), np.float32)
