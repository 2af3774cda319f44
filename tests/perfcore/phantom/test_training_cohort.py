"""Tests of the cohort to train on: two slices, broad boluses, the same bytes from any number of cores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perfcore.errors import ArgumentError
from perfcore.io.cohort import find_cohort
from perfcore.phantom.cohort import TRAINING_WIDTH_S, draw_recipe, draw_training_recipe
from tools import training_cohort


def test_cases_have_two_slices_a_patient_each_and_broad_boluses() -> None:
    recipes = [draw_training_recipe(4, k) for k in range(1, 121)]
    assert {recipe.n_slices for recipe in recipes} == {2}
    assert len({recipe.patient for recipe in recipes}) == len(recipes)
    assert len({recipe.patient_seed for recipe in recipes}) == len(recipes)
    widths = np.array([recipe.bolus.width_s for recipe in recipes])
    assert widths.min() >= TRAINING_WIDTH_S[0] * 0.999
    assert widths.max() <= TRAINING_WIDTH_S[1] * 1.001
    assert (widths < 7).mean() > 0.1
    assert (widths > 15).mean() > 0.1
    assert min(recipe.bolus.onset_s for recipe in recipes) >= 3.0
    dose = [recipe.bolus.peak_hu * recipe.bolus.width_s for recipe in recipes]
    assert abs(np.corrcoef(widths, dose)[0, 1]) < 0.25  # a wide bolus is a low one
    assert not {recipe.patient_seed for recipe in recipes} & {
        draw_recipe(4, k).patient_seed for k in range(1, 121)
    }


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ArgumentError, match="index at least 1"):
        draw_training_recipe(0, 0)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digests(out: Path) -> dict[str, bytes]:
        return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}

    for n_cores, name in ((1, "one"), (2, "two")):
        monkeypatch.setattr(training_cohort.os, "cpu_count", lambda n_cores=n_cores: n_cores)
        training_cohort.write_training_cohort(tmp_path / name, 2, 4)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    cases = find_cohort(tmp_path / "one")
    assert [case.name for case in cases] == ["case_1", "case_2"]
    assert all(case.load().grid[2] == 2 for case in cases)
