"""Tests of the network input: interpolation on lines, and cells against loops over voxels."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfcore.aif.network.grid_input import (
    CELL_MM,
    FRAME_S,
    GRID_SIDE,
    HEALTHY_PEAK_HU,
    N_FRAMES,
    PEAK_WEIGHT_EXPONENT,
    TISSUE_ARRIVAL_S,
    FrameMapping,
    assign_cells,
    make_grid_input,
    voxel_weights,
)
from perfcore.aif.select.candidates import healthy_curve
from perfcore.aif.select.features import bolus_features
from perfcore.preprocess import Prepared, prepare
from perfcore.settings import Settings
from tests.support.synthetic_head import draw_head

FRAMES_S = FRAME_S * np.arange(N_FRAMES)


def prepared_head(n=64, n_slices=2, n_time=44, dt_s=1.0, **more) -> Prepared:
    return prepare(draw_head(n, n_slices, n_time, dt_s, **more).series, Settings())


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepared_head()


def moved(prepared: Prepared, frames: int) -> Prepared:
    """Delay the enhancement by whole frames; the first frame is repeated."""
    data = np.roll(prepared.enhancement, frames, axis=3)
    data[..., :frames] = prepared.enhancement[..., :1]
    return replace(prepared, enhancement=data)


# Time


@settings(max_examples=60, deadline=None)
@given(n_time=st.integers(2, 150), dt_s=st.floats(0.3, 3), start_s=st.floats(-30, 40))
def test_interpolation_is_exact_on_lines_and_constant_beyond_ends(n_time, dt_s, start_s):
    frame_mapping = FrameMapping(n_time, dt_s, start_s)
    series_s = dt_s * np.arange(n_time)
    network_s = start_s + FRAMES_S
    for matrix, own, wanted in (
        (frame_mapping.to_network, series_s, network_s),
        (frame_mapping.from_network, network_s, series_s),
    ):
        assert matrix.shape == (len(wanted), len(own))
        line = 3.0 + 0.7 * own
        expected = 3.0 + 0.7 * np.clip(wanted, own[0], own[-1])
        np.testing.assert_allclose(matrix.astype(float) @ line, expected, rtol=0, atol=1e-4 * (1 + abs(own).max()))
        assert (matrix >= 0).all()
        np.testing.assert_allclose(matrix.sum(1), 1, rtol=0, atol=1e-6)
        assert ((matrix > 0).sum(1) <= 2).all()


def test_integer_frame_shift_copies_frames():
    frame_mapping = FrameMapping(44, 1.0, -3.0)
    to = frame_mapping.to_network
    assert (to[:4, 0] == 1).all()  # before the series: its first frame
    assert [int(row.argmax()) for row in to] == [int(np.clip(k - 3, 0, 43)) for k in range(64)]
    assert np.isin(to, (0, 1)).all()
    back = frame_mapping.from_network @ to
    np.testing.assert_array_equal(back, np.eye(44))


@pytest.mark.parametrize(("dt_s", "n_time"), [(0.5, 90), (1.0, 44), (2.0, 26)])
def test_healthy_tissue_arrives_at_fixed_network_time(dt_s, n_time):
    prepared = prepared_head(48, 1, n_time, dt_s)
    grid_input = make_grid_input(prepared)
    seen = grid_input.frame_mapping.to_network @ healthy_curve(prepared)
    assert float(bolus_features(seen[None]).arrival[0]) * FRAME_S == pytest.approx(
        TISSUE_ARRIVAL_S, abs=0.25 * dt_s
    )
    assert grid_input.volume().shape == (N_FRAMES, GRID_SIDE, GRID_SIDE, 1)


@pytest.mark.parametrize("frames", [2, 7])
def test_grid_input_is_invariant_to_time_shift(prepared, frames):
    one, other = make_grid_input(prepared), make_grid_input(moved(prepared, frames))
    assert other.frame_mapping.start_s - one.frame_mapping.start_s == pytest.approx(
        frames * prepared.dt_s, abs=1e-4
    )
    np.testing.assert_array_equal(one.cell, other.cell)
    # Frames in both series: without the end lost by the delay and without the repeated start.
    common = (FRAMES_S + one.frame_mapping.start_s >= 0) & (FRAMES_S + one.frame_mapping.start_s <= 43 - frames)
    assert common.sum() > 30
    np.testing.assert_allclose(other.volume()[common], one.volume()[common], rtol=0, atol=2e-3)


def test_long_series_is_truncated_and_its_end_repeated():
    prepared = prepared_head(48, 1, 90)
    grid_input = make_grid_input(prepared)
    assert -1.5 < grid_input.frame_mapping.start_s < 0.5
    last = grid_input.frame_mapping.start_s + FRAMES_S[-1]
    volume = grid_input.volume().reshape(N_FRAMES, -1)[:, grid_input.cell]
    for frame in (10, 40, 63):
        at = grid_input.frame_mapping.start_s + FRAMES_S[frame]
        low = int(at)
        expected = (1 - at + low) * grid_input.curves[:, low] + (at - low) * grid_input.curves[:, low + 1]
        np.testing.assert_allclose(volume[frame], expected, rtol=0, atol=1e-3)
    curve = np.arange(64.0)
    back = grid_input.frame_mapping.from_network @ curve
    assert (np.diff(back[1:60]) > 0).all()
    assert (back[int(np.ceil(last)) :] == 63).all()


def test_concentration_is_scaled_to_healthy_hu_peak(prepared):
    """In any unit, healthy tissue has the HU peak of phantoms, and vessels have the same weights as in HU."""
    assert prepared.in_hu
    assert make_grid_input(prepared).hu_factor == 1
    for unit in (2.0**-10, 2.0**10):
        given = replace(
            prepared, enhancement=prepared.enhancement * np.float32(unit), tmip=prepared.tmip * np.float32(unit),
            baseline=np.zeros_like(prepared.baseline), units="concentration",
        )  # fmt: skip
        assert not given.in_hu
        hu_factor = HEALTHY_PEAK_HU / float(healthy_curve(given).max())
        grid_input = make_grid_input(given)
        assert grid_input.hu_factor == pytest.approx(hu_factor)
        hu = replace(
            given, enhancement=given.enhancement * np.float32(hu_factor), tmip=given.tmip * np.float32(hu_factor),
            baseline=prepared.baseline, units="hu",
        )  # fmt: skip
        np.testing.assert_allclose(grid_input.curves, make_grid_input(hu).curves, rtol=1e-4, atol=1e-3)


# Cells


def cells_by_hand(prepared: Prepared) -> dict[tuple[int, int, int], list[tuple[int, int, int]]]:
    """Voxels of each cell, by a loop over voxels."""
    hull = prepared.mask if prepared.hull is None else prepared.hull | prepared.mask
    brain = np.argwhere(prepared.mask)
    middle = (brain.min(0) + brain.max(0)) / 2
    cells = defaultdict(list)
    for voxel in np.argwhere(hull):
        at = [GRID_SIDE / 2 + (voxel[a] - middle[a]) * prepared.spacing_mm[a] / CELL_MM for a in (0, 1)]
        cell = int(np.floor(at[0])), int(np.floor(at[1])), int(voxel[2])
        if 0 <= cell[0] < GRID_SIDE and 0 <= cell[1] < GRID_SIDE:
            cells[cell].append(tuple(int(v) for v in voxel))
    return cells


@pytest.mark.parametrize("n_slices", [1, 2, 5])
@pytest.mark.parametrize("spacing", [None, (1.1, 2.7, 5.0), (9.0, 7.0, 9.0)], ids=["own", "fine", "beyond"])
def test_cells_contain_their_voxels(n_slices, spacing):
    prepared = prepared_head(48, n_slices)
    prepared = replace(prepared, spacing_mm=spacing or prepared.spacing_mm)
    by_hand = cells_by_hand(prepared)
    n_region = int((prepared.hull | prepared.mask).sum())
    if spacing is not None and spacing[0] > 4:
        assert sum(map(len, by_hand.values())) < 0.9 * n_region
    grid_input = make_grid_input(prepared)
    assert grid_input.shape == (GRID_SIDE, GRID_SIDE, n_slices)
    where = list(zip(*np.unravel_index(grid_input.cell, grid_input.shape), strict=True))
    assert set(where) == set(by_hand)
    assert (np.diff(grid_input.cell) > 0).all()
    assert int(grid_input.inside.sum()) == len(by_hand)
    for cell, curve in zip(where[::7], grid_input.curves[::7], strict=True):
        voxels = by_hand[tuple(int(c) for c in cell)]
        heights = np.array([max(float(prepared.tmip[v]), 1.0) for v in voxels]) ** 4
        expected = sum(h * prepared.enhancement[v].astype(float) for h, v in zip(heights, voxels, strict=True))
        np.testing.assert_allclose(curve, expected / heights.sum(), rtol=2e-5, atol=2e-4)


def test_assign_cells_matches_reference_loop(prepared):
    voxel, cell, shape = assign_cells(prepared)
    by_hand = {np.ravel_multi_index(at, shape): held for at, held in cells_by_hand(prepared).items()}
    pairs = {(int(v), int(c)) for v, c in zip(voxel, cell, strict=True)}
    assert pairs == {
        (int(np.ravel_multi_index(v, prepared.grid)), int(c)) for c, held in by_hand.items() for v in held
    }
    assert len(voxel) == len(pairs)


def test_vessel_dominates_its_cell(prepared):
    """Four times the peak: 256 times the weight."""
    assert PEAK_WEIGHT_EXPONENT == 4
    tmip = np.full(prepared.grid, 50, np.float32)
    tmip[3, 4, 0], tmip[5, 6, 0] = 200, -30
    at = np.array([np.ravel_multi_index(v, prepared.grid) for v in ((0, 0, 0), (3, 4, 0), (5, 6, 0))])
    weight = voxel_weights(replace(prepared, tmip=tmip), at)
    assert weight[1] / weight[0] == pytest.approx(256)
    assert 0 < weight[2] < 1e-6 * weight[0]


def test_empty_cells_are_zero(prepared):
    grid_input = make_grid_input(prepared)
    volume = grid_input.volume()
    assert 0 < grid_input.inside.sum() < grid_input.inside.size
    assert (volume[:, ~grid_input.inside] == 0).all()
    assert np.abs(volume[:, grid_input.inside]).max(0).min() > 0


def test_mask_is_used_without_hull(prepared):
    grid_input = make_grid_input(replace(prepared, hull=None))
    assert set(grid_input.cell) <= set(make_grid_input(prepared).cell)
    assert set(grid_input.cell) == {
        np.ravel_multi_index(at, grid_input.shape) for at in cells_by_hand(replace(prepared, hull=None))
    }
