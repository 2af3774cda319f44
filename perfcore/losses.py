r"""How far the lesions that an input function makes are from the known ones, differentiable in the curve.

.. math::

   L = 1 - \frac{2\sum pg + 1}{\sum p + \sum g + 1}, \quad
   p = \sigma\Big(\frac{0.38 - \mathrm{rCBF}}{0.05}\Big)
   \ \text{or}\ \sigma\Big(\frac{T_{max} - 6}{0.5}\Big)

Soft Dice: Milletari 2016, doi:10.1109/3DV.2016.79; through the deconvolution: de la Rosa 2021, arXiv:2103.17111.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, Literal, get_args

import torch
from torch import Tensor

from perfcore.deconvolution.fused import Tiles, peak
from perfcore.deconvolution.fused_soft_argmax import peak_and_times
from perfcore.deconvolution.inverse import build_operator
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.maps import CORE_SLOPE, TMAX_SOFTNESS, anchor_tmax
from perfcore.settings import Settings
from perfcore.units import CBF_PER_K

LossName = Literal["core", "core+tmax"]
LOSSES: Final[tuple[str, ...]] = get_args(LossName)
TMAX_SLOPE_S: Final = 0.5
"""Width of the sigmoid that turns Tmax into a probability of hypoperfusion."""


@dataclass(frozen=True, eq=False)
class Target:
    """Tissue with its known lesions, in one voxel order.

    Attributes
    ----------
    tissue
        Prepared curves, ``n_voxels`` of them; or their coefficients on a temporal basis, with its error.
    dt_s
        Time step in seconds.
    reference
        Shape ``(n_voxels,)``, bool: the healthy voxels of rCBF and of an anchored Tmax.
    core
        Shape ``(n_voxels,)``, 0 to 1: the known core.
    hypoperfused
        The same for hypoperfused tissue, or None where it is not known.
    """

    tissue: Tiles | TemporalBasis
    dt_s: float
    reference: Tensor
    core: Tensor
    hypoperfused: Tensor | None = None

    @property
    def tiles(self) -> Tiles:
        """The curves, or their coefficients."""
        return self.tissue.tiles if isinstance(self.tissue, TemporalBasis) else self.tissue

    def on_tissue(self, matrix: Tensor) -> Tensor:
        """Return P, shape ``(n_rows, n_time)``, as it is multiplied by `tiles`."""
        return self.tissue.operator(matrix) if isinstance(self.tissue, TemporalBasis) else matrix


@dataclass(frozen=True, eq=False)
class Lesions:
    """Lesions as probabilities, with CBF [ml/100 g/min], rCBF and soft Tmax [s] that they come from.

    All of shape ``(n_voxels,)``. Differentiable but for ``map_tmax``, the Tmax [s] of
    :func:`perfcore.maps.flow_and_delay`; it, and the soft Tmax with its lesion, are None where not asked for.
    """

    cbf: Tensor
    rcbf: Tensor
    core: Tensor
    tmax: Tensor | None = None
    hypoperfused: Tensor | None = None
    map_tmax: Tensor | None = None


def soft_dice_loss(probability: Tensor, known: Tensor) -> Tensor:
    """Return 1 − soft Dice, in [0, 1); for an empty known lesion it is 0 only for an empty prediction."""
    return 1 - (2 * (probability * known).sum() + 1) / (probability.sum() + known.sum() + 1)


def lesions(
    aif: Tensor,
    target: Target,
    settings: Settings,
    *,
    with_tmax: bool,
    with_map: bool = False,
    core_threshold: Tensor | None = None,
    pool: Executor | None = None,
    keep: bool = False,
) -> Lesions:
    """Return the lesions that an input function makes of tissue.

    Parameters
    ----------
    aif
        Shape ``(n_time,)``, enhancement.
    target
        The tissue.
    settings
        Of the deconvolution (a linear one), and the thresholds.
    with_tmax
        Whether the hypoperfused tissue is wanted too.
    with_map
        Whether the map of Tmax is wanted too.
    core_threshold
        In place of the settings' threshold of rCBF, where it is learned along.
    pool
        As of :func:`perfcore.deconvolution.fused.peak`.
    keep
        As of :func:`perfcore.deconvolution.fused_soft_argmax.peak_and_times`.
    """
    operator = build_operator(aif.to(target.tissue.data.device), target.dt_s, settings)
    matrix, tiles = target.on_tissue(operator.matrix), target.tiles
    when: Tensor | None = None
    mapped: Tensor | None = None
    if with_tmax or with_map:
        softness = TMAX_SOFTNESS if with_tmax else None
        top, when, row = peak_and_times(matrix, tiles, operator.time_s, softness, pool, keep=keep)
        if when is not None:
            when, _ = anchor_tmax(when, target.reference, settings)
        if with_map:
            mapped, _ = anchor_tmax(operator.start_s + operator.dt_s * row, target.reference, settings)
    else:
        top = peak(matrix, tiles, pool)
    # In place of an index, whose gradient is slow.
    healthy = torch.where(target.reference, top, 0.0).sum() / target.reference.sum()
    rcbf = top / healthy
    threshold = settings.core_threshold if core_threshold is None else core_threshold
    core = torch.sigmoid((threshold - rcbf) / CORE_SLOPE)
    low = None if when is None else torch.sigmoid((when - settings.tmax_threshold_s) / TMAX_SLOPE_S)
    return Lesions(CBF_PER_K * top, rcbf, core, when, low, mapped)


def lesion_loss(aif: Tensor, target: Target, settings: Settings, name: str) -> Tensor:
    """Return the loss of an input function on one case.

    Parameters
    ----------
    aif
        Shape ``(n_time,)``, enhancement.
    target
        Tissue and known lesions.
    settings
        Of the deconvolution.
    name
        ``core``: soft Dice of the core, as the paper; ``core+tmax``: the mean of that and the soft Dice of the
        hypoperfused tissue where that is known.

    Raises
    ------
    ArgumentError
        There is no loss of this name, or the curve cannot be deconvolved.
    """
    if name not in LOSSES:
        raise ArgumentError(f"loss must be one of {', '.join(LOSSES)}; got {name!r}.")
    with_tmax = name == "core+tmax" and target.hypoperfused is not None
    found = lesions(aif, target, settings, with_tmax=with_tmax)
    loss = soft_dice_loss(found.core, target.core)
    if found.hypoperfused is not None and target.hypoperfused is not None:
        loss = (loss + soft_dice_loss(found.hypoperfused, target.hypoperfused)) / 2
    return loss
