"""The midplane under turned and shifted heads, and the later side."""

import numpy as np
import pytest
from nibabel.affines import apply_affine

from perfcore.preprocess.hemispheres import fit_midplane, later_side
from tests.support.synthetic_head import draw_head


def split_error(head, yaw_deg: float, shift_mm: float) -> float:
    """Fraction of the brain on the wrong side of the fitted plane."""
    affine = head.series.affine
    plane = fit_midplane(head.brain, affine)
    points = apply_affine(affine, np.argwhere(head.brain))
    turn = np.deg2rad(yaw_deg)
    true = np.cos(turn) * (points[:, 0] - shift_mm) + np.sin(turn) * points[:, 1] > 0
    return float((plane.right_of(head.brain, affine) != true).mean())


@pytest.mark.parametrize("yaw_deg", [0.0, 7.0, -15.0, 28.0])
@pytest.mark.parametrize("shift_mm", [0.0, 11.0])
def test_midplane_follows_head_rotation(yaw_deg: float, shift_mm: float) -> None:
    head = draw_head(n=96, yaw_deg=yaw_deg, shift_mm=shift_mm, noise=0)
    assert split_error(head, yaw_deg, shift_mm) < 0.02


def test_right_side_is_independent_of_voxel_orientation() -> None:
    for flip in (False, True):
        head = draw_head(flip_x=flip, noise=0)
        plane = fit_midplane(head.brain, head.series.affine)
        ends = np.zeros(head.brain.shape, bool)
        ends[[0, -1]] = True
        right = plane.right_of(ends, head.series.affine)
        np.testing.assert_array_equal(right, apply_affine(head.series.affine, np.argwhere(ends))[:, 0] > 0)
        assert plane.normal[0] > 0.99
        assert plane.overlap > 0.95


def test_midplane_of_a_tilted_head() -> None:
    n, lean = 64, np.deg2rad(8.0)
    x, y, z = np.meshgrid(*(np.arange(s) * 3.0 for s in (n, n, 30)), indexing="ij")
    x, y, z = x - 94.5, y - 94.5, z - 43.5
    across, up = np.cos(lean) * x + np.sin(lean) * z, -np.sin(lean) * x + np.cos(lean) * z
    mask = (across / 66) ** 2 + (y / 88) ** 2 + (up / 100) ** 2 < 1
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -94.5, -94.5, -43.5
    plane = fit_midplane(mask, affine)
    np.testing.assert_allclose(plane.normal, [np.cos(lean), 0, np.sin(lean)], atol=0.04)
    assert abs(plane.offset) < 1.5


def test_diseased_side_is_later_and_needs_enough_voxels() -> None:
    right = np.arange(200) < 100
    ttp = np.where(right, 20.0, 22.0).astype(np.float32)
    everywhere = np.ones(200, bool)
    assert later_side(ttp, right, everywhere) == "left"
    assert later_side(40 - ttp, right, everywhere) == "right"
    assert later_side(ttp, right, right | (np.arange(200) < 149)) is None
    assert later_side(ttp, right, right | (np.arange(200) < 150)) == "left"


def test_midplane_of_a_tiny_mask() -> None:
    mask = np.zeros((32, 32, 2), bool)
    mask[10:14, 20:22, 0] = True
    affine = np.diag([0.05, 0.05, 0.05, 1.0])
    plane = fit_midplane(mask, affine)
    assert np.isfinite([*plane.normal, plane.offset]).all()
