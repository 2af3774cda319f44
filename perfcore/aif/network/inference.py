"""Inference: the AIF of a case from a trained network, and its null models, one curve for everybody."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from perfcore.aif.network.grid_input import GridInput, assign_cells, make_grid_input, voxel_weights
from perfcore.aif.network.models import AifNet, RegressionNet, WeightingNet, typical_curve
from perfcore.aif.network.placement import RawCurve, place
from perfcore.aif.network.weights import Network
from perfcore.aif.select.selection import Selection, require_tissue_bolus
from perfcore.errors import ArgumentError
from perfcore.preprocess import Prepared
from perfcore.types import DoubleArray, FloatArray, Voxel

N_REPORTED_VOXELS: Final = 12
"""Number of voxels reported for a weighting network: those with the largest weights."""


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
    value, attention = _infer(grid_input, network.net)
    voxels = () if attention is None else _voxels(prepared, attention)
    origin = "drawn by the network" if attention is None else "a weighted mean of measured curves"
    return place(prepared, RawCurve(value, network.name, origin, grid_input.hu_factor, voxels))


def mean_curve_aif(prepared: Prepared, network: Network) -> Selection:
    """Return a network's mean curve over its training cases, placed as :func:`predict_aif` does: its null model.

    Raises
    ------
    NoArteryError
        The tissue does not enhance.
    ArgumentError
        The network has no mean curve.
    """
    curve = network.net.mean_curve.numpy()
    if not curve.any():
        raise ArgumentError(f"The network {network.name} was stored without its mean curve; train it again.")
    return _same_for_all(prepared, curve, f"null-{network.name}", "the network's mean curve")


def typical_aif(prepared: Prepared) -> Selection:
    """Return the typical arterial gamma variate, placed as :func:`predict_aif` does: a null model.

    Raises
    ------
    NoArteryError
        The tissue does not enhance.
    """
    return _same_for_all(prepared, typical_curve().numpy(), "null-typical", "the typical arterial gamma variate")


def voxel_attention(prepared: Prepared, network: Network) -> FloatArray | None:
    """Return the voxel weights of a network's weighted mean, ``(nx, ny, nz)``, sum 1; None for one without.

    A regression network corrects the weighted mean; its weights are those of that mean.
    """
    part = network.net.weighting if isinstance(network.net, RegressionNet) else network.net
    attention = _infer(make_grid_input(prepared), part)[1]
    if attention is None:
        return None
    voxel, weight = _spread_to_voxels(prepared, attention)
    out = np.zeros(prepared.grid, np.float32)
    out.reshape(-1)[voxel] = weight
    return out


def predicted_curve(prepared: Prepared, net: AifNet) -> DoubleArray:
    """Return a network's curve before it is placed, shape ``(n_time,)``, HU."""
    return _infer(make_grid_input(prepared), net)[0]


@torch.no_grad()
def _infer(grid_input: GridInput, net: AifNet) -> tuple[DoubleArray, FloatArray | None]:
    """Return the curve in HU on the series frames, and the cell weights, shape ``(48, 48, nz)``, or None."""
    mapping = grid_input.mapping(scan_clock=net.scan_clock)
    curves, inside = torch.from_numpy(grid_input.volume(mapping))[None], torch.from_numpy(grid_input.inside)[None]
    if isinstance(net, WeightingNet):
        weights = net.weights(curves, inside)[0].numpy()
        value = grid_input.curves.T.astype(np.float64) @ weights.reshape(-1)[grid_input.cell]
        return value, weights
    return np.asarray(mapping.from_network @ net(curves, inside)[0].numpy(), np.float64), None


def _same_for_all(prepared: Prepared, curve: FloatArray, source_id: str, origin: str) -> Selection:
    require_tissue_bolus(prepared)
    grid_input = make_grid_input(prepared)
    value = np.asarray(grid_input.frame_mapping.from_network @ curve, np.float64)
    return place(prepared, RawCurve(value, source_id, origin, grid_input.hu_factor))


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
