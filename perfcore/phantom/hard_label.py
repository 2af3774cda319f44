"""Lesion as another scan shows it hours later: displaced, grown or shrunk, with a border of its own.

In patients the label is drawn on diffusion-weighted MRI (ISLES 2018), not on the perfusion scan. The sizes of the
differences were chosen on seed 7 so that the true input function reaches the Dice that is published on patients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import ndimage

from perfcore.phantom.anatomy import Head
from perfcore.phantom.recipe import Recipe
from perfcore.phantom.stroke import STEP_MM, Stroke, at_voxels, ball, smooth_field, voxel_positions
from perfcore.types import BoolArray, FloatArray

REPERFUSED: Final = 0.25
"""Probability that the artery has opened before the second scan."""
REGISTRATION_MM: Final = 3.0
"""Root mean square of the displacement between the scans."""
BORDER_MM: Final = 3.0
"""Standard deviation of the border's position."""
GROWTH_MM: Final = (0.0, 12.0)
REVERSAL_MM: Final = (0.0, 8.0)
"""Ranges by which the border moves outward without reperfusion, and inward with it."""
FALSE_ML: Final = 3.0
"""Mean volume of lesion that the perfusion scan does not show."""


@dataclass(frozen=True, eq=False)
class HardLabel:
    """The lesion on the other scan, shape ``(nx, ny, nz)``, and whether the artery had opened before it."""

    lesion: BoolArray
    reperfused: bool


def make_hard_label(recipe: Recipe, head: Head, stroke: Stroke | None, emboli: FloatArray | None) -> HardLabel:
    """Draw the lesion of the other scan; two scans of a patient share it. Without a stroke it is empty.

    ``emboli`` are small infarcts elsewhere (:func:`perfcore.phantom.findings.emboli_field`), None for none.
    """
    if stroke is None:
        return HardLabel(np.zeros(head.gm.shape, bool), reperfused=False)
    rng = np.random.default_rng([*recipe.patient_seed, 5])
    reperfused = bool(rng.random() < REPERFUSED)
    moved = -rng.uniform(*REVERSAL_MM) if reperfused else rng.uniform(*GROWTH_MM)
    shift = rng.normal(0.0, REGISTRATION_MM / np.sqrt(3.0), 3).astype(np.float32)
    at_risk = stroke.hypoperfused > 0
    inside = _distance_inside((stroke.core > 0) & at_risk) + smooth_field(rng, 2.0, BORDER_MM) + np.float32(moved)
    inside = np.where(at_risk, inside, np.minimum(inside, stroke.hypoperfused))
    places = np.argwhere(at_risk & (stroke.core <= 0))
    if len(places):
        centre = voxel_positions(places[rng.integers(len(places))])
        inside = np.maximum(inside, ball(centre, FALSE_ML * rng.uniform(0.0, 2.0), inside.shape))
    if emboli is not None:
        inside = np.maximum(inside, emboli)
    there = at_voxels(inside.astype(np.float32), head.mni_mm + shift[:, None, None, None])
    return HardLabel((there > 0) & (head.gm + head.wm >= 0.5), reperfused)


def _distance_inside(mask: BoolArray) -> FloatArray:
    """Return the signed distance to the border of a mask on the 3 mm grid, mm, positive inside."""
    if not mask.any():
        return np.full(mask.shape, -99.0, np.float32)
    inner, outer = (ndimage.distance_transform_edt(part, sampling=STEP_MM) for part in (mask, ~mask))
    return np.asarray(np.where(mask, inner - STEP_MM / 2, STEP_MM / 2 - outer), np.float32)
