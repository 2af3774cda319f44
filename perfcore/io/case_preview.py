"""Case preview: header, lesion volume and one slice of a case, without reading its whole series."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.byte_source import ByteStream, open_source
from perfcore.io.datasets.case_folders import ISLES_DT_S, CaseFiles
from perfcore.io.nifti.geometry import affine_mm, has_time_step, time_step
from perfcore.io.nifti.header import NiftiHeader, read_header
from perfcore.io.nifti.reader import MIN_FRAMES
from perfcore.io.nifti.sidecar import read_sidecar
from perfcore.io.nifti.volumes import read_mask
from perfcore.types import DoubleArray, FloatArray

N_EARLY_FRAMES: Final = 2
"""Frames before the bolus; their mean is the preview image."""
_MAX_DESCRIPTION_BYTES: Final = 1 << 16


@dataclass(frozen=True, eq=False)
class CasePreview:
    """Header data of a series.

    Attributes
    ----------
    grid, n_time
        Shape in space and number of frames.
    affine
        Shape ``(4, 4)``, voxel indices to millimetres.
    spacing_mm, voxel_ml, dt_s
        Voxel size and volume, time step.
    time_source
        Where the time step comes from: ``"header"``, ``"sidecar"``, or ``"default"`` of ISLES 2018.
    confounders
        Names listed under ``confounders`` in the ``case.json`` of a phantom, unchecked; empty for other cases.
    """

    grid: tuple[int, int, int]
    n_time: int
    affine: DoubleArray
    spacing_mm: tuple[float, float, float]
    voxel_ml: float
    dt_s: float
    time_source: str = "header"
    confounders: tuple[str, ...] = ()


def preview_case(case: CaseFiles) -> CasePreview:
    """Read the header of the series of a case.

    Raises
    ------
    InputDataError
        The header is refused, or the series is missing or ambiguous. The voxels are not checked.
    """
    path = case.series_file()
    with open_source(path, "series") as stream:
        header = _checked(stream)
        affine, _ = affine_mm(header, "series")
    in_header = has_time_step(header)
    step = None if in_header else read_sidecar(path, header.shape[3])
    default = ISLES_DT_S if case.is_isles2018 else None
    dt_s = time_step(header, dt_s=None, default_dt_s=default)[0] if step is None else step.dt_s
    nx, ny, nz, n_time = header.shape
    x, y, z = (float(s) for s in np.linalg.norm(affine[:3, :3], axis=0))
    return CasePreview(
        grid=(nx, ny, nz),
        n_time=n_time,
        affine=affine,
        spacing_mm=(x, y, z),
        voxel_ml=float(abs(np.linalg.det(affine[:3, :3]))) / 1000.0,
        dt_s=dt_s,
        time_source="header" if in_header else "default" if step is None else "sidecar",
        confounders=_confounders(case.path),
    )


def lesion_ml(case: CaseFiles, preview: CasePreview) -> float | None:
    """Return the volume of the known lesion in ml, None if the case has no lesion mask.

    Raises
    ------
    InputDataError
        The lesion mask is refused.
    """
    path = case.lesion_file()
    if path is None:
        return None
    return float(read_mask(path, preview.grid, what="lesion mask", allow_empty=True).sum()) * preview.voxel_ml


def early_mean_slice(case: CaseFiles, z: int) -> FloatArray:
    """Return the mean of the first two frames of a slice; the later frames are not read.

    Returns
    -------
    numpy.ndarray
        Shape ``(nx, ny)``, in the units of the series; not finite where the stored values are not finite.

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
        for _ in range(N_EARLY_FRAMES):
            stream.skip(z * plane)
            frames.append(np.frombuffer(stream.read(plane), header.dtype))
            stream.skip((nz - 1 - z) * plane)
        if any(frame.size != nx * ny for frame in frames):
            raise InputDataError("The series is truncated; copy the file again from its source.")
        stored = np.mean(frames, axis=0, dtype=np.float64)
    return np.asarray((stored * header.slope + header.inter).astype(np.float32).reshape(ny, nx).T)


def _checked(stream: ByteStream) -> NiftiHeader:
    """Read the header of a series and check its dimensions and number of frames."""
    header = read_header(stream)
    if len(header.shape) != 4:
        raise InputDataError("The series has 3 dimensions; expected 4 (x, y, z, time).")
    if header.shape[3] < MIN_FRAMES:
        raise InputDataError(f"The series has {header.shape[3]} frames; expected {MIN_FRAMES} or more.")
    return header


def _confounders(case_folder: Path) -> tuple[str, ...]:
    """Return the confounders listed in the ``case.json`` of a phantom cohort's ground truth."""
    description = case_folder.parent.parent / "truth" / case_folder.name / "case.json"
    try:
        if not description.is_file() or description.stat().st_size > _MAX_DESCRIPTION_BYTES:
            return ()
        names = json.loads(description.read_text(encoding="utf-8")).get("confounders")
    except (OSError, ValueError, AttributeError, RecursionError):
        return ()
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
