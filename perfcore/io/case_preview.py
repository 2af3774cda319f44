"""What a case of a folder is, without reading it: its header, the size of its lesion, one picture of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.byte_source import ByteStream, open_source
from perfcore.io.datasets.case_folders import ISLES_DT_S, IslesCase
from perfcore.io.nifti.geometry import affine_mm, has_time_step, time_step
from perfcore.io.nifti.header import NiftiHeader, read_header
from perfcore.io.nifti.reader import MIN_FRAMES, read_mask
from perfcore.io.nifti.sidecar import read_sidecar
from perfcore.phantom.recipe import CONFOUNDERS, Confounder
from perfcore.types import DoubleArray, FloatArray

EARLY_FRAMES: Final = 2
"""Frames that are surely before the bolus; their mean is a picture of the head."""
_NOTE_BYTES: Final = 1 << 16


@dataclass(frozen=True, eq=False)
class Glance:
    """What the header of a series says.

    Attributes
    ----------
    grid, n_time
        Shape in space and number of frames.
    affine
        Shape ``(4, 4)``, voxel indices to millimetres.
    spacing_mm, voxel_ml, dt_s
        Voxel size and volume, time step.
    confounders
        Of a phantom: what makes the choice of an input function hard; empty for what is no phantom.
    """

    grid: tuple[int, int, int]
    n_time: int
    affine: DoubleArray
    spacing_mm: tuple[float, float, float]
    voxel_ml: float
    dt_s: float
    confounders: tuple[Confounder, ...] = ()


def glance(case: IslesCase) -> Glance:
    """Read the header of a case's series.

    Raises
    ------
    InputDataError
        The series would be refused for its header, is missing or ambiguous; what only its voxels tell is not known
        here.
    """
    path = case.series_file()
    with open_source(path, "series") as stream:
        header = _checked(stream)
        affine, _ = affine_mm(header, "series")
    step = None if has_time_step(header) else read_sidecar(path, header.shape[3])
    default = ISLES_DT_S if case.is_isles18 else None
    dt_s = time_step(header, dt_s=None, default_dt_s=default)[0] if step is None else step.dt_s
    nx, ny, nz, n_time = header.shape
    x, y, z = (float(s) for s in np.linalg.norm(affine[:3, :3], axis=0))
    return Glance(
        grid=(nx, ny, nz),
        n_time=n_time,
        affine=affine,
        spacing_mm=(x, y, z),
        voxel_ml=float(abs(np.linalg.det(affine[:3, :3]))) / 1000.0,
        dt_s=dt_s,
        confounders=_confounders(case.path),
    )


def lesion_ml(case: IslesCase, seen: Glance) -> float | None:
    """Return the volume of a case's known lesion in ml, None where it has none.

    Raises
    ------
    InputDataError
        The lesion is refused.
    """
    path = case.lesion_file()
    if path is None:
        return None
    return float(read_mask(path, seen.grid, what="lesion mask", allow_empty=True).sum()) * seen.voxel_ml


def early_slice(case: IslesCase, z: int) -> FloatArray:
    """Return the mean of a slice's first two frames; what comes after them is not read.

    Returns
    -------
    numpy.ndarray
        Shape ``(nx, ny)``, in the units of the series; not finite where the file is not.

    Raises
    ------
    InputDataError
        The series is refused.
    """
    with open_source(case.series_file(), "series") as stream:
        header = _checked(stream)
        nx, ny, nz, _ = header.shape
        plane = nx * ny * header.dtype.itemsize
        stream.skip(header.offset - stream.position)
        frames = []
        for _ in range(EARLY_FRAMES):
            stream.skip(z * plane)
            frames.append(np.frombuffer(stream.read(plane), header.dtype))
            stream.skip((nz - 1 - z) * plane)
        if any(frame.size != nx * ny for frame in frames):
            raise InputDataError("The series is cut short; copy the file again from where it came.")
        stored = np.mean(frames, axis=0, dtype=np.float64)
    return np.asarray((stored * header.slope + header.inter).astype(np.float32).reshape(ny, nx).T)


def _checked(stream: ByteStream) -> NiftiHeader:
    """Read the header of a series; the sentence about its frames is the reader's own, in short."""
    header = read_header(stream)
    if len(header.shape) != 4:
        raise InputDataError("The series has 3 dimensions; expected 4 (x, y, z, time).")
    if header.shape[3] < MIN_FRAMES:
        raise InputDataError(f"The series has {header.shape[3]} frames; expected {MIN_FRAMES} or more.")
    return header


def _confounders(scan: Path) -> tuple[Confounder, ...]:
    """Return what the description beside a phantom's cohort names, as far as it is known here."""
    beside = scan.parent.parent / "truth" / scan.name / "case.json"
    try:
        if not beside.is_file() or beside.stat().st_size > _NOTE_BYTES:
            return ()
        named = json.loads(beside.read_text(encoding="utf-8")).get("confounders")
    except (OSError, ValueError, AttributeError, RecursionError):
        return ()
    return tuple(name for name in CONFOUNDERS if name in named) if isinstance(named, list) else ()
