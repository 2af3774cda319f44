"""Tests of cohorts: patients, ground truth and cross-validation folds."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.cohort import CohortCase, assign_folds, find_cohort, fingerprint
from perfcore.io.datasets.case_folders import CaseFiles
from perfcore.training.data import file_signature
from perfcore.types import PerfusionSeries
from tests.support.tiny_cohort import hard_label_of, penumbra_of, tiny_head, write_series, write_tiny_cohort


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_cohort(tmp_path_factory.mktemp("cohort"), 4, per_patient=2)


@pytest.fixture
def cohort(written: Path, tmp_path: Path) -> Path:
    """A copy of the cohort that a test may modify."""
    return Path(shutil.copytree(written, tmp_path / "cohort"))


def named(*numbers: int, folder: Path) -> Path:
    for number in numbers:
        (folder / "TRAINING" / f"case_{number}").mkdir(parents=True)
    return folder


# Finding


def test_patients_and_confounders_of_a_phantom_cohort(written):
    cases = find_cohort(written)
    assert [case.name for case in cases] == ["case_1", "case_2", "case_3", "case_4"]
    assert [case.patient for case in cases] == ["P1", "P1", "P2", "P2"]
    assert [case.confounders for case in cases] == [(), ("late artery",), (), ()]


def test_cases_are_listed_in_natural_order(tmp_path):
    cases = find_cohort(named(10, 2, 1, folder=tmp_path))
    assert [case.name for case in cases] == ["case_1", "case_2", "case_10"]
    assert [case.patient for case in cases] == ["case_1", "case_2", "case_10"]
    assert all(case.truth is None for case in cases)


PAIRS = """1-2 3-4 5-6 7-8 18-19 21-22 23-24 26-27 28-29 32-33 34-35 36-37 39-40 41-42 43-44 45-46 47-48 49-50
51-52 53-54 55-56 57-58 59-60 62-63 64-65 66-67 68-69 70-71 72-73 75-76 78-79"""


def test_isles_2018_has_63_patients_each_in_one_fold(tmp_path):
    cases = find_cohort(named(*range(1, 95), folder=tmp_path))
    patient = {case.case.number: case.patient for case in cases}
    assert len(set(patient.values())) == 63
    pairs = [tuple(map(int, pair.split("-"))) for pair in PAIRS.split()]
    assert all(patient[one] == patient[other] for one, other in pairs)
    for seed in range(5):
        fold = dict(zip(patient, assign_folds(cases, 5, seed), strict=True))
        assert all(fold[one] == fold[other] for one, other in pairs)


def test_isles_testing_folder_is_excluded(tmp_path):
    named(1, 2, folder=tmp_path)
    (tmp_path / "TESTING" / "case_1").mkdir(parents=True)
    assert [case.case.path.parent.name for case in find_cohort(tmp_path)] == ["TRAINING", "TRAINING"]


def test_a_folder_without_cases_is_refused(tmp_path):
    with pytest.raises(InputDataError, match=r"^The data folder holds no case; expected the layout of ISLES 2018"):
        find_cohort(tmp_path)
    with pytest.raises(InputDataError):
        find_cohort(tmp_path / "nowhere")


def test_a_subset_of_isles_2018_keeps_its_pairs_together(tmp_path):
    """Patients of the remaining cases do not depend on missing cases."""
    for k in (1, 2, 9, 18, 19, 78, 79, 94, 95):
        name = f"SMIR.Brain.XX.O.CT_4DPWI.{k}"
        (tmp_path / "TRAINING" / f"case_{k}" / name).mkdir(parents=True)
    patients = {case.case.number: case.patient for case in find_cohort(tmp_path)}
    assert patients == {
        1: "P001", 2: "P001", 9: "P009", 18: "P018", 19: "P018", 78: "P078", 79: "P078", 94: "P094", 95: "case_95",
    }  # fmt: skip
    for seed in range(5):
        fold = dict(zip(patients, assign_folds(find_cohort(tmp_path), 3, seed), strict=True))
        assert fold[1] == fold[2]
        assert fold[18] == fold[19]


def test_other_cases_in_the_layout_of_isles_2018_are_separate_patients(tmp_path):
    for k in (1, 2):
        (tmp_path / f"case_{k}" / f"Klinik.CT_4DPWI.{k}").mkdir(parents=True)
    assert [case.patient for case in find_cohort(tmp_path)] == ["case_1", "case_2"]


def test_a_subset_of_a_phantom_cohort_has_its_ground_truth(written):
    whole = find_cohort(written)
    assert find_cohort(written / "TRAINING") == whole
    assert find_cohort(written / "TRAINING" / "case_2") == [whole[1]]


@pytest.mark.parametrize(
    "content", [None, "{", "[]", "3", "null", '{"confounders": []}', '{"patient": 1, "confounders": 3}']
)
def test_ground_truth_without_a_patient_affects_its_case_only(cohort, content):
    path = cohort / "truth" / "case_3" / "case.json"
    path.unlink() if content is None else path.write_text(content)
    cases = find_cohort(cohort)
    assert [case.name for case in cases] == ["case_1", "case_2", "case_3", "case_4"]
    for case in cases:
        if case.name != "case_3":
            assert case.load().lesion is not None
            continue
        for use in (CohortCase.load, file_signature):
            with pytest.raises(InputDataError, match=r"^The truth of case_3 has no readable case\.json with"):
                use(case)


# Reading


def test_the_ground_truth_equals_the_generated_one(written):
    for k, case in enumerate(find_cohort(written), 1):
        head = tiny_head(k)
        penumbra = penumbra_of(head, ("right", "left")[k % 2])
        series = case.load()
        truth = case.load_truth(series)
        assert series.lesion is not None
        np.testing.assert_array_equal(series.lesion, head.lesion)
        np.testing.assert_array_equal(truth.hypoperfused, head.lesion | penumbra)
        np.testing.assert_array_equal(case.load_hard_label(series), hard_label_of(head))
        assert truth.aif is not None
        np.testing.assert_allclose(truth.aif.value, head.aif, rtol=1e-6)


def test_without_a_truth_folder_all_fields_are_none(written):
    case = replace(find_cohort(written)[0], truth=None)
    truth = case.load_truth(case.load())
    assert truth.aif is truth.hypoperfused is case.load_hard_label(case.load()) is None


def test_a_case_without_a_lesion_is_refused(tmp_path):
    write_series(tiny_head(1), tmp_path / "case_1", lesion=False)
    with pytest.raises(InputDataError, match=r"^case_1 has no lesion mask \(OT\)"):
        find_cohort(tmp_path)[0].load()


@pytest.mark.parametrize("name", ["core.nii.gz", "penumbra.nii.gz", "aif.csv"])
def test_missing_or_damaged_ground_truth_is_refused(cohort, name):
    case = find_cohort(cohort)[1]
    series = case.load()
    for spoil in (lambda path: path.write_bytes(b"rubbish"), Path.unlink):
        spoil(cohort / "truth" / "case_2" / name)
        with pytest.raises(InputDataError):
            case.load_truth(series)


def test_a_damaged_hard_label_is_refused_and_a_missing_one_is_none(cohort):
    case = find_cohort(cohort)[1]
    series, path = case.load(), cohort / "truth" / "case_2" / "hard_label.nii.gz"
    path.write_bytes(b"rubbish")
    with pytest.raises(InputDataError):
        case.load_hard_label(series)
    path.unlink()
    assert case.load_hard_label(series) is None


def test_ground_truth_on_another_grid_is_refused(cohort):
    case = find_cohort(cohort)[0]
    series = case.load()
    away = series.affine.copy()
    away[0, 3] += 500
    with pytest.raises(InputDataError, match="does not reach all slices of the series"):
        case.load_truth(PerfusionSeries(series.data[:40], away, 1.0))
    whole, part = (
        case.load_truth(one).hypoperfused for one in (series, replace(series, data=series.data[:40], lesion=None))
    )
    np.testing.assert_array_equal(part, whole[:40])


# Folds


def cases_of(patients: list[int]) -> list[CohortCase]:
    named = [CaseFiles(f"case_{k}", Path(f"case_{k}")) for k in range(len(patients))]
    return [CohortCase(case, f"P{patient}", None) for case, patient in zip(named, patients, strict=True)]


@settings(max_examples=60, deadline=None)
@given(
    patients=st.lists(st.integers(0, 12), min_size=2, max_size=60),
    n_folds=st.integers(2, 6),
    seed=st.integers(0, 50),
)
def test_every_patient_is_in_one_fold(patients, n_folds, seed):
    cases = cases_of(patients)
    most = len(set(patients))
    if n_folds > most:
        with pytest.raises(ArgumentError, match=rf"between 2 and the number of patients, {most}; got {n_folds}"):
            assign_folds(cases, n_folds, seed)
        return
    folds = assign_folds(cases, n_folds, seed)
    held = defaultdict(set)
    for patient, fold in zip(patients, folds, strict=True):
        held[patient].add(fold)
    assert all(len(own) == 1 for own in held.values())
    assert set(folds) == set(range(1, n_folds + 1))
    n_patients = [len({p for p, f in zip(patients, folds, strict=True) if f == k}) for k in range(1, n_folds + 1)]
    assert max(n_patients) - min(n_patients) <= 1
    assert folds == assign_folds(cases, n_folds, seed)


def test_another_seed_gives_other_folds():
    cases = cases_of(list(range(20)))
    assert len({tuple(assign_folds(cases, 5, seed)) for seed in range(6)}) == 6


@pytest.mark.parametrize("n_folds", [-1, 0, 1, 5])
def test_fold_numbers_out_of_range_are_refused(n_folds):
    with pytest.raises(ArgumentError, match=rf"^folds must lie between 2 .* patients, 4; got {n_folds}\.$"):
        assign_folds(cases_of([1, 2, 3, 4]), n_folds, 0)


# Fingerprints


def test_the_fingerprint_depends_only_on_the_voxels():
    head = tiny_head(1).series
    mark = fingerprint(head)
    assert len(mark) == 24
    other_layout = PerfusionSeries(np.asfortranarray(head.data), head.affine, head.dt_s, case="another")
    assert fingerprint(other_layout) == mark
    changed = head.data.copy()
    changed[3, 4, 0, 5] += 1
    assert fingerprint(replace(head, data=changed)) != mark
    assert fingerprint(tiny_head(2).series) != mark


def test_the_fingerprint_is_the_same_after_saving(written):
    one, again = (fingerprint(find_cohort(written)[0].load()) for _ in range(2))
    assert one == again


def test_the_description_of_a_phantom_names_its_patient(tmp_path):
    """The files written by the phantom are readable as a cohort."""
    from perfcore.phantom.cases import make_demonstration
    from perfcore.phantom.files import write_case

    write_case(make_demonstration("m1-occlusion"), tmp_path, 1)
    case = find_cohort(tmp_path)[0]
    about = json.loads((tmp_path / "truth" / "case_1" / "case.json").read_text())
    assert case.patient == about["patient"]
    assert list(case.confounders) == about["confounders"]
    truth = case.load_truth(case.load())
    assert truth.hypoperfused is not None
    assert truth.hypoperfused.any()
