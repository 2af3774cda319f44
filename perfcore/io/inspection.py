"""Inspection of an input: the series that are there, and which of them would be read, from headers alone."""

# ruff: noqa: PLC0415

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from perfcore.errors import InputDataError
from perfcore.io.case_preview import preview_case
from perfcore.io.datasets.case_folders import CaseFiles, find_cases
from perfcore.io.dicom.files import ZIP_SUFFIX, holds_dicom
from perfcore.types import LeftOut

_PUBLIC_NAME: Final = re.compile(r"(testing_)?case_\d+|sub-stroke\d+", re.ASCII)
"""Names of data sets; any other name may be that of a patient."""


@dataclass(frozen=True)
class SeriesRow:
    """One series of an input.

    Attributes
    ----------
    number
        From 1; ``--series`` takes that of a DICOM series.
    kind
        ``"NIfTI"``, or modality and kind of a DICOM series.
    case
        Name of the case in a public data set, else empty.
    frames, slices, shape
        Number of frames and slices, and voxels along x, y, z; None where the header is refused.
    spacing_mm
        Voxel size in mm, None where it is unknown.
    dt_s, time_source
        Time step in s, and where it comes from; None and empty where it is unknown.
    files, joined
        Number of files, and of stored series that were joined; 1 for NIfTI.
    patient, study
        Ordinal numbers that tell whether DICOM series belong together; None for NIfTI.
    reason
        Why the series cannot be read, None if it can be.
    """

    number: int
    kind: str
    case: str = ""
    frames: int | None = None
    slices: int | None = None
    shape: tuple[int, int, int] | None = None
    spacing_mm: tuple[float, float, float] | None = None
    dt_s: float | None = None
    time_source: str = ""
    files: int = 1
    joined: int = 1
    patient: int | None = None
    study: int | None = None
    reason: str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether the series can be read, by its header."""
        return self.reason is None


@dataclass(frozen=True)
class Inspection:
    """What an input holds.

    Attributes
    ----------
    format
        ``"nifti"`` or ``"dicom"``.
    series
        The series, in the order of their numbers.
    left_out
        Files of a DICOM export that belong to no listed series.
    chosen
        Number of the series that is read without a number, None if none is.
    refusal
        Why none is read without a number; None for a folder of cases, each of which is read.
    """

    format: Literal["nifti", "dicom"]
    series: tuple[SeriesRow, ...]
    left_out: tuple[LeftOut, ...] = ()
    chosen: int | None = None
    refusal: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the content of the JSON output."""
        rows = [asdict(row) | {"usable": row.is_usable} for row in self.series]
        return asdict(self) | {"series": rows}


def inspect_input(path: Path) -> Inspection:
    """List the series of an input without reading voxels.

    Parameters
    ----------
    path
        As for :func:`perfcore.io.load.load_series`, or a folder of several cases.

    Raises
    ------
    InputDataError
        The path does not exist, holds no series that can be listed, or is a single NIfTI file that is refused.
    """
    if not path.is_dir():
        return _dicom(path) if path.suffix.lower() == ZIP_SUFFIX else _nifti([CaseFiles("", path)])
    cases = find_cases(path)
    if cases or not holds_dicom(path):
        return _nifti(cases)
    return _dicom(path)


def _nifti(cases: Sequence[CaseFiles]) -> Inspection:
    if not cases:
        raise InputDataError(
            "The folder holds no ISLES 2018 case (CT_4DPWI), no 4D NIfTI file and no DICOM file; give the folder "
            "of one case, or a NIfTI file (.nii or .nii.gz)."
        )
    rows = tuple(_nifti_row(case, number) for number, case in enumerate(cases, start=1))
    if len(rows) > 1:
        return Inspection("nifti", rows)
    if rows[0].reason is not None:
        raise InputDataError(rows[0].reason)
    return Inspection("nifti", rows, chosen=1)


def _nifti_row(case: CaseFiles, number: int) -> SeriesRow:
    name = case.name if _PUBLIC_NAME.fullmatch(case.name) else ""
    try:
        found = preview_case(case)
    except InputDataError as error:
        return SeriesRow(number, "NIfTI", name, reason=str(error))
    return SeriesRow(
        number,
        "NIfTI",
        name,
        frames=found.n_time,
        slices=found.grid[2],
        shape=found.grid,
        spacing_mm=found.spacing_mm,
        dt_s=found.dt_s,
        time_source=found.time_source,
    )


def _dicom(source: Path) -> Inspection:
    from perfcore.io.dicom.choice import choose, list_scans, skipped_files  # pydicom is slow to import

    catalogue = list_scans(source)
    rows = tuple(
        SeriesRow(
            scan.number,
            scan.kind,
            frames=scan.n_frames,
            slices=scan.n_slices,
            shape=(scan.columns, scan.rows, scan.n_slices),
            spacing_mm=scan.spacing_mm,
            dt_s=scan.dt_s,
            time_source=scan.time_source,
            files=scan.n_files,
            joined=scan.n_series,
            patient=scan.patient,
            study=scan.study,
            reason=scan.problem,
        )
        for scan in catalogue.scans
    )
    chosen, refusal = None, None
    try:
        chosen = choose(catalogue, None).scan.number
    except InputDataError as error:
        if not rows:
            raise
        refusal = str(error)
    return Inspection("dicom", rows, skipped_files(catalogue.skipped), chosen, refusal)
