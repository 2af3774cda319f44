"""ISLES 2024 layout: perfusion series of a subject's first session, lesion mask from the second session.

``raw_data/sub-stroke0001/ses-01/sub-stroke0001_ses-01_ctp.nii.gz`` lies in its own space,
``derivatives/sub-stroke0001/ses-01/sub-stroke0001_ses-01_space-ncct_ctp.nii.gz`` in that of the plain CT, as does
``derivatives/sub-stroke0001/ses-02/sub-stroke0001_ses-02_space-ncct_lesion-msk.nii.gz``. Earlier releases write
``rawdata``, ``ses-0001`` and leave ``space-ncct`` out of the lesion's name. Source: doi:10.5281/zenodo.17652035.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.byte_source import open_source
from perfcore.io.nifti.geometry import affine_mm
from perfcore.io.nifti.header import read_header
from perfcore.io.nifti.layout import series_layout
from perfcore.io.nifti.reader import check_series, read_series
from perfcore.io.nifti.resampling import VolumeGrid
from perfcore.io.nifti.volumes import covers, on_grid
from perfcore.quality_flags import make_flag
from perfcore.types import PerfusionSeries, SeriesUnits

PARTS: Final = ("derivatives", "raw_data", "rawdata")
"""Names of the folders that hold subjects; ``derivatives``, which also holds lesions, comes first."""
SUBJECT: Final = re.compile(r"sub-stroke(case)?\d+")
_SESSION: Final = re.compile(r"ses-\w+")
_SERIES: Final = re.compile(r".+_ctp\.nii(\.gz)?")
_LESION: Final = re.compile(r".+_lesion-msk\.nii(\.gz)?")
_REGISTERED: Final = "_space-ncct_"


def is_subject_folder(path: Path) -> bool:
    """Return whether a folder holds a perfusion series in the layout of ISLES 2024."""
    return path.is_dir() and bool(_matching(path, _SERIES))


def subject_folders(root: Path) -> list[Path]:
    """Return one folder for each subject with a series, below a dataset's root or the ``train`` in it.

    For a subject with two series, the folder with the series in the space of the lesion is returned.
    """
    found: dict[str, Path] = {}
    for base in (root, root / "train"):
        for part in PARTS:
            for path in _folders(base / part):
                if path.name not in found and is_subject_folder(path):
                    found[path.name] = path
    return list(found.values())


def subject_series(folder: Path) -> Path | None:
    """Return the path of the series of a subject, None if there is none.

    Raises
    ------
    InputDataError
        The folder holds several series.
    """
    return _one(_matching(folder, _SERIES), "perfusion series (ctp)")


def read_subject(
    folder: Path,
    *,
    dt_s: float | None = None,
    units: SeriesUnits = "hu",
    case: str = "case",
    mask: Path | bytes | None = None,
) -> PerfusionSeries:
    """Read the series of a subject, with its lesion mask if that lies in the same space.

    Parameters
    ----------
    folder
        Folder ``sub-…`` in the derivatives or the raw data; lesions are also searched in the derivatives.
    dt_s, units, case, mask
        As for :func:`perfcore.io.nifti.reader.read_series`.

    Raises
    ------
    InputDataError
        A file is missing, ambiguous or refused.
    """
    given = subject_series(folder)
    if given is None:
        raise InputDataError(
            "The subject's folder holds no perfusion series; expected one file that ends in _ctp.nii.gz in its "
            "first session, as in ISLES 2024."
        )
    lesions = _matching(folder, _LESION) or _matching(folder.parent.parent / PARTS[0] / folder.name, _LESION)
    lesion = _one(lesions, "lesion mask (lesion-msk)")
    usable = None if lesion is None or not _fits(lesion, given) else lesion
    series = read_series(given, dt_s=dt_s, units=units, case=case, mask=mask, lesion=usable)
    if lesion is None or usable is not None:
        return series
    sentence = "The lesion mask lies in another space than the perfusion series and was left out."
    return replace(series, warnings=(*series.warnings, make_flag("lesion_left_out", sentence)))


def _fits(lesion: Path, series: Path) -> bool:
    """Return whether a lesion mask lies on a series: by its affine if that is registered, else by its grid."""
    with open_source(series, "series") as stream:
        header = read_header(stream)
    check_series(header)
    nx, ny, nz = header.shape[:3]
    grid = VolumeGrid((nx, ny, nz), affine_mm(header, "series")[0])
    if on_grid(lesion, grid, "lesion mask"):
        return True
    return _REGISTERED in series.name and covers(
        lesion, series_layout(header, header.shape[3]).grid, "lesion mask"
    )


def _matching(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    """Return the files in the session folders of a subject whose name matches."""
    sessions = (path for path in _folders(folder) if _SESSION.fullmatch(path.name))
    return [path for session in sessions for path in _files(session) if pattern.fullmatch(path.name)]


def _one(files: list[Path], what: str) -> Path | None:
    """Return the only file, preferring a registered one; None if there is none."""
    files = [path for path in files if _REGISTERED in path.name] or files
    if len(files) > 1:
        raise InputDataError(
            f"The subject's folder holds {len(files)} files of the {what}; expected one, as in ISLES 2024."
        )
    return files[0] if files else None


def _folders(path: Path) -> Iterable[Path]:
    return (entry for entry in _entries(path) if entry.is_dir())


def _files(path: Path) -> Iterable[Path]:
    return (entry for entry in _entries(path) if not entry.name.startswith(".") and not entry.is_dir())


def _entries(path: Path) -> list[Path]:
    """List a folder in sorted order; empty if it cannot be listed."""
    try:
        return sorted(path.iterdir())
    except (OSError, ValueError):
        return []
