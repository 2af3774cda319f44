"""Brain mask, search region of vessels and baseline of a series, by its units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from perfcore.errors import InputDataError
from perfcore.plausibility import judge_all
from perfcore.preprocess.baseline import baseline_frames, brightest_curves, first_arrival
from perfcore.preprocess.dsc import to_concentration
from perfcore.preprocess.mask import (
    BONE_MARGIN_MM,
    DENOISING_MM,
    HULL_RADIUS,
    MAXIMUM_HU,
    SOFT_TISSUE_HU,
    away_from_bone,
    brain_mask,
    in_plane_disk,
    in_plane_filter,
    without_csf,
)
from perfcore.preprocess.series_checks import outline_measures, unit_measures
from perfcore.preprocess.slabs import map_slabs
from perfcore.types import BoolArray, FloatArray, PerfusionSeries


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions of a series and what they were found from.

    Attributes
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``: HU, or enhancement of a series in other units.
    maximum
        Shape ``(nx, ny, nz)``: temporal maximum of ``data``.
    bright
        Shape ``(n, n_time)``: curves of the brightest voxels.
    mask, hull
        Shape ``(nx, ny, nz)``: brain, and search region of vessels.
    n_baseline, baseline
        Frames before the bolus, and their mean in HU (zeros in other units), shape ``(nx, ny, nz)``.
    """

    data: FloatArray
    maximum: FloatArray
    bright: FloatArray
    mask: BoolArray
    hull: BoolArray
    n_baseline: int
    baseline: FloatArray


def find_regions(series: PerfusionSeries, data: FloatArray, *, moved: bool) -> Regions:
    """Find the regions of a series.

    Parameters
    ----------
    series
        The case.
    data
        Shape ``(nx, ny, nz, n_time)``, C-contiguous: its data, realigned.
    moved
        Whether frames were realigned.

    Raises
    ------
    InputDataError
        The mask is empty, the series does not change in time, or it is in other units.
    """
    if series.mask is not None and not series.mask.any():
        raise _empty("the mask given holds no voxel")
    if series.units == "dsc":
        return _of_signal(series, data)
    if series.units == "concentration":
        return _of_enhancement(series, data)
    return _of_hu(series, data, moved=moved)


def _of_signal(series: PerfusionSeries, data: FloatArray) -> Regions:
    _refuse_constant(data)
    change, mask, bright, n_baseline = to_concentration(data, series.mask, series.spacing_mm, series.dt_s)
    nothing = np.zeros(series.grid, np.float32)
    return Regions(change, temporal_maximum(change), bright, mask, mask, n_baseline, nothing)


def _of_enhancement(series: PerfusionSeries, data: FloatArray) -> Regions:
    maximum = temporal_maximum(data)
    mask = series.mask
    if mask is None:
        mask = (maximum > 0) & (data != data[..., :1]).any(axis=3)
        if not mask.any():
            raise _empty("no voxel has a signal")
        judge_all(outline_measures(data, mask, series.spacing_mm))
    bright = brightest_curves(data, mask)
    n_baseline = baseline_frames(first_arrival(bright, series.dt_s))
    return Regions(data, maximum, bright, mask, mask, n_baseline, np.zeros(series.grid, np.float32))


def _of_hu(series: PerfusionSeries, data: FloatArray, *, moved: bool) -> Regions:
    maximum = temporal_maximum(data)
    early = in_plane_filter(np.asarray(data[..., :2].mean(axis=3)), DENOISING_MM, series.spacing_mm)
    judge_all(unit_measures(data, early, maximum))
    soft = (early > SOFT_TISSUE_HU[0]) & (early < SOFT_TISSUE_HU[1]) & (maximum < MAXIMUM_HU)
    region = soft
    if series.mask is not None:
        region = series.mask
    elif not region.any():
        brain_mask(early, maximum, series.spacing_mm)
    bright = brightest_curves(data, region)
    if float(np.ptp(bright, axis=1).max()) <= 0:
        raise _constant()
    n_baseline = baseline_frames(first_arrival(bright, series.dt_s))
    baseline = np.asarray(data[..., :n_baseline].mean(axis=3, dtype=np.float32))
    if series.mask is not None:
        mask = series.mask
        hull = mask | (np.asarray(ndimage.binary_dilation(mask, in_plane_disk(HULL_RADIUS))) & soft)
    else:
        mask, hull = brain_mask(baseline, maximum, series.spacing_mm)
        mask = without_csf(mask, baseline, series.spacing_mm)
        margin = BONE_MARGIN_MM if moved else max(series.spacing_mm[:2])
        hull = away_from_bone(hull, baseline, series.spacing_mm, margin)
    return Regions(data, maximum, bright, mask, hull, n_baseline, baseline)


def temporal_maximum(data: FloatArray) -> FloatArray:
    """Return the maximum over time, shape ``(nx, ny, nz)``."""
    out = np.empty(data.shape[:3], np.float32)

    def work(part: slice) -> None:
        np.max(data[part], axis=3, out=out[part])

    map_slabs(work, len(data))
    return out


def _empty(why: str) -> InputDataError:
    return InputDataError(f"The brain mask is empty: {why}; give one that covers the brain.")


def _constant() -> InputDataError:
    return InputDataError("The series is constant in time; expected a bolus passage, so give a perfusion scan.")


def _refuse_constant(data: FloatArray) -> None:
    if not (data[..., 1:] != data[..., :1]).any():
        raise _constant()
