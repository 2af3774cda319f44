"""An input function from a trained network, in the units and at the time that absolute maps need.

rCBF sees neither the scale nor, in the delay-invariant form, the place in time of a curve, so a network that was
trained on the core knows neither. Both are set here: the area is that of the vein (all blood that passes the
artery passes the vein), or where none serves, the peak that of the tallest vessels; and what a network that never
saw Tmax draws is moved in time to rise 2 s before healthy tissue, as arteries do. One that saw Tmax has learnt
where to put its curve, and what was weighed stays when it was measured.
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
from perfcore.aif.select.selection import Selection, mean_curve, require_tissue_bolus
from perfcore.aif.select.vein import find_vein, is_truncated, partial_volume_ratio
from perfcore.errors import NoArteryError
from perfcore.preprocess import Prepared
from perfcore.types import Aif, DoubleArray, FloatArray, Voxel

N_REPORTED_VOXELS: Final = 12
"""Voxels that stand for where a network looked."""
N_TALLEST: Final = 3


def predict_aif(prepared: Prepared, network: Network) -> Selection:
    """Let a network find the input function of a case.

    Parameters
    ----------
    prepared
        The case.
    network
        A trained one.

    Returns
    -------
    Selection
        ``voxels`` are those that a weighting network looked at most; a regression network has none.

    Raises
    ------
    NoArteryError
        What it draws is no bolus, or there is none in the tissue.
    """
    require_tissue_bolus(prepared)
    grid_input = make_grid_input(prepared)
    value, looked = _infer(grid_input, network)
    if not (np.isfinite(value).all() and value.max() > 0 and value.sum() > 0):
        raise no_artery_error(f"the network ({network.name}) drew no bolus")
    try:
        candidates: Candidates | None = find_candidates(prepared)
    except NoArteryError:
        candidates = None
    vof = _vein(prepared, candidates, float(value.argmax()) * prepared.dt_s)
    scale, how = _scale(prepared, value, vof, candidates, 1.0 / grid_input.hu_factor)
    value = value * scale
    voxels = () if looked is None else _voxels(prepared, looked)
    flags = artery_flags(prepared, value)
    aif = Aif(prepared.time_s, value, method=network.name, voxels=voxels, quality=flags)
    what = "drawn by the network" if looked is None else "measured curves, weighed by the network"
    if network.loss == "core" and looked is None:
        how += f"; it was moved to rise {ARTERY_LEAD_S:g} s before healthy tissue"
    why = f"The curve is {what}; {how}. It peaks at {aif.peak:.3g} after {aif.peak_time_s:.0f} s."
    return Selection(aif, vof, why, partial_volume_ratio(aif, vof), rate_aif(prepared, aif))


def voxel_attention(prepared: Prepared, network: Network) -> FloatArray | None:
    """Return a weighting network's weight of each voxel on the grid, with sum 1; None for a regression network."""
    looked = _infer(make_grid_input(prepared), network)[1]
    if looked is None:
        return None
    voxel, weight = _spread(prepared, looked)
    out = np.zeros(prepared.grid, np.float32)
    out.reshape(-1)[voxel] = weight
    return out


@torch.no_grad()
def _infer(grid_input: GridInput, network: Network) -> tuple[DoubleArray, FloatArray | None]:
    """Return the curve in HU on the series' frames, and the weights of the cells, ``(48, 48, nz)``, or None."""
    curves, inside = torch.from_numpy(grid_input.volume())[None], torch.from_numpy(grid_input.inside)[None]
    net = network.net
    if isinstance(net, WeightingNet):
        weights = net.weights(curves, inside)[0].numpy()
        value = grid_input.curves.T.astype(np.float64) @ weights.reshape(-1)[grid_input.cell]
        return value, weights
    assert isinstance(net, RegressionNet)
    drawn = net(curves, inside)[0].numpy()
    if network.loss == "core":
        drawn = _in_time(drawn, FRAME_S, TISSUE_ARRIVAL_S - ARTERY_LEAD_S).astype(np.float32)
    return np.asarray(grid_input.frame_mapping.from_network @ drawn, np.float64), None


def _in_time(curve: FloatArray | DoubleArray, step_s: float, rise_s: float) -> DoubleArray:
    """Move a curve of even steps so that it rises at a time; what comes in repeats its ends."""
    late_s = float(bolus_features(np.asarray(curve, np.float32)[None]).arrival[0]) * step_s - rise_s
    time_s = np.arange(len(curve)) * step_s
    return np.asarray(np.interp(time_s + late_s, time_s, curve), np.float64)


def _vein(prepared: Prepared, candidates: Candidates | None, peak_time_s: float) -> Aif | None:
    if candidates is None:
        return None
    vein = find_vein(prepared, candidates, np.zeros(0, np.int64), peak_time_s)
    return None if vein is None else mean_curve(prepared, vein, "network", arterial=False)


def _scale(
    prepared: Prepared, value: DoubleArray, vof: Aif | None, candidates: Candidates | None, own: float
) -> tuple[float, str]:
    """Return what the curve is multiplied with (``own`` where nothing else serves), and in words why."""
    if vof is not None and not is_truncated(vof) and vof.area > 0:
        return vof.area / (float(value.sum()) * prepared.dt_s), "its area is that of the vein"
    if candidates is not None:
        tallest = candidates.flat[np.argsort(candidates.features.height)[-N_TALLEST:]]
        peak = float(voxel_curves(prepared, tallest).mean(axis=0).max())
        return peak / float(value.max()), "no vein serves, so its peak is that of the tallest vessels"
    return own, "no vessel serves to set its size, so absolute CBF and CBV mean little"


def _spread(prepared: Prepared, looked: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Return voxels (flat) and their part of the network's weight."""
    voxel, cell, _ = assign_cells(prepared)
    own = voxel_weights(prepared, voxel)
    total = np.bincount(cell, weights=own, minlength=looked.size)
    return voxel, np.asarray(looked.reshape(-1)[cell] * own / total[cell], np.float32)


def _voxels(prepared: Prepared, looked: FloatArray) -> tuple[Voxel, ...]:
    voxel, weight = _spread(prepared, looked)
    top = voxel[np.argsort(weight)[::-1][:N_REPORTED_VOXELS]]
    return tuple((int(x), int(y), int(z)) for x, y, z in np.stack(np.unravel_index(top, prepared.grid), axis=1))
