"""Recognition of DICOM files by their first bytes, with or without preamble and file meta information.

A Part 10 file starts with 128 bytes of preamble and ``DICM`` (PS3.10, 7.1). Older writers store the file meta
information or the data set alone; such a file is recognised where its elements lead in order to a SOP class UID or
a transfer syntax UID of the DICOM standard.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 2048
"""Number of bytes that are needed to recognise a file."""
_MAGIC: Final = b"DICM"
_MAGIC_OFFSET: Final = 128
_STANDARD: Final = b"1.2.840.10008."
_META_UIDS: Final = (0x00020002, 0x00020010)
_SOP_CLASS: Final = 0x00080016
_LONG_VRS: Final = frozenset({b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC", b"UR"})
_SHORT_VRS: Final = frozenset({b"AE", b"CS", b"DA", b"DT", b"LO", b"SH", b"TM", b"UI", b"UL", b"US"})
_MAX_VALUE_BYTES: Final = 1024
_MAX_ELEMENTS: Final = 20


@dataclass(frozen=True)
class Beginning:
    """Where the elements of a file begin.

    Attributes
    ----------
    start
        Position of the first element.
    has_meta
        Whether the file meta information comes first, which names the encoding of the data set.
    implicit, little
        Encoding of the data set where there is no meta information.
    """

    start: int
    has_meta: bool
    implicit: bool = True
    little: bool = True


def find_beginning(head: bytes) -> Beginning | None:
    """Return where the elements of a file begin, None if it is not DICOM.

    Parameters
    ----------
    head
        First :data:`HEAD_BYTES` of the file, or all of them.
    """
    if head[_MAGIC_OFFSET : _MAGIC_OFFSET + len(_MAGIC)] == _MAGIC:
        return Beginning(_MAGIC_OFFSET + len(_MAGIC), has_meta=True)
    if head[:2] == b"\2\0" and _leads_to(head, _META_UIDS, 2, implicit=False, little=True):
        return Beginning(0, has_meta=True)
    for implicit, little in ((True, True), (False, True), (False, False)):
        if head[:2] == (b"\x08\0" if little else b"\0\x08") and _leads_to(
            head, (_SOP_CLASS,), 8, implicit=implicit, little=little
        ):
            return Beginning(0, has_meta=False, implicit=implicit, little=little)
    return None


def _leads_to(head: bytes, uids: tuple[int, ...], group: int, *, implicit: bool, little: bool) -> bool:
    """Return whether elements of one group, in ascending order, lead to a UID of the standard."""
    order = "<" if little else ">"
    at, last = 0, -1
    for _ in range(_MAX_ELEMENTS):
        if len(head) < at + 12:
            return False
        own, element = struct.unpack_from(f"{order}HH", head, at)
        vr = head[at + 4 : at + 6]
        if own != group or element <= last:
            return False
        if implicit:
            (n_bytes,) = struct.unpack_from(f"{order}I", head, at + 4)
            at += 8
        elif vr in _SHORT_VRS:
            (n_bytes,) = struct.unpack_from(f"{order}H", head, at + 6)
            at += 8
        elif vr in _LONG_VRS:
            (n_bytes,) = struct.unpack_from(f"{order}I", head, at + 8)
            at += 12
        else:
            return False
        if n_bytes > _MAX_VALUE_BYTES:
            return False
        if own << 16 | element in uids:
            return head[at : at + n_bytes].startswith(_STANDARD)
        at, last = at + n_bytes, element
    return False
