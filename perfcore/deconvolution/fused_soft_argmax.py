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

from perfcore.deconvolution.fused import Tiles, check_shapes, map_chunks, scratch, sum_chunks, vertex_row
from perfcore.errors import ArgumentError

_LN2: Final = math.log(2.0)


def _powers(k: Tensor, top: Tensor, inverse: Tensor) -> Tensor:
    """Put x in the place of k, shape ``(n_rows, width)``, and return 2ˣ; ``inverse`` is that of `_inverse_scale`."""
    k.sub_(top).mul_(inverse)
    return torch.exp2(k, out=scratch("powers", k, k.shape[0], k.dtype))


def _inverse_scale(top: Tensor, softness: float) -> Tensor:
    """Return 1/(τ max k ln 2); very large where there is no bolus."""
    return 1 / (softness * _LN2 * top).clamp_min(torch.finfo(top.dtype).tiny)


class _PeakAndTimes(torch.autograd.Function):
    # What needs no row of k is done for all tiles at once: many small operations fewer.

    @staticmethod
    def forward(  # noqa: PLR0917  (autograd passes by position)
        ctx: Any, matrix: Tensor, data: Tensor, time: Tensor, softness: float | None, pool: Executor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        n_rows, shape = matrix.shape[0], (data.shape[0], data.shape[2])
        tops = data.new_empty(shape)
        index = torch.empty(shape, dtype=torch.int64, device=data.device)
        moments = data.new_ones(shape[0], 2, shape[1])  # sums of 2ˣ and of t 2ˣ
        near = data.new_zeros(shape[0], 3, shape[1])  # the maximum and the rows beside it, or the inner ones at an end
        row = torch.arange(n_rows, device=data.device)
        counting = torch.stack((torch.ones_like(time), row.to(time)))
        summing = torch.stack((torch.ones_like(time), time))
        beside = torch.arange(-1, 2, device=data.device)[:, None]

        @torch.no_grad()
        def work(part: slice) -> None:
            k, is_top = (scratch(name, data, n_rows, data.dtype) for name in ("k", "is top"))
            for i in range(*part.indices(len(data))):
                torch.mm(matrix, data[i], out=k)
                top = torch.amax(k, 0, out=tops[i])
                # The row of the maximum (the mean of rows that tie), exact, in a tenth of the time of torch.max.
                n, total = counting @ torch.eq(k, top, out=is_top)
                index[i] = total.div_(n)
                if n_rows >= 3:
                    torch.gather(k, 0, index[i].clamp(1, n_rows - 2) + beside, out=near[i])
                if softness is not None:
                    torch.mm(summing, _powers(k, top, _inverse_scale(top, softness)), out=moments[i])

        map_chunks(work, data, pool)
        total, moment = moments.unbind(1)
        times = moment / total
        index.clamp_(0, n_rows - 1)  # NaN has no row
        ctx.save_for_backward(matrix, data, time, tops, times, total, index)
        ctx.softness, ctx.pool = softness, pool
        left, middle, right = near.unbind(1)
        rows = vertex_row(0.5 * (left - right), left - 2 * middle + right, index, tops, n_rows)
        ctx.mark_non_differentiable(rows)
        return tops, times, rows

    @staticmethod
    def backward(
        ctx: Any, grad_top: Tensor, grad_time: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None, None, None]:
        matrix, data, time, tops, times, total, index = ctx.saved_tensors
        n_rows, softness = matrix.shape[0], ctx.softness
        if softness is not None:
            # Without a bolus the time has no gradient: the formula would give 0 times infinity.
            bolus = softness * tops > torch.finfo(data.dtype).tiny
            weight = torch.where(bolus, grad_time / (softness * tops * total), 0.0)
            centre, by_top = -weight * times, bolus.to(data.dtype) * (-softness * _LN2)
            inverse = _inverse_scale(tops, softness)

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
                    powers = _powers(k, tops[i], inverse[i])
                    torch.addr(centre[i], time, weight[i], out=grad).mul_(powers)
                    at_top = torch.addcmul(at_top, by_top[i], torch.linalg.vecdot(grad, k, dim=0))
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
