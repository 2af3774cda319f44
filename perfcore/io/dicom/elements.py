"""DICOM elements as raw bytes, parsed by pydicom with a limited number of reads.

Nothing is converted or logged. Every read is counted, which bounds the time that a file of nested sequences takes.
"""

from __future__ import annotations

import copy
import io
import logging
import math
import struct
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_sequence
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from perfcore.errors import InputDataError
from perfcore.io.dicom.decoder import FrameDecoder

PARSE_ERRORS: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError,
    TypeError, ValueError, struct.error,
)  # fmt: skip
"""Exceptions that pydicom may raise on malformed DICOM."""

logging.getLogger("pydicom").propagate = False  # its messages quote header values


@dataclass
class ReadBudget:
    """Means for reading a whole series.

    Attributes
    ----------
    left
        Number of reads left; one header takes about 300 (elements, lengths, items).
    decoder
        Decoder of its compressed images; close it when the series is read.
    """

    left: int = 12_000_000
    decoder: FrameDecoder = field(default_factory=FrameDecoder)

    def spend(self, n_reads: int = 1) -> None:
        """Count reads.

        Raises
        ------
        InputDataError
            No read is left.
        """
        self.left -= n_reads
        if self.left < 0:
            raise InputDataError(
                "The headers of the DICOM files hold far more elements than those of CT images do; export the "
                "series again without private data."
            )

    @contextmanager
    def at_most(self, n_reads: int) -> Iterator[ReadBudget]:
        """Give a part of the budget; what is used of it counts here too."""
        n_reads = min(n_reads, self.left)
        part = ReadBudget(n_reads, self.decoder)
        try:
            yield part
        finally:
            self.left -= n_reads - max(0, part.left)


class CountedReads(io.BytesIO):
    """Bytes of a file, each read of which is counted."""

    def __init__(self, content: bytes, budget: ReadBudget) -> None:
        super().__init__(content)
        self._budget = budget

    def read(self, n_bytes: int | None = -1, /) -> bytes:
        """Read as a file does, and count it."""
        self._budget.spend()
        return super().read(n_bytes)


class Elements:
    """DICOM elements in the first bytes of a file, in an item of a sequence, or of one frame.

    Parameters
    ----------
    content
        First bytes of the file.
    budget
        Limit on the number of reads, shared by all files of a series.

    Attributes
    ----------
    last_start
        Position of the last element that the search came to.
    """

    def __init__(self, content: bytes, budget: ReadBudget) -> None:
        self._stream = CountedReads(content, budget)
        self._budget = budget
        self._found = Dataset()
        self._values: dict[int, bytes] = {}
        self._implicit, self._little = False, True
        self.last_start = 0

    def find(
        self,
        tags: list[int],
        start: int,
        *,
        implicit: bool,
        little: bool,
        stop: Callable[[int], bool] | None = None,
    ) -> bool:
        """Search elements from position ``start`` until ``stop`` returns True for a tag.

        Returns
        -------
        bool
            True if ``stop`` ended the search, False if the content ended first.
        """
        stopped = False

        def stop_when(tag: BaseTag, vr: str | None, _n_bytes: int) -> bool:
            nonlocal stopped
            self.last_start = self._stream.tell() - (12 if vr in EXPLICIT_VR_LENGTH_32 and not implicit else 8)
            stopped = stopped or (stop is not None and stop(int(tag)))  # a BaseTag compares slowly
            return stopped

        self._stream.seek(start)
        self._implicit, self._little = implicit, little
        wanted: list[BaseTag | int] = [*tags]
        with self._budget_errors():
            self._take(read_dataset(self._stream, implicit, little, stop_when=stop_when, specific_tags=wanted))
        return stopped

    @property
    def position(self) -> int:
        """Position after the search: before the element that stopped it."""
        return self._stream.tell()

    def items(self, tag: int) -> list[Elements]:
        """Return the items of a sequence, none if it is missing."""
        element: Any = self._found.get_item(tag)
        value = None if element is None else element.value
        if isinstance(value, bytes):  # of known length: not parsed yet
            stream = CountedReads(value, self._budget)
            with self._budget_errors():
                value = read_sequence(stream, self._implicit, self._little, len(value), "iso8859")
        return [self._item(dataset) for dataset in value or () if isinstance(dataset, Dataset)]

    def with_values_of(self, others: Iterable[Elements]) -> Elements:
        """Return a copy with the elements of others added; a later one replaces an earlier one."""
        merged = copy.copy(self)
        merged._values = dict(self._values)
        for other in others:
            merged._values.update(other._values)
        return merged

    def with_value(self, tag: int, value: bytes) -> Elements:
        """Return a copy with another value of an element."""
        changed = self.with_values_of([])
        changed._values[tag] = value
        return changed

    def content(self, tag: int) -> bytes:
        """Return the stored bytes of an element, empty if it is missing or of undefined length."""
        return self._values.get(tag, b"")

    def text(self, tag: int) -> str:
        """Return the value of an element as text."""
        return self.content(tag).decode("ascii", "replace").strip(" \0")

    def short(self, tag: int, order: Literal["little", "big"] | None = None) -> int:
        """Return an unsigned short, 0 if the element is missing."""
        value = self.content(tag)
        return int.from_bytes(value, order or self.order) if len(value) == 2 else 0

    def integers(self, tag: int) -> tuple[int, ...]:
        """Return unsigned 32-bit numbers, none if the element is missing."""
        value = self.content(tag)
        return tuple(int.from_bytes(value[i : i + 4], self.order) for i in range(0, len(value) - 3, 4))

    def double(self, tag: int) -> float | None:
        """Return a 64-bit float, None if it is missing or not finite."""
        value = self.content(tag)
        if len(value) != 8:
            return None
        (number,) = struct.unpack("<d" if self._little else ">d", value)
        return float(number) if math.isfinite(number) else None

    def floats(self, tag: int, n: int) -> tuple[float, ...] | None:
        """Return ``n`` decimal strings as numbers, None if their number differs or one is not finite."""
        try:
            values = tuple(float(part) for part in self.text(tag).split("\\"))
        except ValueError:
            return None
        return values if len(values) == n and all(math.isfinite(value) for value in values) else None

    def number(self, tag: int) -> float | None:
        """Return a decimal string as a number, None if it is missing."""
        values = self.floats(tag, 1)
        return values[0] if values else None

    @property
    def order(self) -> Literal["little", "big"]:
        """Byte order of the values."""
        return "little" if self._little else "big"

    @contextmanager
    def _budget_errors(self) -> Iterator[None]:
        """Raise the error of the budget, which pydicom replaces by its own within the items of a sequence."""
        try:
            yield
        except PARSE_ERRORS:
            self._budget.spend(0)
            raise

    def _item(self, dataset: Dataset) -> Elements:
        """Return the elements of a dataset with the encoding of this one."""
        item = copy.copy(self)
        item._take(dataset)
        return item

    def _take(self, dataset: Dataset) -> None:
        self._found = dataset
        self._values = {}
        element: Any
        for element in dataset.values():  # iterating over the Dataset itself would convert the elements
            value = element.value
            if isinstance(value, bytes) and len(value) == getattr(element, "length", None):
                self._values[element.tag] = value


@contextmanager
def suppress_warnings() -> Iterator[None]:
    """Suppress the warnings of pydicom, which quote headers; problems are reported as ``InputDataError``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
