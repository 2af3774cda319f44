"""Headers of DICOM CT and MR images: one per image of a file.

Of the elements about the patient only a digest is kept (:mod:`perfcore.io.dicom.scan_tags`). Format: DICOM PS3.3
(CT, enhanced CT and MR Image IOD), PS3.5, PS3.10.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from perfcore.io.dicom.clocks import CLOCK_TAGS, read_clocks, read_ranks
from perfcore.io.dicom.elements import PARSE_ERRORS, Elements, ReadBudget
from perfcore.io.dicom.enhanced import DIMENSIONS, FRAME_GROUPS, MAX_FRAMES, SHARED_GROUPS, read_frames
from perfcore.io.dicom.files import Blob
from perfcore.io.dicom.inflated import InflatedBlob
from perfcore.io.dicom.pixel_data import PIXELS, PixelData
from perfcore.io.dicom.scan_tags import SCAN_TAGS, ScanTags, derived_kind, read_scan_tags
from perfcore.io.dicom.signature import HEAD_BYTES, Beginning, find_beginning
from perfcore.io.dicom.transfer_syntax import DEFLATED, TransferSyntax, transfer_syntax

MODALITIES: Final = ("CT", "MR")
_WINDOWS: Final = (64 << 10, 1 << 20, 8 << 20, 64 << 20)
"""First bytes of a file that are searched for its header; more of them where it is not whole."""
_MAX_SINGLE: Final = 1 << 20
"""The same at most for a single-frame image, which has no functional groups of many frames before its pixels."""
_MAX_GROUP_READS: Final = 3_000_000
"""Maximum number of reads in the functional groups of a file, whose elements are in memory at the same time."""
_MULTIFRAME: Final = (
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
    "1.2.840.10008.5.1.4.1.1.4.1",
    "1.2.840.10008.5.1.4.1.1.4.4",
)
"""SOP classes of enhanced CT and MR images and of those converted from single-frame images."""
_IMPLICIT: Final = "1.2.840.10008.1.2"
_EXPLICIT: Final = "1.2.840.10008.1.2.1"
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"

_META_END: Final = 0x0002FFFF
_SYNTAX: Final = 0x00020010
_CLASS, _UID, _MODALITY, _SERIES = 0x00080016, 0x00080018, 0x00080060, 0x0020000E
_THICKNESS, _SPACING = 0x00180050, 0x00180088
_POSITION, _ORIENTATION, _PIXEL_SPACING = 0x00200032, 0x00200037, 0x00280030
_SAMPLES, _N_FRAMES, _ROWS, _COLUMNS = 0x00280002, 0x00280008, 0x00280010, 0x00280011
_ALLOCATED, _STORED, _HIGH, _SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_PADDING, _PADDING_LIMIT = 0x00280120, 0x00280121
_INTERCEPT, _SLOPE, _LOSSY = 0x00281052, 0x00281053, 0x00282110
_TAGS: Final = [
    *SCAN_TAGS, *CLOCK_TAGS, _CLASS, _UID, _MODALITY, _SERIES, _THICKNESS, _SPACING, _POSITION, _ORIENTATION,
    _PIXEL_SPACING, _SAMPLES, _N_FRAMES, _ROWS, _COLUMNS, _ALLOCATED, _STORED, _HIGH, _SIGNED, _PADDING,
    _PADDING_LIMIT, _INTERCEPT, _SLOPE, _LOSSY, DIMENSIONS,
]  # fmt: skip
_LAST_TAG: Final = 0x00282110
"""Last element that an image needs. Frame reference time comes later, beyond the first bytes where there are much
private data; it serves only where no other clock does."""


class SkipReason(Enum):
    """Reason why a file is not used as an image of a series."""

    NOT_DICOM = "no DICOM"
    OTHER = "DICOM of another kind"
    DAMAGED = "damaged DICOM"
    MULTIFRAME = "multi-frame without functional groups"
    LOCALIZER = "localizer"
    MAP = "perfusion map"
    PROJECTION = "projection"
    CAPTURE = "capture"


@dataclass(frozen=True, slots=True)
class DicomImage:
    """Header of an image; every number is finite, but plausibility is checked later.

    Attributes
    ----------
    blob
        Bytes of the file.
    uid, series
        UIDs of the SOP instance, which its frames share, and of the series; never displayed.
    frame
        Index of the frame in its file, 0 in a single-frame image.
    modality
        One of :data:`MODALITIES`.
    position, orientation
        Position of the first pixel, mm, and direction cosines of row and column, in LPS+.
    pixel_mm
        Spacing between rows and between columns, mm.
    slice_mm
        Spacing between slices, else slice thickness, mm; None if neither is given.
    clocks
        Time in seconds by each of :data:`perfcore.io.dicom.clocks.CLOCKS`, None where it is missing.
    ranks
        Keys that order images without giving times: temporal position, acquisition number, instance number.
    bits
        Bits allocated, bits stored, and high bit.
    signed, slope, intercept
        Pixel representation and rescaling; slope and intercept are None where they are missing.
    padding
        Stored numbers from the first to the second fill what was not reconstructed, as unsigned 16-bit numbers;
        None where there is no padding value.
    lossy
        Whether the pixels were once compressed with a loss.
    pixels
        Pixel Data of the file.
    tags
        What distinguishes its scan from others.
    """

    blob: Blob
    uid: str
    series: str
    frame: int
    modality: str
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
    padding: tuple[int, int] | None
    lossy: bool
    pixels: PixelData
    tags: ScanTags

    @property
    def n_bytes(self) -> int:
        """Size of the pixels in bytes."""
        return self.rows * self.columns * self.bits[0] // 8


def read_images(blob: Blob, budget: ReadBudget) -> tuple[DicomImage, ...] | SkipReason:
    """Read the header of a file, up to its pixels.

    Returns
    -------
    tuple of DicomImage or SkipReason
        The image of the file, or one per frame; else the reason for skipping the file.

    Raises
    ------
    InputDataError
        The file cannot be read at all, or the read budget is exhausted.
    """
    head = blob.read(_WINDOWS[0])
    found: tuple[DicomImage, ...] | SkipReason = SkipReason.DAMAGED
    try:
        data_set = find_data_set(blob, head, budget)
        if data_set is None:
            return SkipReason.NOT_DICOM
        source, start, syntax = data_set
        for n_bytes in _WINDOWS:
            content = head if source is blob and n_bytes == len(head) else source.read(n_bytes)
            found, is_whole, n_frames = _parsed(source, content, start, syntax, budget)
            if is_whole or len(content) < n_bytes or (n_frames is None and n_bytes >= _MAX_SINGLE):
                break
    except PARSE_ERRORS:
        return SkipReason.DAMAGED
    return found


def find_data_set(blob: Blob, head: bytes, budget: ReadBudget) -> tuple[Blob, int, TransferSyntax] | None:
    """Return what holds the data set of a file, the position of its first element, and its transfer syntax.

    Parameters
    ----------
    blob
        The file.
    head
        Its first 64 KiB.
    budget
        Limit on the number of reads.

    Returns
    -------
    tuple or None
        None if the file is not DICOM.
    """
    beginning = find_beginning(head[:HEAD_BYTES])
    if beginning is None:
        return None
    start, uid = beginning.start, ""
    if beginning.has_meta:
        meta = Elements(head, budget)
        meta.find([_SYNTAX], start, implicit=False, little=True, stop=lambda tag: tag > _META_END)
        start, uid = meta.position, meta.text(_SYNTAX)
        beginning = find_beginning(head[start : start + HEAD_BYTES]) or Beginning(start, has_meta=False)
    if uid == DEFLATED:
        return InflatedBlob(blob, start), 0, transfer_syntax(uid)
    if not uid:
        uid = _IMPLICIT if beginning.implicit else _EXPLICIT if beginning.little else _BIG_ENDIAN
    return blob, start, transfer_syntax(uid)


def _parsed(
    blob: Blob, content: bytes, start: int, syntax: TransferSyntax, budget: ReadBudget
) -> tuple[tuple[DicomImage, ...] | SkipReason, bool, int | None]:
    """Parse the first bytes of a file.

    Returns
    -------
    tuple of DicomImage or SkipReason
        The images, as far as the bytes tell.
    bool
        Whether the bytes held the whole header.
    int or None
        Number of frames of a multi-frame image, None for a single-frame one.
    """
    reached = 0

    def is_behind(tag: int) -> bool:
        nonlocal reached
        reached = tag
        return tag >= SHARED_GROUPS

    elements = Elements(content, budget)
    encoding = {"implicit": syntax.implicit, "little": syntax.little}
    try:
        elements.find(_TAGS, start, stop=is_behind, **encoding)
    except PARSE_ERRORS:
        return SkipReason.DAMAGED, False, None
    n_frames = int(min(elements.number(_N_FRAMES) or 1, MAX_FRAMES + 1))
    is_multi = n_frames != 1 or elements.text(_CLASS) in _MULTIFRAME
    pixels = PixelData(blob, syntax, elements.last_start, n_frames)
    if reached == PIXELS:
        pixels.place(content, elements.position)
    if not is_multi:
        if PIXELS > reached >= SHARED_GROUPS:  # overlays come first
            _place(pixels, Elements(content, budget), content, [PIXELS])
        image = _image(elements, None, pixels, 0)
        return (image if isinstance(image, SkipReason) else (image,)), reached > _LAST_TAG, None
    with budget.at_most(_MAX_GROUP_READS) as allowance:
        groups = Elements(content, allowance)
        if not _place(pixels, groups, content, [SHARED_GROUPS, FRAME_GROUPS]):
            return SkipReason.DAMAGED, False, n_frames
        frames = read_frames(elements, groups, n_frames)
    if not frames:
        return SkipReason.MULTIFRAME, True, n_frames
    found = [_image(frame, time_index, pixels, k) for k, (frame, time_index) in enumerate(frames)]
    images = tuple(image for image in found if isinstance(image, DicomImage))
    skipped = next((reason for reason in found if isinstance(reason, SkipReason)), SkipReason.OTHER)
    return images or skipped, True, n_frames


def _place(pixels: PixelData, elements: Elements, content: bytes, tags: list[int]) -> bool:
    """Search elements up to Pixel Data, and return whether it is there."""
    syntax = pixels.syntax
    try:
        found = elements.find(
            tags, pixels.after, implicit=syntax.implicit, little=syntax.little, stop=lambda tag: tag >= PIXELS
        )
    except PARSE_ERRORS:
        return False
    if found:
        pixels.place(content, elements.position)
    return found


def _image(elements: Elements, time_index: int | None, pixels: PixelData, frame: int) -> DicomImage | SkipReason:
    """Return the image that elements describe."""
    rows, columns = elements.short(_ROWS), elements.short(_COLUMNS)
    position, orientation = elements.floats(_POSITION, 3), elements.floats(_ORIENTATION, 6)
    pixel_mm, series = elements.floats(_PIXEL_SPACING, 2), elements.text(_SERIES)
    n_samples = elements.short(_SAMPLES)
    if (kind := derived_kind(elements, is_colour=n_samples > 1)) is not None:
        return SkipReason(kind)
    modality = elements.text(_MODALITY)
    is_grey = modality in MODALITIES and n_samples == 1 and rows and columns
    if not is_grey or not series or position is None or orientation is None or pixel_mm is None:
        return SkipReason.OTHER
    padding, limit = elements.content(_PADDING), elements.content(_PADDING_LIMIT)
    return DicomImage(
        blob=pixels.blob,
        uid=elements.text(_UID),
        series=series,
        frame=frame,
        modality=modality,
        rows=rows,
        columns=columns,
        position=position,
        orientation=orientation,
        pixel_mm=pixel_mm,
        slice_mm=elements.number(_SPACING) or elements.number(_THICKNESS),
        clocks=read_clocks(elements),
        ranks=read_ranks(elements, time_index),
        bits=(elements.short(_ALLOCATED), elements.short(_STORED), elements.short(_HIGH)),
        signed=elements.short(_SIGNED) == 1,
        slope=elements.number(_SLOPE),
        intercept=elements.number(_INTERCEPT),
        padding=(elements.short(_PADDING), elements.short(_PADDING_LIMIT if len(limit) == 2 else _PADDING))
        if len(padding) == 2
        else None,
        lossy=pixels.syntax.lossy or elements.text(_LOSSY) == "01",
        pixels=pixels,
        tags=read_scan_tags(elements),
    )
