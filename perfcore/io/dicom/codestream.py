"""Checks of compressed images before they are decoded: a codestream has to declare the image of its DICOM header.

Decoders allocate what a codestream declares. Headers: ISO/IEC 10918-1 B.2.2 (JPEG), ISO/IEC 14495-1 C.2.2
(JPEG-LS), ISO/IEC 15444-1 A.5.1 (JPEG 2000), DICOM PS3.5 annex G (RLE).
"""

from __future__ import annotations

import struct
from typing import Final

from perfcore.io.dicom.transfer_syntax import Codec

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_FILL: Final = b"\0\xff"
"""Bytes that encoders put behind a codestream to make its length even."""
_START_OF_SCAN: Final = 0xDA
_FRAME_MARKERS: Final[dict[Codec, tuple[int, ...]]] = {"jpeg": (0xC0, 0xC1, 0xC3), "jpeg-ls": (0xF7,)}
_ALL_FRAME_MARKERS: Final = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_MAX_BITS: Final = 16
_MAX_TILES: Final = 4096
_N_SEGMENTS: Final = 2
"""Number of RLE segments: one per byte of a pixel."""
_MAX_RLE_RATIO: Final = 64
"""Maximum expansion of PackBits: 128 bytes out of 2."""


def declares(code: bytes, codec: Codec | None, rows: int, columns: int) -> bool:
    """Return whether a codestream is complete and declares one component of the size given and at most 16 bits."""
    if codec == "rle":
        return _rle_declares(code, rows * columns)
    if not code.rstrip(_FILL).endswith(_EOI):
        return False
    if codec == "jpeg-2000":
        return _jpeg_2000_size(code) == (rows, columns)
    return codec in _FRAME_MARKERS and _jpeg_size(code, _FRAME_MARKERS[codec]) == (rows, columns)


def _jpeg_size(code: bytes, markers: tuple[int, ...]) -> tuple[int, int] | None:
    """Return rows and columns of the only frame header before the first scan."""
    if not code.startswith(_SOI):
        return None
    at, size = 2, None
    while len(code) >= at + 4 and code[at] == 0xFF:
        marker = code[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        (length,) = struct.unpack_from(">H", code, at + 2)
        if marker == _START_OF_SCAN:
            return size
        if marker in _ALL_FRAME_MARKERS:
            if size is not None or marker not in markers or length < 11 or len(code) < at + 10:
                return None
            bits, rows, columns, n_components = struct.unpack_from(">BHHB", code, at + 4)
            if n_components != 1 or not 2 <= bits <= _MAX_BITS:
                return None
            size = (rows, columns)
        at += 2 + length
    return None


def _jpeg_2000_size(code: bytes) -> tuple[int, int] | None:
    """Return rows and columns by the SIZ segment, which has to come first."""
    if len(code) < 44 or not code.startswith(b"\xff\x4f\xff\x51"):
        return None
    width, height, left, top, tile_width, tile_height, tile_left, tile_top = struct.unpack_from(">8I", code, 8)
    n_components, bits, step_x, step_y = struct.unpack_from(">HBBB", code, 40)
    if left or top or tile_left or tile_top or not tile_width or not tile_height:
        return None
    n_tiles = -(-width // tile_width) * -(-height // tile_height)
    if (n_components, step_x, step_y) != (1, 1, 1) or (bits & 0x7F) >= _MAX_BITS or n_tiles > _MAX_TILES:
        return None
    return height, width


def _rle_declares(code: bytes, n_pixels: int) -> bool:
    """Return whether there are two segments within the data that may hold the pixels and not much more."""
    if len(code) < 64 or int.from_bytes(code[:4], "little") != _N_SEGMENTS:
        return False
    first, second = struct.unpack_from("<2I", code, 4)
    parts = (second - first, len(code) - second)
    return first == 64 and all(n_pixels <= _MAX_RLE_RATIO * part and part <= 2 * n_pixels + 64 for part in parts)
