r"""The fused path with the time of k(t)'s maximum, differentiable, without writing k(t) down.

With :math:`u_i = k_i/(\tau\max k)` and :math:`s = \mathrm{softmax}(u)` the soft time is :math:`t = \sum_i s_i t_i`,
as in :func:`perfcore.maps.soft_tmax`, and with its limits. The backward pass does each tile's product again.

The softmax is computed as :math:`2^x` of :math:`x_i = (k_i - \max k)/(\tau\max k\ln 2)`: the maximum is known, and
``exp2`` takes a third of the time of ``exp``.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from typing import Any, Final

import torch
from torch import Tensor

from perfcore.deconvolution.fused import Tiles, check_shapes, map_chunks, parabola, scratch, sum_chunks, vertex_row
from perfcore.errors import ArgumentError

_LN2: Final = math.log(2.0)


def _row_of(k: Tensor, top: Tensor, counting: Tensor) -> Tensor:
    """Return the row of each column's maximum, shape ``(width,)``; the mean of rows that tie.

    Count and sum of the rows at the maximum, by one product with ``counting`` (ones and row numbers, shape
    ``(2, n_rows)``): exact, and ten times as fast as ``torch.max`` with indices.
    """
    n, total = counting @ torch.eq(k, top, out=scratch("rows", k, k.shape[0], k.dtype))
    return (total / n).nan_to_num_().long()


def _powers(k: Tensor, top: Tensor, softness: float) -> Tensor:
    """Put x in the place of k, shape ``(n_rows, width)``, and return 2ˣ."""
    k.sub_(top).mul_(1 / (softness * _LN2 * top).clamp_min(torch.finfo(k.dtype).tiny))
    return torch.exp2(k, out=scratch("powers", k, k.shape[0], k.dtype))


class _PeakAndTimes(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917  (autograd passes by position)
        ctx: Any, matrix: Tensor, data: Tensor, time: Tensor, softness: float | None, pool: Executor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        n_rows = matrix.shape[0]
        tops = data.new_empty(data.shape[0], data.shape[2])
        times, slope, bend = (torch.zeros_like(tops) for _ in range(3))
        index = torch.empty(tops.shape, dtype=torch.int64, device=data.device)
        ones = torch.ones_like(time)
        counting, moments = torch.stack((ones, torch.arange(n_rows).to(time))), torch.stack((ones, time))

        @torch.no_grad()
        def work(part: slice) -> None:
            k = scratch("k", data, n_rows, data.dtype)
            for i in range(*part.indices(len(data))):
                torch.mm(matrix, data[i], out=k)
                torch.amax(k, 0, out=tops[i])
                index[i] = _row_of(k, tops[i], counting)
                if n_rows >= 3:
                    slope[i], bend[i] = parabola(k, index[i])
                if softness is not None:
                    total, moment = moments @ _powers(k, tops[i], softness)
                    torch.div(moment, total, out=times[i])

        map_chunks(work, data, pool)
        ctx.save_for_backward(matrix, data, time, tops, times, index)
        ctx.softness, ctx.pool = softness, pool
        rows = vertex_row(slope, bend, index, tops, n_rows)
        ctx.mark_non_differentiable(rows)
        return tops, times, rows

    @staticmethod
    def backward(
        ctx: Any, grad_top: Tensor, grad_time: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None, None, None]:
        matrix, data, time, tops, times, index = ctx.saved_tensors
        n_rows, softness = matrix.shape[0], ctx.softness

        @torch.no_grad()
        def work(part: slice) -> Tensor:
            d_matrix = torch.zeros_like(matrix)
            k, grad = (scratch(name, data, n_rows, data.dtype) for name in ("k", "grad"))
            for i in range(*part.indices(len(data))):
                at_top = grad_top[i]
                if softness is None:
                    grad.zero_()
                else:
                    torch.mm(matrix, data[i], out=k)
                    powers = _powers(k, tops[i], softness)
                    scale = softness * tops[i]
                    # Without a bolus the time has no gradient: the formula would give 0 times infinity.
                    bolus = scale > torch.finfo(data.dtype).tiny
                    torch.sub(time[:, None], times[i], out=grad).mul_(powers)
                    grad.mul_(torch.where(bolus, grad_time[i] / (scale * powers.sum(0)), 0.0))
                    by_top = (softness * _LN2) * torch.linalg.vecdot(grad, k, dim=0)
                    at_top = at_top - torch.where(bolus, by_top, 0.0)
                grad.scatter_add_(0, index[i][None], at_top[None])
                d_matrix.addmm_(grad, data[i].mT)
            return d_matrix

        return sum_chunks(map_chunks(work, data, ctx.pool), matrix), None, None, None, None


def peak_and_times(
    matrix: Tensor, tiles: Tiles, time_s: Tensor, softness: float | None, pool: Executor | None = None
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
    found = _PeakAndTimes.apply(matrix.to(kind), tiles.data, time_s.to(kind), softness, pool)  # type: ignore[no-untyped-call]
    top, when, row = (values.reshape(-1)[: tiles.n_voxels] for values in found)
    return top, None if softness is None else when, row


def peak_and_soft_time(
    matrix: Tensor, tiles: Tiles, time_s: Tensor, softness: float, pool: Executor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the first two of :func:`peak_and_times`."""
    top, when, _ = peak_and_times(matrix, tiles, time_s, softness, pool)
    assert when is not None
    return top, when
