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


def kept(plan: FramePlan, z: int) -> dict[int, int]:
    """Frames of a slice that are its images, by the image's index."""
    return {int(plan.left[z, t]): t for t in range(plan.n_time) if plan.weight[z, t] == 0}


def test_shuttle_mode_keeps_the_images_of_both_positions() -> None:
    times = [GRID_TOLERANCE, GRID_TOLERANCE, GRID_TOLERANCE + 0.75, GRID_TOLERANCE + 0.75]
    plan = plan_by_time(times)
    assert not plan.even
    assert plan.dt_s == 0.75
    found = grid(plan, times)
    np.testing.assert_allclose(found, np.tile(found[0], (4, 1)), atol=1e-5)
    np.testing.assert_allclose(found[0], np.arange(0.75, 28.6, 0.75), atol=1e-5)
    assert list(kept(plan, 0)) == list(range(1, 20))
    assert list(kept(plan, 2)) == list(range(19))
    sentence = (
        "The slices were acquired at different times within a frame, as by a table that shuttles; each curve was "
        "resampled linearly to an even step of 0.75 s (76 of 152 images lie between measured ones)."
    )
    assert plan.warnings == (make_flag("frames_resampled", sentence),)


def test_a_shuttle_is_said_only_where_the_delay_repeats() -> None:
    drift = [GRID_TOLERANCE, GRID_TOLERANCE * 1.1]
    jitter = [GRID_TOLERANCE, GRID_TOLERANCE + np.random.default_rng(1).uniform(0, 0.9, 20)]
    for times in (drift, jitter):
        (note,) = plan_by_time(times).warnings
        assert note.sentence.startswith("The slices were acquired at different times; each curve")
    (note,) = plan_by_time([np.concatenate([GRID_TOLERANCE, 30 + 3.0 * np.arange(5)])] * 4).warnings
    assert note.sentence.startswith("The times of the frames are uneven (1.5 to 3 s); each curve")


def test_sequential_slices_are_interpolated() -> None:
    times = [GRID_TOLERANCE + delay for delay in np.linspace(0, 1.2, 8)]
    found = grid(plan_by_time(times), times)
    np.testing.assert_allclose(found, np.tile(found[0], (8, 1)), atol=1e-5)


UNEVEN: dict[str, tuple[np.ndarray, float]] = {
    "1 s, then 3 s": (np.concatenate([np.arange(30), 30 + 3.0 * np.arange(6)]), 1),
    "3 s, then 1 s, then 3 s": (
        np.concatenate([3.0 * np.arange(5), 15.0 + np.arange(30), 48.0 + 3.0 * np.arange(9)]),
        1,
    ),
    "mostly 3 s": (np.concatenate([np.arange(12), 12 + 3.0 * np.arange(40)]), 1),
    "1.5 s, then 2 s": (np.concatenate([1.5 * np.arange(21), 32 + 2.0 * np.arange(10)]), 0.5),
    "2 s, then 3 s": (np.concatenate([2.0 * np.arange(21), 43 + 3.0 * np.arange(10)]), 1),
    "1 s, then 2.8 s": (np.concatenate([np.arange(41), 42.8 + 2.8 * np.arange(10)]), 0.2),
    "1 s, then 15 s": (np.concatenate([np.arange(45), 59 + 15.0 * np.arange(5)]), 1),
    "of day, in milliseconds": (
        40_000.123 + np.concatenate([1.7 * np.arange(30), 54.4 + 3.4 * np.arange(9)]),
        1.7,
    ),
}


@pytest.mark.parametrize("name", UNEVEN)
def test_uneven_times_keep_all_measured_frames(name: str) -> None:
    times, step = UNEVEN[name]
    plan = plan_by_time([times])
    assert plan.dt_s == pytest.approx(step, rel=1e-5)
    assert not plan.even
    assert plan.n_time == round((times[-1] - times[0]) / step) + 1
    assert list(kept(plan, 0)) == list(range(times.size))
    np.testing.assert_allclose(grid(plan, [times])[0] - times[0], step * np.arange(plan.n_time), atol=0.02)
    steps = np.diff(times)
    sentence = (
        f"The times of the frames are uneven ({steps.min():.3g} to {steps.max():.3g} s); each curve was resampled "
        f"linearly to an even step of {step:g} s ({plan.n_time - times.size} of {plan.n_time} frames lie between "
        "measured ones)."
    )
    assert plan.warnings == (make_flag("frames_resampled", sentence),)


