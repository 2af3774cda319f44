"""Folder of DICOM studies: its subfolders and archives that hold different studies."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.dicom.elements import PARSE_ERRORS, Elements, ReadBudget, suppress_warnings
from perfcore.io.dicom.files import ZIP_SUFFIX, Blob, file_blob, open_files
from perfcore.io.dicom.header import find_data_set

_HEADER_BYTES: Final = 1 << 16
"""Read of a file to find its study, whose UID stands before all large elements."""
_INSTANCE, _PATIENT, _STUDY_UID = 0x00080018, 0x00100020, 0x0020000D
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
        return _study_of(file_blob(path))
    except (OSError, InputDataError):
        return None


def _study_of(blob: Blob) -> _Study | None:
    """Return the study of a DICOM file from its first bytes; None for another file and for a DICOMDIR."""
    budget, head = ReadBudget(), blob.read(_HEADER_BYTES)
    try:
        found = find_data_set(blob, head, budget)
        if found is None:
            return None
        source, start, syntax = found
        elements = Elements(head if source is blob else source.read(_HEADER_BYTES), budget)
        with suppress_warnings():
            elements.find(
                [_INSTANCE, _PATIENT, _STUDY_UID], start, implicit=syntax.implicit, little=syntax.little,
                stop=lambda tag: tag > _STUDY_UID,
            )  # fmt: skip
    except PARSE_ERRORS:
        return None
    if not elements.content(_INSTANCE):
        return None
    return elements.text(_PATIENT), elements.text(_STUDY_UID)
