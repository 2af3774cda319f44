"""Child process that decodes compressed images; it runs by its path and imports nothing of perfcore.

Requests come on standard input, answers go to standard output (see :mod:`perfcore.io.dicom.decoder`). Decoders are
C and C++ libraries; damaged data can make one of them abort, allocate without limit or not return. Here that ends
this process alone: its memory is limited, and each image has a limit of processor time.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import tempfile
import warnings
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

REQUEST: Final = struct.Struct("<64sIIIII")
"""Transfer syntax UID, rows, columns, bits stored, whether signed, and size of the codestream that follows."""
ANSWER: Final = struct.Struct("<I")
"""Size of the decoded pixels that follow, 0 if the codestream is damaged."""
JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
_MAX_MEMORY_BYTES: Final = 1 << 30
_MAX_IMAGE_CPU_S: Final = 10
_DAMAGE: Final = (b"premature end of data segment", b"bad Huffman code")
"""Warnings after which libjpeg returns pixels that were never stored."""


@dataclass(frozen=True)
class Request:
    """One image to decode, as in :data:`REQUEST`."""

    uid: str
    rows: int
    columns: int
    bits: int
    signed: int


def decode(request: Request, code: bytes) -> bytes:
    """Return the pixels of one codestream as 16-bit little-endian numbers."""
    if request.uid == JPEG_EXTENDED:
        return _decode_extended(request, code)
    from pydicom.encaps import encapsulate  # noqa: PLC0415
    from pydicom.pixels.decoders.base import get_decoder  # noqa: PLC0415

    options: dict[str, Any] = {
        "rows": request.rows,
        "columns": request.columns,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "bits_allocated": 16,
        "bits_stored": request.bits,
        "number_of_frames": 1,
        "pixel_keyword": "PixelData",
        "pixel_representation": request.signed,
    }
    array, _ = get_decoder(request.uid).as_array(encapsulate([code]), index=0, raw=True, **options)
    pixels = array.reshape(request.rows, request.columns).astype("<i2" if request.signed else "<u2")
    return bytes(pixels.tobytes())


def _decode_extended(request: Request, code: bytes) -> bytes:
    """Decode JPEG Extended by GDCM, which pydicom uses for 8 bits only."""
    import gdcm  # noqa: PLC0415

    fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
    fragment.SetByteStringValue(code)
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((request.columns, request.rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.MONOCHROME2
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(JPEG_EXTENDED)))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, request.bits, request.bits - 1, 0))
    return bytes(image.GetBuffer().encode("utf-8", "surrogateescape"))


def serve(requests: BinaryIO, answers: BinaryIO, messages: BinaryIO) -> None:
    """Answer requests until they end."""
    while len(head := requests.read(REQUEST.size)) == REQUEST.size:
        uid, *numbers, n_bytes = REQUEST.unpack(head)
        request, code = Request(uid.rstrip(b"\0").decode("ascii"), *numbers), requests.read(n_bytes)
        _limit_time(_MAX_IMAGE_CPU_S)
        pixels = _decoded(request, code)
        _limit_time(0)
        messages.seek(0)
        printed = messages.read()
        if len(pixels) != 2 * request.rows * request.columns or any(text in printed for text in _DAMAGE):
            pixels = b""
        messages.seek(0)
        messages.truncate()
        answers.write(ANSWER.pack(len(pixels)) + pixels)
        answers.flush()


def _decoded(request: Request, code: bytes) -> bytes:
    try:
        return decode(request, code)
    except Exception:  # noqa: BLE001 (decoders raise anything on damaged data)
        return b""


def _limit_time(seconds: float) -> None:
    """End this process after so much processor time; 0 lifts the limit."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Redirect what libraries print to a file, limit memory, and serve standard input."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    warnings.simplefilter("ignore")
    with tempfile.TemporaryFile() as messages:
        os.dup2(messages.fileno(), 1)
        os.dup2(messages.fileno(), 2)
        _limit_memory()
        serve(requests, answers, messages)


if __name__ == "__main__":
    main()
