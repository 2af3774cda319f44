"""Source series of DICOM objects: its headers, checked and completed before the maps are computed."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pydicom.config
from highdicom import SpecificCharacterSetValues
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import generate_uid
from pydicom.valuerep import validate_value

from perfcore.errors import InputDataError
from perfcore.io.dicom.elements import suppress_warnings
from perfcore.io.dicom.source_headers import read_source_headers

_IDENTITY: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
"""Without these nothing can refer to the series, and objects would lie in no study."""
_TYPE_2: Final = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
"""Attributes of the Patient and General Study modules that are empty where they are unknown."""
_CHECKED: Final = ("AS", "CS", "DA", "TM", "UI")
"""Value representations whose malformed values are left out, because archives reject objects that have them."""
_NUMBERS: Final = ("DS", "IS")
"""The same, but these need only be numbers: many scanners write more than the 16 characters allowed."""
_CHARACTER_SETS: Final = frozenset(term.value for term in SpecificCharacterSetValues)
_UTF_8: Final = "ISO_IR 192"
_EMPTY_FIRST: Final = "ISO 2022 IR 6"
"""What an empty first of several character sets means (PS3.3 C.12.1.1.2)."""
_SEXES: Final = ("M", "F", "O")
_UID: Final = re.compile(r"(?=.{1,64}$)\d+(\.\d+)+", re.ASCII)

_LOGGER: Final = logging.getLogger("highdicom")
_LOGGER.propagate = False  # its messages quote the patient's name
_LOGGER.addHandler(logging.NullHandler())  # without any handler, warnings would go to standard error


@dataclass(frozen=True, eq=False)
class DicomSource:
    """Headers of the series that DICOM objects are made from.

    Attributes
    ----------
    headers
        One image per slice, the first in time, in the order of the slices, complete in what the objects need.
    """

    headers: tuple[Dataset, ...]


def read_dicom_source(path: Path | bytes, *, dt_s: float | None = None) -> DicomSource:
    """Read and check the headers of the series that :func:`perfcore.io.dicom.reader.read_dicom` reads.

    Attributes of type 2 that are missing become empty. A missing frame of reference is replaced with a new one
    that all objects of this source share: they fit each other, at the positions of the source.

    Parameters
    ----------
    path
        A folder or a zip file of DICOM files, or the content of the latter.
    dt_s
        Time step in seconds that overrides the headers.

    Raises
    ------
    InputDataError
        There is no such series, or its images have no UIDs of study, series and instance.
    """
    headers = read_source_headers(path, dt_s=dt_s)
    frame_of_reference = generate_uid(prefix=None)
    with suppress_warnings():
        for header in headers:
            _complete(header, frame_of_reference)
            header.ImageOrientationPatient = headers[0].ImageOrientationPatient  # equal but for rounding
    return DicomSource(tuple(headers))


def _complete(header: Dataset, frame_of_reference: str) -> None:
    if not all(_UID.fullmatch(str(header.get(keyword, ""))) for keyword in _IDENTITY):
        raise InputDataError(
            "The DICOM series has no valid UIDs of study, series and images, which DICOM objects must refer to; "
            "export the series from the PACS again, or leave out --dicom-out."
        )
    if header.get("SpecificCharacterSet"):
        header.SpecificCharacterSet = _character_set(header.SpecificCharacterSet)
    for element in [element for element in header if not _is_valid(element)]:
        del header[element.tag]
    if header.get("PatientSex") not in _SEXES:
        header.PatientSex = ""
    for keyword in _TYPE_2:
        if header.get(keyword) is None:
            setattr(header, keyword, "")
    if not header.get("FrameOfReferenceUID"):
        header.FrameOfReferenceUID = frame_of_reference
    if header.get("LossyImageCompression") not in {"00", "01"}:
        header.LossyImageCompression = "00"


def _character_set(found: str | MultiValue[str]) -> list[str]:
    """Return the character set to write with: that of the source, or UTF-8 where the source's is not standard."""
    terms = [found] if isinstance(found, str) else list(found)
    terms[0] = terms[0] or _EMPTY_FIRST
    return terms if all(term in _CHARACTER_SETS for term in terms) else [_UTF_8]


def _is_valid(element: DataElement) -> bool:
    """Return whether the text of an element has the syntax of its value representation."""
    if element.VR not in (*_CHECKED, *_NUMBERS) or element.is_empty:
        return True
    values = element.value if isinstance(element.value, MultiValue) else [element.value]
    try:
        for value in values:
            if element.VR in _NUMBERS:
                float(value)
            else:
                validate_value(element.VR, str(value), pydicom.config.RAISE)
    except ValueError:
        return False
    return True
