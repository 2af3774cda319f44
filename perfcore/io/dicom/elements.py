"""DICOM elements as raw bytes, parsed by pydicom with a limited number of reads.

Nothing is converted or logged. Every read is counted, which bounds the time that a file of nested sequences takes.
"""

from __future__ import annotations

import io
import logging
import math
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from perfcore.errors import InputDataError

PARSE_ERRORS: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError,
    TypeError, ValueError, struct.error,
)  # fmt: skip
"""Exceptions that pydicom may raise on malformed DICOM."""

logging.getLogger("pydicom").propagate = False  # its messages quote header values


@dataclass
class ReadBudget:
    """Number of reads left for a whole series; one header takes about 300 (elements, lengths, items)."""

    left: int = 12_000_000

    def spend(self) -> None:
        """Count one read.

        Raises
        ------
        InputDataError
            No read is left.
        """
        self.left -= 1
        if self.left < 0:
            raise InputDataError(
                "The headers of the DICOM files hold far more elements than those of CT images do; export the "
                "series again without private data."
            )


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
    """DICOM elements in the first bytes of a file.

    Parameters
    ----------
    content
        First bytes of the file.
    budget
        Limit on the number of reads, shared by all files of a series.
    """

    def __init__(self, content: bytes, budget: ReadBudget) -> None:
        self._stream = CountedReads(content, budget)
        self._found = Dataset()

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

        def stop_when(tag: BaseTag, _vr: str | None, _n_bytes: int) -> bool:
            nonlocal stopped
            stopped = stopped or (stop is not None and stop(tag))
            return stopped

        self._stream.seek(start)
        wanted: list[BaseTag | int] = [*tags]
        self._found = read_dataset(self._stream, implicit, little, stop_when=stop_when, specific_tags=wanted)
        return stopped

    @property
    def position(self) -> int:
        """Position after the search: before the element that stopped it."""
        return self._stream.tell()

    def content(self, tag: int) -> bytes:
        """Return the stored bytes of an element, empty if it is missing or of undefined length."""
        element: Any = self._found.get_item(tag)
        value = None if element is None else element.value
        return value if isinstance(value, bytes) and len(value) == element.length else b""

    def text(self, tag: int) -> str:
        """Return the value of an element as text."""
        return self.content(tag).decode("ascii", "replace").strip(" \0")

    def short(self, tag: int, order: Literal["little", "big"]) -> int:
        """Return an unsigned short, 0 if the element is missing."""
        value = self.content(tag)
        return int.from_bytes(value, order) if len(value) == 2 else 0

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


@contextmanager
def suppress_warnings() -> Iterator[None]:
    """Suppress the warnings of pydicom, which quote headers; problems are reported as ``InputDataError``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
