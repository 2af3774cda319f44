"""The gate: a NIfTI file that nobody vouches for becomes a :class:`PerfusionSeries` or one sentence.

The header is believed only after :mod:`perfcore.io.nifti.header` has checked it; the voxels are then read forward,
a few frames at a time, straight into their final place.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from perfcore.errors import ArgumentError, InputDataError
from perfcore.io.byte_source import ByteStream, open_source
from perfcore.io.frame_timing import FramePlan
from perfcore.io.nifti.geometry import affine_mm, has_time_step, time_step
from perfcore.io.nifti.header import MAX_VOXEL_BYTES, NiftiHeader, by, read_header
from perfcore.io.nifti.sidecar import read_sidecar
from perfcore.types import BoolArray, DoubleArray, FloatArray, PerfusionSeries, SeriesUnits
from perfcore.units import MAX_ABS_VALUE

MIN_FRAMES: Final = 10
PADDING_BYTES: Final = 1 << 20
"""What may follow the voxels in a gzip stream."""
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
        Time step in seconds, 0.02 to 60; wins over the header. Where the header has none, the JSON file that BIDS
        puts beside a NIfTI file is asked.
    units
        ``"hu"``, or ``"concentration"`` for a series that is already enhancement.
    case
        A short name for people; never a path.
    mask, lesion
        Brain mask and known core, each a NIfTI volume on the series' grid; an empty lesion is fine.
    default_dt_s
        Used, with a warning, where the header's time step is unusable.

    Returns
    -------
    PerfusionSeries
        ``data`` of shape ``(nx, ny, nz, n_time)``, float32, C-contiguous; the affine in millimetres.

    Raises
    ------
    InputDataError
        The file is refused; the sentence says why and what to do.
    ArgumentError
        ``dt_s`` or ``units`` is out of its range.
    """
    if units not in get_args(SeriesUnits):
        raise ArgumentError(f"units must be one of {', '.join(get_args(SeriesUnits))}; got {units!r}.")
    with open_source(source, "series") as stream:
        header = read_header(stream)
        _check_series(header.shape)
        affine, warnings = affine_mm(header, "series")
        timing = None
        if dt_s is None and isinstance(source, Path) and not has_time_step(header):
            timing = read_sidecar(source, header.shape[3])
        if timing is None:
            step, doubts = time_step(header, dt_s=dt_s, default_dt_s=default_dt_s)
        else:
            step, doubts = timing.dt_s, timing.warnings
        data = _read_frames(stream, header)
        stream.finish(PADDING_BYTES)
    if timing is not None and timing.plan is not None:
        data = _on_even_times(data, timing.plan)
    brain, core, displaced = read_volumes(header.shape[:3], affine, mask=mask, lesion=lesion)
    return PerfusionSeries(
        data=data,
        affine=affine,
        dt_s=step,
        case=case,
        units=units,
        mask=brain,
        lesion=core,
        warnings=warnings + displaced + doubts,
    )


def read_volumes(
    grid: tuple[int, ...], affine: DoubleArray, *, mask: Path | bytes | None, lesion: Path | bytes | None
) -> tuple[BoolArray | None, BoolArray | None, tuple[str, ...]]:
    """Read the brain mask and the known core of a series, where they are given.

    Parameters
    ----------
    grid, affine
        Of the series: shape in space, and indices to mm.
    mask, lesion
        NIfTI volumes of the shape ``grid``; an empty lesion is fine.

    Returns
    -------
    tuple
        Mask, lesion, and warnings where the affine of one lays it elsewhere.

    Raises
    ------
    InputDataError
        A file is refused, is of another shape, is not finite, or the mask is empty.
    """
    volumes: dict[str, BoolArray] = {}
    warnings: tuple[str, ...] = ()
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
    """Read a mask on a series' grid: what is above 0.

    Parameters
    ----------
    source
        A path, or the content of an upload.
    grid
        Shape of the series in space, ``(nx, ny, nz)``.
    what
        Its name in the sentences.
    allow_empty
        Whether no voxel at all is fine, as for a lesion.

    Returns
    -------
    numpy.ndarray
        Shape ``grid``, bool.

    Raises
    ------
    InputDataError
        The file is refused, is of another shape, is not finite, or is empty.
    """
    return _read_mask(source, grid, what, allow_empty=allow_empty)[0]


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
    _skip_extensions(stream, header)
    first = None
    changes = False
    for start in range(0, n_time, n_block):
        block = stored[: n_time - start]
        _fill(stream, block)
        if first is None:
            first = block[0].copy()
        changes = changes or bool((block != first).any())
        values = _credible(_finite(_scaled(block, header), "series"))
        for z in range(nz):
            data[:, :, z, start : start + n_block] = values[:, z].transpose(2, 1, 0)
    if not changes:
        raise InputDataError(
            f"The series does not change in time: its {n_time} frames are all alike; expected the passage "
            "of a bolus, so give the perfusion series."
        )
    return data


