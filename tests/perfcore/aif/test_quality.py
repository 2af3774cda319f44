"""AIF quality: measures of curves that are known, what each finding is raised by, and the demonstrations."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.aif.quality import (
    GOOD_SENTENCE,
    MEASURED,
    SERIES_CAUSES,
    AifMeasures,
    AifQuality,
    CaseReference,
    assess,
    measure,
    negative_share,
)
from perfcore.phantom.cases import make_demonstration
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.pipeline import Analysis, analyse
from perfcore.quality_flags import FLAGS, make_flag
from perfcore.settings import Settings
from perfcore.types import Aif, DoubleArray

TIME_S = np.arange(60.0)
REFERENCE = CaseReference(dt_s=1.0, in_hu=True, tissue_arrival_s=18.0, tissue_peak=6.0)


def tent(start_s: float, peak_s: float, end_s: float, peak: float, plateau: float = 0.15) -> DoubleArray:
    """A curve of straight lines, with a plateau after its end."""
    return peak * np.interp(TIME_S, [start_s, peak_s, end_s, 60.0], [0.0, 1.0, plateau, plateau])


ARTERY, VEIN = tent(14, 22, 34, 200.0), tent(20, 28, 40, 200.0)


def judged(value: DoubleArray, vof: DoubleArray | None = VEIN, share: float | None = 0.0) -> AifQuality:
    return assess(measure(REFERENCE, value, vof, share))


def codes_of(quality: AifQuality) -> set[str]:
    return {flag.code for flag in quality.flags}


def test_measures_of_straight_lines_are_those_of_the_drawing() -> None:
    found = measure(REFERENCE, ARTERY, VEIN, 0.02)
    rise, fall = 8.0, 12.0 / 0.85  # of the whole peak, seconds
    assert found.delay_after_tissue_s == pytest.approx(14 + 0.2 * rise - 18, abs=1e-5)
    assert found.lead_over_vof_s == pytest.approx(6.0, abs=1e-5)
    assert found.width_s == pytest.approx(0.5 * (rise + fall), abs=1e-5)
    assert (found.before_bolus, found.lowest, found.negative_tmax) == (0.0, 0.0, 0.02)
    assert found.second_peak == pytest.approx(0.0, abs=1e-12)
    assert found.peak_over_tissue == pytest.approx(200 / 6)
    assert found.tail == found.vof_tail == pytest.approx(0.15)
    assert found.peak_over_vof == pytest.approx(1.0)
    assert found.area_over_vof == pytest.approx(ARTERY.sum() / VEIN.sum())
    assert found.peak_hu == 200.0
    assert judged(ARTERY).verdict == "good"
    assert judged(ARTERY).sentence == judged(ARTERY).cause == GOOD_SENTENCE


@given(shift_s=st.floats(-8, 8), factor=st.floats(0.1, 10))
def test_a_shift_moves_the_times_and_a_factor_the_heights(shift_s: float, factor: float) -> None:
    own, moved = (measure(REFERENCE, value, VEIN) for value in (ARTERY, factor * ARTERY))
    for field in fields(AifMeasures):
        before, after = getattr(own, field.name), getattr(moved, field.name)
        expected = factor * before if field.name in {"peak_hu", "peak_over_tissue", "area_over_vof", "peak_over_vof"} else before  # fmt: skip # noqa: E501
        assert after == pytest.approx(expected, rel=1e-5, abs=1e-9), field.name
    late = measure(replace(REFERENCE, tissue_arrival_s=18 - shift_s), ARTERY, VEIN)
    assert late.delay_after_tissue_s == pytest.approx(own.delay_after_tissue_s + shift_s)


@pytest.mark.parametrize(
    ("value", "verdict", "code"),
    [
        (VEIN, "bad", "aif_late"),
        (edit_curve(ARTERY, 1.0, CurveEdit(shift_s=3.0)), "bad", "aif_late"),
        (edit_curve(ARTERY, 1.0, CurveEdit(shift_s=-10.0)), "bad", "aif_late"),
        (0.5 * ARTERY, "doubtful", "aif_vof_area"),
        (np.where(TIME_S <= 26, ARTERY, 0.0), "doubtful", "aif_truncated"),
        (np.maximum.accumulate(ARTERY), "bad", "aif_truncated"),
        (ARTERY + 50, "bad", "aif_before_bolus"),
        (ARTERY - 30, "doubtful", "aif_negative"),
        (ARTERY + tent(38, 44, 50, 130, 0.0), "bad", "aif_second_peak"),
        (6 * tent(14, 22, 34, 1.0), "bad", "aif_low"),
        (np.where(TIME_S == 20, 200.0, 0.0), "bad", "aif_width"),
        (0.02 * ARTERY, "bad", "aif_weak"),
    ],
)  # fmt: skip
def test_each_fault_has_its_finding(value: DoubleArray, verdict: str, code: str) -> None:
    quality = judged(value)
    assert quality.verdict == verdict
    assert code in codes_of(quality)
    flag = next(flag for flag in quality.flags if flag.code == code)
    assert flag.label == FLAGS[code].label
    assert flag.sentence.endswith(".")
    assert "−" in flag.sentence or "-" not in flag.sentence.replace("-", "", flag.sentence.count("rCBF"))


def test_contrast_before_the_bolus_with_a_second_hump_is_bad() -> None:
    early = ARTERY + 45 * np.exp(-0.5 * ((TIME_S - 5) / 3) ** 2) - np.where(TIME_S > 50, 40, 0)
    quality = judged(early)
    assert quality.verdict == "bad"
    assert {"aif_before_bolus", "aif_second_peak"} <= codes_of(quality)


def test_a_measured_curve_with_some_negative_samples_is_good() -> None:
    noise = np.random.default_rng(3).normal(0, 2.0, TIME_S.size)
    measured = ARTERY + noise
    assert (measured < 0).sum() > 3
    assert judged(measured).verdict == "good"


def test_a_faint_vein_is_no_measure_and_a_truncated_one_gives_no_area() -> None:
    faint = measure(REFERENCE, ARTERY, 0.3 * VEIN)
    assert (faint.area_over_vof, faint.peak_over_vof, faint.lead_over_vof_s) == (None, None, None)
    cut = measure(REFERENCE, ARTERY, np.maximum.accumulate(VEIN))
    assert cut.area_over_vof is None
    assert "vof_truncated" in codes_of(assess(cut))
    alone = measure(REFERENCE, ARTERY)
    assert alone.vof_tail is None and assess(alone).verdict == "good"


def test_a_curve_without_bolus_has_no_measures_and_a_scan_without_rest_none_before_it() -> None:
    assert measure(REFERENCE, -ARTERY) == AifMeasures()
    assert measure(replace(REFERENCE, tissue_arrival_s=5.0), ARTERY).before_bolus is None
    assert measure(replace(REFERENCE, in_hu=False), ARTERY).peak_hu is None


def test_tmax_below_zero_is_counted_among_the_voxels_that_have_one() -> None:
    tmax = np.array([-1, 2, np.nan, 4, -0.5], np.float32)
    assert negative_share(tmax) == 0.5
    assert negative_share(np.full(3, np.nan, np.float32)) is None
    assert judged(ARTERY, share=0.4).verdict == "bad"
    assert judged(ARTERY, share=0.1).reason.check.code == "tmax_negative"


def test_every_measure_has_a_check_with_its_source() -> None:
    for name, check in MEASURED.items():
        assert check.source and check.remedy, name
        assert check.possible[0] <= check.normal[0] < check.normal[1] <= check.possible[1], name


@cache
def analysed(name: str, source: str) -> Analysis:
    made = make_demonstration(name)
    if source == "truth":
        return analyse(made.series, Aif(made.truth.aif.time_s, made.truth.aif.value, "truth"))
    return analyse(made.series)


@pytest.mark.parametrize("name", DEMONSTRATIONS)
def test_the_true_curve_of_a_demonstration_is_no_alarm(name: str) -> None:
    assert analysed(name, "truth").aif_quality.verdict == "good"


@pytest.mark.parametrize(
    ("name", "verdict", "code"),
    [
        ("m1-occlusion", "good", None),
        ("truncated", "doubtful", "vof_truncated"),
        ("distal-aif", "bad", "aif_late"),
    ],
)
def test_the_selected_curve_of_a_demonstration(name: str, verdict: str, code: str | None) -> None:
    analysis = analysed(name, "straka")
    reason = analysis.aif_quality.reason
    assert analysis.aif_quality.verdict == verdict
    assert code == (None if reason is None else reason.check.code)
    if reason is not None:
        assert reason.sentence in {flag.sentence for flag in analysis.quality}
        assert len({flag.code for flag in analysis.quality}) == len(analysis.quality)


def test_a_causal_deconvolution_has_no_tmax_below_zero_to_count() -> None:
    made = make_demonstration("m1-occlusion")
    causal = analyse(made.series, settings=replace(Settings(), deconvolution="causal"))
    assert causal.aif_quality.measures.negative_tmax is None


@pytest.mark.parametrize("code", SERIES_CAUSES)
def test_no_curve_of_a_doubtful_series_is_good(code: str) -> None:
    doubts = (make_flag(code, "Said with figures."),)
    good = assess(measure(REFERENCE, ARTERY, VEIN, 0.0), doubts)
    assert (good.verdict, good.reason, good.flags) == ("doubtful", None, ())
    assert (good.cause, good.sentence) == (SERIES_CAUSES[code], "Said with figures.")
    bad = assess(measure(REFERENCE, VEIN, VEIN, 0.0), doubts)
    assert bad.verdict == "bad"
    assert bad.sentence == judged(VEIN).sentence, "a worse cause comes first"
