"""Arrival of contrast and the frames before it."""

import numpy as np
import pytest

from perfcore.preprocess.baseline import (
    arrival_frames,
    baseline_frames,
    brightest_curves,
    curve_noise,
    first_arrival,
)
from tests.support.synthetic_head import bolus, draw_head


def arrival_frame(curve: np.ndarray) -> int:
    return int(arrival_frames(curve[None])[0])


@pytest.mark.parametrize("onset", [1, 4, 9, 20])
def test_bolus_arrival_at_known_onset(onset: int) -> None:
    curve = np.zeros(50)
    curve[onset + 1 :] = 10.0  # frame ``onset`` is the last at rest
    assert arrival_frame(curve) == onset + 1


def test_bolus_arrival_is_zero_for_a_curve_that_starts_enhanced() -> None:
    assert arrival_frame(np.r_[0.0, np.full(30, 10.0)]) == 0
    assert arrival_frame(np.zeros(30)) == 0


@pytest.mark.parametrize("dt_s", [0.5, 1.0, 2.0])
def test_bolus_arrival_is_the_ten_percent_crossing(dt_s: float) -> None:
    time = np.arange(60) * dt_s
    curve = 40 + 100 * bolus(time, 8.0)
    frame = arrival_frame(curve)
    assert curve[frame] > 50 >= curve[frame - 1]


def test_bolus_arrival_ignores_two_noisy_frames() -> None:
    curve = np.zeros(40)
    curve[5:7] = 30
    curve[20:] = 100
    assert arrival_frame(curve) == 20


def test_baseline_is_robust_to_one_low_frame() -> None:
    curve = np.zeros(40)
    curve[0] = -500
    curve[20:] = 100
    assert arrival_frame(curve) == 20


@pytest.mark.parametrize(("arrival", "frames"), [(0, 1), (1, 1), (2, 2), (4, 2), (5, 2), (6, 3), (12, 9)])
def test_baseline_margin_is_three_frames_if_two_remain(arrival: int, frames: int) -> None:
    assert baseline_frames(arrival) == frames


def test_brightest_curves_are_vessels() -> None:
    head = draw_head()
    curves = brightest_curves(head.series.data, head.brain)
    mean = curves.mean(axis=0)
    assert len(curves) >= 0.004 * head.brain.sum()
    assert np.corrcoef(mean, head.vof)[0, 1] > 0.98
    assert np.ptp(mean) > 0.8 * head.vof.max()
    assert mean[:10].std() < 1.5


@pytest.mark.parametrize("noise", [1.0, 10.0, 30.0])
def test_bolus_arrival_is_robust_to_noise(noise: float) -> None:
    head = draw_head(noise=noise)
    frame = first_arrival(brightest_curves(head.series.data, head.brain), 1.0)
    assert head.arrival_s <= frame <= head.arrival_s + 5


def test_bolus_arrival_follows_arteries_among_veins() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(50.0)
    arteries, veins = (200 * bolus(time, start) for start in (10.0, 16.0))
    curves = np.stack([arteries] * 15 + [veins] * 85) + 3 * rng.standard_normal((100, 50))
    frame = first_arrival(curves.astype(np.float32), 1.0)
    assert frame in {11, 12}
    assert arrival_frame(curves.mean(axis=0)) > frame


def test_noise_does_not_make_bolus_arrival_earlier() -> None:
    rng = np.random.default_rng(1)
    curves = 20 * bolus(np.arange(50.0), 15.0) + 10 * rng.standard_normal((200, 50))
    assert first_arrival(curves.astype(np.float32), 1.0) == arrival_frame(curves.mean(axis=0)) >= 15


@pytest.mark.parametrize("seed", range(4))
def test_bolus_arrival_is_robust_to_noise_that_frames_share(seed: int) -> None:
    """Frames resampled from every third second share their noise: neighbours differ little."""
    rng = np.random.default_rng(seed)
    time = np.arange(50.0)
    shared = rng.normal(0, 5, (200, 18))
    noise = np.stack([np.interp(time, np.arange(18) * 3.0, row) for row in shared])
    height = np.r_[np.full(20, 130.0), np.full(180, 60.0)]
    curves = 40 + height[:, None] * bolus(time, 12.0) + noise
    assert first_arrival(curves.astype(np.float32), 1.0) in {11, 12, 13, 14}


@pytest.mark.parametrize("dt_s", [0.5, 1.0, 3.0])
def test_noise_of_a_curve_is_its_standard_deviation(dt_s: float) -> None:
    rng = np.random.default_rng(0)
    curves = rng.normal(20, 7, (500, 60)).astype(np.float32)
    assert np.median(curve_noise(curves, dt_s)) == pytest.approx(7, rel=0.06)
