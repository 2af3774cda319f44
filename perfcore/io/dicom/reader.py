"""Reader of DICOM CT perfusion: an untrusted folder or zip archive becomes a series or an ``InputDataError``.

The headers are read first: the only usable scan, or the one that was asked for, is chosen
(:mod:`perfcore.io.dicom.choice`); its geometry and times are checked before any of its pixels is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.dicom.choice import open_scan
from perfcore.io.dicom.elements import ReadBudget
from perfcore.io.dicom.header import DicomImage
from perfcore.io.dicom.pixels import lossy_flags, read_pixels
from perfcore.io.downsampling import averaged, averaged_affine, averaged_flags, downsampling_factor
from perfcore.io.frame_timing import FramePlan
from perfcore.io.nifti.geometry import MAX_DT_S, MIN_DT_S
from perfcore.io.nifti.header import by
from perfcore.io.nifti.resampling import VolumeGrid
from perfcore.io.nifti.volumes import read_volumes
from perfcore.quality_flags import make_flag
from perfcore.types import FloatArray, PerfusionSeries, SeriesUnits


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
        ``"hu"``, ``"concentration"`` for a series that is already enhancement, or ``"dsc"`` for MR signal.
    case
        Short display name; never a path.
    mask, lesion
        Brain mask and lesion mask, each a NIfTI volume that covers the series; the lesion may be empty.
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
    affine = averaged_affine(volume.affine, factor)
    grid = VolumeGrid((data.shape[0], data.shape[1], data.shape[2]), affine)
    whole = VolumeGrid((images[0].columns, images[0].rows, len(slices)), volume.affine)
    brain, core, displaced = read_volumes(grid, mask=mask, lesion=lesion, stored=whole)
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
        warnings=(*notes, *volume.warnings, *plan.warnings, *averaged_flags(factor), *displaced),
        time_source=plan.time_source,
        choice=scan.choice,
    )


def _downsampling_factor(image: DicomImage, n_slices: int, n_time: int) -> int:
    """Return the factor by which the images have to be downsampled to fit the size limit."""
    shape = (image.columns, image.rows, n_slices, n_time)
    factor = downsampling_factor(shape)
    if factor is None:
        raise InputDataError(
            f"The DICOM series of {by(shape)} voxels is too large, even with 4 × 4 pixels averaged to one; export "
            "fewer or smaller images."
        )
    return factor


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
                pixels = averaged(pixels, (factor, factor))
            images[t] = pixels
        data[:, :, z] = plan.frames(images.transpose(2, 1, 0), z)
        changes = changes or bool((data[:, :, z, 1:] != data[:, :, z, :1]).any())
    if not changes:
        raise InputDataError(
            f"The DICOM series does not change in time: its {plan.n_time} frames are identical; expected the "
            "passage of a bolus, so give the perfusion series."
        )
    return data
