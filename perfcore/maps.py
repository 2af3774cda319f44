r"""What is read off k(t): the perfusion maps and the lesions.

.. math::

   \mathrm{CBF} = 6000\,\tfrac{k_H}{\rho}\max_t k, \quad
   \mathrm{CBV} = 100\,\tfrac{k_H}{\rho}\tfrac{\int c}{\int a}, \quad
   \mathrm{MTT} = 60\,\tfrac{\mathrm{CBV}}{\mathrm{CBF}}, \quad
   T_{max} = \arg\max_t k

Source: Fieselmann 2011, doi:10.1155/2011/467563; thresholds: Cereda 2016, doi:10.1177/0271678X15610586.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from torch import Tensor

from perfcore.deconvolution import oscillation
from perfcore.deconvolution.forward import check_aif
from perfcore.deconvolution.fused import Tiles, peak, peak_and_time
from perfcore.deconvolution.inverse import Operator, build_operator, n_lead
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.settings import Settings
from perfcore.types import BoolArray, FloatArray
from perfcore.units import CBF_PER_K, CBV_PER_RATIO, SECONDS_PER_MINUTE

CORE_SLOPE: Final = 0.05
"""Width of the sigmoid that turns rCBF into a core probability; the paper gives none."""
TMAX_SOFTNESS: Final = 0.05
"""Temperature of the soft argmax, relative to max k."""


@dataclass(frozen=True, eq=False)
class PerfusionMaps:
    """The maps of one case on its grid, shape ``(nx, ny, nz)``, float32, NaN outside the brain mask.

    Attributes
    ----------
    cbf, cbv
        ml/100 g/min and ml/100 g.
    rcbf
        CBF relative to the healthy reference.
    mtt, tmax, ttp
        Seconds; Tmax is negative where tissue leads the AIF.
    core_probability
        In [0, 1].
    core, hypoperfused
        Boolean lesions: rCBF below and Tmax above their thresholds, inside the mask.
    reference_cbf
        Mean CBF of the reference region, ml/100 g/min.
    """

    cbf: FloatArray
    rcbf: FloatArray
    cbv: FloatArray
    mtt: FloatArray
    tmax: FloatArray
    ttp: FloatArray
    core_probability: FloatArray
    core: BoolArray
    hypoperfused: BoolArray
    reference_cbf: float


@torch.no_grad()
def flow_and_delay(
    aif: Tensor, tissue: Tiles | TemporalBasis, dt_s: float, settings: Settings
) -> tuple[Tensor, Tensor]:
    """Return CBF [ml/100 g/min] and Tmax [s] of every voxel, shape ``(n_voxels,)`` each.

    The one place where an AIF, tissue and settings become flow: commands, pages and evaluation come by here.

    Parameters
    ----------
    aif
        Shape ``(n_time,)``, enhancement, float64.
    tissue
        Prepared tissue, or the same in a temporal basis (for previews; not with the oscillation index).
    dt_s
        Time step in seconds.
    settings
        All deconvolution settings.
    """
    if settings.regularization == "oscillation":
        check_aif(aif, dt_s)
        if isinstance(tissue, TemporalBasis):
            raise ArgumentError("The oscillation index needs the tissue itself, not a temporal basis of it.")
        top, row = oscillation.peak_and_time(aif, tissue, dt_s, settings)
        start_s = -n_lead(aif.shape[0], dt_s) * dt_s if settings.deconvolution == "circulant" else 0.0
    else:
        matrix, tiles, start_s = _linear(aif, tissue, dt_s, settings)
        top, row = peak_and_time(matrix, tiles)
    return CBF_PER_K * top, start_s + dt_s * row


@torch.no_grad()
def flow_alone(aif: Tensor, tissue: Tiles | TemporalBasis, dt_s: float, settings: Settings) -> Tensor:
    """Return CBF [ml/100 g/min] as :func:`flow_and_delay` does, for a third of its time: nobody asks when."""
    if settings.regularization == "oscillation":
        return flow_and_delay(aif, tissue, dt_s, settings)[0]
    matrix, tiles, _ = _linear(aif, tissue, dt_s, settings)
    return CBF_PER_K * peak(matrix, tiles)


@lru_cache(maxsize=64)
def _operator(curve: bytes, shape: torch.Size, device: torch.device, dt_s: float, settings: Settings) -> Operator:
    """Return the operator of a curve's float64 values: a volume is asked for in pieces, and each needs it."""
    aif = torch.from_numpy(np.frombuffer(curve).copy()).reshape(shape)
    check_aif(aif, dt_s)
    return build_operator(aif.to(device), dt_s, settings)


def _linear(
    aif: Tensor, tissue: Tiles | TemporalBasis, dt_s: float, settings: Settings
) -> tuple[Tensor, Tiles, float]:
    """Return P, what it is applied to, and the time of its first row."""
    tiles = tissue.tiles if isinstance(tissue, TemporalBasis) else tissue
    curve = aif.detach().to("cpu", torch.float64).numpy().tobytes()
    operator = _operator(curve, aif.shape, tiles.data.device, dt_s, settings)
    matrix = tissue.operator(operator.matrix) if isinstance(tissue, TemporalBasis) else operator.matrix
    return matrix, tiles, operator.start_s


def blood_volume(tissue_area: Tensor, aif_area: float | Tensor) -> Tensor:
    """Return CBV [ml/100 g] from the areas under tissue curves and AIF (enhancement × s).

    Raises
    ------
    ArgumentError
        The AIF's area is not positive: CBV has no meaning.
    """
    if not float(aif_area) > 0:
        raise ArgumentError(f"The area under the AIF must be positive for CBV; got {float(aif_area):g}.")
    return CBV_PER_RATIO * tissue_area / aif_area


def transit_time(cbv: Tensor, cbf: Tensor) -> Tensor:
    """Return MTT [s]; NaN where CBF is not positive."""
    return torch.where(cbf > 0, SECONDS_PER_MINUTE * cbv / cbf, torch.nan)


def core_probability(rcbf: Tensor, threshold: float, slope: float = CORE_SLOPE) -> Tensor:
    """Return sigmoid((threshold − rCBF)/slope), differentiable, in [0, 1]."""
    return torch.sigmoid((threshold - rcbf) / slope)


def soft_tmax(residue: Tensor, time_s: Tensor, softness: float = TMAX_SOFTNESS) -> Tensor:
    r"""Return a differentiable Tmax, :math:`\sum_i t_i\,\mathrm{softmax}_i(k_i/(\tau\max k))`.

    With τ = 0.05 it lies at most 0.06 s above the parabola-refined argmax for exponential residues of MTT ≤ 8 s,
    0.27 s above for MTT 20 s, and several seconds below for a box residue of 20 s, whose k(t) is a plateau.
    A voxel without any signal gets the mean of the times.

    Parameters
    ----------
    residue
        k(t), shape ``(..., n_rows)``.
    time_s
        Shape ``(n_rows,)``.
    softness
        τ > 0.

    Returns
    -------
    Shape ``(...)``, seconds.
    """
    scale = softness * residue.amax(-1, keepdim=True).clamp_min(torch.finfo(residue.dtype).tiny)
    return (torch.softmax(residue / scale, -1) * time_s.to(residue.dtype)).sum(-1)
