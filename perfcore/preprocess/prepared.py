"""Preprocessing of a case into a :class:`Prepared`, the input of the deconvolution."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.plausibility import judge_all
from perfcore.preprocess import motion_rigid, quality
from perfcore.preprocess.dsc import unit_flag
from perfcore.preprocess.hemispheres import Midplane, Side, fit_midplane, later_side
from perfcore.preprocess.mask import tissue_classes
from perfcore.preprocess.motion import CORRECTED_MM, displacement_mm, estimate_motion, realign
from perfcore.preprocess.regions import Regions, find_regions
from perfcore.preprocess.series_checks import (
    Measures,
    curve_measures,
    mask_measures,
    shape_measures,
    vessel_measures,
)
from perfcore.preprocess.slabs import as_time_contiguous, map_slabs
from perfcore.preprocess.smoothing import smooth_masked, spatial_sigmas
from perfcore.preprocess.tissue_curve import mean_curve_of
from perfcore.quality_flags import Flag, doubtful_first, make_flag
from perfcore.settings import Settings
from perfcore.types import BoolArray, DoubleArray, FloatArray, PerfusionSeries, SeriesUnits

ENHANCEMENT_UNITS: Final[dict[SeriesUnits, str]] = {"hu": "HU", "concentration": "a. u.", "dsc": "−ln S/S₀"}
"""Unit of the enhancement by the units of the series; a. u.: arbitrary units."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A preprocessed case; read-only and independent of any AIF.

    Attributes
    ----------
    case, grid, affine, spacing_mm, voxel_ml, dt_s, n_time
        As in the series.
    mask
        Shape ``(nx, ny, nz)``: brain mask; an automatic one excludes CSF.
    index
        Shape ``(n_voxels,)``: flat indices (C order of the grid) of the mask's voxels, increasing.
    tissue
        Shape ``(n_voxels, n_time)``: smoothed enhancement, C-contiguous.
    enhancement
        Shape ``(nx, ny, nz, n_time)``: unsmoothed enhancement, for AIF selection and display.
    baseline
        Shape ``(nx, ny, nz)``: mean HU before the bolus (zeros where the series is not in HU).
    tmip
        Shape ``(nx, ny, nz)``: temporal maximum of the unsmoothed enhancement.
    ttp_s
        Shape ``(n_voxels,)``: time to peak of the smoothed curve in seconds, searched after the baseline
        (otherwise noise could place it before the bolus).
    csf, vessels
        Shape ``(n_voxels,)``: baseline below 15 HU; area under the curve above 2.5 × the median.
    reference
        Shape ``(n_voxels,)``: healthy voxels for the mean CBF.
    midplane
        Plane between the hemispheres.
    diseased_side
        Hemisphere with the later mean time to peak (patient's side), None if a side is missing.
    lesion
        Shape ``(n_voxels,)``: known lesion, or None.
    n_baseline
        Number of baseline frames.
    warnings
        Quality flags of the series and the preparation.
    hull
        Shape ``(nx, ny, nz)``: search region of arteries and veins, including vessels around the brain.
    units
        Of the series.
    """

    case: str
    grid: tuple[int, int, int]
    affine: DoubleArray
    spacing_mm: tuple[float, float, float]
    voxel_ml: float
    dt_s: float
    n_time: int
    mask: BoolArray
    index: NDArray[np.int64]
    tissue: FloatArray
    enhancement: FloatArray
    baseline: FloatArray
    tmip: FloatArray
    ttp_s: FloatArray
    csf: BoolArray
    vessels: BoolArray
    reference: BoolArray
    midplane: Midplane
    diseased_side: Side | None
    lesion: BoolArray | None
    n_baseline: int
    warnings: tuple[Flag, ...]
    hull: BoolArray | None = None
    units: SeriesUnits = "hu"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                view = value.view()
                view.flags.writeable = False
                object.__setattr__(self, field.name, view)

    @property
    def n_voxels(self) -> int:
        """Number of voxels of the mask."""
        return len(self.index)

    @property
    def time_s(self) -> DoubleArray:
        """Times of the frames in seconds, from 0."""
        return np.arange(self.n_time, dtype=np.float64) * self.dt_s

    def right_hemisphere(self) -> BoolArray:
        """Return the part of the mask on the patient's right, shape ``(nx, ny, nz)``."""
        right = np.zeros(self.grid, bool)
        right[self.mask] = self.midplane.right_of(self.mask, self.affine)
        return right

    @property
    def in_hu(self) -> bool:
        """Whether the enhancement is in HU; that of a series of enhancement or MR signal has arbitrary units."""
        return self.units == "hu"

    @property
    def enhancement_unit(self) -> str:
        """Unit of the enhancement, for axes and tables."""
        return ENHANCEMENT_UNITS[self.units]


def prepare(series: PerfusionSeries, settings: Settings) -> Prepared:
    """Realign moved frames, subtract the baseline, mask and smooth the brain, and choose the reference region.

    Only the settings ``motion``, ``spatial_sigma_mm``, ``temporal_sigma_s`` and ``reference`` are used.

    Parameters
    ----------
    series
        Perfusion series. With ``units="concentration"`` no baseline is subtracted, and the mask is the given one
        or every voxel with a signal, where these are a brain; with ``units="dsc"`` the signal is converted to
        −ln(S/S0) and the mask comes from it. A given mask replaces the automatic one.
    settings
        Realignment, smoothing and reference region.

    Returns
    -------
    Prepared

    Raises
    ------
    InputDataError
        The brain mask is empty, the series does not change in time, or it cannot be what it is said to be (see
        :mod:`perfcore.plausibility`).
    """
    is_hu = series.units == "hu"
    rigid = settings.motion == "rigid" and series.grid[2] >= motion_rigid.MIN_SLICES
    if is_hu and settings.motion != "off":
        data, moved_mm = _realigned(series, rigid=rigid)
    else:
        data, moved_mm = as_time_contiguous(series.data), np.zeros(series.n_time)
    found = find_regions(series, data, moved=bool((moved_mm > CORRECTED_MM).any()))
    data, mask, n_baseline, baseline = found.data, found.mask, found.n_baseline, found.baseline
    enhancement = _subtract(data, baseline, reuse=data is not series.data) if is_hu else data

    box = _bounding_box(mask)
    inside = mask[box]
    local = enhancement[box]
    csf, vessels = tissue_classes(baseline[box] if is_hu else None, local, inside, series.spacing_mm)
    weight = inside.copy()
    weight[inside] = ~vessels
    sigmas = (
        *spatial_sigmas(settings.spatial_sigma_mm, series.spacing_mm),
        settings.temporal_sigma_s / series.dt_s,
    )
    tissue = smooth_masked(local, weight, inside, sigmas)
    ttp_s = ((n_baseline + tissue[:, n_baseline:].argmax(axis=1)) * series.dt_s).astype(np.float32)

    index = np.flatnonzero(mask)
    midplane = fit_midplane(mask, series.affine)
    right = midplane.right_of(mask, series.affine)
    healthy = ~(csf | vessels)
    side = later_side(ttp_s, right, healthy)
    reference, note = _reference(settings, side, right, healthy)

    flags = [
        *judge_all(_measures(series, found, enhancement, index[reference])),
        *series.warnings,
        note,
        unit_flag() if series.units == "dsc" else None,
        quality.baseline_flag(n_baseline) if is_hu else None,
        quality.truncation_flag(found.bright, n_baseline, series.dt_s),
        quality.motion_flag(moved_mm, in_plane=not rigid),
    ]
    return Prepared(
        case=series.case,
        grid=series.grid,
        affine=series.affine,
        spacing_mm=series.spacing_mm,
        voxel_ml=series.voxel_ml,
        dt_s=series.dt_s,
        n_time=series.n_time,
        mask=mask,
        index=index,
        tissue=tissue,
        enhancement=enhancement,
        baseline=baseline,
        tmip=found.maximum - baseline,
        ttp_s=ttp_s,
        csf=csf,
        vessels=vessels,
        reference=reference,
        midplane=midplane,
        diseased_side=side,
        lesion=None if series.lesion is None else series.lesion[mask],
        n_baseline=n_baseline,
        warnings=doubtful_first(flag for flag in flags if flag),
        hull=found.hull,
        units=series.units,
    )


def _measures(
    series: PerfusionSeries, found: Regions, enhancement: FloatArray, healthy: NDArray[np.int64]
) -> Measures:
    """Measure what tells whether the series is complete and in its units; each is judged before the next."""
    yield from curve_measures(mean_curve_of(enhancement, healthy), series.dt_s)
    if series.units == "hu":
        yield from vessel_measures(found.bright, float(found.maximum.max()))
        if series.mask is not None:
            yield from mask_measures(found.mask, found.baseline)
    yield from shape_measures(found.mask, series.spacing_mm)


def _realigned(series: PerfusionSeries, *, rigid: bool) -> tuple[FloatArray, DoubleArray]:
    """Return the series with its frames realigned (time contiguous), and the displacement of each frame in mm."""
    data, spacing_mm = as_time_contiguous(series.data), series.spacing_mm
    estimate, distance, undo = (
        (motion_rigid.estimate_rigid_motion, motion_rigid.rigid_displacement_mm, motion_rigid.rigid_realign)
        if rigid
        else (estimate_motion, displacement_mm, realign)
    )
    motion = estimate(data, spacing_mm)
    moved_mm = distance(motion, series.grid, spacing_mm)
    moved = moved_mm > CORRECTED_MM
    return undo(data, motion, moved, spacing_mm) if moved.any() else data, moved_mm


def _subtract(data: FloatArray, baseline: FloatArray, *, reuse: bool) -> FloatArray:
    """Return data minus baseline; computed in place if ``reuse`` is True."""
    out = data if reuse else np.empty(data.shape, np.float32)

    def work(part: slice) -> None:
        np.subtract(data[part], baseline[part][..., None], out=out[part])

    map_slabs(work, len(data))
    return out


def _bounding_box(mask: BoolArray) -> tuple[slice, slice, slice]:
    spans = []
    for axis in range(3):
        used = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        spans.append(slice(int(used[0]), int(used[-1]) + 1))
    return spans[0], spans[1], spans[2]


def _reference(
    settings: Settings, side: Side | None, right: BoolArray, healthy: BoolArray
) -> tuple[BoolArray, Flag | None]:
    if settings.reference == "brain":
        return np.ones_like(healthy), None
    if side is None:
        sentence = (
            "A hemisphere has fewer than 50 voxels of tissue: the healthy mean CBF is that of the whole mask."
        )
        return np.ones_like(healthy), make_flag("one_hemisphere", sentence)
    return healthy & (~right if side == "right" else right), None
