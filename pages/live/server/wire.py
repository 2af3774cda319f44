"""Wire format of the messages between server and browser; the browser's half is ``common/wire.js``.

A server frame is ``magic, header bytes, total bytes, 0`` (four little-endian uint32), a JSON header padded to
8 bytes, then the arrays, each aligned to 8 bytes; `BytePlanes` prepare an array for compression. A client edit is
``epoch, sequence, flags, slice`` (four uint32) and the curve as float32; with `FLAG_THRESHOLD` the last value is a
threshold of rCBF.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import InputDataError

MAGIC: Final = 0x4C464941  # "AIFL"
MAX_MESSAGE_BYTES: Final = 16_384
MAX_ABS_VALUE: Final = 1e5
FLAG_REST: Final = 1
FLAG_ALL_SLICES: Final = 2
FLAG_KEEP: Final = 4
FLAG_CONFIRM: Final = 8
FLAG_THRESHOLD: Final = 16
_HEAD: Final = struct.Struct("<4I")


def _aligned(n: int) -> int:
    return -(-n // 8) * 8


@dataclass(frozen=True, eq=False)
class BytePlanes:
    """An array that is sent as byte planes of the differences between neighbours: gzip saves twice as much.

    The values are read as unsigned integers of 2 or 4 bytes, whose differences wrap; lossless for every type.
    """

    array: NDArray[Any]

    def encode(self) -> NDArray[np.uint8]:
        """Return all lowest bytes, then the next ones, up to the highest."""
        flat = np.ascontiguousarray(self.array).reshape(-1)
        words = flat.view(f"<u{flat.itemsize}")
        steps = np.diff(words, prepend=words.dtype.type(0))
        return np.ascontiguousarray(steps.view(np.uint8).reshape(-1, flat.itemsize).T)


def pack(
    kind: str, header: dict[str, Any], arrays: Mapping[str, NDArray[Any] | BytePlanes] | None = None
) -> bytes:
    """Return one server frame; array offsets in the header are relative to the end of the header."""
    index: dict[str, list[Any]] = {}
    parts: list[bytes] = []
    offset = 0
    for name, given in (arrays or {}).items():
        if isinstance(given, BytePlanes):
            array, raw, suffix = given.array, given.encode().tobytes(), " planes"
        else:
            array, raw, suffix = given, np.ascontiguousarray(given).tobytes(), ""
        index[name] = [array.dtype.name + suffix, offset, int(array.size)]
        padded = _aligned(len(raw))
        parts += [raw, b"\0" * (padded - len(raw))]
        offset += padded
    text = json.dumps({"kind": kind, "arrays": index, **header}, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (_aligned(len(text)) - len(text))
    total = _HEAD.size + len(text) + offset
    return b"".join([_HEAD.pack(MAGIC, len(text), total, 0), text, *parts])


def checked_curve(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Check the values of a curve that a browser sent; return them as float64.

    Raises
    ------
    InputDataError
        The values are not a curve of at least two points, or not finite, or out of range.
    """
    if values.ndim != 1 or values.size < 2:
        raise InputDataError("The message is not a curve of at least two points.")
    if not (np.isfinite(values).all() and np.abs(values).max() <= MAX_ABS_VALUE):
        raise InputDataError("The curve holds values that are not finite or out of range.")
    return values.astype(np.float64)


@dataclass(frozen=True)
class Edit:
    """An edited curve, as the browser sends it.

    ``epoch`` names the case and settings it belongs to; ``at_rest`` requests the maps of the whole volume as well;
    ``keep``: the curve is committed, other pages and a reload start from it. ``confirm``: the browser computes the
    maps of the volume, and needs the metrics and some voxels to compare; with ``all_slices`` it has them all, and
    the visible slice need not come first. ``core_threshold``: the one that fine-tuning has
    learned, in place of the settings'.
    """

    epoch: int
    sequence: int
    at_rest: bool
    all_slices: bool
    slice_index: int
    curve: NDArray[np.float64]
    keep: bool = False
    confirm: bool = False
    core_threshold: float | None = None


def unpack_edit(message: bytes) -> Edit:
    """Read a client's edit.

    Raises
    ------
    InputDataError
        The message is too long, has no whole number of values, or an invalid curve.
    """
    if len(message) > MAX_MESSAGE_BYTES:
        raise InputDataError(f"The message has {len(message)} bytes; at most {MAX_MESSAGE_BYTES} are read.")
    if len(message) < _HEAD.size + 8 or (len(message) - _HEAD.size) % 4:
        raise InputDataError("The message is not a curve of at least two points.")
    epoch, sequence, flags, slice_index = _HEAD.unpack_from(message)
    values, threshold = np.frombuffer(message, "<f4", offset=_HEAD.size), None
    if flags & FLAG_THRESHOLD:
        # Rounded, as float32 is read back as 0.38000000566.
        values, threshold = values[:-1], round(float(values[-1]), 6)
    curve = checked_curve(values)
    rest, every, keep, confirm = (
        bool(flags & flag) for flag in (FLAG_REST, FLAG_ALL_SLICES, FLAG_KEEP, FLAG_CONFIRM)
    )
    return Edit(epoch, sequence, rest, every, slice_index, curve, keep, confirm, threshold)
