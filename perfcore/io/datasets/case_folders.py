"""Listing of cases in a folder: layout of ISLES 2018 or ISLES 2024, or a folder of 4D NIfTI files.

A case of ISLES 2018 is a folder ``case_N`` with one folder per modality,
``SMIR.Brain.XX.O.CT_4DPWI.<id>/SMIR.Brain.XX.O.CT_4DPWI.<id>.nii`` and its siblings ``CT``, ``CT_CBF`` … ``OT``;
the id differs per modality and the TESTING part has no ``OT``. Source: doi:10.1161/STROKEAHA.120.030696.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.byte_source import open_source
from perfcore.io.datasets.isles2024 import (
    SUBJECT,
    is_subject_folder,
    read_subject,
    subject_folders,
    subject_series,
)
from perfcore.io.nifti.header import read_header
from perfcore.io.nifti.reader import read_series
from perfcore.types import PerfusionSeries, SeriesUnits

ISLES_DT_S: Final = 1.0
N_TRAINING_CASES: Final = 94
_PARTS: Final = ("TRAINING", "TESTING")
_SUFFIXES: Final = (".nii", ".nii.gz")
_CASE: Final = re.compile(r"case_(\d+)")
_MODALITY: Final = re.compile(r".+\.(CT|CT_4DPWI|CT_CBF|CT_CBV|CT_MTT|CT_Tmax|OT)\.[^.]+")
_REPOSITORY: Final = "SMIR.Brain."
"""Prefix of all file names of ISLES 2018: the repository that publishes them."""
_EARLY_PAIRS: Final = (1, 3, 5, 7, 18, 21, 23, 26, 28, 32, 34, 36, 39, 41, 43, 45)
_LATE_PAIRS: Final = (47, 49, 51, 53, 55, 57, 59, 62, 64, 66, 68, 70, 72, 75, 78)
_FIRST_OF_PAIR: Final = frozenset({*_EARLY_PAIRS, *_LATE_PAIRS})


def patient_of(case_number: int) -> int:
    """Return the patient of a training case of ISLES 2018, named by the number of the patient's first case.

    Parameters
    ----------
    case_number
        1 to 94. Two scans of one patient are two cases: cases 1 and 2 both belong to patient 1.

    Examples
    --------
    >>> [patient_of(n) for n in (1, 2, 9, 19)]
    [1, 1, 9, 18]
    """
    return case_number - 1 if case_number - 1 in _FIRST_OF_PAIR else case_number


@dataclass(frozen=True)
class CaseFiles:
    """Name and path of one case, not yet loaded.

    Attributes
    ----------
    name
        Display name, such as ``case_12``; unique within a listing.
    path
        A case folder of ISLES 2018, a subject folder of ISLES 2024, or a NIfTI file.
    """

    name: str
    path: Path

    @property
    def number(self) -> int | None:
        """Number N of ``case_N``, None for other names."""
        match = _CASE.fullmatch(self.name)
        return int(match.group(1)) if match else None

    @property
    def is_isles2018(self) -> bool:
        """Whether the path is a folder in the layout of ISLES 2018."""
        return is_isles2018_folder(self.path)

    def series_file(self) -> Path:
        """Return the path of the perfusion series.

        Raises
        ------
        InputDataError
            The folder holds no series, or several.
        """
        if not self.path.is_dir():
            return self.path
        series = _modality(self.path, "CT_4DPWI") or subject_series(self.path)
        if series is None:
            raise InputDataError(
                "The case folder holds no perfusion series; expected one CT_4DPWI folder with one NIfTI file, "
                "as in ISLES 2018."
            )
        return series

    def lesion_file(self) -> Path | None:
        """Return the path of the lesion mask of an ISLES 2018 case, None if there is none."""
        return _modality(self.path, "OT") if self.is_isles2018 else None

    def load(
        self,
        *,
        dt_s: float | None = None,
        units: SeriesUnits = "hu",
        mask: Path | bytes | None = None,
    ) -> PerfusionSeries:
        """Read the series, with its lesion mask if there is one.

        Parameters
        ----------
        dt_s
            Time step in seconds; default: that of the header. In the layout of ISLES 2018 an unusable time step
            of the header is replaced by 1 s, with a warning.
        units, mask
            As for :func:`perfcore.io.nifti.reader.read_series`.

        Raises
        ------
        InputDataError
            A file is missing, ambiguous or refused.
        """
        if not self.path.is_dir():
            return read_series(self.path, dt_s=dt_s, units=units, case=self.name, mask=mask)
        if not self.is_isles2018 and is_subject_folder(self.path):
            return read_subject(self.path, dt_s=dt_s, units=units, case=self.name, mask=mask)
        return read_series(
            self.series_file(),
            dt_s=dt_s,
            units=units,
            case=self.name,
            mask=mask,
            lesion=self.lesion_file(),
            default_dt_s=ISLES_DT_S,
        )


def find_cases(folder: Path) -> list[CaseFiles]:
    """List the cases of a folder in natural order, without reading voxels; bad cases do not hide others.

    Parameters
    ----------
    folder
        The root of ISLES 2018, its ``TRAINING`` or ``TESTING``, one case folder, or a folder of 4D NIfTI files;
        or the root of ISLES 2024, its ``derivatives`` or ``raw_data``, or the folder of one subject. With both
        parts of ISLES 2018 present the cases of ``TESTING`` are called ``testing_case_N``.

    Returns
    -------
    list of CaseFiles
        Empty if the folder holds no case.

    Raises
    ------
    InputDataError
        The folder itself is missing or cannot be listed.
    """
    entries = _entries(folder)
    if is_isles2018_folder(folder):
        return [CaseFiles(folder.name if _CASE.fullmatch(folder.name) else "case", folder)]
    if is_subject_folder(folder):
        return [CaseFiles(folder.name if SUBJECT.fullmatch(folder.name) else "case", folder)]
    parts = [folder / part for part in _PARTS if (folder / part).is_dir()]
    cases = [case for path in entries if (case := _case(path)) is not None]
    for part in parts:
        prefix = "testing_" if part.name == "TESTING" and len(parts) > 1 else ""
        cases += [
            CaseFiles(prefix + display_name(path.name), path)
            for path in _entries_or_none(part)
            if path.is_dir() and (_CASE.fullmatch(path.name) or is_isles2018_folder(path))
        ]
    cases += [CaseFiles(display_name(path.name), path) for path in subject_folders(folder)]
    return _unique(cases)


def is_isles2018_folder(path: Path) -> bool:
    """Return whether a folder holds a perfusion series in the layout of ISLES 2018."""
    return path.is_dir() and any(_modality_name(entry) == "CT_4DPWI" for entry in _entries_or_none(path))


def is_isles2018_original(path: Path) -> bool:
    """Return whether the files of a folder have the original names of ISLES 2018, not only its layout."""
    series = (entry.name for entry in _entries_or_none(path) if _modality_name(entry) == "CT_4DPWI")
    return path.is_dir() and any(name.startswith(_REPOSITORY) for name in series)


def _case(path: Path) -> CaseFiles | None:
    """Return the case at a path, None if it is not a case."""
    if path.is_dir():
        known = _CASE.fullmatch(path.name) or is_isles2018_folder(path) or is_subject_folder(path)
        return CaseFiles(display_name(path.name), path) if known else None
    if not path.name.endswith(_SUFFIXES) or not _may_have_time_axis(path):
        return None
    return CaseFiles(display_name(path.name.removesuffix(".gz").removesuffix(".nii")), path)


def display_name(name: str) -> str:
    """Return a file name for display: printable characters only, at most 80."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:80]


