"""Reader of 4D NIfTI series: an untrusted file becomes a :class:`PerfusionSeries` or an ``InputDataError``.

:mod:`perfcore.io.nifti.header` checks the header first; the voxels are then read forward, a frame at a time, into
the final array.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final, get_args

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io import downsampling
from perfcore.io.byte_source import open_source
from perfcore.io.nifti.frames import read_frames
from perfcore.io.nifti.header import NiftiHeader, by, read_header
from perfcore.io.nifti.layout import series_layout
from perfcore.io.nifti.modality import check_modality
from perfcore.io.nifti.timing import read_timing
from perfcore.io.nifti.volumes import read_volumes
from perfcore.io.nifti.voxels import PADDING_BYTES
from perfcore.types import PerfusionSeries, SeriesUnits

MIN_FRAMES: Final = 10


def read_series(
    source: Path | bytes,
    *,
    dt_s: float | None = None,
    units: SeriesUnits = "hu",
    case: str = "case",
    mask: Path | bytes | None = None,
    lesion: Path | bytes | None = None,
    default_dt_s: float | None = None,
    sidecar: bytes | None = None,
) -> PerfusionSeries:
    """Read a 4D CT perfusion series from a single NIfTI file, plain or gzipped.

    Parameters
    ----------
    source
        A path, or the content of an upload, which is never written to disk.
    dt_s
        Time step in seconds, 0.02 to 60; overrides header and sidecar
        (:func:`~perfcore.io.nifti.timing.read_timing`).
    units
        ``"hu"``, ``"concentration"`` for a series that is already enhancement, or ``"dsc"`` for MR signal.
    case
        Short display name; never a path.
    mask, lesion
        Brain mask and lesion mask, each a NIfTI volume that covers the series, brought onto its grid through the
        affine (:func:`~perfcore.io.nifti.volumes.flagged_mask`); the lesion may be empty.
    default_dt_s
        Time step used, with a warning, if that of the header is unusable.
    sidecar
        Content of the series' JSON sidecar; default: the file beside a path.

    Returns
    -------
    PerfusionSeries
        ``data`` of shape ``(nx, ny, nz, n_time)``, float32, C-contiguous, slices across the third axis
        (``stored_axes`` gives the order in the file); the affine in millimetres. A series that exceeds the size
        limit is averaged within its slices.

    Raises
    ------
    InputDataError
        The file is refused; the message gives the reason and what to do.
    ArgumentError
        ``dt_s`` or ``units`` is out of range.
    """
    if units not in get_args(SeriesUnits):
        raise ArgumentError(f"units must be one of {', '.join(get_args(SeriesUnits))}; got {units!r}.")
    beside = source if sidecar is None and isinstance(source, Path) else sidecar
    check_modality(beside, units)
    with open_source(source, "series") as stream:
        header = read_header(stream)
        check_series(header)
        timing = read_timing(header, beside, dt_s=dt_s, default_dt_s=default_dt_s, max_frames=finer_frames(header))
        if timing.n_time < MIN_FRAMES:
            raise InputDataError(
                f"The times of the frames are so uneven that resampling would give {timing.n_time} frames; give "
                "the time step (--dt SECONDS), or resample the series."
            )
        layout = series_layout(header, timing.n_time)
        data = read_frames(stream, header, layout, timing.plan)
        stream.finish(PADDING_BYTES)
    brain, core, placed = read_volumes(layout.grid, mask=mask, lesion=lesion, stored=layout.stored)
    return PerfusionSeries(
        data=data,
        affine=layout.grid.affine,
        dt_s=timing.dt_s,
        case=case,
        units=units,
        time_source=timing.source,
        stored_axes=layout.axes,
        mask=brain,
        lesion=core,
        warnings=layout.warnings + placed + timing.warnings,
    )


def finer_frames(header: NiftiHeader) -> int:
    """Return the number of frames up to which a series fits the size limit without being averaged in space."""
    return downsampling.MAX_VOXEL_BYTES // (4 * math.prod(header.shape[:3]))


def check_series(header: NiftiHeader) -> None:
    """Check the dimensions and the number of frames of a series.

    Raises
    ------
    InputDataError
        The series is not 4D, or has fewer than 10 frames.
    """
    shape = header.shape
    if len(shape) != 4:
        raise InputDataError(
            f"The series has 3 dimensions ({by(shape)}) without singletons; expected 4 (x, y, z, time), "
            "so give the whole series in one file."
        )
    if shape[3] < MIN_FRAMES:
        raise InputDataError(
            f"The series has {shape[3]} frames; expected {MIN_FRAMES} or more, so give the whole series."
        )
