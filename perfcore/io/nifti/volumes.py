"""3D NIfTI volumes on the grid of a series: brain masks, lesion masks and maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import InputDataError
from perfcore.io.byte_source import open_source
from perfcore.io.nifti.geometry import affine_mm
from perfcore.io.nifti.header import NiftiHeader, by, read_header
from perfcore.io.nifti.voxels import PADDING_BYTES, check_finite, read_array, scale, skip_extensions
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import BoolArray, DoubleArray, FloatArray


def read_volumes(
    grid: tuple[int, ...], affine: DoubleArray, *, mask: Path | bytes | None, lesion: Path | bytes | None
) -> tuple[BoolArray | None, BoolArray | None, tuple[Flag, ...]]:
    """Read the brain mask and the lesion mask of a series, if given.

    Parameters
    ----------
    grid, affine
        Shape of the series in space, and its affine (voxel indices to mm).
    mask, lesion
        NIfTI volumes of shape ``grid``; the lesion may be empty.

    Returns
    -------
    tuple
        Brain mask, lesion mask, and warnings about an affine that differs from that of the series.

    Raises
    ------
    InputDataError
        A file is refused, has another shape or is not finite, or the brain mask is empty.
    """
    volumes: dict[str, BoolArray] = {}
    warnings: tuple[Flag, ...] = ()
    for name, given in (("brain mask", mask), ("lesion mask", lesion)):
        if given is not None:
            volumes[name], own = _read_mask(given, grid, name, allow_empty=name == "lesion mask")
            warnings += _displaced(own, affine, grid, name)
    return volumes.get("brain mask"), volumes.get("lesion mask"), warnings


def read_mask(
    source: Path | bytes,
    grid: tuple[int, ...],
    *,
    what: str = "brain mask",
    allow_empty: bool = False,
) -> BoolArray:
    """Read a mask on the grid of a series: True where the stored value is above 0.

    Parameters
    ----------
    source
        A path, or the content of an upload.
    grid
        Shape of the series in space, ``(nx, ny, nz)``.
    what
        Name of the volume in error messages.
    allow_empty
        Whether an empty mask is accepted, as for a lesion.

    Returns
    -------
    numpy.ndarray
        Shape ``grid``, bool.

    Raises
    ------
    InputDataError
        The file is refused, has another shape, is not finite, or is empty.
    """
    return _read_mask(source, grid, what, allow_empty=allow_empty)[0]


def read_volume(source: Path | bytes, grid: tuple[int, ...], what: str) -> FloatArray:
    """Read a volume on the grid of a series, such as a map.

    Parameters
    ----------
    source
        A path, or the content of an upload.
    grid
        Shape of the series in space, ``(nx, ny, nz)``.
    what
        Name of the volume in error messages.

    Returns
    -------
    numpy.ndarray
        Shape ``grid``, float32.

    Raises
    ------
    InputDataError
        The file is refused, has another shape, or is not finite.
    """
    return np.ascontiguousarray(_values(source, grid, what)[0], np.float32)


def _read_mask(
    source: Path | bytes, grid: tuple[int, ...], what: str, *, allow_empty: bool
) -> tuple[BoolArray, DoubleArray | None]:
    values, header = _values(source, grid, what)
    mask = np.ascontiguousarray(values > 0)
    if not allow_empty and not mask.any():
        raise InputDataError(f"The {what} is empty: no voxel is above 0; give one that covers the brain.")
    try:
        return mask, affine_mm(header, what)[0]
    except InputDataError:  # the grid is what counts; the affine only serves the warning
        return mask, None


def _values(source: Path | bytes, grid: tuple[int, ...], what: str) -> tuple[NDArray[Any], NiftiHeader]:
    with open_source(source, what) as stream:
        header = read_header(stream)
        if header.shape != tuple(grid):
            raise InputDataError(
                f"The {what} has shape {by(header.shape)}; expected {by(grid)} as the series has, "
                "so give one on the grid of the series."
            )
        skip_extensions(stream, header)
        stored = np.empty(header.shape[::-1], header.dtype)
        read_array(stream, stored)
        stream.finish(PADDING_BYTES)
    return check_finite(scale(stored, header), what).T, header


def _displaced(own: DoubleArray | None, affine: DoubleArray, grid: tuple[int, ...], what: str) -> tuple[Flag, ...]:
    """Return a warning if the affine of a volume displaces it by more than half a voxel from the series."""
    away = 0.0 if own is None else distance_mm(own, affine, grid)
    if not away:
        return ()
    sentence = (
        f"The {what} lies up to {away:.1f} mm away from the series by its affine; it was applied voxel by voxel."
    )
    return (make_flag("mask_displaced", sentence),)


def distance_mm(own: DoubleArray, affine: DoubleArray, grid: tuple[int, ...]) -> float:
    """Return the maximum distance of a grid's corners under two affines, mm; 0 if at most half a voxel."""
    corners = np.stack(np.meshgrid(*[(0.0, n - 1.0) for n in grid], [1.0], indexing="ij"), -1).reshape(-1, 4)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    away = np.linalg.norm((corners @ (own - affine).T)[:, :3], axis=1).max()
    return float(away) if away > 0.5 * spacing.min() else 0.0
