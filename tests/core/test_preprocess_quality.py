"""Quality flags: each one appears for its cause and not otherwise."""

import numpy as np
import pytest
from scipy import ndimage
from synthetic_head import draw_head

from perfcore.preprocess import prepare, quality
from perfcore.settings import Settings
from perfcore.types import PerfusionSeries


def shifted(series: PerfusionSeries, mm: float, frames: slice) -> PerfusionSeries:
    data = series.data.copy()
    for t in range(*frames.indices(series.n_time)):
        data[..., t] = ndimage.shift(data[..., t], (mm / series.spacing_mm[0], 0, 0), order=1, mode="nearest")
    return PerfusionSeries(data, series.affine, series.dt_s)


@pytest.fixture(scope="module")
def calm():
    return draw_head(n=128)


def test_a_calm_series_has_no_flag(calm) -> None:
    assert prepare(calm.series, Settings()).warnings == ()


@pytest.mark.parametrize("mm", [1.5, 4.0])
def test_a_shifted_frame_is_seen(calm, mm: float) -> None:
    moved = shifted(calm.series, mm, slice(20, 24))
    shifts = quality.frame_shifts_mm(moved.data, 9, moved.spacing_mm)
    assert (shifts[20:24] > 1.0).all()
    assert (np.delete(shifts, range(20, 24)) < 0.5).all()
    flags = prepare(moved, Settings()).warnings
    assert [flag for flag in flags if "moves" in flag and "4 frames" in flag]


def test_small_shifts_are_measured_to_a_tenth_of_a_millimetre(calm) -> None:
    moved = shifted(calm.series, 0.8, slice(20, 21))
    assert quality.frame_shifts_mm(moved.data, 9, moved.spacing_mm)[20] == pytest.approx(0.8, abs=0.15)


def test_too_few_baseline_frames() -> None:
    late, early = draw_head(arrival_s=12.0), draw_head(arrival_s=2.0)
    assert prepare(late.series, Settings()).n_baseline == 11 or prepare(late.series, Settings()).n_baseline >= 8
    flags = prepare(early.series, Settings()).warnings
    assert any("before the bolus" in flag for flag in flags)
    assert quality.baseline_flag(3) is None
    assert "one frame" in (quality.baseline_flag(1) or "")


def test_a_scan_that_ends_in_the_bolus_is_truncated(calm) -> None:
    cut = PerfusionSeries(calm.series.data[..., :19], calm.series.affine, 1.0)
    assert any("recommended" in flag for flag in prepare(cut, Settings()).warnings)


def test_flags_of_the_series_are_kept(calm) -> None:
    series = PerfusionSeries(calm.series.data, calm.series.affine, 1.0, warnings=("The time step was 0.",))
    assert prepare(series, Settings()).warnings[0] == "The time step was 0."
