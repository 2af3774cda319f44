"""Cohort of cases for training and evaluation: patients, cross-validation folds and ground truth."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.io.datasets.case_folders import (
    N_TRAINING_CASES,
    CaseFiles,
    find_cases,
    is_isles2018_original,
    patient_of,
)
from perfcore.io.nifti.resampling import VolumeGrid
from perfcore.io.nifti.volumes import read_mask
from perfcore.types import Aif, BoolArray, PerfusionSeries

TRAINING: Final = "TRAINING"
TRUTH: Final = "truth"
"""Folder beside ``TRAINING`` with the ground truth of a phantom cohort."""
HARD_LABEL_FILE: Final = "hard_label.nii.gz"


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Ground truth of a phantom case beyond its core; None where it is unknown.

    Attributes
    ----------
    aif
        True arterial input function.
    hypoperfused
        Core and penumbra. Shape ``(nx, ny, nz)``.
    """

    aif: Aif | None = None
    hypoperfused: BoolArray | None = None


@dataclass(frozen=True)
class CohortCase:
    """A case of a cohort, not yet loaded.

    Attributes
    ----------
    case
        Paths of its files.
    patient
        Identifier of the patient; cases of one patient stay in one fold.
    truth
        Folder with the ground truth, or None.
    confounders
        Confounders of a phantom, from its ``case.json``.
    problem
        Sentence that says why the case cannot be used, or None.
    """

    case: CaseFiles
    patient: str
    truth: Path | None
    confounders: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def name(self) -> str:
        """Name of the case, such as ``case_12``."""
        return self.case.name

    def load(self) -> PerfusionSeries:
        """Read the series with its lesion.

        Raises
        ------
        InputDataError
            The case is refused or has no lesion mask.
        """
        if self.problem is not None:
            raise InputDataError(self.problem)
        series = self.case.load()
        if series.lesion is None:
            raise InputDataError(f"{self.name} has no lesion mask (OT); training and evaluation need one.")
        return series

    def load_truth(self, series: PerfusionSeries) -> GroundTruth:
        """Read the ground truth; all fields are None without a truth folder.

        Raises
        ------
        InputDataError
            A file of the ground truth is missing or refused.
        """
        if self.truth is None:
            return GroundTruth()
        grid = VolumeGrid.of_series(series)
        core, penumbra = (
            read_mask(self.truth / f"{name}.nii.gz", grid, what=name, allow_empty=True)
            for name in ("core", "penumbra")
        )
        aif = read_aif_csv(self.truth / "aif.csv", series.time_s)
        return GroundTruth(aif, core | penumbra)

    def load_hard_label(self, series: PerfusionSeries) -> BoolArray | None:
        """Read the lesion as another scan shows it hours later; None where there is none.

        Shape ``(nx, ny, nz)``. A phantom has it beside its exact label; in patients the lesion of the series is
        such a label already.

        Raises
        ------
        InputDataError
            The file is refused.
        """
        path = None if self.truth is None else self.truth / HARD_LABEL_FILE
        if path is None or not path.is_file():
            return None
        return read_mask(path, VolumeGrid.of_series(series), what="hard label", allow_empty=True)


def find_cohort(folder: Path) -> list[CohortCase]:
    """List a cohort in natural order: a phantom cohort, the training part of ISLES 2018, or any folder of cases.

    The patient comes from ``case.json`` for a phantom and from the known pairs for ISLES 2018
    (:func:`~perfcore.io.datasets.case_folders.patient_of`); otherwise every case is its own patient. The ground
    truth of a phantom cohort lies beside its ``TRAINING`` folder. A phantom whose ``case.json`` cannot be read is
    listed with its ``problem``; the other cases are not affected.

    Raises
    ------
    InputDataError
        The folder contains no case.
    """
    cases = [case for case in find_cases(folder) if not case.name.startswith("testing_")]
    if not cases:
        raise InputDataError("The data folder holds no case; expected the layout of ISLES 2018 (TRAINING/case_N).")
    roots = [folder, *{case.path.parent.parent for case in cases if case.path.parent.name == TRAINING}]
    beside = next((root / TRUTH for root in roots if (root / TRUTH).is_dir()), None)
    if beside is not None:
        return [_phantom(case, beside / case.path.name) for case in cases]
    all_there = {case.number for case in cases} == set(range(1, N_TRAINING_CASES + 1)) and len(
        cases
    ) == N_TRAINING_CASES
    return [
        CohortCase(case, _patient(case, known=all_there or is_isles2018_original(case.path)), None)
        for case in cases
    ]


def _patient(case: CaseFiles, *, known: bool) -> str:
    """Return the patient: from the known pairs for a case of ISLES 2018, else the name of the case."""
    number = case.number or 0
    return f"P{patient_of(number):03d}" if known and 1 <= number <= N_TRAINING_CASES else case.name


def _phantom(case: CaseFiles, truth: Path) -> CohortCase:
    try:
        about = json.loads((truth / "case.json").read_text(encoding="utf-8"))
        patient, confounders = str(about["patient"]), tuple(str(name) for name in about.get("confounders", ()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        problem = f"The truth of {case.name} has no readable case.json with its patient."
        return CohortCase(case, case.name, truth, problem=problem)
    return CohortCase(case, patient, truth, confounders)


def assign_folds(cases: list[CohortCase], n_folds: int, seed: int) -> list[int]:
    """Return the fold of each case, from 1; patients stay together and folds have similar sizes.

    Raises
    ------
    ArgumentError
        There are fewer patients than folds, or fewer than two folds.
    """
    patients = [case.patient for case in cases]
    n_patients = len(set(patients))
    if not 2 <= n_folds <= n_patients:
        raise ArgumentError(f"folds must lie between 2 and the number of patients, {n_patients}; got {n_folds}.")
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415 - takes seconds to import

    fold = np.zeros(len(cases), int)
    split = GroupKFold(n_folds, shuffle=True, random_state=seed)
    for k, (_, held_out) in enumerate(split.split(np.zeros(len(cases)), groups=patients), 1):
        fold[held_out] = k
    return [int(k) for k in fold]


def fingerprint(series: PerfusionSeries) -> str:
    """Return a hash of the voxels of a series, which identifies training cases independently of their names."""
    return hashlib.blake2b(np.ascontiguousarray(series.data).data, digest_size=12).hexdigest()
