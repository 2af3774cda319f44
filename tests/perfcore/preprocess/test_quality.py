"""Quality flags: each one appears for its cause and not otherwise."""

import numpy as np
import pytest

from perfcore.preprocess import prepare, quality
from perfcore.quality_flags import make_flag
from perfcore.settings import Settings
from perfcore.types import PerfusionSeries
from tests.support.synthetic_head import draw_head


@pytest.fixture(scope="module")
def calm():
    return draw_head(n=128)


def test_clean_series_has_no_flag(calm) -> None:
    assert prepare(calm.series, Settings()).warnings == ()


def test_too_few_baseline_frames_are_flagged() -> None:
    late, early = draw_head(arrival_s=12.0), draw_head(arrival_s=2.0)
    assert 8 <= prepare(late.series, Settings()).n_baseline <= 11
    flags = prepare(early.series, Settings()).warnings
    assert any("before the bolus" in flag.sentence for flag in flags)
    assert quality.baseline_flag(3) is None
    assert "one frame" in str(quality.baseline_flag(1))


def test_scan_that_ends_during_the_bolus_is_flagged_as_truncated(calm) -> None:
    cut = PerfusionSeries(calm.series.data[..., :24], calm.series.affine, 1.0)
    assert any("recommended" in flag.sentence for flag in prepare(cut, Settings()).warnings)


def test_flags_of_the_series_are_kept(calm) -> None:
    flag = make_flag("time_step", "The time step was 0.")
    series = PerfusionSeries(calm.series.data, calm.series.affine, 1.0, warnings=(flag,))
    assert prepare(series, Settings()).warnings[0] == flag


def test_motion_flag_counts_frames() -> None:
    assert quality.motion_flag(np.array([0.0, 0.4, 1.0])) is None
    assert "up to 2.5 mm in the plane (1 frame by" in str(quality.motion_flag(np.array([0.0, 2.5, 0.9])))
    assert "(2 frames by" in str(quality.motion_flag(np.array([1.1, 2.5, 0.9])))
