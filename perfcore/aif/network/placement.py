"""Placement: time and scale of a curve that a network predicts.

The loss is invariant to the scale of the AIF and, with delay-invariant deconvolution and Tmax counted from healthy
tissue, to its shift. Both are therefore set after inference. The curve is shifted so that the median Tmax of the
healthy hemisphere is 3.5 s, which needs no artery in the slab. The area is scaled to that of the vein, because the
same blood passes artery and vein; without a usable vein, the peak is scaled to that of the highest vessels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator

from perfcore.aif.select.candidates import Candidates, find_candidates, no_artery_error, voxel_curves
from perfcore.aif.select.quality import artery_flags, rate_aif
from perfcore.aif.select.selection import VEIN, Selection, mean_curve
from perfcore.aif.select.vein import find_vein, is_truncated, partial_volume_ratio
from perfcore.deconvolution.fused import Tiles
from perfcore.errors import NoArteryError
from perfcore.maps import HEALTHY_TMAX_S, flow_and_delay, flow_operator
from perfcore.preprocess import Prepared
from perfcore.settings import Settings
from perfcore.types import Aif, DoubleArray

N_TALLEST: Final = 3
N_HEALTHY: Final = 1000
"""Number of healthy voxels, evenly sampled, that set the time of a curve."""


def place(prepared: Prepared, curve: Aif, hu_factor: float, origin: str) -> Selection:
    """Set time and scale of a curve, and rate it.

    Parameters
    ----------
    prepared
        The case.
    curve
        On the frames of the series, in HU.
    hu_factor
        From the enhancement of the series to HU.
    origin
        What the curve is, for the explanation.

    Raises
    ------
    NoArteryError
        The curve has no bolus.
    """
    value = curve.value
    if not (np.isfinite(value).all() and value.max() > 0 and value.sum() > 0):
        raise no_artery_error(f"the network ({curve.source_id}) predicted no bolus")
    late_s = healthy_shift_s(prepared, value)
    value = delayed(prepared, value, late_s)
    try:
        candidates: Candidates | None = find_candidates(prepared)
    except NoArteryError:
        candidates = None
    vof = _vein(prepared, candidates, float(value.argmax()) * prepared.dt_s)
    scale, how = _scale(prepared, value, vof, candidates, 1.0 / hu_factor)
    value = value * scale
    aif = replace(curve, value=value, quality=artery_flags(prepared, value))
    moved = f"moved by {late_s:+.1f} s so that the median Tmax of healthy tissue is {HEALTHY_TMAX_S:g} s"
    why = (
        f"The curve is {origin}, {moved.replace('-', '−')}; {how}. "
        f"It peaks at {aif.peak:.3g} after {aif.peak_time_s:.0f} s."
    )
    return Selection(aif, vof, why, partial_volume_ratio(aif, vof), rate_aif(prepared, aif))


def healthy_shift_s(prepared: Prepared, value: DoubleArray) -> float:
    """Return the delay of a curve with which the median Tmax of the healthy hemisphere is 3.5 s.

    Parameters
    ----------
    prepared
        The case.
    value
        Shape ``(n_time,)``, enhancement.

    Returns
    -------
    Seconds; positive for a curve that is too early.

    Raises
    ------
    ArgumentError
        The curve cannot be deconvolved.
    """
    healthy = np.flatnonzero(prepared.reference)
    pick = healthy[:: max(1, len(healthy) // N_HEALTHY)]
    tissue = Tiles.from_curves(torch.from_numpy(np.array(prepared.tissue[pick])))
    tmax = flow_and_delay(flow_operator(value, prepared.dt_s, Settings()), tissue)[1]
    return float(tmax.nanmedian()) - HEALTHY_TMAX_S


def delayed(prepared: Prepared, value: DoubleArray, late_s: float) -> DoubleArray:
    """Delay a curve; monotone cubic interpolation, constant beyond both ends."""
    time_s = np.asarray(prepared.time_s, np.float64)
    wanted = np.clip(time_s - late_s, time_s[0], time_s[-1])
    return np.asarray(PchipInterpolator(time_s, value)(wanted), np.float64)


def _vein(prepared: Prepared, candidates: Candidates | None, peak_time_s: float) -> Aif | None:
    if candidates is None:
        return None
    vein = find_vein(prepared, candidates, np.zeros(0, np.int64), peak_time_s)
    return None if vein is None else mean_curve(prepared, vein, VEIN, arterial=False)


def _scale(
    prepared: Prepared, value: DoubleArray, vof: Aif | None, candidates: Candidates | None, default: float
) -> tuple[float, str]:
    """Return the scale of the curve (``default`` without usable vessels) and a clause that explains it."""
    if vof is not None and not is_truncated(vof) and vof.area > 0:
        return vof.area / (float(value.sum()) * prepared.dt_s), "its area is that of the vein"
    if candidates is not None:
        tallest = candidates.flat[np.argsort(candidates.features.height)[-N_TALLEST:]]
        peak = float(voxel_curves(prepared, tallest).mean(axis=0).max())
        return peak / float(value.max()), "no usable vein was found, so its peak is that of the highest vessels"
    return default, "no vessel was found to set its scale, so absolute CBF and CBV are unreliable"
