r"""The fused path with a soft Tmax: height and time of k(t)'s maximum, differentiable, without writing k(t) down.

With :math:`u_i = k_i/(\tau\max k)` and :math:`s = \mathrm{softmax}(u)` the time is :math:`t = \sum_i s_i t_i`,
as in :func:`perfcore.maps.soft_tmax`, and with its limits. The backward pass does each tile's product again.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any, Final

import torch
from torch import Tensor

from perfcore.deconvolution.fused import Tiles, buffer, map_chunks, sum_chunks
from perfcore.errors import ArgumentError

WIDTH: Final = 2048
"""Voxels at a time: the three scratch arrays of 75 rows stay in the second-level cache."""


def _parts(tile: Tensor) -> list[slice]:
    return [slice(start, start + WIDTH) for start in range(0, tile.shape[-1], WIDTH)]


def _soft_time(
    matrix: Tensor, tile: Tensor, top: Tensor, time: Tensor, softness: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Write max k of some voxels to ``top``; return (d, e, sum of e, t) with d = (k - max k)/(τ max k), e = exp d.

    Shapes ``(n_rows, width)`` twice and ``(width,)`` twice. Both matrices are this thread's scratch.
    """
    k = buffer("k", tile, matrix.shape[0], tile.dtype)
    e = buffer("e", tile, matrix.shape[0], tile.dtype)
    torch.mm(matrix, tile, out=k)
    torch.amax(k, 0, out=top)
    torch.exp(k.sub_(top).mul_(_rate(top, softness)), out=e)
    total, moment = torch.stack((torch.ones_like(time), time)) @ e
    return k, e, total, moment / total


def _rate(top: Tensor, softness: float) -> Tensor:
    return (softness * top).clamp_min(torch.finfo(top.dtype).tiny).reciprocal()


class _SoftPeak(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917  (autograd passes by position)
        ctx: Any, matrix: Tensor, data: Tensor, time: Tensor, softness: float, pool: Executor | None
    ) -> tuple[Tensor, Tensor]:
        tops = data.new_empty(data.shape[0], data.shape[2])
        times = torch.empty_like(tops)

        @torch.no_grad()
        def work(part: slice) -> None:
            for tile, top, when in zip(data[part], tops[part], times[part], strict=True):
                for at in _parts(tile):
                    when[at] = _soft_time(matrix, tile[:, at], top[at], time, softness)[3]

        map_chunks(work, data, pool)
        ctx.save_for_backward(matrix, data, time)
        ctx.softness, ctx.pool = softness, pool
        return tops, times

    @staticmethod
    def backward(ctx: Any, grad_top: Tensor, grad_time: Tensor) -> tuple[Tensor, None, None, None, None]:
        matrix, data, time = ctx.saved_tensors
        tiny = torch.finfo(data.dtype).tiny

        @torch.no_grad()
        def work(part: slice) -> Tensor:
            d_matrix = torch.zeros_like(matrix)
            for tile, g_top, g_time in zip(data[part], grad_top[part], grad_time[part], strict=True):
                for at in _parts(tile):
                    curves = tile[:, at]
                    top = torch.empty_like(g_top[at])
                    d, e, total, when = _soft_time(matrix, curves, top, time, ctx.softness)
                    away = buffer("away", curves, matrix.shape[0], data.dtype)
                    torch.sub(time[:, None], when, out=away)
                    e.mul_(away)
                    # Without a bolus the time has no gradient: the formula would give 0 times infinity.
                    bolus = ctx.softness * top > tiny
                    slope = torch.where(bolus, g_time[at], 0.0) / total
                    # dt/dk_i = s_i (t_i - t)/(τ top), dt/dtop = -Σ s_i (t_i - t) u_i/top; u - d is constant in i.
                    torch.mul(e, d, out=away)
                    at_top = g_top[at] - slope * torch.where(bolus, away.sum(0) / top, 0.0)
                    grad = e.mul_(slope * _rate(top, ctx.softness))
                    # Where two rows tie, both get the whole gradient: a set of measure zero.
                    torch.eq(d, 0, out=away)
                    d_matrix.addmm_(grad.addcmul_(away, at_top), curves.mT)
            return d_matrix

        return sum_chunks(map_chunks(work, data, ctx.pool), matrix), None, None, None, None


def peak_and_soft_time(
    matrix: Tensor, tiles: Tiles, time_s: Tensor, softness: float, pool: Executor | None = None
) -> tuple[Tensor, Tensor]:
    """Return max k and the soft argmax of k(t) = P c for each voxel, differentiable in P.

    Parameters
    ----------
    matrix
        P, shape ``(n_rows, n_time)``; cast to the type of the tiles.
    tiles
        The tissue.
    time_s
        Times of the rows, shape ``(n_rows,)``.
    softness
        τ > 0, relative to max k.
    pool
        As of :func:`perfcore.deconvolution.fused.peak`.

    Returns
    -------
    Two tensors of shape ``(n_voxels,)``: 1/s and seconds.

    Raises
    ------
    ArgumentError
        The tissue has another number of time points than P has columns, or τ is not positive.
    """
    if matrix.shape[-1] != tiles.data.shape[1]:
        raise ArgumentError(f"The tissue has {tiles.data.shape[1]} time points; the AIF has {matrix.shape[-1]}.")
    if not softness > 0:
        raise ArgumentError(f"softness must be positive; got {softness}.")
    kind = tiles.data.dtype
    given = matrix.to(kind), tiles.data, time_s.to(kind), softness, pool
    top, when = _SoftPeak.apply(*given)  # type: ignore[no-untyped-call]
    n = tiles.n_voxels
    return top.reshape(-1)[:n], when.reshape(-1)[:n]
