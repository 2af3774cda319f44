r"""Perfusion maps and lesions from k(t).

.. math::

   \mathrm{CBF} = 6000\,\tfrac{k_H}{\rho}\max_t k, \quad
   \mathrm{CBV} = 100\,\tfrac{k_H}{\rho}\tfrac{\int c}{\int a}, \quad
   \mathrm{MTT} = 60\,\tfrac{\mathrm{CBV}}{\mathrm{CBF}}, \quad
   T_{max} = \arg\max_t k

Source: Fieselmann 2011, doi:10.1155/2011/467563; thresholds: Cereda 2016, doi:10.1177/0271678X15610586.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from perfcore.deconvolution.fused import Tiles, peak, peak_and_time
from perfcore.deconvolution.inverse import Operator, build_operator
from perfcore.deconvolution.oscillation import OscillationOperator
from perfcore.deconvolution.temporal_basis import TemporalBasis
from perfcore.errors import ArgumentError
from perfcore.settings import Settings
from perfcore.types import BoolArray, DoubleArray, FloatArray
from perfcore.units import CBF_PER_K, CBV_PER_RATIO, SECONDS_PER_MINUTE

CORE_SLOPE: Final = 0.05
"""Width of the sigmoid that turns rCBF into a core probability; the paper gives none."""
TMAX_SOFTNESS: Final = 0.05
"""Temperature of the soft argmax, relative to max k."""
HEALTHY_TMAX_S: Final = 3.5
"""Median Tmax of healthy tissue where it is counted from there: the threshold of 6 s then lies 2.5 s above it.

