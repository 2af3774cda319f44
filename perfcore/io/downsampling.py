"""Downsampling of series that exceed the size limit: pixels are averaged within the plane of the slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.quality_flags import Flag, make_flag
from perfcore.types import DoubleArray, FloatArray

MAX_VOXEL_BYTES: Final = 3 << 29
"""Maximum size of a series in memory, as float32: 1.5 GiB."""
MAX_FACTOR: Final = 4
"""Maximum number of pixels along each side of the square that is averaged to one."""


def downsampling_factor(shape: Sequence[int]) -> int | None:
    """Return the smallest factor by which slices have to be downsampled to fit the size limit.

    Parameters
    ----------
    shape
        ``(nx, ny, nz, n_time)``, slices across the third axis.

    Returns
    -------
    int or None
        1 to 4; None if the series does not fit even then.
    """
    nx, ny, nz, n_time = shape
    for factor in range(1, min(MAX_FACTOR, nx, ny) + 1):
        if 4 * (nx // factor) * (ny // factor) * nz * n_time <= MAX_VOXEL_BYTES:
            return factor
    return None


def averaged(values: NDArray[Any], factors: Sequence[int]) -> FloatArray:
    """Return the mean of each block of voxels; voxels beyond the last whole block of an axis are left out.

    Parameters
    ----------
    values
        Any shape.
    factors
        Size of a block along each axis, 1 or more.

    Returns
    -------
    numpy.ndarray
        Shape ``values.shape // factors``, float32.
    """
    whole = tuple(slice(n // factor * factor) for n, factor in zip(values.shape, factors, strict=True))
    values = values[whole]
    total = np.zeros([n // factor for n, factor in zip(values.shape, factors, strict=True)], np.float32)
    for first in np.ndindex(*factors):  # a strided sum is several times faster than a mean over short axes
        total += values[tuple(slice(at, None, factor) for at, factor in zip(first, factors, strict=True))]
    total /= np.float32(np.prod(factors))
    return total


def averaged_affine(affine: DoubleArray, factor: int) -> DoubleArray:
    """Return the affine of a volume whose slices were averaged: a voxel's centre is the middle of its block."""
    pixels = np.diag([factor, factor, 1.0, 1.0])
    pixels[:2, 3] = (factor - 1) / 2
    return np.asarray(affine @ pixels)


def averaged_flags(factor: int) -> tuple[Flag, ...]:
    """Return the quality flag of a downsampled series, none for the factor 1."""
    if factor == 1:
        return ()
    sentence = (
        f"The series is too large as it is: {factor} × {factor} pixels of a slice were averaged to one, and the "
        "maps have the averaged pixels."
    )
    return (make_flag("downsampled", sentence),)
