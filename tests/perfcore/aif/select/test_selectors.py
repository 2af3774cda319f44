"""Tests of the classical selectors on a synthetic head, with and without an artery."""

import dataclasses

import numpy as np
import pytest

from perfcore.aif.select import BEST, SELECTORS, is_fallback, select
from perfcore.aif.select.selection import Selection
from perfcore.errors import ArgumentError, InputDataError, NoArteryError
from perfcore.preprocess import Prepared, prepare
from perfcore.quality_flags import codes
from perfcore.settings import Settings
from perfcore.types import PerfusionSeries
from tests.support.synthetic_head import Head, draw_head

METHODS = list(SELECTORS)


@pytest.fixture(scope="module")
def head() -> Head:
    return draw_head(n=128)


@pytest.fixture(scope="module")
def prepared(head: Head) -> Prepared:
    return prepare(head.series, Settings())


@pytest.fixture(scope="module")
def selections(prepared: Prepared) -> dict[str, Selection]:
    return {name: select(prepared, name) for name in METHODS}


def correlation(a, b) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_selector_ids() -> None:
    assert {"straka", "peruzzo", "mouridsen", "murase"} == set(SELECTORS)
    assert BEST in SELECTORS


@pytest.mark.parametrize("method", METHODS)
def test_selects_artery_not_vein(method: str, head, prepared, selections) -> None:
    chosen = selections[method]
    x, y, z = np.array(chosen.aif.voxels).T
    assert head.artery[x, y, z].mean() > 0.7
    assert not head.vein[x, y, z].any()
    assert correlation(chosen.aif.value, head.aif) > 0.99
    assert chosen.aif.source_id == method
    assert codes(chosen.aif.quality) == ["aif_truncated"], "a gamma variate alone has no recirculation"


@pytest.mark.parametrize("method", METHODS)
def test_aif_is_unsmoothed_mean_of_its_voxels(method: str, head, prepared, selections) -> None:
    aif = selections[method].aif
    x, y, z = np.array(aif.voxels).T
    np.testing.assert_allclose(aif.value, prepared.enhancement[x, y, z].mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(aif.time_s, prepared.time_s)
    assert len(set(aif.voxels)) == len(aif.voxels)
    assert aif.peak > 0.8 * head.aif.max()


@pytest.mark.parametrize("method", METHODS)
def test_vein_peaks_after_artery(method: str, head, selections) -> None:
    chosen = selections[method]
    assert chosen.vof is not None
    assert chosen.vof.peak_time_s >= chosen.aif.peak_time_s + 2
    assert correlation(chosen.vof.value, head.vof) > 0.99
    assert not set(chosen.vof.voxels) & set(chosen.aif.voxels)
    assert "vein peaks" in chosen.why
    n = len(chosen.aif.voxels)
    assert chosen.why.startswith("One voxel:" if n == 1 else f"{n} voxels:")


@pytest.mark.parametrize("method", METHODS)
def test_selection_is_deterministic(method: str, prepared, selections) -> None:
    assert select(prepared, method).aif.voxels == selections[method].aif.voxels


@pytest.mark.parametrize("method", METHODS)
def test_selection_is_scale_invariant(method: str, head, prepared, selections) -> None:
    values = np.where(prepared.hull[..., None], prepared.enhancement, 0)
    some = [
        select(
            prepare(
                PerfusionSeries(values * f, head.series.affine, 1.0, units="concentration", mask=prepared.hull),
                Settings(),
            ),
            method,
        )
        for f in (1.0, 2.0**-10)
    ]
    assert some[0].aif.voxels == some[1].aif.voxels
    assert correlation(some[0].aif.value, head.aif) > 0.99


def test_auto_is_best_selector(prepared, selections) -> None:
    assert select(prepared).aif.voxels == selections[BEST].aif.voxels
    assert select(prepared, "auto").aif.source_id == BEST


def test_unknown_selector_raises(prepared) -> None:
    with pytest.raises(ArgumentError, match=f"{', '.join(SELECTORS)}; got 'magic'"):
        select(prepared, "magic")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("noise", [3.0, 10.0])
def test_slab_without_artery_raises(method: str, noise: float) -> None:
    bare = prepare(draw_head(n=128, vessels=False, noise=noise).series, Settings())
    advice = r"^No artery was found: .* \(--aif FILE\.csv\) or click voxels"
    with pytest.raises(NoArteryError, match=advice) as caught:
        select(bare, method)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, InputDataError)


