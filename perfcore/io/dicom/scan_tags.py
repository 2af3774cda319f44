"""DICOM elements that tell scans apart: patient, study, frame of reference, reconstruction and kind of image.

Of the patient only a digest is kept, which says whether two images belong to one patient and nothing else.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Literal

from perfcore.io.dicom.elements import Elements

DerivedKind = Literal["localizer", "perfusion map", "projection", "capture"]
"""Kinds of images that are computed from a scan, or that only plan it."""

_CLASS, _SAMPLES = 0x00080016, 0x00280002
_IMAGE_TYPE = 0x00080008
_DATES: Final = (0x00080022, 0x00080021, 0x00080020)
_SERIES_DESCRIPTION, _PROTOCOL = 0x0008103E, 0x00181030
_PATIENT_NAME, _PATIENT_ID, _BIRTH_DATE = 0x00100010, 0x00100020, 0x00100030
_THICKNESS, _KVP, _ECHO_TIME = 0x00180050, 0x00180060, 0x00180081
_KERNEL, _FILTER, _DIAMETER = 0x00181210, 0x00181160, 0x00181100
_STUDY, _SERIES_NUMBER, _FRAME_OF_REFERENCE = 0x0020000D, 0x00200011, 0x00200052

SCAN_TAGS: Final = [
    _IMAGE_TYPE, *_DATES, _SERIES_DESCRIPTION, _PROTOCOL, _PATIENT_NAME, _PATIENT_ID, _BIRTH_DATE,
    _THICKNESS, _KVP, _ECHO_TIME, _KERNEL, _FILTER, _DIAMETER, _STUDY, _SERIES_NUMBER, _FRAME_OF_REFERENCE,
]  # fmt: skip
"""Elements that :func:`read_scan_tags` reads."""

_CAPTURE_CLASS: Final = "1.2.840.10008.5.1.4.1.1.7"
"""Secondary Capture Image Storage; its multi-frame variants have further components."""
_KIND_WORDS: Final[dict[DerivedKind, frozenset[str]]] = {
    "localizer": frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW", "SCANOGRAM"}),
    "perfusion map": frozenset(
        {"CBF", "CBV", "MTT", "TTP", "TMAX", "TTD", "TTS", "RCBF", "RCBV", "PBV", "PBF", "PMB", "PERM", "PENUMBRA"}
    ),
    "projection": frozenset({"MIP", "MINIP", "MNIP", "TMIP", "VRT", "SSD", "PROJECTION"}),
    "capture": frozenset({"SCREEN", "SCREENSHOT", "SCREENSAVE", "DOSE", "REPORT", "CAPTURE"}),
}
"""Words of Image Type (0008,0008) by kind. DERIVED, SECONDARY, MPR and REFORMATTED are not among them: exports of
original perfusion images carry these, and a reformatted single volume has too few frames anyway."""


@dataclass(frozen=True, slots=True)
class ScanTags:
    """What distinguishes the scan of an image from others; never displayed.

    Attributes
    ----------
    patient
        Digest of the patient's ID, else of name and birth date; empty without either.
    study, frame_of_reference
        UIDs, empty where they are missing.
    reconstruction
        Slice thickness, tube voltage, echo time, kernel, filter and field of view, as comparable text.
    image_type
        Values of Image Type (0008,0008).
    description
        Digest of series description and protocol name.
    series_number
        Series number, None where it is missing.
    date
        Date of acquisition, series or study (YYYYMMDD), empty where they are missing.
    """

    patient: str
    study: str
    frame_of_reference: str
    reconstruction: tuple[str, ...]
    image_type: tuple[str, ...]
    description: str
    series_number: float | None
    date: str

    @property
    def study_of_patient(self) -> tuple[str, str]:
        """Patient and study, for comparison."""
        return self.patient, self.study


def read_scan_tags(elements: Elements) -> ScanTags:
    """Return the tags of a header that was searched for :data:`SCAN_TAGS`."""
    patient = elements.content(_PATIENT_ID).strip(b" \0")
    if not patient:
        patient = b"\\".join(elements.content(tag).strip(b" \0") for tag in (_PATIENT_NAME, _BIRTH_DATE)).strip(
            b"\\"
        )
    numbers = (elements.number(tag) for tag in (_THICKNESS, _KVP, _ECHO_TIME, _DIAMETER))
    described = b"\\".join(elements.content(tag) for tag in (_SERIES_DESCRIPTION, _PROTOCOL)).strip(b"\\")
    return ScanTags(
        patient=_digest(patient),
        study=elements.text(_STUDY),
        frame_of_reference=elements.text(_FRAME_OF_REFERENCE),
        reconstruction=(
            *("" if number is None else f"{number:.3g}" for number in numbers),
            *(elements.text(tag).upper() for tag in (_KERNEL, _FILTER)),
        ),
        image_type=_image_type(elements),
        description=_digest(described),
        series_number=elements.number(_SERIES_NUMBER),
        date=next((date for tag in _DATES if (date := elements.text(tag))), ""),
    )


def derived_kind(elements: Elements, *, is_colour: bool) -> DerivedKind | None:
    """Return the kind of a derived or planning image, None for an image of a scan.

    Parameters
    ----------
    elements
        Header that was searched for :data:`SCAN_TAGS` and the SOP class.
    is_colour
        Whether a pixel has several samples, as in a dose report or a coloured map.
    """
    words = {word for value in _image_type(elements) for word in re.split(r"[^A-Z0-9]+", value)}
    for kind, known in _KIND_WORDS.items():
        if words & known:
            return kind
    sop_class = elements.text(_CLASS)
    is_capture = sop_class == _CAPTURE_CLASS or sop_class.startswith(f"{_CAPTURE_CLASS}.")
    return "capture" if is_capture or is_colour else None


def _image_type(elements: Elements) -> tuple[str, ...]:
    return tuple(value.strip().upper() for value in elements.text(_IMAGE_TYPE).split("\\") if value.strip())


def _digest(value: bytes) -> str:
    return hashlib.blake2b(value, digest_size=16).hexdigest() if value else ""
