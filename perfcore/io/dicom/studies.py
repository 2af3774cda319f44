"""Folder of DICOM studies: its subfolders and archives that hold different studies."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from perfcore.errors import InputDataError
from perfcore.io.dicom.elements import ReadBudget, suppress_warnings
from perfcore.io.dicom.files import ZIP_SUFFIX, Blob, file_blob, open_files
from perfcore.io.dicom.header import SkipReason, read_images

_Study = tuple[str, str]
NAMELESS: Final = ("", "")


def study_folders(root: Path) -> list[Path]:
    """Return the subfolders and zip archives of a folder that hold different studies, in the order of their names.

    The first image of each tells its study: a digest of the patient's identity and the StudyInstanceUID. Where
    files have neither, each place is taken for a study.

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
    """Return the study of the first image of a folder or archive, () if there is none, None if unreadable."""
    try:
        with open_files(place) as blobs:
            return next((study for blob in blobs if (study := _study_of(blob))), ())
    except InputDataError:
        return None


def _study_of_file(path: Path) -> _Study | None:
    blob = file_blob(path)
    return None if blob is None else _study_of(blob)


def _study_of(blob: Blob) -> _Study | None:
    """Return the study of an image; None for another file, a DICOMDIR among them."""
    budget = ReadBudget()
    with suppress_warnings(), closing(budget.decoder):
        try:
            found = read_images(blob, budget)
        except InputDataError:
            return None
    return None if isinstance(found, SkipReason) or not found else found[0].tags.study_of_patient
