"""Tests of frame timing: unchanged images, interpolation and warnings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfcore.errors import InputDataError
from perfcore.io.frame_timing import FramePlan, plan_by_time, plan_in_order
from perfcore.quality_flags import make_flag

GRID_TOLERANCE = 1.5 * np.arange(20)


def grid(plan: FramePlan, times: list[np.ndarray]) -> np.ndarray:
    """Times of the frames, obtained by interpolating the acquisition times themselves."""
    found = [plan.frames(own[None], z)[0] for z, own in enumerate(times)]
    return np.stack(found)


def test_evenly_spaced_times_are_unchanged() -> None:
    plan = plan_by_time([GRID_TOLERANCE + 40_000.25] * 3)
    assert (plan.dt_s, plan.n_time, plan.even, plan.warnings) == (1.5, 20, True, ())
    np.testing.assert_array_equal(plan.left, np.tile(np.arange(20), (3, 1)))
    assert not plan.weight.any()


@pytest.mark.parametrize("dt", [0.02, 1 / 3, 2.8, 60.0])
def test_the_time_step(dt: float) -> None:
    plan = plan_by_time([dt * np.arange(30) + 7])
    assert plan.dt_s == pytest.approx(dt, rel=1e-5)
    assert plan.even


def test_jitter_below_5_percent_of_a_step_is_ignored() -> None:
    jitter = np.random.default_rng(0).uniform(-0.03, 0.03, (4, 20))
    plan = plan_by_time(list(GRID_TOLERANCE + jitter))
    assert plan.even
    assert plan.n_time == 20
    assert plan.warnings == ()
    assert plan.dt_s == pytest.approx(1.5, rel=2e-3)


def test_shuttle_mode_is_interpolated_over_the_common_time() -> None:
    times = [GRID_TOLERANCE, GRID_TOLERANCE, GRID_TOLERANCE + 0.75, GRID_TOLERANCE + 0.75]
    plan = plan_by_time(times)
    assert not plan.even
    assert plan.dt_s == 1.5
    found = grid(plan, times)
    np.testing.assert_allclose(found, np.tile(found[0], (4, 1)), atol=1e-5)
    assert found.min() >= 0.75
    assert found.max() <= GRID_TOLERANCE[-1]
    assert plan.n_time == 19
    (note,) = plan.warnings
    assert "different times within a frame" in note.sentence
    assert "resampled linearly to an even step of 1.5 s" in note.sentence


def test_sequential_slices_are_interpolated() -> None:
    times = [GRID_TOLERANCE + delay for delay in np.linspace(0, 1.2, 8)]
    found = grid(plan_by_time(times), times)
    np.testing.assert_allclose(found, np.tile(found[0], (8, 1)), atol=1e-5)


def test_uneven_times_are_resampled_to_the_median_step() -> None:
    times = np.concatenate([np.arange(30), 30 + 3.0 * np.arange(6)])
    plan = plan_by_time([times])
    assert plan.dt_s == 1
    assert plan.n_time == 46
    np.testing.assert_allclose(grid(plan, [times])[0], np.arange(46), atol=1e-5)
    sentence = (
        "The times of the frames are uneven (1 to 3 s); each curve was resampled linearly to an even step of 1 s."
    )
    assert plan.warnings == (make_flag("frames_resampled", sentence),)


def test_a_missing_image_is_interpolated() -> None:
    short = np.delete(GRID_TOLERANCE, [4, 5])
    plan = plan_by_time([GRID_TOLERANCE, short, GRID_TOLERANCE])
    assert plan.even
    np.testing.assert_allclose(grid(plan, [GRID_TOLERANCE, short, GRID_TOLERANCE])[1], GRID_TOLERANCE, atol=1e-5)
    sentence = "Images missing within the series were filled linearly in time (2 of them)."
    assert plan.warnings == (make_flag("frames_filled", sentence),)
    assert (plan.weight > 0).sum() == 2


@pytest.mark.parametrize(("kept", "n_left_out"), [(slice(0, 18), 2), (slice(1, 20), 1), (slice(2, 19), 3)])
def test_incomplete_frames_at_the_ends_are_dropped(kept: slice, n_left_out: int) -> None:
    plan = plan_by_time([GRID_TOLERANCE, GRID_TOLERANCE[kept]])
    np.testing.assert_array_equal(
        grid(plan, [GRID_TOLERANCE, GRID_TOLERANCE[kept]])[0], GRID_TOLERANCE[kept].astype(np.float32)
    )
    sentence = f"Incomplete frames at the ends of the series were left out ({n_left_out} images)."
    assert plan.warnings == (make_flag("images_left_out", sentence),)


@pytest.mark.parametrize("dt", [1.5, 1.7, 2.5])
def test_times_in_whole_seconds(dt: float) -> None:
    times = np.floor(0.3 + dt * np.arange(30))
    plan = plan_by_time([times] * 2)
    assert plan.n_time == 30
    assert plan.even
    assert plan.dt_s == pytest.approx(dt, rel=0.01)
    assert not plan.weight.any()
    (note,) = plan.warnings
    assert "whole seconds" in note.sentence


def test_uneven_whole_seconds_are_resampled() -> None:
    times = np.concatenate([np.arange(20.0), 20 + 2.0 * np.arange(10)])
    assert "uneven" in plan_by_time([times]).warnings[0].sentence


@pytest.mark.parametrize(
    ("times", "part"),
    [
        ([0.01 * np.arange(20)], "are 0.01 s apart; expected 0.02 to 60 s"),
        ([100.0 * np.arange(20)], "are 100 s apart"),
        ([GRID_TOLERANCE, GRID_TOLERANCE + 100], "were not acquired during the same time"),
        ([GRID_TOLERANCE, GRID_TOLERANCE + 28.5], "were not acquired during the same time"),
        ([np.append(GRID_TOLERANCE, 3000.0)], "leave gaps"),
    ],
)
def test_bad_times_are_refused(times: list[np.ndarray], part: str) -> None:
    with pytest.raises(InputDataError, match=part) as caught:
        plan_by_time(times)
    assert str(caught.value).endswith(".")


def test_resampling_plan_is_ordered() -> None:
    plan = plan_in_order([12, 14, 12], 2.0)
    assert (plan.dt_s, plan.n_time, plan.even) == (2.0, 12, True)
    sentence = "Incomplete frames at the ends of the series were left out (2 images)."
    assert plan.warnings == (make_flag("images_left_out", sentence),)
    assert plan_in_order([12, 12], 2.0).warnings == ()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.floats(0.01, 40), min_size=2, max_size=15), min_size=1, max_size=4),
    st.lists(st.floats(0, 20), min_size=4, max_size=4),
)
def test_resampled_frames_lie_between_their_images(steps: list[list[float]], starts: list[float]) -> None:
    times = [start + np.cumsum(own) for start, own in zip(starts, steps, strict=False)]
    try:
        plan = plan_by_time(times)
    except InputDataError:
        return
    assert plan.dt_s > 0
    assert plan.left.shape == plan.right.shape == plan.weight.shape == (len(times), plan.n_time)
    assert (plan.weight >= 0).all()
    assert (plan.weight < 1).all()
    for z, own in enumerate(times):
        assert (plan.left[z] >= 0).all()
        assert (plan.right[z] < own.size).all()
        assert (plan.right[z] - plan.left[z] <= 1).all()
    found = grid(plan, times)
    slack = 0.05 * float(np.median(np.concatenate([np.diff(own) for own in times]))) + 0.6
    assert (np.abs(found - found[0]) <= 2 * slack).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.3, 5), min_size=12, max_size=30), st.integers(0, 99))
def test_resampling_keeps_linear_curves(steps: list[float], seed: int) -> None:
    times = 5 + np.cumsum(steps)
    try:
        plan = plan_by_time([times])
    except InputDataError:
        return
    slopes = np.random.default_rng(seed).normal(size=(3, 1))
    np.testing.assert_allclose(plan.frames(slopes * times, 0), slopes * grid(plan, [times]), rtol=1e-4, atol=1e-4)
