"""Voxel probe: the time curves of one voxel and its k(t)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from perfcore.deconvolution.inverse import Operator
from perfcore.errors import InputDataError
from perfcore.preprocess import Prepared
from perfcore.settings import Settings
from perfcore.types import Voxel

if TYPE_CHECKING:
    from pages.live.compute.case import LiveCase


def tissue_row(prepared: Prepared, voxel: Voxel) -> int | None:
    """Return the row of ``prepared.tissue`` that has a voxel; None outside the brain mask.

    Raises
    ------
    InputDataError
        The voxel is outside the grid.
    """
    if not all(0 <= v < n for v, n in zip(voxel, prepared.grid, strict=True)):
        raise InputDataError("That point is outside the image.")
    flat = int(np.ravel_multi_index(voxel, prepared.grid))
    row = int(np.searchsorted(prepared.index, flat))
    return row if row < len(prepared.index) and prepared.index[row] == flat else None


def probe_voxel(
    case: LiveCase, curve: NDArray[np.float64], settings: Settings, voxel: Voxel
) -> dict[str, NDArray[np.float32]]:
    """Return a voxel's curves by id.

    Parameters
    ----------
    case
        The case.
    curve
        The AIF, shape ``(n_time,)``, enhancement.
    settings
        Deconvolution settings.
    voxel
        Three indices into the grid.

    Returns
    -------
    ``raw``: enhancement as measured, shape ``(n_time,)``. Inside the brain mask also ``tissue``: the same after
    smoothing, and with a linear regularisation ``residue``: k(t) in 1/s, shape ``(n_rows,)``, with
    ``residue_time`` in seconds, on the clock of Tmax.

    Raises
    ------
    InputDataError
        The voxel is outside the grid, or the AIF has another number of points than the series.
    """
    prepared = case.prepared
    row = tissue_row(prepared, voxel)
    found: dict[str, NDArray[np.float32]] = {"raw": prepared.enhancement[voxel]}
    if row is None:
        return found
    operator = case.operator(curve, settings)
    tissue = prepared.tissue[row]
    found["tissue"] = tissue
    if isinstance(operator, Operator):
        residue = operator.apply(torch.from_numpy(np.array(tissue, np.float64)).to(operator.matrix.device))
        found["residue"] = residue.cpu().numpy().astype(np.float32)
        found["residue_time"] = operator.time_s.cpu().numpy().astype(np.float32)
    return found
