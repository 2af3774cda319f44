r"""The inverse operator: from tissue curves back to k(t), differentiable in the AIF.

For one AIF and one set of settings, every linear form is a small matrix P with ``k = P c``;
a volume is then one matrix product. With the singular values :math:`\sigma_i` of the forward matrix,

.. math:: P = V\,\mathrm{diag}(g(\sigma_i))\,U^T, \qquad
          g_{\mathrm{tikhonov}} = \frac{\sigma}{\sigma^2+(\lambda_{rel}\sigma_1)^2}, \qquad
          g_{\mathrm{tsvd}} = \frac{1}{\sigma}\,[\sigma \ge \lambda_{rel}\sigma_1].

Autograd through ``torch.linalg.svd`` must not be used here: its backward divides by
:math:`\sigma_i^2-\sigma_j^2`, and a circulant matrix has its singular values in equal pairs, a causal
one with a flat baseline repeats the tiny ones: the gradient is NaN. `spectral_inverse` keeps the SVD
and carries its own vector-Jacobian product, in which those divisions do not appear. The fast forms
(Fourier for circulant, Cholesky for causal Tikhonov) agree with it to 1e-13 and are computed instead.

The filters g stand in `perfcore.regularization`.

Sources: Wu 2003 (doi:10.1002/mrm.10522), Fieselmann 2011 (doi:10.1155/2011/467563),
de la Rosa 2020 (arXiv:2103.17111).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from perfcore.deconvolution.forward import causal_matrix, circulant_kernel, circulant_matrix
from perfcore.errors import ArgumentError
from perfcore.regularization import Filter, filter_of
from perfcore.settings import Settings

LEAD_S: Final = 15.0
"""The circulant form is searched from this many seconds before the AIF: tissue may lead it."""


def _checked(aif: Tensor) -> Tensor:
    """Return a single AIF in float64."""
    if aif.ndim != 1:
        raise ArgumentError(f"An AIF has shape (n_time,); got {tuple(aif.shape)}.")
    return aif.to(torch.float64)


class _SpectralInverse(torch.autograd.Function):
    """``V g(S) Uᵀ`` with a vector-Jacobian product free of 1/(σ_i²−σ_j²).

    For an antisymmetric and a symmetric part of G̃ = VᵀGU the derivative of a spectral function needs the
    divided differences (g_i−g_j)/(σ_i−σ_j), which tend to g' where values meet, and (g_i+g_j)/(σ_i+σ_j).
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, gain: Filter, lambda_rel: float) -> Tensor:
        u, s, vh = torch.linalg.svd(matrix)
        ctx.save_for_backward(u, s, vh)
        ctx.gain, ctx.lambda_rel = gain, lambda_rel
        inverse: Tensor = vh.mT @ (gain(s, s[0], lambda_rel)[:, None] * u.mT)
        return inverse

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        u, s, vh = ctx.saved_tensors
        with torch.enable_grad():
            sigma, top = s.detach().requires_grad_(), s[0].detach().requires_grad_()
            g = ctx.gain(sigma, top, ctx.lambda_rel)
            slope, _ = torch.autograd.grad(g.sum(), (sigma, top), retain_graph=True, materialize_grads=True)
            inner = vh @ grad @ u  # rows: v_i, columns: u_j
            (d_top,) = torch.autograd.grad(
                g, top, inner.diagonal().clone(), allow_unused=True, materialize_grads=True
            )
        g = g.detach()
        gap = s[:, None] - s
        close = gap.abs() <= 1e-5 * s[0]
        # The mean of the two slopes is the divided difference to second order in the gap.
        difference = torch.where(
            close, (slope[:, None] + slope) / 2, (g[:, None] - g) / torch.where(close, torch.ones_like(gap), gap)
        )
        total = (s[:, None] + s).clamp_min(torch.finfo(s.dtype).tiny)
        ratio = torch.where(total > 1e-9 * s[0], (g[:, None] + g) / total, slope[:, None].expand_as(gap))
        even, odd = (inner.mT + inner) / 2, (inner.mT - inner) / 2
        core = even * difference + odd * ratio
        core[0, 0] += d_top
        return u @ core @ vh, None, None


