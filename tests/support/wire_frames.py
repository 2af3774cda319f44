"""Reader of the server's frames: the independent half of ``pages/live/server/wire.py``, as ``common/wire.js``."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from pages.live.server import wire

Frame = tuple[dict[str, Any], dict[str, np.ndarray]]


def frames(message: bytes) -> list[Frame]:
    """Read every frame of a message: header and arrays by name."""
    found, at = [], 0
    while at < len(message):
        magic, n_header, total, zero = struct.unpack_from("<4I", message, at)
        assert (magic, zero) == (wire.MAGIC, 0)
        assert at + total <= len(message)
        header = json.loads(message[at + 16 : at + 16 + n_header])
        start = at + 16 + n_header
        arrays = {
            name: _array(message[start + offset : at + total], kind, size)
            for name, (kind, offset, size) in header["arrays"].items()
        }
        assert all((start - at + offset) % 8 == 0 for _, offset, _ in header["arrays"].values())
        found.append((header, arrays))
        at += total
    return found


def read(message: bytes) -> Frame:
    """Read a message of one frame."""
    (frame,) = frames(message)
    return frame


def _array(raw: bytes, kind: str, size: int) -> np.ndarray:
    dtype = np.dtype(kind.removesuffix(" planes"))
    if not kind.endswith(" planes"):
        return np.frombuffer(raw, dtype, size)
    planes = np.frombuffer(raw, np.uint8, size * dtype.itemsize).reshape(dtype.itemsize, size)
    steps = sum(plane.astype(np.uint64) << np.uint64(8 * k) for k, plane in enumerate(planes))
    return np.cumsum(steps, dtype=np.uint64).astype(f"u{dtype.itemsize}").view(dtype)