Measured on 48 phantoms with the true AIF, 2.5 s above the healthy median agrees with the hypoperfused tissue as
well as Tmax above 6 s does (Dice 0.866 and 0.864). Why Tmax needs it: Calamante 2010,
doi:10.1161/STROKEAHA.109.580670.
"""
_Values = TypeVar("_Values", Tensor, NDArray[Any])


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
        Seconds; Tmax is negative where tissue leads the AIF, unless it is counted from healthy tissue.
    core_probability
        In [0, 1].
    core, hypoperfused
        Boolean lesions: rCBF below and Tmax above their thresholds, inside the mask.
    reference_cbf
        Mean CBF of the reference region, ml/100 g/min.
    tmax_shift_s
        What :func:`anchor_tmax` added to Tmax, in seconds; 0 for Tmax on the scan's clock.
    others
        Maps of the registry (`perfcore.map_info.MAPS`) that have no attribute here, by id.
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
    tmax_shift_s: float = 0.0
    others: Mapping[str, FloatArray] = field(default_factory=dict)

    def volume(self, name: str) -> FloatArray:
        """Return a computed map by its id."""
        values: FloatArray = self.others[name] if name in self.others else getattr(self, name)
        return values


FlowOperator = Operator | OscillationOperator
"""The deconvolution of one AIF: one matrix, or a truncation per voxel."""


@torch.no_grad()
def flow_operator(
    aif: Tensor | DoubleArray, dt_s: float, settings: Settings, device: torch.device | None = None
) -> FlowOperator:
    """Build the deconvolution of one AIF, once for all the tissue that it is applied to.

    Parameters
    ----------
    aif
        Shape ``(n_time,)``, enhancement.
    dt_s
        Time step in seconds.
    settings
        All deconvolution settings.
    device
        The tissue's device; default: the AIF's.

    Raises
    ------
    ArgumentError
        The AIF is too short, not finite or without a positive bolus.
    """
    curve = aif if isinstance(aif, Tensor) else torch.from_numpy(np.array(aif, np.float64))
    curve = curve.to(device or curve.device)
    if not settings.is_linear:
        return OscillationOperator.build(curve, dt_s, settings)
    return build_operator(curve, dt_s, settings)


@torch.no_grad()
def flow_and_delay(operator: FlowOperator, tissue: Tiles | TemporalBasis) -> tuple[Tensor, Tensor]:
    """Return CBF [ml/100 g/min] and Tmax [s] of every voxel, shape ``(n_voxels,)`` each.

    Commands, pages and evaluation all compute flow with this function.

    Parameters
    ----------
    operator
        From :func:`flow_operator`.
    tissue
        Prepared tissue, or the same in a temporal basis (for previews; not with the oscillation index).

    Raises
    ------
    ArgumentError
        The tissue has another number of time points than the AIF, or is a temporal basis that the
        oscillation index cannot use.
    """
    if isinstance(operator, Operator):
        top, row = peak_and_time(*_linear(operator, tissue))
    elif isinstance(tissue, TemporalBasis):
        raise ArgumentError("The oscillation index needs the tissue itself, not a temporal basis of it.")
    else:
        top, row = operator.peak_and_time(tissue)
    return CBF_PER_K * top, operator.start_s + operator.dt_s * row


@torch.no_grad()
def flow_only(operator: FlowOperator, tissue: Tiles | TemporalBasis) -> Tensor:
    """Return CBF [ml/100 g/min] as :func:`flow_and_delay` does, in a third of its time."""
    if isinstance(operator, Operator):
        return CBF_PER_K * peak(*_linear(operator, tissue))
    return flow_and_delay(operator, tissue)[0]


def _linear(operator: Operator, tissue: Tiles | TemporalBasis) -> tuple[Tensor, Tiles]:
    """Return P and the tiles that it is applied to."""
    if isinstance(tissue, TemporalBasis):
        return tissue.operator(operator.matrix), tissue.tiles
    return operator.matrix, tissue


def anchor_tmax(tmax: Tensor, reference: Tensor, settings: Settings) -> tuple[Tensor, Tensor]:
    """Return Tmax as the settings count it, and the shift that was added to it.

    ``absolute``: as it is. ``healthy``: shifted so that the median of the healthy tissue is `HEALTHY_TMAX_S`,
    which takes out a delay between the AIF and the whole head; it cannot be told from a delay of the healthy side
    itself. Differentiable; anchoring a second time changes nothing.

    Parameters
    ----------
    tmax
        Shape ``(n_voxels,)``, seconds; NaN does not count.
    reference
        Healthy voxels, a mask of shape ``(n_voxels,)``.
    settings
        With ``tmax_reference``.

    Returns
    -------
    Shape ``(n_voxels,)`` and a scalar, in seconds.
    """
    if settings.tmax_reference == "absolute":
        return tmax, tmax.new_zeros(())
    shift = HEALTHY_TMAX_S - tmax[reference].nanmedian()
    return tmax + shift, shift


def anchored(operator: FlowOperator, healthy: Tiles, settings: Settings) -> FlowOperator:
    """Return an operator whose times are those of :func:`anchor_tmax`, from a sample of healthy tissue alone.

    For results that come in parts, of which none has the whole healthy region.
    """
    if settings.tmax_reference == "absolute":
        return operator
    tmax = flow_and_delay(operator, healthy)[1]
    shift = anchor_tmax(tmax, torch.ones_like(tmax, dtype=torch.bool), settings)[1]
    return replace(operator, start_s=operator.start_s + float(shift))


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


def relative_cbf(cbf: _Values, reference_cbf: float) -> _Values:
    """Return rCBF, CBF over the healthy mean; tensor or array, in the precision of ``cbf``."""
    return cbf / float(np.float32(reference_cbf))


def is_core(rcbf: _Values, threshold: float) -> _Values:
    """Return where tissue is core, rCBF below a threshold; the one definition, NaN is not core."""
    return rcbf < threshold


def is_hypoperfused(tmax: _Values, threshold_s: float) -> _Values:
    """Return where tissue is hypoperfused, Tmax above a threshold in seconds; NaN is not."""
    return tmax > threshold_s


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
