"""3D NIfTI volumes brought onto the grid of a series through their affines: brain masks, lesion masks and maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import InputDataError
from perfcore.io.byte_source import open_source
from perfcore.io.nifti.geometry import affine_mm, has_own_affine
from perfcore.io.nifti.header import NiftiHeader, by, read_header
from perfcore.io.nifti.resampling import (
    VolumeGrid,
    coverage,
    distance_mm,
    resampled_mask,
    same_voxels,
)
from perfcore.io.nifti.voxels import PADDING_BYTES, check_finite, read_array, scale, skip_extensions
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import BoolArray

MIN_COVERAGE: Final = 0.75
"""Fraction of each slice that a mask has to cover; the corners of a slice lie outside the head."""


def read_volumes(
    grid: VolumeGrid,
    *,
    mask: Path | bytes | None,
    lesion: Path | bytes | None,
    stored: VolumeGrid | None = None,
) -> tuple[BoolArray | None, BoolArray | None, tuple[Flag, ...]]:
    """Read the brain mask and the lesion mask of a series, if given.

    Parameters
    ----------
    grid
        Grid of the series as read.
    mask, lesion
        NIfTI volumes, brought onto the grid through their affines; the lesion may be empty.
    stored
        Grid of the series in its file, where it is another one.

    Returns
    -------
    tuple
        Brain mask, lesion mask (shape ``grid.shape``, bool), and quality flags on how they were brought onto the
        grid.

    Raises
    ------
    InputDataError
        A file is refused, does not cover the series, or is not finite, or the brain mask is empty.
    """
    volumes: dict[str, BoolArray] = {}
    flags: tuple[Flag, ...] = ()
    for name, given in (("brain mask", mask), ("lesion mask", lesion)):
        if given is not None:
            empty = name == "lesion mask"
            volumes[name], notes = flagged_mask(given, grid, what=name, allow_empty=empty, stored=stored)
            flags += notes
    return volumes.get("brain mask"), volumes.get("lesion mask"), flags


def read_mask(
    source: Path | bytes, grid: VolumeGrid, *, what: str = "brain mask", allow_empty: bool = False
) -> BoolArray:
    """Read a mask on the grid of a series, without its quality flags: see :func:`flagged_mask`."""
    return flagged_mask(source, grid, what=what, allow_empty=allow_empty)[0]


def flagged_mask(
    source: Path | bytes,
    grid: VolumeGrid,
    *,
    what: str = "brain mask",
    allow_empty: bool = False,
    stored: VolumeGrid | None = None,
) -> tuple[BoolArray, tuple[Flag, ...]]:
    """Read a mask and bring it onto the grid of a series: True where the stored value is above 0.

    A mask on the grid of the series is used as it is. Any other is resampled through its affine to the nearest
    voxel. One of the same shape whose affine is missing, or would put it outside the series, is applied voxel by
    voxel.

    Parameters
    ----------
    source
        A path, or the content of an upload.
    grid, stored
        As for :func:`read_volumes`.
    what
        Name of the volume in error messages.
    allow_empty
        Whether an empty mask is accepted, as for a lesion.

    Returns
    -------
    tuple
        Mask, shape ``grid.shape``, and quality flags.

    Raises
    ------
    InputDataError
        The file is refused, does not cover the series, is not finite, or is empty.
    """
    values, header = read_values(source, what)
    own, flags = _placed(header, grid, what, stored)
    given = np.ascontiguousarray(check_finite(values, what) > 0)
    if not allow_empty and not given.any():
        raise InputDataError(f"The {what} is empty: no voxel is above 0; give one that covers the brain.")
    if own.shape == grid.shape and np.array_equal(own.affine, grid.affine):
        return given, flags
    mask = resampled_mask(given, own, grid)
    if given.any() and not mask.any():
        if not allow_empty:
            raise InputDataError(
                f"No voxel of the {what} lies in the series by its affine; give one that covers the brain."
            )
        flags += (make_flag("mask_resampled", f"The {what} lies beside the series: none of its voxels is in it."),)
    return mask, flags


def on_grid(source: Path, grid: VolumeGrid, what: str) -> bool:
    """Return whether a volume has the shape of a grid and, within half a voxel, its place.

    Raises
    ------
    InputDataError
        The header is refused.
    """
    with open_source(source, what) as stream:
        header = read_header(stream)
    return header.shape == grid.shape and not distance_mm(affine_mm(header, what)[0], grid)


def covers(source: Path, grid: VolumeGrid, what: str) -> bool:
    """Return whether a volume covers the slices of a grid by its affine.

    Raises
    ------
    InputDataError
        The header is refused.
    """
    with open_source(source, what) as stream:
        header = read_header(stream)
    return coverage(VolumeGrid(_shape(header, what), affine_mm(header, what)[0]), grid) >= MIN_COVERAGE


def read_values(source: Path | bytes, what: str) -> tuple[NDArray[Any], NiftiHeader]:
    """Read a volume on its own grid.

    Parameters
    ----------
    source
        A path, or the content of an upload.
    what
        Name of the volume in error messages, such as ``"Tmax map"``.

    Returns
    -------
    tuple
        Scaled values, shape ``header.shape``, and the header.

    Raises
    ------
    InputDataError
        The file is refused, or is not one volume.
    """
    with open_source(source, what) as stream:
        header = read_header(stream)
        _shape(header, what)
        skip_extensions(stream, header)
        stored = np.empty(header.shape[::-1], header.dtype)
        read_array(stream, stored)
        stream.finish(PADDING_BYTES)
    return scale(stored, header).T, header


def _shape(header: NiftiHeader, what: str) -> tuple[int, int, int]:
    if len(header.shape) != 3:
        raise InputDataError(
            f"The {what} has {len(header.shape)} dimensions ({by(header.shape)}); expected 3 dimensions, so give "
            "one volume without time."
        )
    nx, ny, nz = header.shape
    return nx, ny, nz


def _placed(
    header: NiftiHeader, grid: VolumeGrid, what: str, stored: VolumeGrid | None
) -> tuple[VolumeGrid, tuple[Flag, ...]]:
    """Return the grid on which a volume lies, and how it was found."""
    shape = _shape(header, what)
    alike = [one for one in (stored, grid) if one is not None and one.shape == shape]
    own = None
    try:
        affine = affine_mm(header, what)[0]
        own = VolumeGrid(shape, affine, has_own_affine(header, affine))
    except InputDataError:
        if not alike:
            raise
    for one in alike:
        if own is not None and not distance_mm(own.affine, one):
            return one, ()
    if own is None or (alike and not own.known):
        cause = "has no usable affine"
    elif alike and not alike[0].known:
        cause = "has an affine, but the series has none that is usable"
    else:
        covered = coverage(own, grid)
        if covered >= MIN_COVERAGE:
            return own, _resampled(own, grid, stored, covered, what)
        if not alike:
            raise _not_covered(header, grid, covered, what)
        away = distance_mm(own.affine, alike[0])
        cause = f"lies up to {away:.1f} mm away from the series by its affine, and would not cover it"
    sentence = f"The {what} {cause}; as it has the shape of the series, it was applied voxel by voxel."
    return alike[0], (make_flag("mask_displaced", sentence),)


def _resampled(
    own: VolumeGrid, grid: VolumeGrid, stored: VolumeGrid | None, covered: float, what: str
) -> tuple[Flag, ...]:
    """Return what is said of a volume that was resampled through its affine."""
    if any(one is not None and same_voxels(own, one) for one in (stored, grid)):
        return ()
    part = "" if covered > 1 - 1e-6 else f"; it covers {100 * covered:.0f} % of a slice"
    if own.shape == grid.shape:
        place = f"lies up to {distance_mm(own.affine, grid):.1f} mm away from the grid of the series, and"
    else:
        place = f"has {by(own.shape)} voxels, the series {by(grid.shape)}: it"
    sentence = f"The {what} {place} was brought onto that grid through its affine{part}."
    return (make_flag("mask_resampled", sentence),)


def _not_covered(header: NiftiHeader, grid: VolumeGrid, covered: float, what: str) -> InputDataError:
    place = f"The {what} has shape {by(header.shape)}, the series {by(grid.shape)}, and by its affine it "
    how = "does not reach all slices of the series" if covered == 0 else f"covers {100 * covered:.0f} % of a slice"
    return InputDataError(f"{place}{how}; give one that covers the whole series, or one on its grid.")
