"""Arteries and veins of the head: centre lines in MNI space, and tubes that fill voxels.

The courses were drawn by hand along the cisterns and sulci of the template; they are plausible, but not an atlas.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from perfcore.phantom.templates import load_templates
from perfcore.types import DoubleArray

Points = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Vessel:
    """One vessel on the right side (or in the midline).

    Attributes
    ----------
    name
        Anatomical name.
    points
        Corners of the centre line, MNI millimetres.
    radius_mm
        Radius at its start and its end.
    delay_s
        Bolus arrival relative to the end of the internal carotid artery.
    paired
        Whether the left side has a mirrored vessel.
    """

    name: str
    points: Points
    radius_mm: tuple[float, float]
    delay_s: float = 0.0
    paired: bool = True


ARTERIES: Final[tuple[Vessel, ...]] = (
    Vessel("ICA", ((13, 6, -44), (14, 5, -36), (13, -3, -30), (12, 4, -26), (13, 2, -20)), (2.3, 2.0)),
    Vessel("M1", ((13, 2, -20), (22, 5, -19), (27, 6, -18)), (1.6, 1.5)),
    Vessel("M1-distal", ((27, 6, -18), (32, 7, -17), (38, 8, -15)), (1.5, 1.4), 0.1),
    Vessel(
        "M2-superior",
        ((38, 8, -15), (43, 14, -10), (41, 18, 0), (38, 15, 10), (40, 8, 18)),
        (1.2, 1.0),
        0.3,
    ),
    Vessel("M3-orbitofrontal", ((43, 14, -10), (46, 28, -8), (45, 40, 0)), (0.8, 0.5), 0.6),
    Vessel("M3-prefrontal", ((41, 18, 0), (46, 28, 8), (48, 32, 20), (42, 34, 32)), (0.9, 0.5), 0.7),
    Vessel("M3-precentral", ((40, 8, 18), (50, 8, 22), (57, 4, 28), (52, 5, 42), (40, 8, 54)), (0.9, 0.5), 0.8),
    Vessel("M3-central", ((40, 8, 18), (50, -2, 28), (54, -8, 40), (46, -15, 55)), (0.9, 0.5), 0.8),
    Vessel(
        "M2-inferior",
        ((38, 8, -15), (44, 4, -10), (44, -8, -4), (40, -18, 6), (38, -26, 14)),
        (1.2, 1.0),
        0.3,
    ),
    Vessel("M3-temporopolar", ((38, 8, -15), (46, 10, -26), (56, -2, -26), (62, -18, -20)), (0.8, 0.5), 0.6),
    Vessel(
        "M3-temporal",
        ((44, -8, -4), (52, -20, -2), (62, -30, 0), (64, -44, 4), (54, -64, 8)),
        (0.9, 0.5),
        0.8,
    ),
    Vessel("M3-parietal", ((38, -26, 14), (48, -30, 28), (54, -34, 42), (42, -45, 56)), (0.9, 0.5), 0.9),
    Vessel(
        "M3-angular",
        ((38, -26, 14), (48, -34, 18), (58, -42, 22), (56, -52, 32), (46, -60, 44)),
        (0.9, 0.5),
        0.9,
    ),
    Vessel("A1", ((13, 2, -20), (7, 4, -18), (2.5, 9, -17)), (1.2, 1.1)),
    Vessel("A2", ((2.5, 9, -17), (2.5, 18, -10), (2.5, 30, -6), (2.5, 37, 3)), (1.2, 1.1), 0.2),
    Vessel(
        "A3-pericallosal",
        ((2.5, 37, 3), (2.5, 34, 14), (2.5, 22, 25), (2.5, 5, 33), (2.5, -15, 36), (2.5, -38, 34)),
        (1.0, 0.6),
        0.5,
    ),
    Vessel(
        "A3-callosomarginal",
        ((2.5, 37, 3), (3, 48, 14), (3, 42, 32), (3, 22, 42), (4, 5, 54), (5, -15, 64), (5, -32, 68)),
        (1.0, 0.5),
        0.6,
    ),
    Vessel("A3-frontopolar", ((2.5, 30, -6), (4, 50, -6), (5, 64, 0)), (0.8, 0.5), 0.5),
    Vessel("P1", ((0.5, -11, -19), (9, -12, -17), (15, -20, -15)), (1.2, 1.2), 0.1),
    Vessel("P2", ((15, -20, -15), (18, -30, -11), (14, -42, -5)), (1.2, 1.0), 0.3),
    Vessel("P3-calcarine", ((14, -42, -5), (12, -58, 2), (8, -72, 6), (7, -92, 6)), (0.9, 0.5), 0.8),
    Vessel(
        "P3-parietooccipital",
        ((14, -42, -5), (12, -60, 14), (10, -72, 26), (12, -80, 36)),
        (0.8, 0.5),
        0.8,
    ),
    Vessel("P3-temporal", ((18, -30, -11), (28, -42, -14), (38, -55, -14)), (0.8, 0.5), 0.7),
    Vessel(
        "basilar",
        ((3, -20, -60), (1, -15, -48), (0, -11, -36), (0, -10, -28), (0, -11, -19)),
        (1.6, 1.8),
        0.0,
        paired=False,
    ),
    Vessel(
        "SCA",
        ((1, -11, -21), (14, -22, -23), (20, -36, -20), (18, -55, -14), (12, -70, -16)),
        (0.8, 0.5),
        0.3,
    ),
    Vessel("AICA", ((0, -13, -34), (16, -22, -36), (35, -45, -40), (45, -60, -40)), (0.7, 0.5), 0.3),
    Vessel("PICA", ((3, -20, -56), (10, -40, -55), (14, -70, -48), (20, -80, -38)), (0.7, 0.5), 0.3),
)

_VEINS: Final[tuple[Vessel, ...]] = (
    Vessel(
        "transverse sinus",
        ((0, -100, -15), (14, -97, -18), (35, -86, -19), (50, -70, -22), (57, -56, -26)),
        (3.4, 3.2),
    ),
    Vessel("sigmoid sinus", ((57, -56, -26), (55, -44, -32), (48, -38, -42)), (3.2, 3.0)),
    Vessel(
        "straight sinus",
        ((0, -44, 6), (0, -60, 0), (0, -80, -9), (0, -100, -15)),
        (2.0, 2.4),
        paired=False,
    ),
    Vessel("internal cerebral vein", ((1.5, 0, 14), (1.5, -25, 16), (0, -40, 10), (0, -44, 6)), (1.0, 1.4)),
    Vessel("vein of Trolard", ((46, -12, 56), (32, -10, 72), (14, -12, 79), (1, -16, 80)), (1.0, 1.4)),
    Vessel("frontal vein", ((30, 36, 50), (16, 38, 58), (1, 36, 60)), (0.9, 1.2)),
    Vessel("parietal vein", ((38, -60, 54), (20, -62, 66), (1, -64, 66)), (0.9, 1.2)),
)

COMPANION_ARTERIES: Final = ("M1", "M1-distal", "M2-superior", "M2-inferior", "A2", "ICA")
"""Arteries accompanied by veins in cases with venous contamination."""


@lru_cache(maxsize=1)
def veins() -> tuple[Vessel, ...]:
    """Return the veins; the superior sagittal sinus follows the template's midline outline."""
    return (*_VEINS, _sagittal_sinus())


