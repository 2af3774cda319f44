"""Tests of preprocessing and selectors against the ground truth of the phantom."""

import numpy as np
import pytest
from scipy import ndimage

from perfcore.aif.select import SELECTORS, select
from perfcore.phantom.cases import make_demonstration
from perfcore.preprocess import prepare
from perfcore.settings import Settings


@pytest.fixture(scope="module")
def case():
    return make_demonstration("m1-occlusion")


@pytest.fixture(scope="module")
def prepared(case):
    return prepare(case.series, Settings())


def correlation(a, b) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_mask_matches_phantom_brain(case, prepared) -> None:
    brain = case.truth.cbf > 0
    overlap = 2 * (prepared.mask & brain).sum() / (prepared.mask.sum() + brain.sum())
    assert overlap > 0.95
    assert prepared.mask[case.truth.core].mean() > 0.97
    assert prepared.mask[case.truth.penumbra].mean() > 0.95
    near = ndimage.binary_dilation(brain, np.ones((3, 3, 1), bool), iterations=3)
    assert not (prepared.mask & ~near).any()


def test_side_and_reference_match_phantom(case, prepared) -> None:
    assert prepared.diseased_side == case.description["side"]
    ill = (case.truth.core | case.truth.penumbra)[prepared.mask]
    assert (ill & prepared.reference).sum() < 0.01 * ill.sum()
    assert not (prepared.reference & (case.truth.artery_fraction > 0.5)[prepared.mask]).any()


def test_reference_does_not_depend_on_aif(case, prepared) -> None:
    before = prepared.reference.copy()
    for method in SELECTORS:
        select(prepared, method)
    np.testing.assert_array_equal(prepared.reference, before)


def test_large_vessels_are_masked(case, prepared) -> None:
    vessel = (case.truth.artery_fraction + case.truth.vein_fraction)[prepared.mask]
    assert prepared.vessels[vessel > 0.5].mean() > 0.95
    assert prepared.vessels[vessel == 0].mean() < 0.05


def test_hull_contains_arteries_and_veins(case, prepared) -> None:
    assert prepared.hull[case.truth.artery_fraction > 0.5].all()
    assert prepared.hull[case.truth.vein_fraction > 0.9].sum() > 100


def test_residual_noise_matches_preset(case, prepared) -> None:
    still = prepared.tissue[:, : prepared.n_baseline]
    assert still.std() < 0.8


@pytest.mark.parametrize("method", ["straka", "mouridsen"])
def test_selected_aif_matches_phantom_artery(method: str, case, prepared) -> None:
    chosen = select(prepared, method)
    assert correlation(chosen.aif.value, case.truth.aif.value) >= 0.97
    assert abs(chosen.aif.peak_time_s - case.truth.aif.peak_time_s) <= 1
    x, y, z = np.array(chosen.aif.voxels).T
    assert case.truth.artery_fraction[x, y, z].mean() > 0.3
    assert case.truth.vein_fraction[x, y, z].max() < 0.2
    assert chosen.aif.quality == ()
    assert chosen.rating.score > 0.9


def test_vein_and_partial_volume_ratio_match_phantom(case, prepared) -> None:
    chosen = select(prepared)
    assert correlation(chosen.vof.value, case.truth.vof.value) >= 0.97
    assert chosen.vof.peak_time_s > chosen.aif.peak_time_s
    assert chosen.partial_volume == pytest.approx(case.truth.aif.area / chosen.aif.area, rel=0.12)


def test_truncated_scan_is_flagged() -> None:
    cut = make_demonstration("truncated")
    prepared = prepare(cut.series, Settings())
    chosen = select(prepared)
    assert any("recommended" in flag.sentence for flag in prepared.warnings)
    assert chosen.partial_volume is None
    assert correlation(chosen.aif.value, cut.truth.aif.value) > 0.97


@pytest.mark.parametrize("name", ["noisy", "small-core", "no-stroke"])
def test_straka_on_other_demonstrations(name: str) -> None:
    case = make_demonstration(name)
    prepared = prepare(case.series, Settings())
    assert correlation(select(prepared).aif.value, case.truth.aif.value) >= 0.97
    if case.description["side"]:
        assert prepared.diseased_side == case.description["side"]