def _on_even_times(data: FloatArray, plan: FramePlan) -> FloatArray:
    """Return the frames of a plan, one slice after the other."""
    shape = (*data.shape[:3], plan.n_time)
    if plan.n_time < MIN_FRAMES or 4 * math.prod(shape) > MAX_VOXEL_BYTES:
        raise InputDataError(
            f"The times of the frames are so uneven that {plan.n_time} even ones would follow; give the time step "
            "(--dt SECONDS), or resample the series."
        )
    even = np.empty(shape, np.float32)
    for z in range(data.shape[2]):
        even[:, :, z] = plan.frames(data[:, :, z], 0)
    return even


def read_volume(source: Path | bytes, grid: tuple[int, ...], what: str) -> FloatArray:
    """Read a volume on a series' grid, such as a map.

    Parameters
    ----------
    source
        A path, or the content of an upload.
    grid
        Shape of the series in space, ``(nx, ny, nz)``.
    what
        Its name in the sentences.

    Returns
    -------
    numpy.ndarray
        Shape ``grid``, float32.

    Raises
    ------
    InputDataError
        The file is refused, is of another shape, or is not finite.
    """
    return np.ascontiguousarray(_values(source, grid, what)[0], np.float32)


def _values(source: Path | bytes, grid: tuple[int, ...], what: str) -> tuple[NDArray[Any], NiftiHeader]:
    with open_source(source, what) as stream:
        header = read_header(stream)
        if header.shape != tuple(grid):
            raise InputDataError(
                f"The {what} has shape {by(header.shape)}; expected {by(grid)} as the series has, "
                "so give one on the grid of the series."
            )
        _skip_extensions(stream, header)
        stored = np.empty(header.shape[::-1], header.dtype)
        _fill(stream, stored)
        stream.finish(PADDING_BYTES)
    return _finite(_scaled(stored, header), what).T, header


def _read_mask(
    source: Path | bytes, grid: tuple[int, ...], what: str, *, allow_empty: bool
) -> tuple[BoolArray, DoubleArray | None]:
    values, header = _values(source, grid, what)
    mask = np.ascontiguousarray(values > 0)
    if not allow_empty and not mask.any():
        raise InputDataError(f"The {what} is empty: no voxel is above 0; give one that covers the brain.")
    try:
        return mask, affine_mm(header, what)[0]
    except InputDataError:  # the grid decides; the affine serves only to notice a displaced mask
        return mask, None


def _displaced(own: DoubleArray | None, affine: DoubleArray, grid: tuple[int, ...], what: str) -> tuple[str, ...]:
    """Return a warning where a volume's affine lays it more than half a voxel away from the series."""
    away = 0.0 if own is None else distance_mm(own, affine, grid)
    if not away:
        return ()
    return (
        f"The {what} lies up to {away:.1f} mm away from the series by its affine; it was laid on voxel by voxel.",
    )


def distance_mm(own: DoubleArray, affine: DoubleArray, grid: tuple[int, ...]) -> float:
    """Return how far apart two affines lay a grid at most, mm; 0 where it is no more than half a voxel."""
    corners = np.stack(np.meshgrid(*[(0.0, n - 1.0) for n in grid], [1.0], indexing="ij"), -1).reshape(-1, 4)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    away = np.linalg.norm((corners @ (own - affine).T)[:, :3], axis=1).max()
    return float(away) if away > 0.5 * spacing.min() else 0.0


def _skip_extensions(stream: ByteStream, header: NiftiHeader) -> None:
    n_bytes = header.offset - stream.position
    if stream.skip(n_bytes) < n_bytes:
        raise _too_short(stream)


def _fill(stream: ByteStream, block: NDArray[Any]) -> None:
    if stream.read_into(block.reshape(-1).view(np.uint8).data) < block.nbytes:
        raise _too_short(stream)


def _too_short(stream: ByteStream) -> InputDataError:
    return InputDataError(
        f"The header of the {stream.what} promises more than the file holds: it ends after "
        f"{stream.position / 1e6:,.1f} MB; copy the file again from where it came."
    )


def _scaled(stored: NDArray[Any], header: NiftiHeader) -> NDArray[Any]:
    """Return the values of stored numbers: small integers as they are, all else as float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        if (header.slope, header.inter) != (1.0, 0.0):
            return (stored.astype(np.float64) * header.slope + header.inter).astype(np.float32)
        return stored if stored.dtype.kind in "iu" else stored.astype(np.float32)


def _credible(values: NDArray[Any]) -> NDArray[Any]:
    largest = max(float(values.max()), -float(values.min()))
    if largest > MAX_ABS_VALUE:
        raise InputDataError(
            f"The series holds voxels of up to {largest:.3g}; expected values within ±{MAX_ABS_VALUE:g}, so "
            "replace those that stand for nothing (outside the body by −1024 HU) and write the file again."
        )
    return values


def _finite(values: NDArray[Any], what: str) -> NDArray[Any]:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputDataError(
            f"The {what} holds NaN or infinite voxels; expected finite numbers, "
            "so replace them (outside the body by −1024 HU, in a mask by 0) and write the file again."
        )
    return values
