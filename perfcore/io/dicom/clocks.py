"""Clocks of a DICOM image: the elements that may hold its acquisition time, and its numbers in the series.

Elements: PS3.3 C.7.6.1 (general image), C.7.6.16.2.2 (frame content), C.7.6.16.2.5 (temporal position); the
private element of GE is *Mid Scan Time* of its CT conformance statements.
"""

from __future__ import annotations

import re
from typing import Final

from perfcore.io.dicom.elements import Elements

CLOCKS: Final = (
    "frame acquisition time",
    "frame reference time",
    "acquisition date and time",
    "acquisition time",
    "GE mid-scan time",
    "temporal position offset",
    "temporal position",
    "trigger time",
    "frame reference offset",
    "content time",
)
"""Clocks in order of trust. The first two and *temporal position offset* are those of enhanced images."""
CONFIRMED_CLOCKS: Final = ("trigger time", "frame reference offset")
"""Clocks that may count within a heart beat instead: used only where the numbers of the images follow them."""
CONTENT_TIME: Final = "content time"
"""Time at which an image was made; often that of its reconstruction."""

_FRAME_DATE_TIME, _FRAME_REFERENCE_DATE_TIME = 0x00189074, 0x00189151
_DATE_TIME, _ACQUISITION_TIME, _CONTENT_TIME = 0x0008002A, 0x00080032, 0x00080033
_TRIGGER_TIME, _FRAME_REFERENCE_TIME = 0x00181060, 0x00541300
_TEMPORAL_OFFSET, _TEMPORAL_RESOLUTION = 0x0020930D, 0x00200110
_TEMPORAL_POSITION, _TEMPORAL_INDEX = 0x00200100, 0x00209128
_ACQUISITION_NUMBER, _FRAME_ACQUISITION_NUMBER, _INSTANCE_NUMBER = 0x00200012, 0x00209156, 0x00200013
_GE_CREATORS: Final = tuple(range(0x00190010, 0x00190020))
_GE_CREATOR: Final = "GEMS_ACQU_01"
_GE_MID_SCAN: Final = 0x24
_MID_SCANS: Final = tuple((creator & 0xFF) << 8 | 0x00190000 | _GE_MID_SCAN for creator in _GE_CREATORS)
CLOCK_TAGS: Final = [
    _FRAME_DATE_TIME, _FRAME_REFERENCE_DATE_TIME, _DATE_TIME, _ACQUISITION_TIME, _CONTENT_TIME, _TRIGGER_TIME,
    _FRAME_REFERENCE_TIME, _TEMPORAL_OFFSET, _TEMPORAL_RESOLUTION, _TEMPORAL_POSITION, _TEMPORAL_INDEX,
    _ACQUISITION_NUMBER, _FRAME_ACQUISITION_NUMBER, _INSTANCE_NUMBER, *_GE_CREATORS, *_MID_SCANS,
]  # fmt: skip
"""Elements that :func:`read_clocks` and :func:`read_ranks` use."""
TIME_INDEX_POINTERS: Final = frozenset(
    {_TEMPORAL_INDEX, _TEMPORAL_POSITION, _TEMPORAL_OFFSET, _FRAME_DATE_TIME, _FRAME_REFERENCE_DATE_TIME}
)
"""Elements by which a dimension of an enhanced image counts time."""

_TIME: Final = re.compile(r"(\d\d):?(\d\d):?(\d\d(?:\.\d{1,6})?)", re.ASCII)
_DATED: Final = re.compile(r"\d{8}(\d\d)(\d\d)(\d\d(?:\.\d{1,6})?)(?:[+-]\d{4})?", re.ASCII)


def read_clocks(elements: Elements) -> tuple[float | None, ...]:
    """Return the time in seconds by each of :data:`CLOCKS`, None where it is missing."""
    position, resolution_ms = _temporal_position(elements), elements.number(_TEMPORAL_RESOLUTION)
    return (
        _clock(elements.text(_FRAME_DATE_TIME), _DATED),
        _clock(elements.text(_FRAME_REFERENCE_DATE_TIME), _DATED),
        _clock(elements.text(_DATE_TIME), _DATED),
        _clock(elements.text(_ACQUISITION_TIME), _TIME),
        _mid_scan_time(elements),
        elements.double(_TEMPORAL_OFFSET),
        position * resolution_ms / 1000 if position is not None and resolution_ms else None,
        _milliseconds(elements.number(_TRIGGER_TIME)),
        _milliseconds(elements.number(_FRAME_REFERENCE_TIME)),
        _clock(elements.text(_CONTENT_TIME), _TIME),
    )


def read_ranks(elements: Elements, time_index: int | None = None) -> tuple[float | None, ...]:
    """Return temporal position, acquisition number and instance number, None where one is missing.

    Parameters
    ----------
    elements
        Header of the image.
    time_index
        Index of a frame along the dimension that counts time, which serves where there is no temporal position.
    """
    position = _temporal_position(elements)
    acquisition = elements.short(_FRAME_ACQUISITION_NUMBER) or elements.number(_ACQUISITION_NUMBER)
    return (
        time_index if position is None else position,
        None if acquisition is None else float(acquisition),
        elements.number(_INSTANCE_NUMBER),
    )


def _temporal_position(elements: Elements) -> float | None:
    index = elements.integers(_TEMPORAL_INDEX)
    return float(index[0]) if index else elements.number(_TEMPORAL_POSITION)


def _mid_scan_time(elements: Elements) -> float | None:
    """Return GE's mid-scan time in seconds, from the block that its private creator has reserved (PS3.5, 7.8)."""
    for creator, tag in zip(_GE_CREATORS, _MID_SCANS, strict=True):
        if elements.content(tag) and elements.text(creator) == _GE_CREATOR:
            return elements.number(tag)
    return None


def _milliseconds(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _clock(text: str, pattern: re.Pattern[str]) -> float | None:
    """Return seconds since midnight; dates are ignored, since they may be anonymised."""
    match = pattern.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = (float(part) for part in match.groups())
    return None if hours > 23 or minutes > 59 or seconds > 60 else 3600 * hours + 60 * minutes + seconds
