"""Folder of DICOM studies: its subfolders and archives that hold different studies."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import pydicom
from pydicom.errors import InvalidDicomError

from perfcore.errors import InputDataError
from perfcore.io.dicom.files import MAGIC, MAGIC_OFFSET, ZIP_SUFFIX, Blob, open_files

_HEADER_BYTES: Final = 1 << 16
"""Read of a file to find its study, whose UID stands before all large elements."""
_Study = tuple[str, str]
NAMELESS: Final = ("", "")


def study_folders(root: Path) -> list[Path]:
    """Return the subfolders and zip archives of a folder that hold different studies, in the order of their names.

    The first DICOM file of each tells its study: patient identifier and StudyInstanceUID, which are compared and
    not kept. Where files have neither, each place is taken for a study.

    Returns
    -------
    list of Path
        Empty where the folder is one case: DICOM files lie in it directly (a DICOMDIR does not count), or all of
        its subfolders belong to one study, as those of its series do. An archive that cannot be read is
        listed beside other studies, so that its reading says why.
    """
    try:
        entries = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    archives = [path for path in entries if path.is_file() and path.suffix.lower() == ZIP_SUFFIX]
    files = [path for path in entries if path.is_file() and path not in archives]
    if any(_study_of_file(path) for path in files):
        return []
    places = [path for path in entries if path.is_dir() or path in archives]
    studies = {path: _study_of_place(path) for path in places}
    studies = {path: study if study != NAMELESS else (str(path), "") for path, study in studies.items()}
    if len({study for study in studies.values() if study}) < 2:
        return []
    return [path for path, study in studies.items() if study or (path in archives and study is None)]


def _study_of_place(place: Path) -> _Study | tuple[()] | None:
    """Return the study of the first DICOM file of a folder or archive, () if there is none, None if unreadable."""
    try:
        with open_files(place) as blobs:
            return next((study for blob in blobs if (study := _study_of(blob))), ())
    except InputDataError:
        return None


def _study_of_file(path: Path) -> _Study | None:
    try:
        with path.open("rb") as file:
            start = file.read(MAGIC_OFFSET + len(MAGIC))
            return _parse(start + file.read(_HEADER_BYTES)) if start.endswith(MAGIC) else None
    except OSError:
        return None


def _study_of(blob: Blob) -> _Study | None:
    end = MAGIC_OFFSET + len(MAGIC)
    if blob.n_bytes < end or blob.read(end)[MAGIC_OFFSET:] != MAGIC:
        return None
    return _parse(blob.read(_HEADER_BYTES))


def _parse(head: bytes) -> _Study | None:
    """Return the study of a DICOM file from its first bytes; None for another file and for a DICOMDIR."""
    if head[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] != MAGIC:
        return None
    try:
        header = pydicom.dcmread(
            io.BytesIO(head), stop_before_pixels=True,
            specific_tags=["SOPInstanceUID", "PatientID", "StudyInstanceUID"],
        )  # fmt: skip
    except (InvalidDicomError, EOFError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError):
        return None
    if "SOPInstanceUID" not in header:
        return None
    return str(header.get("PatientID") or ""), str(header.get("StudyInstanceUID") or "")