def _unique(cases: list[CaseFiles]) -> list[CaseFiles]:
    """Number repeated names, such as those of ``a.nii`` and ``a.nii.gz``."""
    seen: Counter[str] = Counter()
    unique = []
    for case in cases:
        seen[case.name] += 1
        again = seen[case.name]
        unique.append(case if again == 1 else CaseFiles(f"{case.name} ({again})", case.path))
    return unique


def _may_have_time_axis(path: Path) -> bool:
    """Return whether a NIfTI file has a time axis; True for an unreadable file, which is refused when loaded."""
    try:
        with open_source(path, "series") as stream:
            return len(read_header(stream).shape) == 4
    except InputDataError:
        return True


def _modality(case: Path, modality: str) -> Path | None:
    """Return the only NIfTI file of a modality, None if the case has no folder of it."""
    folders = [entry for entry in _entries(case) if _modality_name(entry) == modality]
    if not folders:
        return None
    files = [path for folder in folders for path in _entries(folder) if path.name.endswith(_SUFFIXES)]
    if len(files) != 1:
        raise InputDataError(
            f"The case folder holds {len(files)} NIfTI files of the modality {modality}; expected one, "
            "as in ISLES 2018."
        )
    return files[0]


def _modality_name(path: Path) -> str:
    match = _MODALITY.fullmatch(path.name)
    return match.group(1) if match else ""


def _entries(folder: Path) -> list[Path]:
    """List a folder in natural order, without hidden entries."""
    try:
        return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=_natural_key)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its path is not valid"
        raise InputDataError(f"The folder cannot be read ({reason}); check the path.") from error


def _entries_or_none(folder: Path) -> Iterator[Path]:
    try:
        yield from _entries(folder)
    except InputDataError:
        return


def _natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts ``case_2`` before ``case_10``."""
    parts = re.split(r"(\d+)", path.name)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
