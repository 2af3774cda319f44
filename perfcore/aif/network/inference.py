"""Inference: AIF of a case from a trained network, scaled and timed for absolute maps.

The loss on rCBF is invariant to the scale of the AIF and, with delay-invariant deconvolution, to its shift.
Both are therefore set after inference. The area is scaled to that of the vein, because the same blood passes
artery and vein; without a usable vein, the peak is scaled to that of the highest vessels. The curve of a
regression network trained without Tmax is shifted to arrive 2 s before healthy tissue. Networks trained with Tmax
have learned the timing, and the curve of a weighting network keeps its measured timing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from perfcore.aif.network.grid_input import (
    FRAME_S,
    TISSUE_ARRIVAL_S,
    GridInput,
    assign_cells,
    make_grid_input,
    voxel_weights,
)
from perfcore.aif.network.models import ARTERY_LEAD_S, RegressionNet, WeightingNet
from perfcore.aif.network.weights import Network
from perfcore.aif.select.candidates import Candidates, find_candidates, no_artery_error, voxel_curves
from perfcore.aif.select.features import bolus_features
from perfcore.aif.select.quality import artery_flags, rate_aif
from perfcore.aif.select.selection import VEIN, Selection, mean_curve, require_tissue_bolus
from perfcore.aif.select.vein import find_vein, is_truncated, partial_volume_ratio
from perfcore.errors import NoArteryError
from perfcore.preprocess import Prepared
from perfcore.types import Aif, DoubleArray, FloatArray, Voxel

N_REPORTED_VOXELS: Final = 12
"""Number of voxels reported for a weighting network: those with the largest weights."""
N_TALLEST: Final = 3


def predict_aif(prepared: Prepared, network: Network) -> Selection:
    """Predict the AIF of a case with a trained network.

    Parameters
    ----------
    prepared
        The case.
    network
        A trained network.

    Returns
    -------
    Selection
        ``aif.voxels`` are the voxels with the largest weights of a weighting network; empty for a regression
        network.

    Raises
    ------
    NoArteryError
        The predicted curve has no bolus, or the tissue does not enhance.
    """
    require_tissue_bolus(prepared)
    grid_input = make_grid_input(prepared)
    value, attention = _infer(grid_input, network)
    if not (np.isfinite(value).all() and value.max() > 0 and value.sum() > 0):
        raise no_artery_error(f"the network ({network.name}) predicted no bolus")
    try:
        candidates: Candidates | None = find_candidates(prepared)
    except NoArteryError:
        candidates = None
    vof = _vein(prepared, candidates, float(value.argmax()) * prepared.dt_s)
    scale, how = _scale(prepared, value, vof, candidates, 1.0 / grid_input.hu_factor)
    value = value * scale
    voxels = () if attention is None else _voxels(prepared, attention)
    flags = artery_flags(prepared, value)
    aif = Aif(prepared.time_s, value, source_id=network.name, voxels=voxels, quality=flags)
    origin = "drawn by the network" if attention is None else "a weighted mean of measured curves"
    if network.loss == "core" and attention is None:
        how += f"; it was shifted to arrive {ARTERY_LEAD_S:g} s before healthy tissue"
    why = f"The curve is {origin}; {how}. It peaks at {aif.peak:.3g} after {aif.peak_time_s:.0f} s."
    return Selection(aif, vof, why, partial_volume_ratio(aif, vof), rate_aif(prepared, aif))


def voxel_attention(prepared: Prepared, network: Network) -> FloatArray | None:
    """Return the voxel weights of a weighting network, ``(nx, ny, nz)``, sum 1; None for a regression network."""
    attention = _infer(make_grid_input(prepared), network)[1]
    if attention is None:
        return None
    voxel, weight = _spread_to_voxels(prepared, attention)
    out = np.zeros(prepared.grid, np.float32)
    out.reshape(-1)[voxel] = weight
    return out


@torch.no_grad()
def _infer(grid_input: GridInput, network: Network) -> tuple[DoubleArray, FloatArray | None]:
    """Return the curve in HU on the series frames, and the cell weights, shape ``(48, 48, nz)``, or None."""
    curves, inside = torch.from_numpy(grid_input.volume())[None], torch.from_numpy(grid_input.inside)[None]
    net = network.net
    if isinstance(net, WeightingNet):
        weights = net.weights(curves, inside)[0].numpy()
        value = grid_input.curves.T.astype(np.float64) @ weights.reshape(-1)[grid_input.cell]
        return value, weights
    assert isinstance(net, RegressionNet)
    drawn = net(curves, inside)[0].numpy()
    if network.loss == "core":
        drawn = _shift_to_arrival(drawn, FRAME_S, TISSUE_ARRIVAL_S - ARTERY_LEAD_S).astype(np.float32)
    return np.asarray(grid_input.frame_mapping.from_network @ drawn, np.float64), None


def _shift_to_arrival(curve: FloatArray | DoubleArray, step_s: float, arrival_s: float) -> DoubleArray:
    """Shift a curve on an even grid to arrive at ``arrival_s``; constant beyond both ends."""
    late_s = float(bolus_features(np.asarray(curve, np.float32)[None]).arrival[0]) * step_s - arrival_s
    time_s = np.arange(len(curve)) * step_s
    return np.asarray(np.interp(time_s + late_s, time_s, curve), np.float64)


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


def _spread_to_voxels(prepared: Prepared, attention: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Distribute the cell weights over voxels; return flat voxel indices and their weights."""
    voxel, cell, _ = assign_cells(prepared)
    own = voxel_weights(prepared, voxel)
    total = np.bincount(cell, weights=own, minlength=attention.size)
    return voxel, np.asarray(attention.reshape(-1)[cell] * own / total[cell], np.float32)


def _voxels(prepared: Prepared, attention: FloatArray) -> tuple[Voxel, ...]:
    voxel, weight = _spread_to_voxels(prepared, attention)
    top = voxel[np.argsort(weight)[::-1][:N_REPORTED_VOXELS]]
    return tuple((int(x), int(y), int(z)) for x, y, z in np.stack(np.unravel_index(top, prepared.grid), axis=1))
