"""Source series of DICOM objects: its headers, checked and completed before the maps are computed."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
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
_SHARED: Final = "SharedFunctionalGroupsSequence"
"""Only multi-frame images have it."""
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
        One image per slice, the first in time, in the order of the slices, complete in what the objects need; a
        multi-frame image only once.
    """

    headers: tuple[Dataset, ...]

    @property
    def slice_thickness_mm(self) -> float | None:
        """Slice thickness, None where the source does not give it."""
        first = self.headers[0]
        for group in first.get(_SHARED, ()):
            first = group.PixelMeasuresSequence[0]
        return float(first.SliceThickness) if first.get("SliceThickness") else None

    def parts(self) -> tuple[list[Dataset], list[Dataset]]:
        """Return the headers that highdicom takes as the source, and those that it takes beside it.

        The former are one multi-frame image, or the images of one series; the latter belong to the same study.
        """
        first = self.headers[0]
        together = [first] if _SHARED in first else [h for h in self.headers if _series(h) == _series(first)]
        chosen = {id(header) for header in together}
        rest = [header for header in self.headers if id(header) not in chosen]
        return together, [header for header in rest if header.StudyInstanceUID == first.StudyInstanceUID]


def read_dicom_source(
    path: Path | bytes, *, series: int | None = None, dt_s: float | None = None, units: str = "hu"
) -> DicomSource:
    """Read and check the headers of the series that :func:`perfcore.io.dicom.reader.read_dicom` reads.

    Attributes of type 2 that are missing become empty. A missing frame of reference is replaced with a new one
    that all objects of this source share: they fit each other, at the positions of the source.

    Parameters
    ----------
    path
        A folder or a zip file of DICOM files, or the content of the latter.
    series, dt_s, units
        As for :func:`perfcore.io.dicom.reader.read_dicom`.

    Raises
    ------
    InputDataError
        There is no such series, or its images have no UIDs of study, series and instance.
    """
    return complete_source(read_source_headers(path, series=series, dt_s=dt_s, units=units))


def complete_source(headers: Sequence[Dataset]) -> DicomSource:
    """Check headers, and add in place what the objects need.

    Parameters
    ----------
    headers
        One per slice; a multi-frame image may appear several times.

    Raises
    ------
    InputDataError
        An image has no UIDs of study, series and instance.
    """
    frame_of_reference = generate_uid(prefix=None)
    unique = list({str(header.get("SOPInstanceUID")): header for header in reversed(headers)}.values())[::-1]
    with suppress_warnings():
        for header in unique:
            _complete(header, frame_of_reference)
            if _SHARED in header:
                _share_geometry(header)
            else:
                header.ImageOrientationPatient = unique[0].ImageOrientationPatient  # equal but for rounding
    return DicomSource(tuple(unique))


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
    if _SHARED not in header and "SliceThickness" not in header:
        header.SliceThickness = None


def _share_geometry(header: Dataset) -> None:
    """Make orientation and pixel measures of the first frame those of all, where each frame has its own.

    The reader has checked that they agree; highdicom looks for them in the shared functional groups alone.
    """
    shared, first = header[_SHARED].value[0], header.PerFrameFunctionalGroupsSequence[0]
    for keyword in ("PlaneOrientationSequence", "PixelMeasuresSequence"):
        if keyword not in shared:
            setattr(shared, keyword, getattr(first, keyword))
    measures = shared.PixelMeasuresSequence[0]
    if "SliceThickness" not in measures:
        measures.SliceThickness = None


def _series(header: Dataset) -> tuple[object, ...]:
    """Return what the source images of one object must have in common."""
    return header.StudyInstanceUID, header.SeriesInstanceUID, header.FrameOfReferenceUID


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