@pytest.mark.parametrize("missing", [[7], [7, 15], [3, 4, 16]])
@pytest.mark.parametrize("dt", [1.0, 1.5, 2.8])
def test_missing_frames_are_filled(missing: list[int], dt: float) -> None:
    whole = dt * np.arange(30) + 5
    times = np.delete(whole, missing)
    plan = plan_by_time([times])
    assert plan.even
    assert plan.dt_s == pytest.approx(dt)
    np.testing.assert_allclose(grid(plan, [times])[0], whole, atol=1e-5)
    assert list(kept(plan, 0)) == list(range(times.size))
    sentence = f"Images missing within the series were filled linearly in time ({len(missing)} of them)."
    assert plan.warnings == (make_flag("frames_filled", sentence),)


def test_one_image_that_came_too_early_does_not_set_the_step() -> None:
    times = np.sort(np.append(GRID_TOLERANCE, 7.6))
    plan = plan_by_time([times])
    assert plan.dt_s == pytest.approx(1.5, rel=1e-3)
    assert plan.n_time == 20
    assert len(kept(plan, 0)) == 20


def test_the_number_of_frames_is_bounded() -> None:
    times = np.concatenate([np.arange(200), 201.8 + 2.8 * np.arange(200)])
    plan = plan_by_time([times])
    assert plan.dt_s == 1, "0.2 s would be 3,800 frames"
    assert plan.n_time == 760
    for seed in range(20):
        random = np.cumsum(np.random.default_rng(seed).uniform(0.3, 9, 150))
        assert plan_by_time([random]).n_time < 10 * 150


def test_a_finer_grid_needs_room() -> None:
    times = np.concatenate([1.5 * np.arange(21), 32 + 2.0 * np.arange(10)])
    assert plan_by_time([times], max_frames=110).dt_s == 0.5
    plan = plan_by_time([times], max_frames=80)
    assert plan.dt_s == 1.5
    assert plan.n_time == 34
    np.testing.assert_allclose(grid(plan, [times])[0], 1.5 * np.arange(34), atol=1e-5)


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


@pytest.mark.parametrize("dt", [1.2, 1.5, 2.5])
def test_a_frame_missing_on_a_clock_of_whole_seconds(dt: float) -> None:
    whole = dt * np.arange(40)
    times = np.delete(np.floor(whole), 17)
    plan = plan_by_time([times])
    assert plan.dt_s == pytest.approx(dt, rel=0.01)
    assert plan.n_time == 40
    assert list(kept(plan, 0)) == list(range(39))
    np.testing.assert_allclose(plan.dt_s * np.array(list(kept(plan, 0).values())), np.delete(whole, 17), atol=0.6)
    assert [note.code for note in plan.warnings] == ["frames_filled", "frame_times"]


def test_whole_seconds_that_are_the_true_times() -> None:
    """A missing frame at a step of 1 s is not the rounding of a longer step."""
    for missing in ([20], [7, 30]):
        plan = plan_by_time([np.delete(np.arange(40.0), missing)])
        assert (plan.dt_s, plan.n_time) == (1, 40)
        assert [note.code for note in plan.warnings] == ["frames_filled"]
    uneven = np.concatenate([np.arange(20.0), 20 + 2.0 * np.arange(10)])
    (note,) = plan_by_time([uneven]).warnings
    assert "uneven (1 to 2 s)" in note.sentence


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


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([1, 1, 1, 2, 3]), min_size=12, max_size=40),
    st.sampled_from([0.5, 1.0, 1.37, 2.8]),
    st.floats(0, 86_400),
    st.integers(0, 999),
)
def test_every_measured_frame_is_kept_at_its_time(steps: list[int], dt: float, start: float, seed: int) -> None:
    """Protocols of several steps, missing frames and jitter of 2 %: kept within 5 % of the shortest step."""
    jitter = np.random.default_rng(seed).uniform(-0.02, 0.02, len(steps) + 1)
    times = start + dt * (np.concatenate([[0], np.cumsum(steps)]) + jitter)
    check_kept(times, 0.05)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(1, 1.9), min_size=12, max_size=40), st.floats(0, 100))
def test_frames_without_a_common_step_are_kept_near_their_times(steps: list[float], start: float) -> None:
    check_kept(start + np.cumsum(steps), 0.125)


def check_kept(times: np.ndarray, tolerance: float) -> None:
    """Check that each image is a frame, unchanged, within a fraction of the shortest step of its time."""
    plan = plan_by_time([times])
    frames = kept(plan, 0)
    assert sorted(frames) == list(range(times.size))
    values = np.random.default_rng(0).normal(size=(3, times.size)).astype(np.float32)
    np.testing.assert_array_equal(plan.frames(values, 0)[:, list(frames.values())], values)
    shortest = float(np.quantile(np.diff(times), 0.1, method="lower"))
    away = times - plan.dt_s * np.array(list(frames.values()))
    assert np.ptp(away) <= 2 * tolerance * shortest + 1e-3
