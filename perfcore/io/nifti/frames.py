"""Frames of a NIfTI series, read forward into the final array; no more than some frames are held beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.byte_source import ByteStream
from perfcore.io.downsampling import averaged
from perfcore.io.frame_timing import FramePlan
from perfcore.io.nifti.header import NiftiHeader, by
from perfcore.io.nifti.layout import SeriesLayout
from perfcore.io.nifti.voxels import check_finite, check_range, read_array, scale, skip_extensions
from perfcore.types import FloatArray

_CHUNK_BYTES: Final = 16 << 20
_BLOCK_FRAMES: Final = 16


def read_frames(
    stream: ByteStream, header: NiftiHeader, layout: SeriesLayout, plan: FramePlan | None
) -> FloatArray:
    """Read all frames of a series, averaged and resampled in time as they come.

    Parameters
    ----------
    stream
        Stream behind the header.
    header, layout
        Of the series.
    plan
        Resampling to a constant time step, None to use the frames as they are.

    Returns
    -------
    numpy.ndarray
        Shape ``(*layout.grid.shape, n_time)``, float32, C-contiguous.

    Raises
    ------
    InputDataError
        The file is damaged, a voxel is not finite or implausibly large, the series does not change in time, or
        memory is short.
    """
    n_time = header.shape[3] if plan is None else plan.n_time
    grid = layout.grid.shape
    try:
        data = np.empty((*grid, n_time), np.float32)
        nx, ny, nz = (grid[layout.axes.index(axis)] for axis in range(3))
        n_block = max(1, min(_BLOCK_FRAMES, n_time, _CHUNK_BYTES // (4 * nx * ny * nz)))
        block = np.empty((n_block, nz, ny, nx), np.float32)
    except MemoryError as error:
        raise InputDataError(
            f"The series of {by(header.shape)} voxels does not fit into this machine's memory; "
            "crop or downsample it."
        ) from error
    skip_extensions(stream, header)
    stored_order = data.transpose([*(layout.axes.index(axis) for axis in range(3)), 3])
    images = _images(stream, header, layout)
    frames = images if plan is None else _resampled(images, plan)
    for start in range(0, n_time, n_block):
        own = block[: n_time - start]
        for at in range(len(own)):
            own[at] = next(frames)
        for z in range(nz):
            stored_order[:, :, z, start : start + n_block] = own[:, z].transpose(2, 1, 0)
    for _ in frames:  # behind the last frame that is kept
        pass
    return data


def _images(stream: ByteStream, header: NiftiHeader, layout: SeriesLayout) -> Iterator[FloatArray]:
    """Yield each stored frame, averaged; shape ``(nz, ny, nx)`` by the stored axes, valid until the next one."""
    nx, ny, nz, n_time = header.shape
    factors = layout.stored_factors[::-1]
    n_slices = max(1, min(nz, _CHUNK_BYTES // (8 * nx * ny)) // factors[0]) * factors[0]
    stored = np.empty((min(n_slices, nz), ny, nx), header.dtype)
    image = np.empty([n // factor for n, factor in zip((nz, ny, nx), factors, strict=True)], np.float32)
    first: FloatArray | None = None
    changes = False
    for _ in range(n_time):
        for z in range(0, nz, n_slices):
            chunk = stored[: nz - z]
            read_array(stream, chunk)
            values = check_range(check_finite(scale(chunk, header), "series"))
            own = image[z // factors[0] : (z + len(chunk)) // factors[0]]
            own[:] = values if layout.factor == 1 else averaged(values, factors)
        if first is None:
            first = image.copy()
        changes = changes or not np.array_equal(image, first)
        yield image
    if not changes:
        raise InputDataError(
            f"The series does not change in time: its {n_time} frames are identical; expected the passage "
            "of a bolus, so give the perfusion series."
        )


def _resampled(images: Iterator[FloatArray], plan: FramePlan) -> Iterator[FloatArray]:
    """Yield the frames of a plan from the images in their order."""
    at, image = 0, next(images).copy()
    before = image
    for left, right, weight in zip(plan.left[0], plan.right[0], plan.weight[0], strict=True):
        while at < right:
            before, image = image, next(images).copy()
            at += 1
        yield image if left == right else before + np.float32(weight) * (image - before)
    for _ in images:
        pass