def spectral_inverse(matrix: Tensor, regularization: str, lambda_rel: float) -> Tensor:
    """Return the regularised inverse by SVD, with a finite gradient (first order only).

    It is exact but for pairs of singular values closer than 1e-5·σ_1, where the mean of two slopes stands for a
    divided difference: an error of (1e-5/λ_rel)²/2.

    Parameters
    ----------
    matrix
        Shape ``(n, n)``, float64.
    regularization
        Id of a linear regularisation of `perfcore.regularization.REGULARIZATIONS`.
    lambda_rel
        Relative to the largest singular value, in (0, 1].

    Returns
    -------
    Shape ``(n, n)``.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ArgumentError(f"The forward matrix must be square; got shape {tuple(matrix.shape)}.")
    gain = filter_of(regularization)
    inverse: Tensor = _SpectralInverse.apply(matrix, gain, lambda_rel)  # type: ignore[no-untyped-call]
    return inverse


def _fourier_inverse(kernel: Tensor, regularization: str, lambda_rel: float) -> Tensor:
    """Return the first column of the inverse of a circulant matrix: it is diagonal in Fourier space."""
    spectrum = torch.fft.rfft(kernel, dim=-1)
    power = spectrum.real**2 + spectrum.imag**2
    # A line of exactly 0 (any box of even width has one) has no gradient of its root: 1e-14 of σ_1 stands in.
    sigma = (power + 1e-28 * power.detach().amax(-1, keepdim=True)).sqrt()
    gain = filter_of(regularization)(sigma, sigma.amax(-1, keepdim=True), lambda_rel)
    # conj(ĥ)/σ is V Uᵀ of a circulant matrix.
    first: Tensor = torch.fft.irfft(spectrum.conj() / sigma * gain, n=kernel.shape[-1], dim=-1)
    return first


def _cholesky_inverse(matrix: Tensor, lambda_rel: float) -> Tensor:
    """Return (AᵀA+λ²I)⁻¹Aᵀ; its condition number is at most (1+λ_rel²)/λ_rel²."""
    ridge = (lambda_rel * torch.linalg.matrix_norm(matrix, 2)) ** 2
    normal = matrix.mT @ matrix + ridge * torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    return torch.cholesky_solve(matrix.mT.contiguous(), torch.linalg.cholesky(normal))


@dataclass(frozen=True, eq=False)
class Operator:
    """A linear deconvolution, ready to apply.

    Attributes
    ----------
    matrix
        P, shape ``(n_rows, n_time)``: ``k = P c``, k in 1/s.
    start_s
        Time of the first row: −15 s (circulant) or 0 (causal).
    dt_s
        Time step of the rows in seconds.
    """

    matrix: Tensor
    start_s: float
    dt_s: float

    @property
    def time_s(self) -> Tensor:
        """Times of the rows in seconds, shape ``(n_rows,)``."""
        n = self.matrix.shape[-2]
        return self.start_s + self.dt_s * torch.arange(n, dtype=self.matrix.dtype, device=self.matrix.device)

    def apply(self, tissue: Tensor) -> Tensor:
        """Return k(t) of tissue curves: ``(..., n_time)`` → ``(..., n_rows)``, 1/s."""
        if tissue.shape[-1] != self.matrix.shape[-1]:
            raise ArgumentError(
                f"The tissue has {tissue.shape[-1]} time points; the AIF has {self.matrix.shape[-1]}."
            )
        return tissue @ self.matrix.to(tissue.dtype).mT


def n_lead(n_time: int, dt_s: float) -> int:
    """Return how many rows at negative times the circulant form keeps: none before −15 s."""
    return min(math.floor(LEAD_S / dt_s + 1e-9), n_time)


def build_operator(aif: Tensor, dt_s: float, settings: Settings, *, by_svd: bool = False) -> Operator:
    """Build the deconvolution of one AIF, differentiable in it.

    Parameters
    ----------
    aif
        Shape ``(n_time,)``, enhancement. Computed in float64 for any dtype.
    dt_s
        Time step in seconds.
    settings
        ``deconvolution``, ``discretization``, ``regularization`` and ``lambda_rel`` are used.
        The oscillation index is not one matrix: see `perfcore.deconvolution.oscillation`.
    by_svd
        Use the explicit SVD in place of the fast form that is equal to it.

    Raises
    ------
    ArgumentError
        The AIF is too short, not finite or without a positive bolus; or the regularisation is not linear.
    """
    if not settings.is_linear:
        raise ArgumentError(
            f"{settings.regularization} is not one linear operator; use perfcore.deconvolution.oscillation."
        )
    aif = _checked(aif)
    kind, lam, n_time = settings.regularization, settings.lam, aif.shape[0]
    if settings.deconvolution == "causal":
        forward = causal_matrix(aif, dt_s, settings.discretization)
        fast = kind == "tikhonov" and not by_svd
        matrix = _cholesky_inverse(forward, lam) if fast else spectral_inverse(forward, kind, lam)
        return Operator(matrix, 0.0, dt_s)
    kernel = circulant_kernel(aif, dt_s, settings.discretization)
    lead = n_lead(n_time, dt_s)
    rows = torch.arange(-lead, n_time, device=aif.device) % (2 * n_time)
    if by_svd:
        matrix = spectral_inverse(circulant_matrix(kernel), kind, lam)[rows, :n_time]
    else:
        first = _fourier_inverse(kernel, kind, lam)
        matrix = first[(rows[:, None] - torch.arange(n_time, device=aif.device)) % (2 * n_time)]
    return Operator(matrix, -lead * dt_s, dt_s)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Spectrum of a deconvolution, for the lessons: singular values (descending) and their filter factors."""

    sigma: Tensor
    factors: Tensor


