"""Files whose bytes cannot be read from within: deflated data sets, and multi-frame files in an archive."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from perfcore.io.byte_source import DEFLATE_RATIO_LIMIT
from perfcore.io.dicom.files import Blob

_SLACK_BYTES = 64 << 10
"""Bytes by which data that do not compress may grow, at most."""


@dataclass(frozen=True)
class InflatedBlob:
    """The data set of a file in Deflated Explicit VR Little Endian; each read inflates no more than it returns.

    Attributes
    ----------
    packed
        The file.
    offset
        Position of the deflated data set in the file (PS3.5, A.5).
    """

    packed: Blob
    offset: int

    @property
    def n_bytes(self) -> int:
        """Upper bound of the size in bytes."""
        return max(0, self.packed.n_bytes - self.offset) * DEFLATE_RATIO_LIMIT

    @property
    def seeks(self) -> bool:
        """Whether reading from within is cheap: no."""
        return False

    def read(self, n_bytes: int, start: int = 0) -> bytes:
        """Return ``n_bytes`` from position ``start``, fewer where the stream ends or is damaged."""
        end = start + n_bytes
        if end <= 0:
            return b""
        packed = self.packed.read(end + _SLACK_BYTES, self.offset)
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, end)[start:]
        except zlib.error:
            return b""


@dataclass(frozen=True, eq=False)
class LoadedBlob:
    """The beginning of a file, read once when it is first needed and then kept.

    Attributes
    ----------
    blob
        The file.
    end
        Number of bytes that are kept.
    """

    blob: Blob
    end: int
    _content: list[bytes] = field(default_factory=list)

    @property
    def n_bytes(self) -> int:
        """Total size in bytes."""
        return self.blob.n_bytes

    @property
    def seeks(self) -> bool:
        """Whether reading from within is cheap: yes."""
        return True

    def read(self, n_bytes: int, start: int = 0) -> bytes:
        """Return ``n_bytes`` from position ``start``, fewer where the kept part ends."""
        if not self._content:
            self._content.append(self.blob.read(self.end))
        return self._content[0][start : start + n_bytes]
