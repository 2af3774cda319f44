"""Placement: time and scale of a curve that a network predicts.

The loss is invariant to the scale of the AIF and, with delay-invariant deconvolution and Tmax counted from healthy
tissue, to its shift. Both are therefore set after inference. The curve is shifted so that the median Tmax of the
healthy hemisphere is 3.5 s, which needs no artery in the slab. The area is scaled to that of the vein, because the
same blood passes artery and vein; without a usable vein, the peak is scaled to that of the highest vessels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from perfcore.aif.quality import aif_quality
from perfcore.aif.select.candidates import Candidates, find_candidates, no_artery_error, voxel_curves
from perfcore.aif.select.quality import rate_aif
from perfcore.aif.select.selection import VEIN, Selection, mean_curve
from perfcore.aif.select.vein import find_vein, is_truncated, partial_volume_ratio
from perfcore.deconvolution.fused import Tiles
from perfcore.errors import NoArteryError
from perfcore.maps import HEALTHY_TMAX_S, flow_and_delay, flow_operator
from perfcore.preprocess import Prepared
from perfcore.settings import Settings
from perfcore.types import Aif, DoubleArray, Voxel

N_TALLEST: Final = 3
N_HEALTHY: Final = 500
"""Number of healthy voxels, evenly sampled, that set the time of a curve."""
MAX_DELAY_S: Final = 8.0
DELAY_TOLERANCE_S: Final = 0.05


@dataclass(frozen=True, eq=False)
class RawCurve:
    """A curve whose time and scale are not set yet.

    Attributes
    ----------
    value
        Shape ``(n_time,)``, HU, on the frames of the series.
    source_id
        Source of the AIF.
    origin
        What the curve is, for the explanation.
    hu_factor
        From the enhancement of the series to HU.
    voxels
        Voxels that it comes from.
    """

    value: DoubleArray
    source_id: str
    origin: str
    hu_factor: float
    voxels: tuple[Voxel, ...] = ()


def place(prepared: Prepared, curve: RawCurve) -> Selection:
    """Set time and scale of a curve, and rate it.

    Raises
    ------
    NoArteryError
        The curve has no bolus.
    """
    value = curve.value
    if not (np.isfinite(value).all() and value.max() > 0 and value.sum() > 0):
        raise no_artery_error(f"the network ({curve.source_id}) predicted no bolus")
    late_s = healthy_delay_s(prepared, value)
    value = delayed(prepared, value, late_s)
    try:
        candidates: Candidates | None = find_candidates(prepared)
    except NoArteryError:
        candidates = None
    vof = _vein(prepared, candidates, float(value.argmax()) * prepared.dt_s)
    scale, how = _scale(prepared, value, vof, candidates, 1.0 / curve.hu_factor)
    value = value * scale
    aif = Aif(prepared.time_s, value, source_id=curve.source_id, voxels=curve.voxels)
    aif = replace(aif, quality=aif_quality(prepared, aif).flags)
    moved = f"moved by {late_s:+.1f} s so that the median Tmax of healthy tissue is {HEALTHY_TMAX_S:g} s"
    why = (
        f"The curve is {curve.origin}, {moved.replace('-', '−')}; {how}. "
        f"It peaks at {aif.peak:.3g} {prepared.enhancement_unit} after {aif.peak_time_s:.0f} s."
    )
    return Selection(aif, vof, why, partial_volume_ratio(aif, vof), rate_aif(prepared, aif))


def healthy_delay_s(prepared: Prepared, value: DoubleArray) -> float:
    """Return the delay of a curve with which the median Tmax of the healthy hemisphere is 3.5 s.

    Tmax falls with the delay, but not second for second: it has a lower end, and the end of the scan cuts curves
    off. The delay is therefore searched for.

    Parameters
    ----------
    prepared
        The case.
    value
        Shape ``(n_time,)``, enhancement.

    Returns
    -------
    Seconds, between −`MAX_DELAY_S` and `MAX_DELAY_S`; positive for a curve that is too early.

    Raises
    ------
    ArgumentError
        The curve cannot be deconvolved.
    """
    healthy = np.flatnonzero(prepared.reference)
    pick = healthy[:: max(1, len(healthy) // N_HEALTHY)]
    tissue = Tiles.from_curves(torch.from_numpy(np.array(prepared.tissue[pick])))

    def excess_s(delay_s: float) -> float:
        operator = flow_operator(delayed(prepared, value, delay_s), prepared.dt_s, Settings())
        return float(flow_and_delay(operator, tissue)[1].nanmedian()) - HEALTHY_TMAX_S

    from scipy.optimize import brentq  # noqa: PLC0415  (selectors do without it)

    if excess_s(-MAX_DELAY_S) <= 0:
        return -MAX_DELAY_S
    if excess_s(MAX_DELAY_S) >= 0:
        return MAX_DELAY_S
    return float(brentq(excess_s, -MAX_DELAY_S, MAX_DELAY_S, xtol=DELAY_TOLERANCE_S))


def delayed(prepared: Prepared, value: DoubleArray, late_s: float) -> DoubleArray:
    """Delay a curve; monotone cubic interpolation, constant beyond both ends.

    The linear interpolation of :func:`perfcore.aif.edits.shift` lowers the peak between two frames.
    """
    from scipy.interpolate import PchipInterpolator  # noqa: PLC0415  (selectors do without it)

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
