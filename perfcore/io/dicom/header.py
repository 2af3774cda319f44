"""Header and pixels of a single-frame DICOM CT or MR image.

Of the elements about the patient only a digest is kept (:mod:`perfcore.io.dicom.scan_tags`). Format: DICOM PS3.3
(CT Image IOD), PS3.5, PS3.10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import InputDataError
from perfcore.io.dicom.elements import PARSE_ERRORS, Elements, ReadBudget
from perfcore.io.dicom.files import MAGIC, MAGIC_OFFSET, Blob
from perfcore.io.dicom.scan_tags import SCAN_TAGS, ScanTags, derived_kind, read_scan_tags
from perfcore.types import FloatArray

MAX_HEADER_BYTES: Final = 4 << 20
"""Maximum size of all elements other than the pixels."""
CLOCKS: Final = ("acquisition date and time", "acquisition time", "content time", "temporal position")
MODALITIES: Final = ("CT", "MR")
_FIRST_BYTES: Final = 64 << 10
_MORE_BYTES: Final = 1 << 20
_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_UNCOMPRESSED: Final = {
    "1.2.840.10008.1.2": (True, True),
    "1.2.840.10008.1.2.1": (False, True),
    "1.2.840.10008.1.2.2": (False, False),
}
"""Uncompressed transfer syntaxes: (implicit VR, little endian)."""
_MULTIFRAME: Final = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")

_META_END: Final = 0x0002FFFF
_SYNTAX: Final = 0x00020010
_CLASS, _UID, _SERIES = 0x00080016, 0x00080018, 0x0020000E
_DATE_TIME, _TIMES = 0x0008002A, (0x00080032, 0x00080033)
_TEMPORAL_POSITION, _TEMPORAL_RESOLUTION = 0x00200100, 0x00200110
_ACQUISITION_NUMBER, _INSTANCE_NUMBER = 0x00200012, 0x00200013
_THICKNESS, _SPACING = 0x00180050, 0x00180088
_POSITION, _ORIENTATION, _PIXEL_SPACING = 0x00200032, 0x00200037, 0x00280030
_SAMPLES, _N_FRAMES, _ROWS, _COLUMNS = 0x00280002, 0x00280008, 0x00280010, 0x00280011
_ALLOCATED, _STORED, _HIGH, _SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_INTERCEPT, _SLOPE = 0x00281052, 0x00281053
_PIXELS: Final = 0x7FE00010
_TAGS: Final = [
    *SCAN_TAGS, _CLASS, _UID, _SERIES, _DATE_TIME, *_TIMES, _TEMPORAL_POSITION, _TEMPORAL_RESOLUTION,
    _ACQUISITION_NUMBER, _INSTANCE_NUMBER, _THICKNESS, _SPACING, _POSITION, _ORIENTATION, _PIXEL_SPACING, _SAMPLES,
    _N_FRAMES, _ROWS, _COLUMNS, _ALLOCATED, _STORED, _HIGH, _SIGNED, _INTERCEPT, _SLOPE,
]  # fmt: skip
_TIME: Final = re.compile(r"(\d\d):?(\d\d):?(\d\d(?:\.\d{1,6})?)", re.ASCII)
_DATED: Final = re.compile(r"\d{8}(\d\d)(\d\d)(\d\d(?:\.\d{1,6})?)(?:[+-]\d{4})?", re.ASCII)


class SkipReason(Enum):
    """Reason why a file is not used as an image of a series."""

    NOT_DICOM = "no DICOM"
    OTHER = "DICOM of another kind"
    DAMAGED = "damaged DICOM"
    MULTIFRAME = "enhanced multi-frame CT"
    COMPRESSED = "compressed as a whole"
    LOCALIZER = "localizer"
    MAP = "perfusion map"
    PROJECTION = "projection"
    CAPTURE = "capture"


@dataclass(frozen=True, slots=True)
class DicomImage:
    """Header of a CT image; every number is finite, but plausibility is checked later.

    Attributes
    ----------
    blob
        Bytes of the file.
    uid, series
        UIDs of the image and of its series; never displayed.
    position, orientation
        Position of the first pixel, mm, and direction cosines of row and column, in LPS+.
    pixel_mm
        Spacing between rows and between columns, mm.
    slice_mm
        Spacing between slices, else slice thickness, mm; None if neither is given.
    clocks
        Time in seconds by each of :data:`CLOCKS`, None where it is missing.
    ranks
        Keys that order images without giving times: temporal position, acquisition number, instance number.
    bits
        Bits allocated, bits stored, and high bit.
    signed, slope, intercept
        Pixel representation and rescaling; slope and intercept are None where they are missing.
    implicit, little, offset
        Encoding of the elements, and position of the first element after the header.
    compressed
        Whether the pixels are compressed.
    tags
        What distinguishes its scan from others.
    """

    blob: Blob
    uid: str
    series: str
    rows: int
    columns: int
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_mm: tuple[float, ...]
    slice_mm: float | None
    clocks: tuple[float | None, ...]
    ranks: tuple[float | None, ...]
    bits: tuple[int, int, int]
    signed: bool
    slope: float | None
    intercept: float | None
    implicit: bool
    little: bool
    offset: int
    compressed: bool
    tags: ScanTags

    @property
    def n_bytes(self) -> int:
        """Size of the pixels in bytes."""
        return self.rows * self.columns * self.bits[0] // 8


def read_image_header(blob: Blob, budget: ReadBudget) -> DicomImage | SkipReason:
    """Read the header of a file, up to the scaling of its pixels.

    Returns
    -------
    DicomImage or SkipReason
        Header of a single-frame CT image, or the reason for skipping the file.

    Raises
    ------
    InputDataError
        The file cannot be read at all, or the read budget is exhausted.
    """
    content = blob.read(_FIRST_BYTES)
    if content[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] != MAGIC:
        return SkipReason.NOT_DICOM
    found, whole = _image(blob, content, budget)
    if not whole and blob.n_bytes > len(content):
        found, _ = _image(blob, blob.read(_MORE_BYTES), budget)
    return found


def read_pixels(image: DicomImage, budget: ReadBudget) -> FloatArray:
    """Read an image.

    Returns
    -------
    numpy.ndarray
        Shape ``(columns, rows)``, float32, rescaled (HU); the last row of the file comes first, as in NIfTI.

    Raises
    ------
    InputDataError
        The file does not hold the pixels that its header declares.
    """
    if image.blob.n_bytes > image.n_bytes + MAX_HEADER_BYTES:
        raise InputDataError(
            f"A file of the DICOM series takes {image.blob.n_bytes / 1e6:,.1f} MB for an image of "
            f"{image.n_bytes / 1e6:,.1f} MB; export the series again without attached data."
        )
    elements = Elements(image.blob.read(image.n_bytes + MAX_HEADER_BYTES), budget)
    try:
        elements.find([_PIXELS], image.offset, implicit=image.implicit, little=image.little)
        stored = elements.content(_PIXELS)
    except PARSE_ERRORS as error:
        raise pixels_missing() from error
    if len(stored) != image.n_bytes:
        raise pixels_missing()
    dtype = np.dtype(f"{'<' if image.little else '>'}{'i' if image.signed else 'u'}{image.bits[0] // 8}")
    values: NDArray[Any] = np.frombuffer(stored, dtype).reshape(image.rows, image.columns)
    unused = image.bits[0] - image.bits[1]
    if unused:  # shift left and right: drops the bits above the stored ones and extends the sign
        values = (values.astype(dtype.newbyteorder("=")) << unused) >> unused
    slope = 1.0 if image.slope is None else image.slope
    scaled = values.astype(np.float64) * slope + (image.intercept or 0.0)
    return np.ascontiguousarray(scaled.astype(np.float32)[::-1].T)


def pixels_missing() -> InputDataError:
    """Return the error of a file whose pixels do not match its header."""
    return InputDataError(
        "A file of the DICOM series ends before its image does, or holds another image than its header declares; "
        "copy or export the series again."
    )


def _image(blob: Blob, content: bytes, budget: ReadBudget) -> tuple[DicomImage | SkipReason, bool]:
    """Parse the first bytes of a file; also return whether they held all header elements."""
    try:
        return _parsed(blob, content, budget)
    except PARSE_ERRORS:
        return SkipReason.DAMAGED, False


def _parsed(blob: Blob, content: bytes, budget: ReadBudget) -> tuple[DicomImage | SkipReason, bool]:
    elements = Elements(content, budget)
    start = MAGIC_OFFSET + len(MAGIC)
    elements.find([_SYNTAX], start, implicit=False, little=True, stop=lambda tag: tag > _META_END)
    syntax = elements.text(_SYNTAX)
    if syntax == _DEFLATED:
        return SkipReason.COMPRESSED, True
    implicit, little = _UNCOMPRESSED.get(syntax, (False, True))
    start = elements.position
    whole = elements.find(_TAGS, start, implicit=implicit, little=little, stop=lambda tag: tag > _SLOPE)
    if elements.text(_CLASS) in _MULTIFRAME:
        return SkipReason.MULTIFRAME, whole
    order: Literal["little", "big"] = "little" if little else "big"
    rows, columns = (elements.short(tag, order) for tag in (_ROWS, _COLUMNS))
    position, orientation = elements.floats(_POSITION, 3), elements.floats(_ORIENTATION, 6)
    pixel_mm, series = elements.floats(_PIXEL_SPACING, 2), elements.text(_SERIES)
    tags, n_samples = read_scan_tags(elements), elements.short(_SAMPLES, order)
    if (kind := derived_kind(elements, is_colour=n_samples > 1)) is not None:
        return SkipReason(kind), whole
    is_scan = tags.modality in MODALITIES and n_samples == 1 and rows and columns
    if not is_scan or not series or position is None or orientation is None or pixel_mm is None:
        return SkipReason.OTHER, whole
    if (elements.number(_N_FRAMES) or 1) != 1:
        return SkipReason.MULTIFRAME, whole
    rank, resolution_ms = elements.number(_TEMPORAL_POSITION), elements.number(_TEMPORAL_RESOLUTION)
    temporal = rank * resolution_ms / 1000 if rank is not None and resolution_ms else None
    slope, intercept = elements.number(_SLOPE), elements.number(_INTERCEPT)
    image = DicomImage(
        blob=blob,
        uid=elements.text(_UID),
        series=series,
        rows=rows,
        columns=columns,
        position=position,
        orientation=orientation,
        pixel_mm=pixel_mm,
        slice_mm=elements.number(_SPACING) or elements.number(_THICKNESS),
        clocks=(
            _clock(elements.text(_DATE_TIME), _DATED),
            *(_clock(elements.text(tag), _TIME) for tag in _TIMES),
            temporal,
        ),
        ranks=(rank, elements.number(_ACQUISITION_NUMBER), elements.number(_INSTANCE_NUMBER)),
        bits=(elements.short(_ALLOCATED, order), elements.short(_STORED, order), elements.short(_HIGH, order)),
        signed=elements.short(_SIGNED, order) == 1,
        slope=slope,
        intercept=intercept,
        implicit=implicit,
        little=little,
        offset=elements.position,
        compressed=syntax not in _UNCOMPRESSED,
        tags=tags,
    )
    return image, whole


def _clock(text: str, pattern: re.Pattern[str]) -> float | None:
    """Return seconds since midnight; dates are ignored, since they may be anonymised."""
    match = pattern.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = (float(part) for part in match.groups())
    return None if hours > 23 or minutes > 59 or seconds > 60 else 3600 * hours + 60 * minutes + seconds