@pytest.fixture(scope="module")
def thin_vessels() -> Prepared:
    """Thin, noisy vessels: fuzzy clusters mix them with tissue, but neighbouring voxels still stand out."""
    head = draw_head(n=128, noise=4.0)
    data = head.series.data
    still = data[..., :8].mean(axis=3, keepdims=True)
    for vessel, share in ((head.artery, 0.3), (head.vein, 0.1)):
        data = np.where(vessel[..., None], still + share * (data - still), data)
    return prepare(dataclasses.replace(head.series, data=data), Settings())


def test_a_selector_without_a_curve_falls_back_to_the_default_and_says_so(thin_vessels: Prepared) -> None:
    with pytest.raises(NoArteryError):
        SELECTORS["murase"].function(thin_vessels)
    found, default = select(thin_vessels, "murase"), select(thin_vessels)
    np.testing.assert_array_equal(found.aif.value, default.aif.value)
    assert found.aif.source_id == BEST
    added = [flag for flag in found.aif.quality if flag not in default.aif.quality]
    assert [flag.code for flag in added] == ["aif_fallback"]
    assert added[0].sentence == "Murase found no artery; the curve is that of Straka."
    assert found.why == f"{added[0].sentence} {default.why}"
    assert found.partial_volume == default.partial_volume
    assert (is_fallback(found.aif), is_fallback(default.aif)) == (True, False)
    assert select(thin_vessels, "mouridsen").aif.source_id == "mouridsen", "its own curve, where it has one"


def test_where_the_default_finds_nothing_either_the_selectors_own_error_stays(
    thin_vessels: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_prepared: Prepared) -> Selection:
        raise NoArteryError("Nothing by the default.")

    monkeypatch.setitem(SELECTORS, BEST, dataclasses.replace(SELECTORS[BEST], function=nothing))
    with pytest.raises(NoArteryError, match="no group of voxels enhances"):
        select(thin_vessels, "murase")
    with pytest.raises(NoArteryError, match="by the default"):
        select(thin_vessels)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_pure_noise_raises(seed: int, method: str) -> None:
    still = draw_head(n=96, scale=0.0, noise=8.0, seed=seed)
    with pytest.raises(NoArteryError):
        select(prepare(still.series, Settings()), method)


@pytest.mark.parametrize("dt_s", [0.5, 1.0, 2.0, 3.0])
def test_time_steps(dt_s: float) -> None:
    head = draw_head(n=96, n_time=int(60 / dt_s), dt_s=dt_s)
    chosen = select(prepare(head.series, Settings()))
    assert correlation(chosen.aif.value, head.aif) > 0.97
    assert chosen.vof is not None
    assert chosen.vof.peak_time_s > chosen.aif.peak_time_s


def test_two_thin_slices() -> None:
    head = draw_head(n=128, n_slices=2, noise=6.0)
    assert correlation(select(prepare(head.series, Settings())).aif.value, head.aif) > 0.98


def test_weak_artery_is_selected_and_flagged() -> None:
    head = draw_head(n=128, scale=0.04, noise=0.4)  # a peak of 13 HU
    chosen = select(prepare(head.series, Settings()), "straka")
    assert correlation(chosen.aif.value, head.aif) > 0.95
    assert any("weak" in flag.sentence and "13 HU" in flag.sentence for flag in chosen.aif.quality)


def test_selection_without_hull(prepared, head) -> None:
    bare = dataclasses.replace(prepared, hull=None)
    assert correlation(select(bare).aif.value, head.aif) > 0.99


@pytest.mark.parametrize("method", ["straka", "peruzzo"])
def test_late_artery_is_flagged(method: str) -> None:
    head = draw_head(n=128, artery_late_s=4.3)
    chosen = select(prepare(head.series, Settings()), method)
    x, y, z = np.array(chosen.aif.voxels).T
    assert (head.artery | head.vein)[x, y, z].mean() > 0.7
    assert "aif_late" in codes(chosen.aif.quality)
    assert chosen.rating is not None
    assert chosen.rating.criteria["timing"] < 0.5


def test_straka_prefers_small_early_artery_to_large_vein() -> None:
    head = draw_head(n=128)
    data = head.series.data.copy()
    still = data[..., :8].mean(axis=3, keepdims=True)
    data = np.where(head.artery[..., None], still + 0.25 * (data - still), data)
    chosen = select(prepare(dataclasses.replace(head.series, data=data), Settings()), "straka")
    x, y, z = np.array(chosen.aif.voxels).T
    assert head.artery[x, y, z].all()
    assert chosen.vof is not None
    assert chosen.vof.peak > 3 * chosen.aif.peak
