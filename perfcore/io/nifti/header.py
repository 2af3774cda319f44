"""NIfTI header: parsed by nibabel, then every field checked before a voxel is read.

Format: https://nifti.nimh.nih.gov/nifti-1 and /nifti-2.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import nibabel as nib
import numpy as np

from perfcore.errors import InputDataError
from perfcore.io import downsampling
from perfcore.io.byte_source import DEFLATE_RATIO_LIMIT, ByteStream

MAX_STORED_BYTES: Final = 12 << 30
"""Maximum size of a series as stored, which bounds the time that it takes to read."""
MAX_LARGE_RATIO: Final = 100
"""Maximum ratio of gzip for files above the size limit in memory; noise keeps that of real series far below."""
MAX_OFFSET_BYTES: Final = 64 << 20
"""Maximum offset of the voxel data, which limits header extensions."""

_TYPES: Final[dict[int, str]] = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_UNUSABLE: Final[dict[int, str]] = {
    1: "single bits", 32: "complex numbers", 128: "RGB colours", 1536: "128-bit numbers",
    1792: "complex numbers", 2048: "complex numbers", 2304: "RGBA colours",
}  # fmt: skip
_SIZES: Final = {1: 348, 2: 540}


@dataclass(frozen=True)
class NiftiHeader:
    """Checked NIfTI header.

    Attributes
    ----------
    shape
        Three dimensions in space, and time if a fourth dimension remains after dropping singletons.
    dtype
        Data type of the stored values, including byte order.
    offset
        Position of the first voxel in the file, in bytes.
    slope, inter
        A voxel value is ``slope · stored + inter``.
    time_axis
        Index (from 1) of the stored dimension that is the time axis.
    raw
        Header object of nibabel.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    slope: float
    inter: float
    time_axis: int
    raw: Any

    @property
    def n_bytes(self) -> int:
        """Bytes of all voxels as stored."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: ByteStream) -> NiftiHeader:
    """Read and check a header; afterwards the stream is positioned after it.

    Parameters
    ----------
    stream
        Stream at position 0.

    Raises
    ------
    InputDataError
        The file is not a single-file NIfTI-1 or NIfTI-2, or its header declares unsupported data.
    """
    what = stream.what
    block = stream.read(_SIZES[1])
    version, order = _version(block, what)
    block += stream.read(_SIZES[version] - len(block))
    _check_complete(block, version, what)
    kind: Any = nib.Nifti1Header if version == 1 else nib.Nifti2Header
    raw = kind(block, endianness=order, check=False)
    shape, time_axis = _shape([int(d) for d in raw["dim"]], what)
    slope, inter = _scaling(float(raw["scl_slope"]), float(raw["scl_inter"]), what)
    header = NiftiHeader(
        shape=shape,
        dtype=_dtype(int(raw["datatype"]), order, what),
        offset=_offset(float(raw["vox_offset"]), _SIZES[version] + 4, what),
        slope=slope,
        inter=inter,
        time_axis=time_axis,
        raw=raw,
    )
    _check_size(header, stream)
    return header


def _version(block: bytes, what: str) -> tuple[int, str]:
    """Return the NIfTI version and the byte order."""
    for version, size in _SIZES.items():
        for order in "<>":
            if block[:4] == struct.pack(order + "i", size):
                _check_complete(block, 1, what)
                magic = block[344:348] if version == 1 else block[4:12]
                single = b"n+1\0" if version == 1 else b"n+2\0\r\n\x1a\n"
                if magic == single:
                    return version, order
                raise InputDataError(
                    f"The {what} is an Analyze or two-file NIfTI (.hdr and .img), or has a damaged header; "
                    "convert it to a single NIfTI file (.nii or .nii.gz)."
                )
    raise InputDataError(f"The {what} is not a NIfTI file; give a single NIfTI file (.nii or .nii.gz).")


def _check_complete(block: bytes, version: int, what: str) -> None:
    if len(block) < _SIZES[version]:
        raise InputDataError(
            f"The {what} ends within its header, after {len(block)} of {_SIZES[version]} bytes; "
            "copy the file again."
        )


def _shape(dim: list[int], what: str) -> tuple[tuple[int, ...], int]:
    """Return the shape without singletons after the third dimension, and the index of the time axis."""
    n_dim = dim[0]
    if not 1 <= n_dim <= 7:
        raise InputDataError(
            f"The header of the {what} has {n_dim} dimensions; expected 1 to 7, so write the file again."
        )
    stored = dim[1 : n_dim + 1]
    if min(stored) < 1:
        raise InputDataError(
            f"The header of the {what} has a dimension of {min(stored)} voxels; expected 1 or more, "
            "so write the file again."
        )
    space = [*stored, 1, 1][:3]
    further = [(size, axis) for axis, size in enumerate(stored[3:], start=4) if size > 1]
    if len(further) > 1:
        raise InputDataError(
            f"The {what} has {3 + len(further)} dimensions ({by(stored)}) without singletons; "
            "expected x, y, z and time, so split the file."
        )
    if not further:
        return tuple(space), 4
    return (*space, further[0][0]), further[0][1]


def _dtype(code: int, order: str, what: str) -> np.dtype[Any]:
    if code not in _TYPES:
        found = _UNUSABLE.get(code, f"a type of unknown code {code}")
        raise InputDataError(
            f"The voxels of the {what} are {found}; expected integers or real numbers of up to 64 bits, "
            "so convert the file to int16 or float32."
        )
    return np.dtype(order + _TYPES[code])


def _offset(stored: float, minimum: int, what: str) -> int:
    if stored == 0:
        return minimum
    if not (math.isfinite(stored) and stored == int(stored) and minimum <= stored <= MAX_OFFSET_BYTES):
        raise InputDataError(
            f"The header of the {what} puts the voxels at byte {stored:g}; expected a whole number from {minimum} "
            f"to {MAX_OFFSET_BYTES}, so write the file again."
        )
    return int(stored)


def _scaling(slope: float, inter: float, what: str) -> tuple[float, float]:
    if slope == 0 or not math.isfinite(slope):
        return 1.0, 0.0
    if not math.isfinite(inter):
        raise InputDataError(
            f"The scaling in the header of the {what} is not finite (intercept {inter:g}); write the file again."
        )
    return slope, inter


def _check_size(header: NiftiHeader, stream: ByteStream) -> None:
    """Refuse a header that declares more data than the stream can hold or than the size limits."""
    n_bytes = header.offset + header.n_bytes
    is_large = header.n_bytes > downsampling.MAX_VOXEL_BYTES
    possible = stream.limit
    if is_large and stream.gzipped:
        possible = stream.limit // DEFLATE_RATIO_LIMIT * MAX_LARGE_RATIO
    if n_bytes > possible:
        raise InputDataError(
            f"The header of the {stream.what} declares more data than the file holds: {_mb(header.n_bytes)} of "
            f"voxels ({by(header.shape)}); copy the file again from its source."
        )
    is_series = len(header.shape) > 3  # whose slices can be averaged
    n_loaded = math.prod(header.shape) * 4
    limit = downsampling.MAX_VOXEL_BYTES * (downsampling.MAX_FACTOR**2 if is_series else 1)
    if n_loaded > limit or header.n_bytes > MAX_STORED_BYTES or (is_large and not is_series):
        raise InputDataError(
            f"The {stream.what} of {by(header.shape)} voxels takes {_mb(max(n_loaded, header.n_bytes))}; at most "
            f"{_mb(limit)} are read, so crop or downsample it."
        )


def by(sizes: Iterable[float]) -> str:
    """Format sizes for a message, as in ``256 × 256 × 8``."""
    return " × ".join(f"{size:.4g}" if isinstance(size, float) else str(size) for size in sizes)


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"
