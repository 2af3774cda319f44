"""The pipeline from a case to maps, on a phantom with known truth."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

import perfcore.pipeline
from perfcore.errors import ArgumentError, DeviceError, InputDataError
from perfcore.maps import HEALTHY_TMAX_S
from perfcore.phantom.cases import PhantomCase, make_demonstration
from perfcore.pipeline import Analysis, analyse, healthy_mean, shift_flags
from perfcore.settings import Settings
from perfcore.types import Aif


@cache
def phantom() -> PhantomCase:
    return make_demonstration("m1-occlusion")


@cache
def result() -> Analysis:
    return analyse(phantom().series, phantom().truth.aif)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_core_and_hypoperfusion_match_phantom_truth() -> None:
    truth = phantom().truth
    assert overlap(result().maps.core, truth.core) > 0.7  # λ raises the flow of the core's slow tissue
    assert overlap(result().maps.hypoperfused, truth.core | truth.penumbra) > 0.9
    assert result().numbers.dice == pytest.approx(overlap(result().maps.core, truth.core), rel=1e-9)
    assert result().prepared.diseased_side == "left"


def test_automatic_aif_gives_the_same_lesion_as_true_aif() -> None:
    automatic = analyse(phantom().series)
    assert automatic.aif.source_id == "straka"
    assert automatic.vof is not None
    assert automatic.numbers.dice == pytest.approx(result().numbers.dice, abs=0.03)
    assert np.corrcoef(automatic.aif.value, phantom().truth.aif.value)[0, 1] > 0.97


def test_a_found_curve_has_the_area_of_its_vein_and_a_given_one_is_used_as_it_is() -> None:
    found, raw = (analyse(phantom().series, partial_volume=on, prepared=result().prepared) for on in (True, False))
    assert found.vof is not None
    assert (found.corrected, raw.corrected) == (True, False)
    assert found.selection.aif.area < 0.95 * found.vof.area
    assert found.aif.area == pytest.approx(found.vof.area, rel=1e-6)
    np.testing.assert_array_equal(raw.aif.value, found.selection.aif.value)
    ratio = found.aif.area / raw.aif.area
    assert raw.maps.reference_cbf == pytest.approx(ratio * found.maps.reference_cbf, rel=1e-5)
    np.testing.assert_array_equal(raw.maps.core, found.maps.core)
    np.testing.assert_array_equal(result().aif.value, phantom().truth.aif.value)
    assert result().quality == found.quality == ()


def test_cbv_cbf_and_tmax_match_truth_within_known_bias() -> None:
    maps, truth, prepared = result().maps, phantom().truth, result().prepared
    healthy = np.zeros(prepared.grid, bool)
    healthy.reshape(-1)[prepared.index[prepared.reference]] = True
    healthy &= truth.cbf > 15
    # The scan's end cuts off more of the tissue's tail than of the artery's, and smoothing mixes grey and white.
    assert np.median(maps.cbv[healthy]) == pytest.approx(np.median(truth.cbv[healthy]), rel=0.1)
    # With a bolus of 11 s Tikhonov at λ 0.3 reads 0.24 of the true flow at an MTT of 4 s, 0.28 at 4.8 s.
    assert 0.2 < np.median(maps.cbf[healthy] / truth.cbf[healthy]) < 0.3
    late = truth.penumbra & prepared.mask
    # It raises Tmax by 5.0 s at an MTT of 12 s.
    assert np.median(maps.tmax[late] - truth.delay_s[late]) == pytest.approx(5.0, abs=1.0)


def test_maps_are_finite_inside_mask_and_nan_outside() -> None:
    mask = result().prepared.mask
    for name in ("cbf", "rcbf", "cbv", "tmax", "ttp", "core_probability"):
        volume = getattr(result().maps, name)
        assert np.isfinite(volume[mask]).all(), name
        assert np.isnan(volume[~mask]).all(), name
    assert not (result().maps.core & ~mask).any()
    np.testing.assert_array_equal(result().maps.core, result().maps.rcbf < 0.38)
    np.testing.assert_allclose(
        result().maps.mtt[mask], 60 * result().maps.cbv[mask] / result().maps.cbf[mask], rtol=1e-5
    )


def test_aif_amplitude_scales_cbf_and_keeps_core() -> None:
    aif = phantom().truth.aif
    doubled = analyse(phantom().series, replace(aif, value=2 * aif.value))
    np.testing.assert_array_equal(doubled.maps.core, result().maps.core)
    np.testing.assert_allclose(doubled.maps.cbf, result().maps.cbf / 2, rtol=1e-5)
    np.testing.assert_allclose(doubled.maps.tmax, result().maps.tmax, atol=1e-3)


def test_brain_reference_and_vendor_preset() -> None:
    brain = analyse(phantom().series, phantom().truth.aif, Settings(reference="brain"))
    inside = brain.prepared.mask
    assert brain.maps.reference_cbf == pytest.approx(float(brain.maps.cbf[inside].mean(dtype=float)), rel=1e-5)
    assert brain.maps.reference_cbf < result().maps.reference_cbf, "the stroke lowers the brain's mean"
    vendor = analyse(phantom().series, phantom().truth.aif, Settings.preset("vendor"))
    np.testing.assert_array_equal(vendor.maps.core, vendor.maps.rcbf < 0.30)


def test_length_mismatch_and_unknown_device_raise() -> None:
    series = phantom().series
    short = Aif(series.time_s[:40], phantom().truth.aif.value[:40])
    with pytest.raises(ArgumentError, match="The AIF has 40 time points; the series has 60"):
        analyse(series, short)
    with pytest.raises(DeviceError, match="one of auto, cpu, cuda; got 'tpu'"):
        analyse(series, phantom().truth.aif, device="tpu")


def test_pipeline_doctest_runs() -> None:
    outcome = doctest.testmod(perfcore.pipeline)
    assert (outcome.failed, outcome.attempted > 2) == (0, True)


def test_prepared_case_gives_the_same_maps() -> None:
    again = analyse(phantom().series, phantom().truth.aif, prepared=result().prepared)
    np.testing.assert_array_equal(again.maps.cbf, result().maps.cbf)
    np.testing.assert_array_equal(again.maps.tmax, result().maps.tmax)
    assert again.numbers == result().numbers
    assert again.prepared is result().prepared


@pytest.mark.parametrize("cbf", [torch.inf, torch.nan, 0.0, -1.0])
def test_nonpositive_reference_cbf_raises(cbf: float) -> None:
    with pytest.raises(InputDataError, match="this AIF does not explain the tissue"):
        healthy_mean(torch.tensor([1.0, cbf]), torch.tensor([False, True]))


# Tmax counted from healthy tissue

HEALTHY = Settings(tmax_reference="healthy")


def moved(frames: int) -> Aif:
    """The true AIF, later by whole frames; it begins and ends in the baseline."""
    aif = phantom().truth.aif
    return replace(aif, value=np.interp(aif.time_s - frames, aif.time_s, aif.value, left=0.0))


@pytest.mark.parametrize("reference", ["contralateral", "brain"])
def test_tmax_of_the_healthy_region_has_the_named_median(reference: str) -> None:
    found = analyse(phantom().series, phantom().truth.aif, replace(HEALTHY, reference=reference))
    prepared = found.prepared
    healthy = found.maps.tmax.ravel()[prepared.index[prepared.reference]]
    assert np.nanmedian(healthy) == pytest.approx(HEALTHY_TMAX_S, abs=1e-3)
    absolute = analyse(phantom().series, phantom().truth.aif, Settings(reference=reference), prepared=prepared)
    np.testing.assert_allclose(found.maps.tmax, absolute.maps.tmax + found.maps.tmax_shift_s, rtol=0, atol=1e-5)
    assert absolute.maps.tmax_shift_s == 0
    np.testing.assert_array_equal(found.maps.hypoperfused, found.maps.tmax > 6)
    for name in ("cbf", "cbv", "mtt", "ttp"):
        np.testing.assert_array_equal(getattr(found.maps, name), getattr(absolute.maps, name), err_msg=name)


@pytest.mark.parametrize("frames", [-3, 3])
def test_a_shift_of_the_aif_moves_the_absolute_tmax_alone(frames: int) -> None:
    prepared = result().prepared
    absolute, healthy = (
        analyse(phantom().series, moved(frames), settings, prepared=prepared) for settings in (Settings(), HEALTHY)
    )
    still = analyse(phantom().series, phantom().truth.aif, HEALTHY, prepared=prepared)
    change = absolute.maps.tmax[prepared.mask] - result().maps.tmax[prepared.mask]
    # The shift changes the tail at the scan's end, and with it σ₁ and λ: Tmax moves by up to 0.15 s on top.
    assert np.median(change) == pytest.approx(-frames, abs=0.15)
    assert abs(absolute.numbers.hypoperfused_ml / result().numbers.hypoperfused_ml - 1) > 0.15
    assert healthy.numbers.hypoperfused_ml == pytest.approx(still.numbers.hypoperfused_ml, rel=0.02)
    assert healthy.numbers.mismatch_ml == pytest.approx(still.numbers.mismatch_ml, rel=0.03)
    assert healthy.maps.tmax_shift_s == pytest.approx(still.maps.tmax_shift_s + frames, abs=0.15)


def test_a_large_shift_of_tmax_is_flagged() -> None:
    def flags(frames: int, settings: Settings) -> dict[str, str]:
        found = analyse(phantom().series, moved(frames), settings, prepared=result().prepared)
        return {flag.code: flag.sentence for flag in found.quality}

    assert "tmax_shifted" not in flags(0, HEALTHY)
    assert "tmax_shifted" not in flags(3, Settings())
    assert re.search(r"shifted by \+2\.\d s .* 3\.5 s: the AIF is late\.", flags(3, HEALTHY)["tmax_shifted"])
    assert re.search(r"shifted by −3\.\d s .* healthy side is late", flags(-3, HEALTHY)["tmax_shifted"])
    assert [len(shift_flags(shift)) for shift in (-2.01, -2.0, 2.0, 2.01)] == [1, 0, 0, 1]
