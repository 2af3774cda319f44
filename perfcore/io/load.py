"""Load a perfusion series from a path: case folder, NIfTI file, DICOM folder or zip file."""

# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path

from perfcore.errors import InputDataError
from perfcore.io.datasets.case_folders import CaseFiles, find_cases
from perfcore.io.dicom.files import ZIP_SUFFIX, holds_dicom
from perfcore.io.nifti.reader import read_series
from perfcore.types import PerfusionSeries, SeriesUnits


def load_series(
    path: Path,
    *,
    dt_s: float | None = None,
    units: SeriesUnits = "hu",
    mask: Path | None = None,
    series: int | None = None,
) -> PerfusionSeries:
    """Read the series at a path.

    Parameters
    ----------
    path
        An ISLES 2018 case folder or an ISLES 2024 subject folder, a 4D NIfTI file, a folder that holds exactly one
        of these, or a folder or zip file of DICOM files.
    dt_s
        Time step in seconds; overrides the header.
    units
        ``"hu"``, ``"concentration"`` for a series that is already enhancement, or ``"dsc"`` for MR signal.
    mask
        A NIfTI file with a brain mask that replaces the automatic one.
    series
        Number of the DICOM series to read, as ``inspect`` lists them; default: the only usable one.

    Raises
    ------
    InputDataError
        The path holds no series or several, or a file is refused.
    ArgumentError
        ``dt_s`` or ``units`` is out of range.
    """
    is_folder = path.is_dir()
    if not is_folder and path.suffix.lower() != ZIP_SUFFIX:
        _check_no_number(series)
        return read_series(path, dt_s=dt_s, units=units, mask=mask)
    case = _only_case(path) if is_folder else None
    if case is not None:
        _check_no_number(series)
        return case.load(dt_s=dt_s, units=units, mask=mask)
    from perfcore.io.dicom.reader import read_dicom  # pydicom is slow to import

    return read_dicom(path, dt_s=dt_s, units=units, mask=mask, series=series)


def _check_no_number(series: int | None) -> None:
    if series is not None:
        raise InputDataError("A series number is for DICOM input, and this is NIfTI; leave out --series.")


def is_dicom(path: Path) -> bool:
    """Return whether :func:`load_series` reads a path as DICOM.

    Raises
    ------
    InputDataError
        It is a folder that holds no series, or several cases.
    """
    return _only_case(path) is None if path.is_dir() else path.suffix.lower() == ZIP_SUFFIX


def _only_case(folder: Path) -> CaseFiles | None:
    """Return the only case of a folder, None if it holds DICOM files instead."""
    cases = find_cases(folder)
    if len(cases) > 1:
        raise InputDataError(
            f"The folder holds {len(cases)} cases; expected one, so give one case folder or one NIfTI file of it."
        )
    if cases:
        return cases[0]
    if holds_dicom(folder):
        return None
    raise InputDataError(
        "The folder holds no ISLES 2018 case (CT_4DPWI), no 4D NIfTI file and no DICOM file; give the folder of "
        "one case, or a NIfTI file (.nii or .nii.gz)."
    )
