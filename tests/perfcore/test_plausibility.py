"""Plausibility checks: every fault is named by its cause, and no sound case is flagged."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from perfcore import plausibility
from perfcore.errors import InputDataError
from perfcore.phantom.cases import make_case, make_demonstration
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.pipeline import Analysis, analyse, find_curve, make_maps, tile
from perfcore.plausibility import CHECKS, doubts, judge, judge_all, refuse_modality
from perfcore.preprocess import Prepared, prepare
from perfcore.quality_flags import FLAGS, codes, doubtful_first, make_flag
from perfcore.result_checks import aif_measures, result_measures
from perfcore.settings import Settings
from perfcore.types import Aif, PerfusionSeries, SeriesUnits

Array = NDArray[np.float32]
TRULY_SHORT = {"truncated", "low-cardiac-output"}
"""Confounders whose scan may truly end too early."""


@pytest.fixture(scope="module")
def small() -> PerfusionSeries:
    """Four slices of a demonstration with pixels of 1.8 mm: contrast reaches the arteries after 13 s."""
    data = make_demonstration("m1-occlusion").series.data
    x, y, _, t = data.shape
    means = data.reshape(x // 2, 2, y // 2, 2, -1, t).mean((1, 3))[:, :, 2:6]
    return PerfusionSeries(means.round().astype(np.float32), np.diag([1.8, 1.8, 8.0, 1.0]), 1.0)


@pytest.fixture(scope="module")
def prepared(small: PerfusionSeries) -> Prepared:
    return prepare(small, Settings())


@pytest.fixture(scope="module")
def reference(small: PerfusionSeries, prepared: Prepared) -> Analysis:
    return analyse(small, prepared=prepared)


def changed(
    series: PerfusionSeries, data: Array, units: SeriesUnits = "hu", mask: NDArray[np.bool_] | None = None
) -> PerfusionSeries:
    return replace(series, data=np.asarray(data, np.float32), units=units, mask=mask)


def enhancement(series: PerfusionSeries) -> Array:
    return series.data - series.data[..., :5].mean(axis=-1, keepdims=True)


def doubtful(flags: object) -> list[str]:
    return [flag.code for flag in flags if flag.severity == "doubtful"]  # type: ignore[attr-defined]


# The registry


def test_every_check_has_ranges_a_cause_a_remedy_and_a_source() -> None:
    for code, check in CHECKS.items():
        assert check.code == code
        assert check.possible[0] <= check.normal[0] < check.normal[1] <= check.possible[1], code
        assert check.remedy and check.source
        assert check.high or np.isinf(check.normal[1]), code
        assert check.low or check.normal[0] in (0.0, -np.inf), code


def test_every_check_that_can_be_doubtful_has_a_flag() -> None:
    wanted = {code for code, check in CHECKS.items() if check.can_be_doubtful}
    assert {code for code, info in FLAGS.items() if info.severity == "doubtful"} == wanted


def test_a_value_is_normal_doubtful_or_refused() -> None:
    assert judge("scan_ends_early", 0.5) is None
    flag = judge("scan_ends_early", 0.85)
    assert flag is not None
    assert flag.severity == "doubtful"
    assert "the contrast has passed through the tissue" in flag.sentence
    assert "85 %, expected at most 80 %" in flag.sentence
    with pytest.raises(InputDataError, match=r"^The scan ends before the contrast has passed"):
        judge("scan_ends_early", 0.95)
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(InputDataError):
            judge("cbf_implausible", value)


def test_a_curve_that_is_being_edited_is_never_refused() -> None:
    measures = [("cbf_implausible", 6000.0), ("mtt_implausible", 8.0), ("cbv_implausible", np.nan)]
    assert codes(doubts(measures)) == ["cbf_implausible", "cbv_implausible"]


def test_measures_after_a_refused_one_are_not_taken() -> None:
    def measures():  # type: ignore[no-untyped-def]
        yield "cbf_implausible", -1.0
        pytest.fail("measured in vain")

    with pytest.raises(InputDataError, match="next to no flow"):
        judge_all(measures())


def test_doubtful_flags_come_first() -> None:
    note, warning, doubt = (make_flag(code, code) for code in ("time_step", "motion", "half_head"))
    assert doubtful_first([note, warning, doubt, warning]) == (doubt, note, warning)


# Units of the series


def _subtracted(s: PerfusionSeries) -> PerfusionSeries:
    return changed(s, enhancement(s))


def _outline(s: PerfusionSeries) -> PerfusionSeries:
    return changed(s, enhancement(s), "concentration")


def _eight_bit(s: PerfusionSeries) -> PerfusionSeries:
    return changed(s, (s.data.clip(0, 80) / 80 * 255).round())


def _inverted(s: PerfusionSeries) -> PerfusionSeries:
    return changed(s, s.data - 2 * enhancement(s))


def _mr(s: PerfusionSeries) -> PerfusionSeries:
    return changed(s, mr_signal(s))


FAULTS = {
    "baseline subtracted": (_subtracted, "The baseline was subtracted from this series already"),
    "no outline": (_outline, "A series of enhancement does not show where the brain ends.*give a brain mask"),
    "stored numbers": (lambda s: changed(s, s.data + 1024), "1024 above Hounsfield units"),
    "8 bit": (_eight_bit, "windowed 8-bit picture"),
    "cut off": (lambda s: changed(s, s.data.clip(-1024, 100)), "cut off at a maximum that the vessels reach"),
    "inverted": (_inverted, "The enhancement falls where it must rise.*multiply the series by −1"),
    "MR": (_mr, "This is an MR series, not CT.*--units dsc"),
    "first frame at half the peak": (
        lambda s: changed(s, s.data[..., 16:]),
        "The first frame already holds contr",
    ),
    "first frame at the peak": (lambda s: changed(s, s.data[..., 20:]), "The first frame already holds contrast"),
    "first frame after the peak": (
        lambda s: changed(s, s.data[..., 24:]),
        "The first frame already holds contrast",
    ),
    "20 s": (
        lambda s: changed(s, s.data[..., :20]),
        "The scan ends before the contrast has passed through the tiss",
    ),
    "28 s": (
        lambda s: changed(s, s.data[..., :28]),
        "The scan ends before the contrast has passed through the tiss",
    ),
    "mask in air": (
        lambda s: changed(s, s.data, mask=np.roll(prepare(s, Settings()).mask, 25, axis=0)),
        "The brain mask covers air",
    ),
    "mask with the skull": (
        lambda s: changed(s, s.data, mask=s.data.mean(3) > -200),
        "The brain mask covers bone",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_grave_fault_is_refused_with_its_cause_and_a_remedy(small: PerfusionSeries, fault: str) -> None:
    spoil, sentence = FAULTS[fault]
    with pytest.raises(InputDataError) as refused:
        prepare(spoil(small), Settings())
    text = str(refused.value)
    assert re.match(sentence, text) or re.search(sentence, text), text
    assert "; " in text and text.endswith(".")


def test_a_scan_that_begins_just_before_the_contrast_is_right(small: PerfusionSeries, reference: Analysis) -> None:
    found = analyse(changed(small, small.data[..., 11:]))
    assert doubtful(found.quality) == []
    assert found.numbers.core_ml == pytest.approx(reference.numbers.core_ml, abs=2)
    assert found.numbers.hypoperfused_ml == pytest.approx(reference.numbers.hypoperfused_ml, abs=4)


def test_a_scan_that_begins_with_the_contrast_is_doubtful(small: PerfusionSeries, reference: Analysis) -> None:
    found = analyse(changed(small, small.data[..., 13:]))
    assert found.quality[0].code == "contrast_at_start"
    assert found.quality[0].sentence.startswith("The first frame already holds contrast")
    assert found.numbers.core_ml == pytest.approx(reference.numbers.core_ml, abs=2)


def test_a_scan_that_ends_after_the_tissue_has_peaked_is_right(
    small: PerfusionSeries, reference: Analysis
) -> None:
    found = analyse(changed(small, small.data[..., :36]))
    assert doubtful(found.quality) == []
    assert found.numbers.core_ml == pytest.approx(reference.numbers.core_ml, abs=2)


def test_half_a_head_is_doubtful(small: PerfusionSeries) -> None:
    half = small.data.copy()
    half[:64] = -1000
    assert doubtful(prepare(changed(small, half), Settings()).warnings) == ["half_head"]
    cut = prepare(changed(small, small.data[64:]), Settings())
    assert doubtful(cut.warnings) == ["head_cut", "half_head"]
    assert doubtful(prepare(changed(small, small.data[34:]), Settings()).warnings) == ["head_cut"]


def test_harmless_differences_are_not_flagged(
    small: PerfusionSeries, prepared: Prepared, reference: Analysis
) -> None:
    for series in (
        changed(small, small.data.clip(0)),  # air at 0
        changed(small, np.where((small.data.mean(3) > -200)[..., None], small.data, 0)),  # no background
        changed(small, enhancement(small), "concentration", prepared.mask),
        changed(small, np.where(prepared.mask[..., None], enhancement(small), 0), "concentration"),
        changed(small, small.data, mask=prepared.mask),
    ):
        found = analyse(series)
        assert doubtful(found.quality) == []
        assert found.numbers.core_ml == pytest.approx(reference.numbers.core_ml, abs=2)
        assert found.numbers.hypoperfused_ml == pytest.approx(reference.numbers.hypoperfused_ml, abs=4)


# MR signal


def mr_signal(series: PerfusionSeries, k: float = 0.012) -> Array:
    """Return the signal of the same head in an MR scanner: S = S0 exp(−k c)."""
    c, base = enhancement(series), series.data[..., :5].mean(axis=-1)
    brain = prepare(series, Settings()).mask
    s0 = np.select([base < -200, base > 150, base < 15, brain], [3.0, 60.0, 1200.0, 600.0], 400.0)
    return np.where((base < -200)[..., None], 3.0, s0[..., None] * np.exp(-k * c)).astype(np.float32)


def test_mr_signal_gives_the_maps_of_its_concentration(small: PerfusionSeries, prepared: Prepared) -> None:
    k = 0.012
    signal = analyse(changed(small, mr_signal(small, k), "dsc", prepared.mask))
    base = small.data[..., : signal.prepared.n_baseline].mean(axis=-1, keepdims=True)
    truth = analyse(changed(small, k * (small.data - base), "concentration", prepared.mask))
    for name in ("rcbf", "tmax", "ttp"):
        one, other = (maps.volume(name)[prepared.mask] for maps in (signal.maps, truth.maps))
        # Rounding of the logarithm in float32, but where two rows of k(t) are equally high.
        assert np.quantile(np.abs(one - other), 0.999) < 1e-3, name
    assert signal.numbers.core_ml == pytest.approx(truth.numbers.core_ml, abs=0.1)
    assert signal.numbers.hypoperfused_ml == pytest.approx(truth.numbers.hypoperfused_ml, abs=0.1)
    assert codes(signal.quality) == ["arbitrary_units"]
    assert signal.prepared.enhancement_unit == "−ln S/S₀"
    assert not signal.prepared.in_hu


def test_the_brain_is_found_in_the_mr_signal(small: PerfusionSeries, reference: Analysis) -> None:
    found = analyse(changed(small, mr_signal(small), "dsc"))
    mask, hu = found.prepared.mask, reference.prepared.mask
    assert 2 * (mask & hu).sum() / (mask.sum() + hu.sum()) > 0.95
    assert found.numbers.core_ml == pytest.approx(reference.numbers.core_ml, abs=3)
    assert found.numbers.hypoperfused_ml == pytest.approx(reference.numbers.hypoperfused_ml, abs=8)


def test_the_unit_of_the_mr_signal_does_not_matter(small: PerfusionSeries) -> None:
    one, other = (prepare(changed(small, f * mr_signal(small), "dsc"), Settings()) for f in (1.0, 0.01))
    np.testing.assert_array_equal(one.mask, other.mask)
    np.testing.assert_allclose(one.tissue, other.tissue, atol=1e-4)


def test_a_signal_that_vanishes_is_finite(small: PerfusionSeries, prepared: Prepared) -> None:
    signal = mr_signal(small)
    x, y, z = np.argwhere(prepared.mask)[1000]
    signal[x, y, z, 20:30] = 0
    signal[x, y, z, 25] = -4
    found = prepare(changed(small, signal, "dsc", prepared.mask), Settings())
    assert np.isfinite(found.enhancement).all()
    assert found.enhancement[x, y, z].max() == pytest.approx(np.log(50), abs=0.05)


@pytest.mark.parametrize(("modality", "units"), [("MR", "hu"), ("CT", "dsc")])
def test_another_modality_in_the_header_is_refused(modality: str, units: str) -> None:
    with pytest.raises(InputDataError, match=f"This is an? {modality} series by its header"):
        refuse_modality(modality, units)
    for other in (None, "", "PT"):
        refuse_modality(other, units)
    refuse_modality(modality, "dsc" if modality == "MR" else "hu")


# A given AIF, and the result


@pytest.fixture(scope="module")
def artery(reference: Analysis) -> Aif:
    return replace(reference.selection.aif, source_id="file", quality=())


@pytest.mark.parametrize("factor", [0.2, 1.0, 6.0])
def test_a_diluted_or_a_corrected_aif_is_not_flagged(
    small: PerfusionSeries, prepared: Prepared, artery: Aif, factor: float
) -> None:
    found = analyse(small, replace(artery, value=artery.value * factor), prepared=prepared)
    assert doubtful(found.quality) == []


def test_an_aif_in_other_units_is_refused(small: PerfusionSeries, prepared: Prepared, artery: Aif) -> None:
    for factor in (1 / artery.peak, 100.0):  # normalised to 1, and in hundredths
        given = replace(artery, value=artery.value * factor)
        with pytest.raises(InputDataError, match=r"^The AIF is in other units than the series"):
            analyse(small, given, prepared=prepared)
        edited = analyse(small, replace(given, source_id="edited"), prepared=prepared)
        assert edited.quality[0].code == "aif_units"
    millimolar = analyse(small, replace(artery, value=artery.value / 26), prepared=prepared)
    assert set(doubtful(millimolar.quality)) >= {"aif_units", "cbv_implausible"}
    large = analyse(small, replace(artery, value=artery.value * 30), prepared=prepared)
    assert doubtful(large.quality)[0] == "aif_units"


def test_an_aif_with_its_baseline_is_refused(small: PerfusionSeries, prepared: Prepared, artery: Aif) -> None:
    with pytest.raises(InputDataError, match=r"^The baseline of the AIF was not subtracted"):
        analyse(small, replace(artery, value=0.4 * artery.value + 40), prepared=prepared)
    tall = analyse(small, replace(artery, value=artery.value + 30), prepared=prepared)
    assert doubtful(tall.quality) == ["aif_baseline", "aif_before_bolus"]


@pytest.mark.parametrize("cbf", [0.05, 6000.0])
def test_a_flow_that_no_brain_has_is_refused(prepared: Prepared, artery: Aif, cbf: float) -> None:
    with pytest.raises(InputDataError, match=r"^Healthy tissue has (next to no|more) flow"):
        judge_all(result_measures(prepared, artery, cbf))


# False alarms

COHORT = [(31, k) for k in range(1, 24) if k not in (2, 3, 15)]  # of which three have 16 slices
NOISY = [(7002, 99), (7002, 118)]
"""Their noise is as high as their vessels are low: the baseline was two frames, and half the tissue a vessel."""
JOBS = [*(("demonstration", name) for name in DEMONSTRATIONS), *COHORT, *NOISY]


@pytest.mark.parametrize(("seed", "which"), JOBS)
def test_a_sound_case_is_not_flagged(seed: str | int, which: str | int) -> None:
    make = partial(make_demonstration, str(which)) if seed == "demonstration" else partial(make_case, seed, which)
    case = make()  # type: ignore[operator]
    found = prepare(case.series, Settings())
    expected = {"scan_ends_early"} if TRULY_SHORT & set(case.description["confounders"]) else set()
    assert set(doubtful(found.warnings)) <= expected
    tiles = tile(found)
    for method in ("auto", "cnn"):
        chosen = find_curve(found, method)
        for curve in (chosen.aif, chosen.corrected()):
            flow = make_maps(found, tiles, curve, Settings()).reference_cbf
            assert judge_all(result_measures(found, curve, flow)) == ()
        assert judge_all(aif_measures(found, chosen.aif)) == ()
    assert judge_all(aif_measures(found, case.truth.aif)) == ()


def test_the_registry_is_public() -> None:
    assert set(plausibility.__all__) >= {"CHECKS", "judge", "judge_all", "doubts"}
