r"""MR perfusion by susceptibility contrast (DSC): concentration and brain mask from the signal.

.. math:: c(t) = -\ln\frac{S(t)}{S_0} = k\,\mathrm{TE}\,[\mathrm{Gd}](t)

with :math:`S_0` the signal before the bolus (Østergaard 2005, doi:10.1002/jmri.20460): its geometric mean, so that
noise, which the logarithm biases by :math:`\sigma^2/2S^2` in all frames alike, leaves a mean of 0. The factor in
front of the concentration is unknown and the same for tissue and artery only approximately, so that CBF and CBV
have arbitrary units; rCBF, MTT, Tmax and TTP do not depend on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from perfcore.errors import InputDataError
from perfcore.preprocess.baseline import baseline_frames, brightest_curves, first_arrival
from perfcore.preprocess.mask import (
    DENOISING_MM,
    OPENING_RADIUS,
    in_plane_disk,
    in_plane_filter,
    largest_in_each_slice,
)
from perfcore.preprocess.slabs import map_slabs
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import BoolArray, FloatArray

MIN_SIGNAL: Final = 0.02
"""A signal below this fraction of its start is noise or zero and counts as that fraction: c is at most 3.9."""
REST_FRAMES: Final = 3
CSF_SIGNAL: Final = 1.5
CSF_AREA: Final = 0.25
"""CSF is brighter than this multiple of the median and enhances by less than this fraction of it."""
N_BINS: Final = 256
ARBITRARY: Final = (
    "This is an MR series: absolute CBF and CBV are in arbitrary units; rCBF, core, MTT, Tmax and TTP do not "
    "depend on the unit."
)


def unit_flag() -> Flag:
    """Return the flag of a series whose absolute CBF and CBV have arbitrary units."""
    return make_flag("arbitrary_units", ARBITRARY)


def to_concentration(
    signal: FloatArray, mask: BoolArray | None, spacing_mm: tuple[float, float, float], dt_s: float
) -> tuple[FloatArray, BoolArray, FloatArray, int]:
    """Convert an MR signal series.

    Parameters
    ----------
    signal
        Shape ``(nx, ny, nz, n_time)``, C-contiguous; values at or below 0 count as no signal.
    mask
        Brain mask of shape ``(nx, ny, nz)``; None: derived from the signal.
    spacing_mm, dt_s
        Voxel size and time step.

    Returns
    -------
    concentration, mask, bright, n_baseline
        −ln(S/S0), 0 outside the head; the brain without CSF; its brightest curves; the frames of S0.

    Raises
    ------
    InputDataError
        No brain was found.
    """
    rest = np.asarray(signal[..., :REST_FRAMES].mean(axis=3))
    head = rest > signal_threshold(rest)
    change = _log_ratio(signal, rest, head)
    brain = mask if mask is not None else _brain(head)
    bright = brightest_curves(change, brain)
    n_baseline = baseline_frames(first_arrival(bright, dt_s))
    change -= change[..., :n_baseline].mean(axis=3, keepdims=True)
    if mask is None:
        brain = _without_csf(brain, rest, change, spacing_mm)
    return change, brain, brightest_curves(change, brain), n_baseline


def signal_threshold(volume: FloatArray) -> float:
    """Return the signal that best separates head and background (Otsu 1979, doi:10.1109/TSMC.1979.4310076)."""
    top = float(np.quantile(volume, 0.98))
    counts, edges = np.histogram(np.clip(volume, 0, top), N_BINS)
    middle = (edges[1:] + edges[:-1]) / 2
    below = counts.cumsum()
    sums = (counts * middle).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (sums[-1] * below / below[-1] - sums) ** 2 / (below * above)
    return float(edges[1:][int(np.nanargmax(np.where(above > 0, between, 0)))])


def _log_ratio(signal: FloatArray, rest: FloatArray, head: BoolArray) -> FloatArray:
    """Return −ln(S/rest) within the head, 0 outside."""
    out = np.zeros(signal.shape, np.float32)

    def work(part: slice) -> None:
        here = head[part]
        base = rest[part][here][:, None]
        out[part][here] = -np.log(np.maximum(signal[part][here] / base, MIN_SIGNAL))

    map_slabs(work, len(signal))
    return out


def _brain(head: BoolArray) -> BoolArray:
    """Return the largest connected part of the head in each slice, filled and eroded by a voxel."""
    filled = largest_in_each_slice(np.asarray(ndimage.binary_opening(head, in_plane_disk(OPENING_RADIUS))))
    for z in range(filled.shape[2]):
        filled[..., z] = ndimage.binary_fill_holes(filled[..., z])
    brain = np.asarray(ndimage.binary_erosion(filled, np.ones((3, 3, 1), bool)))
    if not brain.any():
        raise InputDataError(
            "The brain mask is empty: no connected region of the MR signal stands out from its background; give a "
            "mask (--mask FILE)."
        )
    return brain


def _without_csf(
    brain: BoolArray, rest: FloatArray, change: FloatArray, spacing_mm: tuple[float, float, float]
) -> BoolArray:
    """Remove CSF, which is bright and has no blood: it would be counted as core."""
    anatomy = in_plane_filter(rest, DENOISING_MM, spacing_mm)
    area = in_plane_filter(np.asarray(change.sum(axis=3)), DENOISING_MM, spacing_mm)
    csf = anatomy > CSF_SIGNAL * float(np.median(anatomy[brain]))
    csf &= area < CSF_AREA * float(np.median(area[brain]))
    tissue = brain & ~ndimage.binary_dilation(csf & brain, in_plane_disk(1))
    return np.asarray(tissue) if tissue.any() else brain
