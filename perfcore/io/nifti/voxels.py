"""Voxel data of a NIfTI file: bounded reading, scaling, checks for finite and plausible values."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import InputDataError
from perfcore.io.byte_source import ByteStream
from perfcore.io.nifti.header import NiftiHeader
from perfcore.units import MAX_ABS_VALUE

PADDING_BYTES: Final = 1 << 20
"""Maximum number of bytes after the voxels in a gzip stream."""


def skip_extensions(stream: ByteStream, header: NiftiHeader) -> None:
    """Advance the stream to the first voxel.

    Raises
    ------
    InputDataError
        The file ends first.
    """
    n_bytes = header.offset - stream.position
    if stream.skip(n_bytes) < n_bytes:
        raise _too_short(stream)


def read_array(stream: ByteStream, block: NDArray[Any]) -> None:
    """Fill a C-contiguous array with the next stored values.

    Raises
    ------
    InputDataError
        The file ends first.
    """
    if stream.read_into(block.reshape(-1).view(np.uint8).data) < block.nbytes:
        raise _too_short(stream)


def _too_short(stream: ByteStream) -> InputDataError:
    return InputDataError(
        f"The header of the {stream.what} declares more data than the file holds: it ends after "
        f"{stream.position / 1e6:,.1f} MB; copy the file again from its source."
    )


def scale(stored: NDArray[Any], header: NiftiHeader) -> NDArray[Any]:
    """Apply slope and intercept; unscaled integers are returned unchanged, all others as float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        if (header.slope, header.inter) != (1.0, 0.0):
            return (stored.astype(np.float64) * header.slope + header.inter).astype(np.float32)
        return stored if stored.dtype.kind in "iu" else stored.astype(np.float32)


def check_range(values: NDArray[Any]) -> NDArray[Any]:
    """Return the voxels of a series.

    Raises
    ------
    InputDataError
        A magnitude exceeds ``MAX_ABS_VALUE``.
    """
    largest = max(float(values.max()), -float(values.min()))
    if largest > MAX_ABS_VALUE:
        raise InputDataError(
            f"The series holds voxels of up to {largest:.3g}; expected values within ±{MAX_ABS_VALUE:g}, so "
            "correct placeholder voxels (outside the body: −1024 HU) and write the file again."
        )
    return values


def check_finite(values: NDArray[Any], what: str) -> NDArray[Any]:
    """Return the voxels.

    Raises
    ------
    InputDataError
        A voxel is NaN or infinite.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputDataError(
            f"The {what} holds NaN or infinite voxels; expected finite numbers, "
            "so replace them (outside the body by −1024 HU, in a mask by 0) and write the file again."
        )
    return values
