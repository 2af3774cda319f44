"""Tests of findings beside the stroke: what they change on CT, in the flow, in the arrival and in the labels."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from perfcore.phantom.cases import PhantomCase, make_from_recipe
from perfcore.phantom.cohort import draw_recipe, draw_training_recipe
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from perfcore.phantom.findings import FINDINGS, Findings
from perfcore.phantom.scanner import Scanner

PLAIN = replace(
    DEMONSTRATIONS["m1-occlusion"], n_time=40, n_slices=4, centre_mm=20.0, scanner=Scanner(noise_hu=0.0),
    core_border=0.0,
)  # fmt: skip
"""The core begins with a step, so that no label hangs on the healthy side's mean, which findings change."""


def with_findings(**given: float) -> PhantomCase:
    return make_from_recipe(replace(PLAIN, findings=Findings(centre_mm=20.0, **given)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def plain() -> PhantomCase:
    return make_from_recipe(PLAIN)


def test_no_finding_changes_nothing(plain: PhantomCase) -> None:
    assert with_findings().series.data.tobytes() == plain.series.data.tobytes()
    assert plain.description["findings"] == []


def test_an_old_infarct_is_dark_and_without_flow_but_no_lesion(plain: PhantomCase) -> None:
    case = with_findings(chronic_infarct_ml=20.0)
    scar = case.truth.cbf < 0.3 * plain.truth.cbf
    volume = scar.sum() * case.series.voxel_ml
    assert 4 < volume < 40
    assert not (case.truth.core | case.truth.penumbra)[scar].any()
    darker = plain.series.data[scar, 0].mean() - case.series.data[scar, 0].mean()
    assert darker > 8
    assert np.array_equal(case.truth.core, plain.truth.core)
    _, n_parts = ndimage.label(ndimage.binary_opening(scar))
    assert 1 <= n_parts <= 4


def test_leukoaraiosis_lowers_the_flow_of_white_matter_on_both_sides(plain: PhantomCase) -> None:
    case = with_findings(leukoaraiosis=0.5)
    before, after = plain.truth.cbf, case.truth.cbf
    lower = (before > 10) & (after < 0.8 * before) & (plain.truth.delay_s < 3)
    assert lower.sum() > 500
    assert plain.truth.mtt[lower].mean() > 4.6  # white matter has 4.8 s, grey matter 4 s
    right = np.nonzero(lower)[0] > 127.5
    assert right.any()
    assert not right.all()
    assert (plain.series.data[..., 0] - case.series.data[..., 0])[lower].mean() > 1.5


@pytest.mark.parametrize("side", [1, -1])
def test_a_narrow_carotid_delays_its_hemisphere_and_its_arteries(plain: PhantomCase, side: int) -> None:
    case = with_findings(carotid_delay_s=3.0, carotid_side=side)
    later = np.where(plain.truth.cbf > 10, case.truth.delay_s - plain.truth.delay_s, 0)
    late = later > 2.5
    where = np.sign(np.nonzero(late)[0] - 127.5)
    assert late.sum() > 5000
    assert (where == side).mean() > 0.95
    assert np.array_equal(case.truth.cbf, plain.truth.cbf)
    assert np.array_equal(case.truth.aif.value, plain.truth.aif.value)
    artery = np.argwhere((plain.truth.artery_fraction > 0.3) & (case.truth.artery_fraction > 0.3))
    artery = artery[(artery[:, 1] > 110) & (np.abs(artery[:, 0] - 127.5) > 25)]
    for own in (side, -side):
        x, y, z = artery[np.sign(artery[:, 0] - 127.5) == own].T
        shift = case.series.data[x, y, z].argmax(axis=1) - plain.series.data[x, y, z].argmax(axis=1)
        assert np.median(shift) == (3 if own == side else 0)


def test_emboli_are_islands_of_core(plain: PhantomCase) -> None:
    case = with_findings(n_emboli=3)
    islands = case.truth.core & ~plain.truth.core
    assert 0.3 < islands.sum() * case.series.voxel_ml < 6
    assert not (islands & plain.truth.penumbra).any()
    assert not (plain.truth.core & ~case.truth.core).any()
    # The other scan shows them too, displaced by its registration.
    near = ndimage.binary_dilation(islands, np.ones((13, 13, 3)))
    gained = (case.truth.hard_label & ~plain.truth.hard_label & near).sum()
    assert gained > 0.5 * islands.sum()


def test_findings_have_modest_shares_and_are_recorded() -> None:
    recipes = [draw_recipe(seed, k) for seed in (1, 2, 3) for k in range(2, 150)]
    for name in FINDINGS:
        assert 0.02 < np.mean([name in recipe.findings.names for recipe in recipes]) < 0.25
        assert any(name in draw_training_recipe(1, k).findings.names for k in range(1, 80))
    assert np.mean([recipe.findings.names == () for recipe in recipes]) > 0.5
    assert all(draw_recipe(seed, 1).findings.names == () for seed in range(20))
    assert all(recipe.findings.n_emboli == 0 for recipe in recipes if recipe.site is None)
    recipe = next(recipe for recipe in recipes if recipe.findings.names)
    described = make_from_recipe(replace(recipe, n_time=8, n_slices=1)).description
    assert described["findings"] == list(recipe.findings.names)
    assert described["finding_notes"] == [FINDINGS[name] for name in recipe.findings.names]
    assert FINDINGS[recipe.findings.names[0]] in described["lesson"]


def test_scans_of_a_patient_share_findings() -> None:
    recipes = [draw_recipe(7, k) for k in range(2, 80)]
    for first, second in pairwise(recipes):
        if first.patient == second.patient:
            assert first.findings == second.findings
