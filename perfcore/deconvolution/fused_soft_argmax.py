r"""The fused path with a soft Tmax: height and time of k(t)'s maximum, differentiable, without writing k(t) down.

With :math:`u_i = k_i/(\tau\max k)` and :math:`s = \mathrm{softmax}(u)` the time is :math:`t = \sum_i s_i t_i`,
as in :func:`perfcore.maps.soft_tmax`, and with its limits. The backward pass does each tile's product again.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import torch
from torch import Tensor

from perfcore.deconvolution.fused import Tiles, map_chunks, sum_chunks
from perfcore.errors import ArgumentError


def _soft_time(k: Tensor, top: Tensor, time: Tensor, softness: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return (u, s, t) of one tile: shapes ``(n_rows, width)`` twice and ``(width,)``."""
    u = k / (softness * top).clamp_min(torch.finfo(k.dtype).tiny)
    s = torch.softmax(u, 0)
    return u, s, time @ s


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
                k = matrix @ tile
                torch.amax(k, 0, out=top)
                when.copy_(_soft_time(k, top, time, softness)[2])

        map_chunks(work, data, pool)
        ctx.save_for_backward(matrix, data, time, tops)
        ctx.softness, ctx.pool = softness, pool
        return tops, times

    @staticmethod
    def backward(ctx: Any, grad_top: Tensor, grad_time: Tensor) -> tuple[Tensor, None, None, None, None]:
        matrix, data, time, tops = ctx.saved_tensors
        tiny = torch.finfo(data.dtype).tiny

        @torch.no_grad()
        def work(part: slice) -> Tensor:
            d_matrix = torch.zeros_like(matrix)
            rows = zip(data[part], tops[part], grad_top[part], grad_time[part], strict=True)
            for tile, top, g_top, g_time in rows:
                k = matrix @ tile
                u, s, when = _soft_time(k, top, time, ctx.softness)
                s.mul_(time[:, None] - when)
                scale = ctx.softness * top
                # Without a bolus the time has no gradient: the formula would give 0 times infinity.
                bolus = scale > tiny
                g_time = torch.where(bolus, g_time, 0.0)  # noqa: PLW2901
                at_top = g_top - g_time * torch.where(bolus, (s * u).sum(0) / top, 0.0)
                grad = s.mul_(g_time / scale.clamp_min(tiny))
                # Where two rows tie, both get the whole gradient: a set of measure zero.
                grad.addcmul_(k.eq_(top), at_top)
                d_matrix.addmm_(grad, tile.mT)
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
