"""Pixel Data element of a DICOM file: where it lies, and the stored bytes of each frame (PS3.5, 8 and annex A)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.dicom.elements import PARSE_ERRORS, Elements, ReadBudget
from perfcore.io.dicom.files import Blob
from perfcore.io.dicom.inflated import InflatedBlob, LoadedBlob
from perfcore.io.dicom.transfer_syntax import TransferSyntax

PIXELS: Final = 0x7FE00010
"""Tag of Pixel Data."""
MAX_HEADER_BYTES: Final = 4 << 20
"""Maximum size of all elements other than the pixels, in a file of one image."""
_WINDOWS: Final = (256 << 10, MAX_HEADER_BYTES)
"""Bytes that are searched for Pixel Data behind the header."""
_UNDEFINED: Final = 0xFFFFFFFF
_LONG_VRS: Final = (b"OB", b"OW", b"UN")
_ITEM, _END_OF_ITEMS = 0xFFFEE000, 0xFFFEE0DD
_MAX_EXPANSION: Final = 2
"""Maximum size of a compressed image, in sizes of the image; noise takes a little more than one."""
_SLACK_BYTES: Final = 64 << 10


def pixels_missing() -> InputDataError:
    """Return the error of a file whose pixels do not match its header."""
    return InputDataError(
        "A file of the DICOM series ends before its image does, or holds another image than its header declares; "
        "copy or export the series again."
    )


@dataclass(eq=False, slots=True)
class PixelData:
    """Pixel Data of one file, shared by the images of its frames.

    Attributes
    ----------
    blob
        Bytes of the file, or of its inflated data set.
    syntax
        Transfer syntax.
    after
        Position of an element before Pixel Data, from which it is searched where ``start`` is None.
    n_frames
        Number of frames.
    start, n_bytes
        Position and declared size of the value; None where the element lies too far behind the header.
    """

    blob: Blob
    syntax: TransferSyntax
    after: int
    n_frames: int = 1
    start: int | None = None
    n_bytes: int = 0
    _source: Blob | None = None
    _frames: list[bytes] = field(default_factory=list)

    def place(self, content: bytes, at: int) -> None:
        """Take position and size of the value from the element at position ``at`` of the file's first bytes."""
        order = "<" if self.syntax.little else ">"
        head = content[at : at + 12]
        has_long_vr = not self.syntax.implicit and head[4:6] in _LONG_VRS
        n_head = 12 if has_long_vr else 8
        if len(head) >= n_head:
            self.start = at + n_head
            form = f"{order}H" if not self.syntax.implicit and not has_long_vr else f"{order}I"
            (self.n_bytes,) = struct.unpack_from(form, head, 8 if has_long_vr else 6 if form.endswith("H") else 4)

    @property
    def is_inflated(self) -> bool:
        """Whether the data set of the file is compressed as a whole."""
        return isinstance(self.blob, InflatedBlob)

    @property
    def ends_early(self) -> bool:
        """Whether the file is shorter than the pixels that it declares."""
        return (
            self.start is not None and self.n_bytes != _UNDEFINED and self.start + self.n_bytes > self.blob.n_bytes
        )

    def native(self, frame: int, n_image: int, budget: ReadBudget) -> bytes:
        """Return the bytes of a frame that is not compressed, ``n_image`` in number.

        Raises
        ------
        InputDataError
            The file does not hold them.
        """
        start = self._located(budget)
        n_whole = n_image * self.n_frames
        if self.n_bytes not in (n_whole, n_whole + n_whole % 2):
            raise pixels_missing()
        stored = self._readable(start + n_whole).read(n_image, start + frame * n_image)
        if len(stored) != n_image:
            raise pixels_missing()
        return stored

    def encapsulated(self, frame: int, n_image: int, budget: ReadBudget) -> bytes:
        """Return the codestream of a compressed frame, whose image takes ``n_image`` bytes.

        Raises
        ------
        InputDataError
            The file does not hold it.
        """
        if not self._frames:
            start = self._located(budget)
            if self.n_bytes != _UNDEFINED:
                raise pixels_missing()
            n_most = self.n_frames * (_MAX_EXPANSION * n_image + _SLACK_BYTES)
            self._frames = _frames(self.blob.read(min(n_most, self.blob.n_bytes), start), self.n_frames, budget)
        return self._frames[frame] if self.n_frames > 1 else self._frames.pop()

    def _located(self, budget: ReadBudget) -> int:
        for n_bytes in _WINDOWS if self.start is None else ():
            content = self.blob.read(n_bytes, self.after)
            elements, syntax = Elements(content, budget), self.syntax
            try:
                found = elements.find(
                    [PIXELS], 0, implicit=syntax.implicit, little=syntax.little, stop=lambda tag: tag >= PIXELS
                )
            except PARSE_ERRORS:
                found = False
            if found:
                self.place(content, elements.last_start)
                self.start = None if self.start is None else self.start + self.after
                break
            if len(content) < n_bytes:
                break
        if self.start is None:
            raise pixels_missing()
        return self.start

    def _readable(self, end: int) -> Blob:
        """Return the file, or its content where several frames are read from a file that cannot seek."""
        if self._source is None:
            keep = self.n_frames > 1 and not self.blob.seeks
            self._source = LoadedBlob(self.blob, end) if keep else self.blob
        return self._source


def _frames(content: bytes, n_frames: int, budget: ReadBudget) -> list[bytes]:
    """Return the codestreams of encapsulated pixels: one item each, or several by the basic offset table."""
    items = _items(content, budget)
    (table_start, table_end), fragments = items[0], items[1:]
    if n_frames == 1:
        return [b"".join(content[start:end] for start, end in fragments)]
    if len(fragments) == n_frames:
        return [content[start:end] for start, end in fragments]
    table = content[table_start:table_end]
    if len(table) != 4 * n_frames or not fragments:
        raise pixels_missing()
    begins = np.frombuffer(table, "<u4").astype(np.int64) + fragments[0][0]
    of = np.searchsorted(begins, [start for start, _ in fragments], side="right") - 1
    parts: list[list[bytes]] = [[] for _ in range(n_frames)]
    for frame, (start, end) in zip(of.tolist(), fragments, strict=True):
        parts[max(0, frame)].append(content[start:end])
    return [b"".join(part) for part in parts]


def _items(content: bytes, budget: ReadBudget) -> list[tuple[int, int]]:
    """Return begin and end of every item up to the sequence delimiter."""
    items: list[tuple[int, int]] = []
    at = 0
    while len(content) >= at + 8:
        budget.spend()
        group, element, n_bytes = struct.unpack_from("<HHI", content, at)
        tag = group << 16 | element
        if tag == _END_OF_ITEMS and items:
            return items
        at += 8 + n_bytes
        if tag != _ITEM or at > len(content):
            break
        items.append((at - n_bytes, at))
    raise pixels_missing()
