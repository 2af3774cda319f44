"""Case preview: header, lesion volume and one slice of a case, without reading its whole series."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from perfcore.errors import InputDataError
from perfcore.io.byte_source import open_source
from perfcore.io.datasets.case_folders import ISLES_DT_S, CaseFiles
from perfcore.io.downsampling import averaged
from perfcore.io.nifti.header import NiftiHeader, read_header
from perfcore.io.nifti.layout import SeriesLayout, series_layout
from perfcore.io.nifti.reader import check_series, finer_frames
from perfcore.io.nifti.resampling import VolumeGrid
from perfcore.io.nifti.timing import SeriesTiming, read_timing
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
        Shape in space and number of frames, as read.
    affine
        Shape ``(4, 4)``, voxel indices to millimetres.
    spacing_mm, voxel_ml, dt_s
        Voxel size and volume, time step.
    confounders
        Names listed under ``confounders`` in the ``case.json`` of a phantom, unchecked; empty for other cases.
    time_source
        Where the time step comes from, as in :class:`~perfcore.types.PerfusionSeries`.
    """

    grid: tuple[int, int, int]
    n_time: int
    affine: DoubleArray
    spacing_mm: tuple[float, float, float]
    voxel_ml: float
    dt_s: float
    confounders: tuple[str, ...] = ()
    time_source: str = ""


def preview_case(case: CaseFiles) -> CasePreview:
    """Read the header of the series of a case.

    Raises
    ------
    InputDataError
        The header is refused, or the series is missing or ambiguous. The voxels are not checked.
    """
    with open_source(case.series_file(), "series") as stream:
        timing, layout = _read_layout(case, read_header(stream))
    affine = layout.grid.affine
    x, y, z = (float(s) for s in np.linalg.norm(affine[:3, :3], axis=0))
    return CasePreview(
        grid=layout.grid.shape,
        n_time=timing.n_time,
        affine=affine,
        spacing_mm=(x, y, z),
        voxel_ml=float(abs(np.linalg.det(affine[:3, :3]))) / 1000.0,
        dt_s=timing.dt_s,
        confounders=_confounders(case.path),
        time_source=timing.source,
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
    grid = VolumeGrid(preview.grid, preview.affine)
    return float(read_mask(path, grid, what="lesion mask", allow_empty=True).sum()) * preview.voxel_ml


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
        header = read_header(stream)
        _, layout = _read_layout(case, header)
        stream.skip(header.offset - stream.position)
        total = np.zeros(header.shape[:3][::-1])
        for _ in range(N_EARLY_FRAMES):
            stored = np.empty(total.shape, header.dtype)
            if stream.read_into(stored.reshape(-1).view(np.uint8).data) < stored.nbytes:
                raise InputDataError("The series is truncated; copy the file again from its source.")
            total += stored
    plane = total.T.transpose(layout.axes)[:, :, z] / N_EARLY_FRAMES * header.slope + header.inter
    return averaged(plane, (layout.factor, layout.factor))


def _read_layout(case: CaseFiles, header: NiftiHeader) -> tuple[SeriesTiming, SeriesLayout]:
    """Return the timing and the layout that the series of a case will have."""
    check_series(header)
    default = ISLES_DT_S if case.is_isles2018 else None
    timing = read_timing(header, case.series_file(), default_dt_s=default, max_frames=finer_frames(header))
    return timing, series_layout(header, timing.n_time)


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
