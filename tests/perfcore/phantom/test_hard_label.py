"""Tests of the label of another scan: how far it is from the exact one, and how it is read."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.io.cohort import find_cohort
from perfcore.metrics import dice
from perfcore.phantom import hard_label
from perfcore.phantom.cases import PhantomCase, PhantomTruth, make_from_recipe
from perfcore.phantom.cohort import draw_recipe
from perfcore.phantom.files import write_case
from perfcore.phantom.recipe import Recipe

NAMES = ("REPERFUSED", "REGISTRATION_MM", "BORDER_MM", "GROWTH_MM", "REVERSAL_MM", "FALSE_ML")


def brief(index: int = 1) -> Recipe:
    return replace(draw_recipe(7, index), n_time=10)


@cache
def easy() -> PhantomCase:
    return make_from_recipe(brief())


def truth_with(monkeypatch: pytest.MonkeyPatch, **given: object) -> PhantomTruth:
    """The truth of the easy case where only the given differences between the scans exist."""
    nothing = {"REPERFUSED": 0.0, "REGISTRATION_MM": 0.0, "BORDER_MM": 1e-6, "FALSE_ML": 0.0}
    for name, value in {**nothing, "GROWTH_MM": (0.0, 0.0), "REVERSAL_MM": (0.0, 0.0), **given}.items():
        assert name in NAMES
        monkeypatch.setattr(hard_label, name, value)
    return make_from_recipe(brief()).truth


def test_without_differences_it_is_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = truth_with(monkeypatch)
    assert (dice(truth.hard_label, truth.core) or 0) > 0.9


def test_it_grows_into_tissue_at_risk_and_shrinks_after_reperfusion(monkeypatch: pytest.MonkeyPatch) -> None:
    same = truth_with(monkeypatch)
    grown = truth_with(monkeypatch, GROWTH_MM=(6.0, 6.0))
    shrunk = truth_with(monkeypatch, REPERFUSED=1.0, REVERSAL_MM=(4.0, 4.0))
    assert shrunk.hard_label.sum() < 0.8 * same.hard_label.sum() < same.hard_label.sum()
    assert grown.hard_label.sum() > 1.2 * same.hard_label.sum()
    assert (grown.penumbra | grown.core)[grown.hard_label].mean() > 0.9


def test_registration_moves_and_a_border_of_its_own_roughens(monkeypatch: pytest.MonkeyPatch) -> None:
    same = truth_with(monkeypatch).hard_label
    for change in ({"REGISTRATION_MM": 6.0}, {"BORDER_MM": 4.0}):
        overlap = dice(truth_with(monkeypatch, **change).hard_label, same)
        assert overlap is not None
        assert 0.5 < overlap < 0.95


def test_each_case_of_a_cohort_has_one_and_scans_of_a_patient_share_it() -> None:
    assert not np.array_equal(easy().truth.hard_label, easy().truth.core)
    assert easy().description["hard_label_ml"] > 0
    assert easy().description["reperfused"] in {True, False}
    scans = [make_from_recipe(replace(brief(2), scan_seed=(7, 2, k))) for k in (1, 2)]
    assert np.array_equal(scans[0].truth.hard_label, scans[1].truth.hard_label)


def test_a_quarter_of_the_patients_is_reperfused() -> None:
    recipes = [replace(draw_recipe(7, k), n_time=6, n_slices=1) for k in range(2, 42)]
    found = [make_from_recipe(recipe).description["reperfused"] for recipe in recipes if recipe.site is not None]
    assert 0.05 < np.mean(found) < 0.5


def test_without_a_stroke_it_is_empty() -> None:
    assert not make_from_recipe(replace(brief(), site=None)).truth.hard_label.any()


def test_it_is_read_where_there_is_one(tmp_path: Path) -> None:
    write_case(easy(), tmp_path, 1)
    (case,) = find_cohort(tmp_path)
    series = case.load()
    np.testing.assert_array_equal(case.load_hard_label(series), easy().truth.hard_label)
    file = tmp_path / "truth" / "case_1" / "hard_label.nii.gz"
    file.write_bytes(b"rubbish")
    with pytest.raises(InputDataError):
        case.load_hard_label(series)
    file.unlink()
    assert case.load_hard_label(series) is None
    assert replace(case, truth=None).load_hard_label(series) is None