def _sagittal_sinus() -> Vessel:
    templates = load_templates()
    x0 = round(-templates.origin_mm[0])
    slab = templates.t1[x0 - 5 : x0 + 6].max(axis=0) > 40
    y, z = (index.astype(np.float64) for index in np.nonzero(slab))
    y, z = y + templates.origin_mm[1], z + templates.origin_mm[2]
    centre_y, centre_z = -18.0, 8.0
    angle = np.arctan2(z - centre_z, y - centre_y)
    radius = np.hypot(z - centre_z, y - centre_y)
    corners: list[tuple[float, float, float]] = []
    for at in np.radians(np.arange(-2.0, 192.0, 4.0)):
        near = np.abs((angle - at + np.pi) % (2 * np.pi) - np.pi) < np.radians(2.5)
        reach = float(radius[near].max()) + 1.5
        corners.append((0.0, centre_y + reach * float(np.cos(at)), centre_z + reach * float(np.sin(at))))
    corners.append((0.0, -100.0, -15.0))
    return Vessel("superior sagittal sinus", tuple(corners), (1.4, 4.0), paired=False)


def centre_line(vessel: Vessel, side: int, step_mm: float = 0.4) -> tuple[DoubleArray, DoubleArray]:
    """Return evenly spaced points along a vessel, and the radius at each.

    Parameters
    ----------
    vessel
        The vessel.
    side
        +1 for the right, −1 for the left (mirrored in x).
    step_mm
        Spacing in millimetres.

    Returns
    -------
    Points in MNI millimetres, shape ``(n_points, 3)``, and radii in millimetres, shape ``(n_points,)``.
    """
    corners = np.array(vessel.points, np.float64)
    corners[:, 0] *= side
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    at = np.arange(0.0, length[-1], step_mm) + step_mm / 2
    points = np.stack([np.interp(at, length, corners[:, axis]) for axis in range(3)], axis=1)
    return points, np.interp(at, [0.0, length[-1]], vessel.radius_mm)


def tube(
    points: DoubleArray, radius_mm: DoubleArray, blur_mm: float = 0.0, step_mm: float = 0.4
) -> tuple[DoubleArray, DoubleArray]:
    """Fill a tube around a centre line with points that carry its volume.

    Each centre point stands for a piece of cylinder; its volume is spread over a fixed, even cloud of
    points in a ball of 1.2 times the radius, which also blurs the wall a little. The resolution of the
    scanner spreads the same volume farther.

    Parameters
    ----------
    points
        Shape ``(n_points, 3)``, millimetres.
    radius_mm
        Shape ``(n_points,)``.
    blur_mm
        Radius over which a thin vessel is spread by the scanner.
    step_mm
        Spacing of the centre points.

    Returns
    -------
    Positions, shape ``(n_points * n_cloud, 3)``, and volumes in mm³, shape ``(n_points * n_cloud,)``.
    """
    cloud = _ball()
    spread = points[:, None, :] + 1.2 * np.hypot(radius_mm, blur_mm)[:, None, None] * cloud[None]
    volume = np.repeat(np.pi * radius_mm**2 * step_mm / len(cloud), len(cloud))
    return spread.reshape(-1, 3), volume


@lru_cache(maxsize=1)
def _ball(n: int = 48) -> DoubleArray:
    """Return evenly spread points in the unit ball (golden spiral)."""
    k = np.arange(n) + 0.5
    polar, turn = np.arccos(1 - 2 * k / n), np.pi * (1 + 5**0.5) * k
    radius = ((np.arange(n) * 0.618034) % 1.0) ** (1 / 3)
    unit = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], axis=1)
    return np.asarray(radius[:, None] * unit, np.float64)
