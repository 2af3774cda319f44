"""Figures of a stroke report, against counts and published rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfcore.pipeline import analyse
from perfcore.stroke_figures import (
    affected_side,
    has_large_core,
    has_target_mismatch,
    has_target_ratio,
    hypoperfusion_index,
    tmax_volumes,
)
from tests.support.synthetic_head import draw_head


def test_volumes_count_what_is_strictly_above_each_level() -> None:
    tmax = np.array([[-3, 4, 4.01, 6], [6.5, 8.5, 10, 10.5], [np.nan, np.inf, 3, 12]], np.float32)
    assert tmax_volumes(tmax, 0.5) == {"4": 4.0, "6": 3.0, "8": 2.5, "10": 1.5}


def test_the_hypoperfusion_index_is_the_severe_share() -> None:
    assert hypoperfusion_index({"4": 90.0, "6": 40.0, "8": 20.0, "10": 10.0}) == 0.25
    assert hypoperfusion_index({"4": 5.0, "6": 0.0, "8": 0.0, "10": 0.0}) is None


@pytest.mark.parametrize(
    ("core", "hypoperfused", "large", "ratio", "target"),
    [
        (70.0, 200.0, True, True, False),
        (69.9, 200.0, False, True, True),
        (10.0, 18.0, False, True, False),  # 8 ml of mismatch are too few
        (18.75, 33.75, False, True, True),  # all three limits at once
        (18.76, 33.75, False, False, False),
        (0.0, 0.0, False, False, False),
        (0.0, 15.0, False, True, True),
    ],
)
def test_target_mismatch_is_that_of_the_trial(
    core: float, hypoperfused: float, large: bool, ratio: bool, target: bool
) -> None:
    assert has_large_core(core) == large
    assert has_target_ratio(core, hypoperfused) == ratio
    assert has_target_mismatch(core, hypoperfused) == target


@pytest.mark.parametrize(
    ("n_right", "n_left", "voxel_ml", "side"),
    [
        (6, 0, 1.0, "right"),
        (0, 6, 1.0, "left"),
        (4, 2, 1.0, "right"),
        (2, 4, 1.0, "left"),
        (5, 3, 1.0, None),  # less than two thirds
        (4, 4, 1.0, None),
        (6, 0, 0.49, None),  # less than 3 ml
        (6, 0, 0.5, "right"),
        (0, 0, 1.0, None),
    ],
)
def test_the_side_holds_two_thirds_of_a_lesion(
    n_right: int, n_left: int, voxel_ml: float, side: str | None
) -> None:
    right = np.arange(20) < 10
    lesion = np.zeros(20, bool)
    lesion[:n_right] = lesion[10 : 10 + n_left] = True
    assert affected_side(lesion, right, voxel_ml) == side


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("flip_x", [False, True])
def test_the_side_of_an_analysis_is_the_patients_in_either_orientation(side: str, flip_x: bool) -> None:
    series = draw_head(64, 3, 45, side=side, flip_x=flip_x).series
    found = analyse(replace(series, lesion=None), device="cpu")
    assert found.numbers.side == side
    right = found.prepared.right_hemisphere()
    x = series.affine[0, 0] * np.arange(64) + series.affine[0, 3]
    assert right[x > 20].sum() == found.prepared.mask[x > 20].sum()
    assert not right[x < -20].any()
