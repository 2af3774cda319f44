"""Reader of 4D NIfTI series: an untrusted file becomes a :class:`PerfusionSeries` or an ``InputDataError``.

:mod:`perfcore.io.nifti.header` checks the header first; the voxels are then read forward, a few frames at a time,
directly into the final array.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final, get_args

import numpy as np

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.byte_source import ByteStream, open_source
from perfcore.io.frame_timing import FramePlan
from perfcore.io.nifti.geometry import affine_mm, has_time_step, time_step
from perfcore.io.nifti.header import MAX_VOXEL_BYTES, NiftiHeader, by, read_header
from perfcore.io.nifti.modality import check_modality
from perfcore.io.nifti.sidecar import read_sidecar
from perfcore.io.nifti.volumes import read_volumes
from perfcore.io.nifti.voxels import (
    PADDING_BYTES,
    check_finite,
    check_range,
    read_array,
    scale,
    skip_extensions,
)
from perfcore.types import FloatArray, PerfusionSeries, SeriesUnits

MIN_FRAMES: Final = 10
_BLOCK_BYTES: Final = 32 << 20
_BLOCK_FRAMES: Final = 16


def read_series(
    source: Path | bytes,
    *,
    dt_s: float | None = None,
    units: SeriesUnits = "hu",
    case: str = "case",
    mask: Path | bytes | None = None,
    lesion: Path | bytes | None = None,
    default_dt_s: float | None = None,
) -> PerfusionSeries:
    """Read a 4D CT perfusion series from a single NIfTI file, plain or gzipped.

    Parameters
    ----------
    source
        A path, or the content of an upload, which is never written to disk.
    dt_s
        Time step in seconds, 0.02 to 60; overrides the header. If the header has none, the BIDS sidecar is read.
    units
        ``"hu"``, ``"concentration"`` for a series that is already enhancement, or ``"dsc"`` for MR signal.
    case
        Short display name; never a path.
    mask, lesion
        Brain mask and lesion mask, each a NIfTI volume on the grid of the series; the lesion may be empty.
    default_dt_s
        Time step used, with a warning, if that of the header is unusable.

    Returns
    -------
    PerfusionSeries
        ``data`` of shape ``(nx, ny, nz, n_time)``, float32, C-contiguous; the affine in millimetres.

    Raises
    ------
    InputDataError
        The file is refused; the message gives the reason and what to do.
    ArgumentError
        ``dt_s`` or ``units`` is out of range.
    """
    if units not in get_args(SeriesUnits):
        raise ArgumentError(f"units must be one of {', '.join(get_args(SeriesUnits))}; got {units!r}.")
    if isinstance(source, Path):
        check_modality(source, units)
    with open_source(source, "series") as stream:
        header = read_header(stream)
        _check_series(header.shape)
        affine, warnings = affine_mm(header, "series")
        timing = None
        if dt_s is None and isinstance(source, Path) and not has_time_step(header):
            timing = read_sidecar(source, header.shape[3])
        if timing is None:
            step, notes = time_step(header, dt_s=dt_s, default_dt_s=default_dt_s)
        else:
            step, notes = timing.dt_s, timing.warnings
        data = _read_frames(stream, header)
        stream.finish(PADDING_BYTES)
    if timing is not None and timing.plan is not None:
        data = _resample_frames(data, timing.plan)
    brain, core, displaced = read_volumes(header.shape[:3], affine, mask=mask, lesion=lesion)
    return PerfusionSeries(
        data=data,
        affine=affine,
        dt_s=step,
        case=case,
        units=units,
        mask=brain,
        lesion=core,
        warnings=warnings + displaced + notes,
    )


def _check_series(shape: tuple[int, ...]) -> None:
    if len(shape) != 4:
        raise InputDataError(
            f"The series has 3 dimensions ({by(shape)}) without singletons; expected 4 (x, y, z, time), "
            "so give the whole series in one file."
        )
    if shape[3] < MIN_FRAMES:
        raise InputDataError(
            f"The series has {shape[3]} frames; expected {MIN_FRAMES} or more, so give the whole series."
        )


def _read_frames(stream: ByteStream, header: NiftiHeader) -> FloatArray:
    """Read all frames; shape ``(nx, ny, nz, n_time)``, C-contiguous."""
    nx, ny, nz, n_time = header.shape
    n_block = max(1, min(_BLOCK_FRAMES, n_time, _BLOCK_BYTES // (8 * nx * ny * nz)))
    try:
        data = np.empty(header.shape, np.float32)
        stored = np.empty((n_block, nz, ny, nx), header.dtype)
    except MemoryError as error:
        raise InputDataError(
            f"The series of {by(header.shape)} voxels does not fit into this machine's memory; "
            "crop or downsample it."
        ) from error
    skip_extensions(stream, header)
    first = None
    changes = False
    for start in range(0, n_time, n_block):
        block = stored[: n_time - start]
        read_array(stream, block)
        if first is None:
            first = block[0].copy()
        changes = changes or bool((block != first).any())
        values = check_range(check_finite(scale(block, header), "series"))
        for z in range(nz):
            data[:, :, z, start : start + n_block] = values[:, z].transpose(2, 1, 0)
    if not changes:
        raise InputDataError(
            f"The series does not change in time: its {n_time} frames are identical; expected the passage "
            "of a bolus, so give the perfusion series."
        )
    return data


def _resample_frames(data: FloatArray, plan: FramePlan) -> FloatArray:
    """Resample the frames to a constant time step, slice by slice."""
    shape = (*data.shape[:3], plan.n_time)
    if plan.n_time < MIN_FRAMES or 4 * math.prod(shape) > MAX_VOXEL_BYTES:
        raise InputDataError(
            f"The times of the frames are so uneven that resampling would give {plan.n_time} frames; give the "
            "time step (--dt SECONDS), or resample the series."
        )
    even = np.empty(shape, np.float32)
    for z in range(data.shape[2]):
        even[:, :, z] = plan.frames(data[:, :, z], 0)
    return even
