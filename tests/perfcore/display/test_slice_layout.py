"""Slice layout: radiological for every direction of the voxel axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from perfcore.display.slice_layout import Layout

AXES = {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}
"""World axes (0: right, 1: anterior, 2: superior) across and down the slices, and along their stack."""


@pytest.mark.parametrize("plane", list(AXES))
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
@pytest.mark.parametrize("swap", [False, True])
def test_layout_is_radiological_for_any_orientation(plane: str, signs: tuple[int, ...], swap: bool) -> None:
    across, down, along = AXES[plane]
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    order = (down, across, along) if swap else (across, down, along)
    for voxel_axis, (world_axis, sign, mm) in enumerate(zip(order, signs, (1.5, 2.0, 5.0), strict=True)):
        affine[world_axis, voxel_axis] = sign * mm
    i, j = np.meshgrid(np.arange(4), np.arange(6), indexing="ij")
    world = affine[:3, 0, None, None] * i + affine[:3, 1, None, None] * j
    layout = Layout.of(affine)
    columns, rows = layout.apply(world[across]), layout.apply(world[down])
    assert (np.diff(columns, axis=1) < 0).all(), "right (or anterior) is on the left"
    assert (np.diff(rows, axis=0) < 0).all(), "anterior (or superior) is up"
    assert layout.marks == (("A", "P") if plane == "sagittal" else ("R", "L"))


def test_oblique_slices_have_the_layout_of_the_nearest_plane() -> None:
    turn = np.deg2rad(20.0)
    tilted = np.eye(4)
    tilted[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    assert Layout.of(tilted) == Layout.of(np.eye(4))
