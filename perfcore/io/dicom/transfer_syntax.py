"""Transfer syntaxes that are read (PS3.5, sections 10 and A; UIDs in PS3.6, A)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Codec = Literal["jpeg", "jpeg-ls", "jpeg-2000", "rle", "unknown"]

JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
"""JPEG Extended (processes 2 and 4): 8 or 12 bits, lossy."""
RLE: Final = "1.2.840.10008.1.2.5"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
"""Deflated Explicit VR Little Endian: the data set is compressed as a whole."""


@dataclass(frozen=True)
class TransferSyntax:
    """Encoding of a data set and of its pixels.

    Attributes
    ----------
    uid
        Transfer syntax UID.
    implicit, little
        Whether the value representations are implicit, and whether numbers are little endian.
    codec
        Compression of the pixels, None for native pixels, ``"unknown"`` if it is not read.
    lossy
        Whether pixels encoded so may differ from those that were measured.
    """

    uid: str
    implicit: bool = False
    little: bool = True
    codec: Codec | None = None
    lossy: bool = False


_SYNTAXES: Final = {
    syntax.uid: syntax
    for syntax in (
        TransferSyntax("1.2.840.10008.1.2", implicit=True),
        TransferSyntax("1.2.840.10008.1.2.1"),
        TransferSyntax(DEFLATED),
        TransferSyntax("1.2.840.10008.1.2.2", little=False),
        TransferSyntax(JPEG_EXTENDED, codec="jpeg", lossy=True),
        TransferSyntax("1.2.840.10008.1.2.4.57", codec="jpeg"),
        TransferSyntax("1.2.840.10008.1.2.4.70", codec="jpeg"),
        TransferSyntax("1.2.840.10008.1.2.4.80", codec="jpeg-ls"),
        TransferSyntax("1.2.840.10008.1.2.4.81", codec="jpeg-ls", lossy=True),
        TransferSyntax("1.2.840.10008.1.2.4.90", codec="jpeg-2000"),
        TransferSyntax("1.2.840.10008.1.2.4.91", codec="jpeg-2000", lossy=True),
        TransferSyntax(RLE, codec="rle"),
    )
}


def transfer_syntax(uid: str) -> TransferSyntax:
    """Return a transfer syntax; an unknown one has the encoding that all compressed ones have."""
    return _SYNTAXES.get(uid) or TransferSyntax(uid, codec="unknown")
