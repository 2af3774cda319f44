"""The elements of a DICOM file, found by pydicom and taken as the bytes they are.

Nothing is converted, warned about or logged on the way, and every read is counted, so that a file made of nothing
but nested sequences costs no more than others.
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
"""What pydicom may raise on bytes that are no sound DICOM."""

logging.getLogger("pydicom").propagate = False  # its messages quote headers


@dataclass
class ReadBudget:
    """How many reads of an element, a length or an item are left for a whole series; a header takes some 300."""

    left: int = 12_000_000

    def spend(self) -> None:
        """Count one read.

        Raises
        ------
        InputDataError
            None is left.
        """
        self.left -= 1
        if self.left < 0:
            raise InputDataError(
                "The headers of the DICOM files hold far more elements than those of CT images do; export the "
                "series again without private data."
            )


class _Metered(io.BytesIO):
    def __init__(self, content: bytes, meter: ReadBudget) -> None:
        super().__init__(content)
        self._meter = meter

    def read(self, n_bytes: int | None = -1, /) -> bytes:
        self._meter.spend()
        return super().read(n_bytes)


class Elements:
    """The elements of a file's beginning, from a place on.

    Parameters
    ----------
    content
        The beginning of the file.
    meter
        Counts the reads.
    """

    def __init__(self, content: bytes, meter: ReadBudget) -> None:
        self._stream = _Metered(content, meter)
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
        """Look for elements from a place on, until ``stop`` says so of an element's tag.

        Returns
        -------
        bool
            Whether it was stopped; False where the content ended before.
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
        """Where the search ended: before the element that stopped it."""
        return self._stream.tell()

    def content(self, tag: int) -> bytes:
        """Return a value as stored, empty where there is none or its length is not defined."""
        element: Any = self._found.get_item(tag)
        value = None if element is None else element.value
        return value if isinstance(value, bytes) and len(value) == element.length else b""

    def text(self, tag: int) -> str:
        """Return a value as text."""
        return self.content(tag).decode("ascii", "replace").strip(" \0")

    def short(self, tag: int, order: Literal["little", "big"]) -> int:
        """Return an unsigned short, 0 where there is none."""
        value = self.content(tag)
        return int.from_bytes(value, order) if len(value) == 2 else 0

    def floats(self, tag: int, n: int) -> tuple[float, ...] | None:
        """Return the numbers of decimal strings, None where they are not ``n`` or not finite."""
        try:
            values = tuple(float(part) for part in self.text(tag).split("\\"))
        except ValueError:
            return None
        return values if len(values) == n and all(math.isfinite(value) for value in values) else None

    def number(self, tag: int) -> float | None:
        """Return a single number, None where there is none."""
        values = self.floats(tag, 1)
        return values[0] if values else None


@contextmanager
def suppress_warnings() -> Iterator[None]:
    """Keep pydicom's warnings to itself: what is wrong with a file is said in a sentence of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