def spectrum(aif: Tensor, dt_s: float, settings: Settings) -> Spectrum:
    """Return singular values and filter factors σ·g(σ), shapes ``(n_time,)`` or ``(2·n_time,)``.

    Raises
    ------
    ArgumentError
        The AIF cannot be used, or the regularisation is not linear.
    """
    aif, kind = _checked(aif), filter_of(settings.regularization)
    if settings.deconvolution == "causal":
        sigma = torch.linalg.svdvals(causal_matrix(aif, dt_s, settings.discretization))
    else:
        kernel = circulant_kernel(aif, dt_s, settings.discretization)
        sigma = torch.fft.fft(kernel).abs().sort(descending=True).values
    gain = kind(sigma, sigma[0], settings.lam)
    return Spectrum(sigma, sigma * gain)


def fit(aif: Tensor, residue: Tensor, dt_s: float, settings: Settings) -> Tensor:
    """Return the tissue curve that k(t) explains: ``(..., n_rows)`` → ``(..., n_time)``, float64.

    Raises
    ------
    ArgumentError
        The AIF cannot be used, or k(t) has another number of rows than this form has.
    """
    aif, residue = _checked(aif), residue.to(torch.float64)
    rows = aif.shape[0] + (n_lead(aif.shape[0], dt_s) if settings.deconvolution == "circulant" else 0)
    if residue.shape[-1] != rows:
        raise ArgumentError(f"k(t) has {residue.shape[-1]} rows; this deconvolution has {rows}.")
    if settings.deconvolution == "causal":
        return residue @ causal_matrix(aif, dt_s, settings.discretization).mT
    n_time = aif.shape[-1]
    lead = residue.shape[-1] - n_time
    full = pad(residue, (0, n_time - lead)).roll(-lead, -1)
    forward = circulant_matrix(circulant_kernel(aif, dt_s, settings.discretization))[:n_time]
    return full @ forward.mT
