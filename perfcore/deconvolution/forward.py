r"""The forward operator: an input function convolved with a tissue's residue function.

.. math:: c(t) = \int_0^t a(\tau)\, k(t-\tau)\, d\tau

Two forms. *Causal*: a lower-triangular matrix of ``n_time`` rows. *Circulant*: the AIF is padded
with zeros to ``2·n_time``, so that tissue which leads or trails the AIF is seen alike
(Wu 2003, doi:10.1002/mrm.10522). Two discretisations: rectangular, and Volterra, which takes both
functions piecewise linear (Sourbron 2007, doi:10.1088/0031-9155/52/22/014).

All functions take float32 or float64 tensors on any device and are differentiable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor
from torch.nn.functional import pad

from perfcore.errors import ArgumentError
from perfcore.settings import Deconvolution, Discretization


def check_aif(aif: Tensor, dt_s: float) -> None:
    """Raise `ArgumentError` unless ``aif`` is a finite curve with a positive bolus and dt_s > 0."""
    if aif.ndim < 1 or aif.shape[-1] < 2:
        raise ArgumentError(f"An AIF needs at least 2 time points; got shape {tuple(aif.shape)}.")
    if not 0 < dt_s < math.inf:
        raise ArgumentError(f"The time step must be positive; got {dt_s}.")
    peak = aif.detach().amax(-1)
    if not torch.isfinite(aif.detach()).all():
        raise ArgumentError("The AIF must be finite; it holds NaN or infinity.")
    if not (peak > 0).all():
        raise ArgumentError(f"The AIF has no positive bolus: its largest value is {float(peak.min()):g}.")


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")


def _neighbour_mean(a: Tensor) -> Tensor:
    """Return ``(a[m-1] + 4 a[m] + a[m+1])/6`` along the last axis, zeros beyond both ends."""
    wide = pad(a, (1, 1))
    return (wide[..., :-2] + 4 * wide[..., 1:-1] + wide[..., 2:]) / 6


def causal_matrix(aif: Tensor, dt_s: float, discretization: Discretization = "volterra") -> Tensor:
    r"""Return the lower-triangular matrix A with ``c = A k``.

    Volterra, entries × dt/6: :math:`A_{00}=0`, :math:`A_{i0}=2a_i+a_{i-1}`,
    :math:`A_{ii}=2a_0+a_1`, :math:`A_{ij}=a_{i-j-1}+4a_{i-j}+a_{i-j+1}` for 0<j<i.
    Rectangular: :math:`A_{ij}=\Delta t\,a_{i-j}`.

    Parameters
    ----------
    aif
        Shape ``(..., n_time)``, enhancement.
    dt_s
        Time step in seconds.
    discretization
        ``"volterra"`` or ``"rectangular"``.

    Returns
    -------
    Shape ``(..., n_time, n_time)``, enhancement × s.
    """
    check_aif(aif, dt_s)
    _one_of("discretization", discretization, get_args(Discretization))
    n = aif.shape[-1]
    lag = torch.arange(n, device=aif.device)[:, None] - torch.arange(n, device=aif.device)
    if discretization == "rectangular":
        return dt_s * aif[..., lag.clamp(min=0)] * (lag >= 0)
    # lag 0 on the diagonal; a row's last neighbour a[i+1] is only reached from column 0,
    # which has its own weights, so the zero beyond the end is never used.
    interior = _neighbour_mean(aif)[..., lag.clamp(min=0)] * (lag > 0)
    diagonal = ((2 * aif[..., 0] + aif[..., 1]) / 6)[..., None, None] * (lag == 0)
    first = (2 * aif + pad(aif, (1, 0))[..., :-1]) / 6
    below = torch.arange(n, device=aif.device) > 0
    column = torch.zeros_like(interior[..., :1]) + (first * below)[..., None]
    return dt_s * torch.cat([column, (interior + diagonal)[..., 1:]], dim=-1)


def circulant_kernel(aif: Tensor, dt_s: float, discretization: Discretization = "volterra") -> Tensor:
    r"""Return h, the first column of the zero-padded circulant matrix :math:`D_{ij}=h_{(i-j)\,mod\,L}`.

    Volterra: :math:`h_m=\frac{\Delta t}{6}(a_{m-1}+4a_m+a_{m+1})`, indices modulo L = 2·n_time.

    Returns
    -------
    Shape ``(..., 2·n_time)``, enhancement × s.
    """
    check_aif(aif, dt_s)
    _one_of("discretization", discretization, get_args(Discretization))
    padded = pad(aif, (0, aif.shape[-1]))
    if discretization == "rectangular":
        return dt_s * padded
    return dt_s * (padded.roll(1, -1) + 4 * padded + padded.roll(-1, -1)) / 6


def circulant_matrix(kernel: Tensor) -> Tensor:
    """Return the explicit matrix ``(..., L, L)`` of a kernel ``(..., L)``."""
    n = kernel.shape[-1]
    index = torch.arange(n, device=kernel.device)
    return kernel[..., (index[:, None] - index) % n]


@dataclass(frozen=True, eq=False)
class Convolution:
    """The linear map k → c for one AIF.

    Attributes
    ----------
    matrix
        Shape ``(n_time, n_rows)``: ``n_rows`` is n_time (causal) or 2·n_time (circulant; the second half
        stands for negative times).
    """

    matrix: Tensor

    @classmethod
    def build(cls, aif: Tensor, dt_s: float, form: Deconvolution, discretization: Discretization) -> Convolution:
        """Build the operator from an AIF of shape ``(n_time,)``."""
        _one_of("deconvolution", form, get_args(Deconvolution))
        if form == "causal":
            return cls(causal_matrix(aif, dt_s, discretization))
        return cls(circulant_matrix(circulant_kernel(aif, dt_s, discretization))[: aif.shape[-1]])

    def forward(self, residue: Tensor) -> Tensor:
        """Return the tissue curve ``(..., n_time)`` of a residue function ``(..., n_rows)`` in 1/s."""
        self._check(residue, self.matrix.shape[1], "residue function")
        return residue @ self.matrix.mT

    def adjoint(self, tissue: Tensor) -> Tensor:
        """Return the adjoint applied to tissue curves: ``(..., n_time)`` → ``(..., n_rows)``."""
        self._check(tissue, self.matrix.shape[0], "tissue curve")
        return tissue @ self.matrix

    @staticmethod
    def _check(x: Tensor, expected: int, name: str) -> None:
        if x.shape[-1] != expected:
            raise ArgumentError(f"The {name} has {x.shape[-1]} samples; the operator expects {expected}.")
