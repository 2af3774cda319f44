"""Frames of multi-frame DICOM images: each with the elements that a single-frame image has (PS3.3 C.7.6.16).

The functional groups of a frame are sequences of one item, shared by all frames or one per frame. Their elements
carry the tags of single-frame images, so that one frame is read as one image.
"""

from __future__ import annotations

from typing import Final

from perfcore.io.dicom.clocks import TIME_INDEX_POINTERS
from perfcore.io.dicom.elements import Elements

SHARED_GROUPS, FRAME_GROUPS = 0x52009229, 0x52009230
DIMENSIONS: Final = 0x00209222
"""Sequences of functional groups, and of the dimensions that index the frames."""
MAX_FRAMES: Final = 10_000
"""Maximum number of frames in a file."""
_INSTANCE_NUMBER, _IMAGE_TYPE, _FRAME_TYPE = 0x00200013, 0x00080008, 0x00089007
_POINTER, _INDEX_VALUES = 0x00209165, 0x00209157
_MACROS: Final = (
    0x00209111,  # frame content
    0x00209113,  # plane position
    0x00209116,  # plane orientation
    0x00209310,  # temporal position
    0x00289110,  # pixel measures
    0x00289145,  # pixel value transformation
    0x00189329,  # CT image frame type
    0x00189226,  # MR image frame type
    0x00209170,  # unassigned shared converted attributes
    0x00209171,  # unassigned per-frame converted attributes
)
"""Functional groups whose elements are read."""
_CONVERTED: Final = (0x00209170, 0x00209171)


def read_frames(elements: Elements, groups: Elements, n_frames: int) -> list[tuple[Elements, int | None]]:
    """Return the elements of every frame, and its index along the dimension that counts time.

    Parameters
    ----------
    elements
        Elements of the file, the dimension index sequence among them.
    groups
        The sequences of functional groups.
    n_frames
        Number of frames.

    Returns
    -------
    list
        Empty if there is not one item of functional groups for every frame.
    """
    if not 0 < n_frames <= MAX_FRAMES:
        return []
    own = groups.items(FRAME_GROUPS)
    if len(own) != n_frames:
        return []
    shared = [macro for group in groups.items(SHARED_GROUPS)[:1] for macro in _macros(group)]
    common = elements.with_values_of(shared)
    pointers = [dimension.content(_POINTER) for dimension in elements.items(DIMENSIONS)]
    at = next((i for i, tag in enumerate(pointers) if _pointed(tag, elements) in TIME_INDEX_POINTERS), None)
    number = int(elements.number(_INSTANCE_NUMBER) or 0)
    frames = []
    for k, group in enumerate(own, 1):
        frame = common.with_values_of(_macros(group))
        if kind := frame.content(_FRAME_TYPE):
            frame = frame.with_value(_IMAGE_TYPE, kind)
        index = frame.integers(_INDEX_VALUES)
        frame = frame.with_value(_INSTANCE_NUMBER, str(number * MAX_FRAMES + k).encode())
        frames.append((frame, index[at] if at is not None and at < len(index) else None))
    return frames


def _macros(group: Elements) -> list[Elements]:
    """Return the items of the functional groups, those that replace the elements of others last."""
    tags = sorted(_MACROS, key=lambda tag: tag not in _CONVERTED)
    return [item for tag in tags for item in group.items(tag)[:1]]


def _pointed(value: bytes, elements: Elements) -> int:
    """Return the tag that an attribute tag (AT) value holds."""
    if len(value) != 4:
        return 0
    group, element = (int.from_bytes(value[i : i + 2], elements.order) for i in (0, 2))
    return group << 16 | element
