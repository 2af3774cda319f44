"""Reader of DICOM CT perfusion: an untrusted folder or zip archive becomes a series or an ``InputDataError``.

The headers are read first: the only usable scan, or the one that was asked for, is chosen
(:mod:`perfcore.io.dicom.choice`); its geometry and times are checked before any of its pixels is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

import numpy as np

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.dicom.choice import open_scan
from perfcore.io.dicom.elements import ReadBudget
from perfcore.io.dicom.header import DicomImage
from perfcore.io.dicom.pixels import lossy_flags, read_pixels
from perfcore.io.dicom.stack import Stack
from perfcore.io.frame_timing import FramePlan
from perfcore.io.nifti.geometry import MAX_DT_S, MIN_DT_S
from perfcore.io.nifti.header import MAX_VOXEL_BYTES, by
from perfcore.io.nifti.volumes import read_volumes
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import DoubleArray, FloatArray, PerfusionSeries, SeriesUnits

_FACTORS: Final = (1, 2, 4)
"""Factors by which images may be downsampled if the series exceeds the size limit."""


def read_dicom(
    source: Path | bytes,
    *,
    dt_s: float | None = None,
    units: SeriesUnits = "hu",
    case: str = "case",
    mask: Path | bytes | None = None,
    lesion: Path | bytes | None = None,
    series: int | None = None,
) -> PerfusionSeries:
    """Read the CT perfusion series of a DICOM export.

    Slices whose times are not evenly spaced (shuttle mode, protocols that change the step, missing images) are
    interpolated linearly in time, with a note in ``warnings``.

    Parameters
    ----------
    source
        A folder, searched at any depth, a zip file, or the content of a zip file, which is never unpacked to disk.
    dt_s
        Time step in seconds, 0.02 to 60; overrides the header, which then only orders the frames.
    units
        ``"hu"``, or ``"concentration"`` for a series that is already enhancement.
    case
        Short display name; never a path.
    mask, lesion
        Brain mask and lesion mask, each a NIfTI volume on the grid of the series; the lesion may be empty.
    series
        Number of the series to read, as ``inspect`` lists them; default: the only usable one.

    Returns
    -------
    PerfusionSeries
        ``data`` of shape ``(columns, rows, n_slices, n_time)``, float32; the last row of an image comes first, as
        common converters to NIfTI have it; slices from the feet up where they are axial.

    Raises
    ------
    SeveralScansError
        Several series can be read, or they belong to several patients or studies; give ``series``.
    InputDataError
        There is no such series, or it is refused; the message gives the reason and what to do.
    ArgumentError
        ``dt_s`` or ``units`` is out of range.
    """
    if units not in get_args(SeriesUnits):
        raise ArgumentError(f"units must be one of {', '.join(get_args(SeriesUnits))}; got {units!r}.")
    if dt_s is not None and not MIN_DT_S <= dt_s <= MAX_DT_S:
        raise ArgumentError(f"The time step must lie between {MIN_DT_S:g} and {MAX_DT_S:g} s; got {dt_s:g}.")
    with open_scan(source, series=series, dt_s=dt_s, units=units) as scan:
        images, volume, slices, plan = scan.images, scan.volume, scan.slices, scan.plan
        factor = _downsampling_factor(images[0], len(slices), plan.n_time)
        data = _read(slices, plan, factor, scan.budget)
    affine, binned = _downsampled_affine(volume, factor)
    grid = (data.shape[0], data.shape[1], data.shape[2])
    brain, core, displaced = read_volumes(grid, affine, mask=mask, lesion=lesion)
    notes = (*scan.flags, *lossy_flags(images))
    if units == "hu" and any(image.slope is None for image in images):
        sentence = "The DICOM series names no rescaling; its stored numbers were taken for Hounsfield units."
        notes += (make_flag("no_rescaling", sentence),)
    return PerfusionSeries(
        data=data,
        affine=affine,
        dt_s=plan.dt_s,
        case=case,
        units=units,
        mask=brain,
        lesion=core,
        warnings=(*notes, *volume.warnings, *plan.warnings, *binned, *displaced),
        choice=scan.choice,
    )


def _downsampling_factor(image: DicomImage, n_slices: int, n_time: int) -> int:
    """Return the factor by which the images have to be downsampled to fit the size limit."""
    n_loaded = image.rows * image.columns * n_slices * n_time * 4
    for factor in _FACTORS:
        if n_loaded <= MAX_VOXEL_BYTES * factor**2 and not (image.rows % factor or image.columns % factor):
            return factor
    raise InputDataError(
        f"The DICOM series of {by((image.columns, image.rows, n_slices, n_time))} voxels takes "
        f"{n_loaded / 1e6:,.1f} MB; at most {MAX_VOXEL_BYTES / 1e6:,.1f} MB are read, so export fewer or smaller "
        "images."
    )


def _read(slices: Sequence[Sequence[DicomImage]], plan: FramePlan, factor: int, budget: ReadBudget) -> FloatArray:
    """Read all frames; shape ``(nx, ny, nz, n_time)``."""
    first = slices[0][0]
    nx, ny = first.columns // factor, first.rows // factor
    try:
        data = np.empty((nx, ny, len(slices), plan.n_time), np.float32)
    except MemoryError as error:
        raise InputDataError(
            "The DICOM series does not fit into this machine's memory; export fewer or smaller images."
        ) from error
    changes = False
    for z, own in enumerate(slices):
        images = np.empty((len(own), ny, nx), np.float32)  # as in the files: rows from the last, then columns
        for t, image in enumerate(own):
            pixels = read_pixels(image, budget).T
            if factor > 1:
                pixels = pixels.reshape(ny, factor, nx, factor).mean(axis=(1, 3))
            images[t] = pixels
        data[:, :, z] = plan.frames(images.transpose(2, 1, 0), z)
        changes = changes or bool((data[:, :, z, 1:] != data[:, :, z, :1]).any())
    if not changes:
        raise InputDataError(
            f"The DICOM series does not change in time: its {plan.n_time} frames are identical; expected the "
            "passage of a bolus, so give the perfusion series."
        )
    return data


def _downsampled_affine(volume: Stack, factor: int) -> tuple[DoubleArray, tuple[Flag, ...]]:
    """Return the affine of the downsampled images, and a warning about it."""
    if factor == 1:
        return volume.affine, ()
    pixels = np.diag([factor, factor, 1.0, 1.0])
    pixels[:2, 3] = (factor - 1) / 2
    sentence = f"The series is too large as it is; {factor} × {factor} pixels of an image were averaged to one."
    return np.asarray(volume.affine @ pixels), (make_flag("downsampled", sentence),)
