r"""The fused path with the time of k(t)'s maximum, differentiable, without writing k(t) down.

With :math:`u_i = k_i/(\tau\max k)` and :math:`s = \mathrm{softmax}(u)` the soft time is
:math:`t = \sum_i s_i t_i`, as in :func:`perfcore.maps.soft_tmax`, and with its limits. The backward pass does each
tile's product again, unless the softmax is kept.

The softmax is computed as :math:`2^x` of :math:`x_i = (k_i - \max k)/(\tau\max k\ln 2)`: the maximum is known, and
``exp2`` takes a third of the time of ``exp``.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from typing import Any, Final

import torch
from torch import Tensor

from perfcore.deconvolution.fused import Tiles, check_shapes, map_chunks, scratch, sum_chunks, vertex_row
from perfcore.errors import ArgumentError

_LN2: Final = math.log(2.0)


class _PeakAndTimes(torch.autograd.Function):
    # What needs no row of k is done for all tiles at once: many small operations fewer.

    @staticmethod
    def forward(  # noqa: PLR0917  (autograd passes by position)
        ctx: Any,
        matrix: Tensor,
        data: Tensor,
        time: Tensor,
        softness: float | None,
        keep: bool,
        pool: Executor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        n_rows, (n_tiles, _, width) = matrix.shape[0], data.shape
        tops = data.new_empty(n_tiles, width)
        index = torch.empty(tops.shape, dtype=torch.int64, device=data.device)
        near = data.new_zeros(n_tiles, 3, width)  # the maximum between its neighbours, or the inner row at an end
        sums = data.new_ones(n_tiles, 2, width)  # of 2ˣ and of t 2ˣ
        sums_x = data.new_zeros(n_tiles, 2, width)  # the same of x 2ˣ
        ones, row = torch.ones_like(time), torch.arange(n_rows, device=data.device)
        counting, summing = torch.stack((ones, row.to(time))), torch.stack((ones, time))
        beside = torch.arange(-1, 2, device=data.device)[:, None]
        kept = None
        if keep and softness is not None:
            kept = scratch("kept", data, n_tiles * n_rows, data.dtype).view(n_tiles, n_rows, width)

        @torch.no_grad()
        def work(part: slice) -> None:
            k, other = (scratch(name, data, n_rows, data.dtype) for name in ("k", "other"))
            for i in range(*part.indices(n_tiles)):
                torch.mm(matrix, data[i], out=k)
                top = torch.amax(k, 0, out=tops[i])
                # The row of the maximum (the mean of rows that tie), exact, in a tenth of the time of torch.max.
                n, total = counting @ torch.eq(k, top, out=other)
                index[i] = total.div_(n)
                if n_rows >= 3:
                    torch.gather(k, 0, index[i].clamp(1, n_rows - 2) + beside, out=near[i])
                if softness is not None:
                    x = k.sub_(top).mul_(_inverse_scale(top, softness))
                    powers = torch.exp2(x, out=other if kept is None else kept[i])
                    torch.mm(summing, powers, out=sums[i])
                    torch.mm(summing, x.mul_(powers), out=sums_x[i])

        map_chunks(work, data, pool)
        index.clamp_(0, n_rows - 1)  # NaN has no row
        times = sums[:, 1] / sums[:, 0]
        ctx.save_for_backward(matrix, data, time, tops, times, index, sums, sums_x, kept)
        ctx.softness, ctx.pool = softness, pool
        left, middle, right = near.unbind(1)
        rows = vertex_row(0.5 * (left - right), left - 2 * middle + right, index, tops, n_rows)
        ctx.mark_non_differentiable(rows)
        return tops, times, rows

    @staticmethod
    def backward(
        ctx: Any, grad_top: Tensor, grad_time: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None, None, None, None]:
        matrix, data, time, tops, times, index, sums, sums_x, kept = ctx.saved_tensors
        n_rows, softness, at_top = matrix.shape[0], ctx.softness, grad_top
        if softness is not None:
            # Without a bolus the time has no gradient: the formula would give 0 times infinity.
            bolus = softness * tops > torch.finfo(data.dtype).tiny
            weight = torch.where(bolus, grad_time / (softness * tops * sums[:, 0]), 0.0)
            inverse, at_zero = _inverse_scale(tops, softness), -weight * times
            by_top = softness * _LN2 * weight * (sums_x[:, 1] - times * sums_x[:, 0])
            at_top = grad_top - torch.where(bolus, by_top, 0.0)

        @torch.no_grad()
        def work(part: slice) -> Tensor:
            d_matrix = torch.zeros_like(matrix)
            k, grad = (scratch(name, data, n_rows, data.dtype) for name in ("k", "other"))
            for i in range(*part.indices(len(data))):
                if softness is None:
                    grad.zero_()
                else:
                    if kept is None:
                        torch.mm(matrix, data[i], out=k).sub_(tops[i]).mul_(inverse[i]).exp2_()
                    torch.addr(at_zero[i], time, weight[i], out=grad).mul_(k if kept is None else kept[i])
                grad.scatter_add_(0, index[i][None], at_top[i][None])
                d_matrix.addmm_(grad, data[i].mT)
            return d_matrix

        return sum_chunks(map_chunks(work, data, ctx.pool), matrix), None, None, None, None, None


def _inverse_scale(top: Tensor, softness: float) -> Tensor:
    """Return 1/(τ max k ln 2); very large where there is no bolus."""
    return 1 / (softness * _LN2 * top).clamp_min(torch.finfo(top.dtype).tiny)


def peak_and_times(
    matrix: Tensor,
    tiles: Tiles,
    time_s: Tensor,
    softness: float | None,
    pool: Executor | None = None,
    *,
    keep: bool = False,
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return max k, the soft argmax and the refined argmax of k(t) = P c for each voxel.

    One pass for a gradient step and for the maps of its curve.

    Parameters
    ----------
    matrix
        P, shape ``(n_rows, n_time)``; cast to the type of the tiles.
    tiles
        The tissue.
    time_s
        Times of the rows, shape ``(n_rows,)``.
    softness
        τ > 0, relative to max k; None: no soft argmax.
    pool
        As of :func:`perfcore.deconvolution.fused.peak`.
    keep
        Keep the softmax for the backward pass, in memory of this thread of the size of k(t), which takes a fifth
        off the time of both. The backward pass must come before the next call; autograd raises an error otherwise.

    Returns
    -------
    Three tensors of shape ``(n_voxels,)``: maximum in 1/s and soft argmax in seconds, differentiable in P; and the
    fractional row of :func:`perfcore.deconvolution.fused.peak_and_time`, which has no gradient.

    Raises
    ------
    ArgumentError
        The tissue has another number of time points than P has columns, or τ is not positive.
    """
    check_shapes(matrix, tiles)
    if softness is not None and not softness > 0:
        raise ArgumentError(f"softness must be positive; got {softness}.")
    kind = tiles.data.dtype
    found = _PeakAndTimes.apply(matrix.to(kind), tiles.data, time_s.to(kind), softness, keep, pool)  # type: ignore[no-untyped-call]
    top, when, row = (values.reshape(-1)[: tiles.n_voxels] for values in found)
    return top, None if softness is None else when, row


def peak_and_soft_time(
    matrix: Tensor, tiles: Tiles, time_s: Tensor, softness: float, pool: Executor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the first two of :func:`peak_and_times`."""
    top, when, _ = peak_and_times(matrix, tiles, time_s, softness, pool)
    assert when is not None
    return top, when
