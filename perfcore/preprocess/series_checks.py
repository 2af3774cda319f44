"""What the plausibility checks of a series measure: see :data:`perfcore.plausibility.CHECKS`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from perfcore.preprocess.baseline import SECOND_DIFFERENCE
from perfcore.preprocess.mask import BONE_HU, in_plane_filter
from perfcore.types import BoolArray, DoubleArray, FloatArray

Measures = Iterator[tuple[str, float]]

AIR_HU: Final = -200.0
MIN_AIR_FRACTION: Final = 0.005
NEAR_ZERO_HU: Final = 20.0
BRAIN_HU: Final = (10.0, 70.0)
STORED_SOFT_TISSUE: Final = (1024.0, 1124.0)
MAX_BYTE: Final = 255.0
SIGNAL_FRACTION: Final = 0.2
"""Fraction of the bright end of the first frames above which a voxel of an MR series lies in the head."""
MIN_RECOVERY: Final = 0.25
"""Share of a fall that is made up for by the end where it is a bolus and not a drift."""
START_S: Final = 2.0
MIN_CURVE_SNR: Final = 40.0
"""A healthy curve is judged where its range is this multiple of its noise, which then moves its start by 2 %."""
MAX_SAMPLE: Final = 20_000
AREA_SIGMA_MM: Final = 2.5
SILENT_FRACTION: Final = 0.15
STRONG_QUANTILE: Final = 0.8
BORDER_VOXELS: Final = 4
"""Lines at the border of the image that count as touching it; the mask's opening and erosion take up to three."""
MIN_SHAPE_VOXELS: Final = 200


def unit_measures(data: FloatArray, early: FloatArray, maximum: FloatArray) -> Measures:
    """Measure whether a series is in Hounsfield units; nothing is measured where there is air.

    Parameters
    ----------
    data
        Shape ``(nx, ny, nz, n_time)``, as given.
    early
        Shape ``(nx, ny, nz)``: mean of the first frames, lightly filtered.
    maximum
        Shape ``(nx, ny, nz)``: maximum over time.
    """
    if (early < AIR_HU).mean() > MIN_AIR_FRACTION:
        return
    changing = maximum != data[..., 0]
    if not changing.any():
        return
    yield "baseline_subtracted", float((np.abs(early[changing]) < NEAR_ZERO_HU).mean())
    if float(data.min()) < 0:
        return
    yield "mr_signal", transient_fall(data, early)
    low, high = STORED_SOFT_TISSUE
    yield "hu_offset", float(((early >= low) & (early < high)).mean())
    top = float(maximum.max())
    yield "hu_windowed", float((maximum == top).mean()) if top <= MAX_BYTE else 0.0


def transient_fall(data: FloatArray, early: FloatArray) -> float:
    """Return by which fraction the mean signal of the head falls and comes back; 0 where it does not or is HU."""
    values = early.reshape(-1)
    positive = values[values > 0]
    if not positive.size:
        return 0.0
    head = np.flatnonzero(values > SIGNAL_FRACTION * float(np.quantile(positive, 0.99)))
    if BRAIN_HU[0] < float(np.median(values[head])) < BRAIN_HU[1]:
        return 0.0
    some = head[:: max(1, len(head) // MAX_SAMPLE)]
    curve = smooth3(data.reshape(-1, data.shape[3])[some].mean(axis=0, dtype=np.float64))
    start, bottom = float(curve[:3].mean()), int(curve.argmin())
    fall = start - float(curve[bottom])
    recovered = float(curve[bottom:].max()) - float(curve[bottom])
    return fall / start if fall > 0 and recovered > MIN_RECOVERY * fall else 0.0


def vessel_measures(bright: FloatArray, top: float) -> Measures:
    """Measure whether the vessels reach the largest value of the series (one voxel may)."""
    yield "vessels_cut_off", max(int((bright.max(axis=1) >= top).sum()) - 1, 0) / len(bright)


def mask_measures(mask: BoolArray, baseline: FloatArray) -> Measures:
    """Measure the air and the bone in a given mask, by the mean HU before the bolus."""
    inside = baseline[mask]
    yield "mask_air", float((inside < AIR_HU).mean())
    yield "mask_bone", float((inside > BONE_HU).mean())


def outline_measures(enhancement: FloatArray, mask: BoolArray, spacing_mm: tuple[float, float, float]) -> Measures:
    """Measure the share of a region, taken for the brain because it has a signal, that does not enhance."""
    area = np.where(mask, np.einsum("xyzt->xyz", enhancement), 0)
    cover = in_plane_filter(mask.astype(np.float32), AREA_SIGMA_MM, spacing_mm)[mask]
    areas = in_plane_filter(area, AREA_SIGMA_MM, spacing_mm)[mask] / cover
    yield "no_brain_outline", float((areas < SILENT_FRACTION * float(np.quantile(areas, STRONG_QUANTILE))).mean())


def shape_measures(mask: BoolArray, spacing_mm: tuple[float, float, float]) -> Measures:
    """Measure whether the brain is whole in the plane: contact with the border of the image, width over length."""
    plane = np.asarray(mask.any(axis=2))
    if plane.sum() < MIN_SHAPE_VOXELS:
        return
    contact = 0.0
    for here in (plane, plane.T):
        extent = int(here.any(axis=0).sum())
        for border in (here[:BORDER_VOXELS], here[-BORDER_VOXELS:]):
            contact = max(contact, float(border.any(axis=0).sum()) / extent)
    yield "head_cut", contact
    places = np.argwhere(plane) * np.array(spacing_mm[:2])
    narrow, wide = np.sqrt(np.linalg.eigvalsh(np.cov(places.T)))
    yield "half_head", float(narrow / max(wide, 1e-9))


def curve_measures(healthy: FloatArray, dt_s: float) -> Measures:
    """Measure the course of healthy tissue: whether it falls, and whether its start and end are there.

    Parameters
    ----------
    healthy
        Shape ``(n_time,)``: mean unsmoothed enhancement of healthy tissue.
    dt_s
        Time step in seconds.
    """
    curve = smooth3(np.asarray(healthy, np.float64))
    spread = float(np.ptp(curve))
    noise = float(np.median(np.abs(np.diff(healthy, 2)))) / SECOND_DIFFERENCE
    if spread <= MIN_CURVE_SNR * noise:
        return
    start = abs(float(curve[min(max(1, round(START_S / dt_s)), len(curve) - 1)] - curve[0])) / spread
    bottom = int(curve.argmin())
    fallen = float(curve[0] - curve[bottom]) / spread
    recovered = float(curve[bottom:].max() - curve[bottom]) / spread
    steady = start <= 0.5 * fallen and recovered > MIN_RECOVERY
    yield "enhancement_falls", fallen if steady else 0.0
    yield "contrast_at_start", max(start, fallen if fallen > 0.5 else 0.0)
    yield "scan_ends_early", float(curve[-1]) / max(float(curve.max()), 1e-12)


def smooth3(curve: DoubleArray) -> DoubleArray:
    """Return a curve after a binomial filter of three frames, its ends repeated."""
    wide = np.pad(curve, 1, mode="edge")
    return np.asarray((wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4)
