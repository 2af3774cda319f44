"""Fused deconvolution: maximum of k(t) and its time for a whole volume, without storing k(t).

Tissue is held once per case as contiguous tiles of ``(n_time, 4096)``. For each tile one matrix product
goes into a buffer that stays in the cache, and the maximum over time is taken at once. The backward pass
computes the product again, because arithmetic is cheaper here than memory. One thread computes one tile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import torch
from torch import Tensor

from perfcore.errors import ArgumentError
from perfcore.runtime.threads import run_chunks

R = TypeVar("R")
WIDTH: Final = 4096
"""Voxels per tile: the product of 75 rows × 4096 float32 (1.2 MB) stays in the second-level cache."""
CHUNK: Final = 4
"""Tiles that one thread computes at a time; their number divides the work evenly and costs little to hand out."""

_local = threading.local()


def scratch(name: str, like: Tensor, n_rows: int, dtype: torch.dtype) -> Tensor:
    """Return this thread's scratch of ``(n_rows, width)``; reused from call to call."""
    store: dict[tuple[Any, ...], Tensor] = _local.__dict__.setdefault("store", {})
    key = (name, n_rows, like.shape[-1], dtype, like.device)
    if key not in store:
        if len(store) > 16:
            store.clear()
        store[key] = torch.empty(n_rows, like.shape[-1], dtype=dtype, device=like.device)
    return store[key]


@dataclass(frozen=True, eq=False)
class Tiles:
    """Tissue curves, tiled.

    Attributes
    ----------
    data
        Shape ``(n_tiles, n_time, width)``, contiguous; the last tile is padded with zeros.
    n_voxels
        Number of curves without the padding.
    """

    data: Tensor
    n_voxels: int

    @classmethod
    def from_curves(cls, tissue: Tensor, width: int = WIDTH) -> Tiles:
        """Tile curves of shape ``(n_voxels, n_time)`` (on their own device, in their own type)."""
        if tissue.ndim != 2:
            raise ArgumentError(f"Tissue has shape (n_voxels, n_time); got {tuple(tissue.shape)}.")
        n, n_time = tissue.shape
        n_tiles = -(-n // width)
        data = tissue.new_zeros(n_tiles, n_time, width)
        for i in range(n_tiles):
            part = tissue[i * width : (i + 1) * width]
            data[i, :, : part.shape[0]] = part.mT
        return cls(data, n)

    def window(self, start: int, stop: int) -> tuple[Tiles, slice]:
        """Return the tiles that cover voxels ``start:stop`` and where those lie in the result."""
        width = self.data.shape[-1]
        first, last = start // width, -(-stop // width)
        part = Tiles(self.data[first:last], min(self.n_voxels, last * width) - first * width)
        return part, slice(start - first * width, stop - first * width)


def map_chunks(
    work: Callable[[slice], R], data: Tensor, pool: Executor | None = None, size: int = CHUNK
) -> list[R]:
    """Return ``work`` of each chunk of tiles, in their order; see :func:`perfcore.runtime.threads.run_chunks`.

    Parameters
    ----------
    work
        Computes the tiles ``start:stop``.
    data
        Tiles, shape ``(n_tiles, n_time, width)``. On a device other than the CPU one chunk follows another.
    pool
        Threads that help the calling thread; default: this process' own.
    size
        Tiles in a chunk.
    """
    if data.device.type != "cpu":
        return [work(slice(start, start + size)) for start in range(0, len(data), size)]
    return run_chunks(work, len(data), size, pool)


def check_shapes(matrix: Tensor, tiles: Tiles) -> None:
    """Raise ArgumentError where the tissue has another number of time points than P has columns."""
    if matrix.shape[-1] != tiles.data.shape[1]:
        raise ArgumentError(f"The tissue has {tiles.data.shape[1]} time points; the AIF has {matrix.shape[-1]}.")


def sum_chunks(parts: list[Tensor], like: Tensor) -> Tensor:
    """Return the sum of the chunks' results in their order; zeros of the shape of `like` without any chunk."""
    total = torch.zeros_like(like)
    for part in parts:
        total += part
    return total


class _FusedPeak(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, data: Tensor, pool: Executor | None) -> Tensor:
        out = data.new_empty(data.shape[0], data.shape[2])

        @torch.no_grad()
        def work(part: slice) -> None:
            k = scratch("k", data, matrix.shape[0], data.dtype)
            for tile, peak in zip(data[part], out[part], strict=True):
                torch.mm(matrix, tile, out=k)
                torch.amax(k, 0, out=peak)

        map_chunks(work, data, pool)
        ctx.save_for_backward(matrix, data, out)
        ctx.pool = pool
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        matrix, data, out = ctx.saved_tensors
        d_data = torch.empty_like(data) if ctx.needs_input_grad[1] else None

        @torch.no_grad()
        def work(part: slice) -> Tensor:
            d_matrix = torch.zeros_like(matrix)
            k = scratch("k", data, matrix.shape[0], data.dtype)
            for i in range(*part.indices(len(data))):
                torch.mm(matrix, data[i], out=k)
                # Where two rows tie, both get the whole gradient: a set of measure zero.
                k.eq_(out[i]).mul_(grad[i])
                d_matrix.addmm_(k, data[i].mT)
                if d_data is not None:
                    torch.mm(matrix.mT, k, out=d_data[i])
            return d_matrix

        return sum_chunks(map_chunks(work, data, ctx.pool), matrix), d_data, None


def peak(matrix: Tensor, tiles: Tiles, pool: Executor | None = None) -> Tensor:
    """Return max over the rows of ``P c`` for each voxel, differentiable in P and in the tissue.

    Parameters
    ----------
    matrix
        P, shape ``(n_rows, n_time)``; cast to the type of the tiles.
    tiles
        The tissue.
    pool
        Threads that help the calling thread; default: this process' own (see :func:`map_chunks`).

    Returns
    -------
    Shape ``(n_voxels,)``, 1/s.
    """
    check_shapes(matrix, tiles)
    out: Tensor = _FusedPeak.apply(matrix.to(tiles.data.dtype), tiles.data, pool)  # type: ignore[no-untyped-call]
    return out.reshape(-1)[: tiles.n_voxels]


def _argmax(k: Tensor) -> Tensor:
    """Return the row of each column's maximum, where that is positive; any row elsewhere.

    On the CPU in float32 the row's number is written into the lowest bits of the value, so that one
    vectorised maximum returns both: four times as fast as ``torch.max`` with indices. Rows that tie
    to within 2⁻¹⁶ (2⁻¹⁵ beyond 128 rows) may be exchanged; the parabola through the neighbours hides that.
    """
    n_rows = k.shape[0]
    bits = (n_rows - 1).bit_length()
    if k.device.type != "cpu" or k.dtype != torch.float32 or bits > 8:
        return k.argmax(0)
    tagged = scratch("tagged", k, n_rows, torch.float32)
    mask = (1 << bits) - 1
    torch.bitwise_and(k.view(torch.int32), ~mask, out=tagged.view(torch.int32))
    rows = torch.arange(n_rows, dtype=torch.int32)[:, None]
    tagged.view(torch.int32).bitwise_or_(rows)
    # Negative maxima order the tag backwards: the result is an arbitrary row, never one beyond the last.
    return tagged.amax(0).view(torch.int32).bitwise_and_(mask).clamp_max_(n_rows - 1).long()


def _parabola(k: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Return half the slope and the bend of k around a row (or the inner one next to it), shape ``(n,)`` each."""
    inner = index.clamp(1, k.shape[0] - 2)
    left, mid, right = k.gather(0, torch.stack((inner - 1, inner, inner + 1)))
    return 0.5 * (left - right), left - 2 * mid + right


def vertex_row(slope: Tensor, bend: Tensor, index: Tensor, top: Tensor, n_rows: int) -> Tensor:
    """Return the vertices of parabolas around rows, all of one shape."""
    shift = torch.where(bend < 0, slope / bend, 0.0).clamp_(-0.5, 0.5)
    inside = (index > 0) & (index < n_rows - 1)
    row = torch.where(inside, index + shift, index.to(shift.dtype))
    return torch.where(top > 0, row, torch.nan)


def refined_row(k: Tensor, index: Tensor, top: Tensor) -> Tensor:
    """Return the vertex of the parabola through a maximum and its neighbours.

    Parameters
    ----------
    k
        Shape ``(n_rows, n)``.
    index, top
        Row and value of each column's maximum, shape ``(n,)``.

    Returns
    -------
    Shape ``(n,)``: fractional rows; the row itself at either end; NaN where the maximum is not positive.
    """
    if k.shape[0] < 3:
        return torch.where(top > 0, index.to(k.dtype), torch.nan)
    return vertex_row(*_parabola(k, index), index, top, k.shape[0])


@torch.no_grad()
def peak_and_time(matrix: Tensor, tiles: Tiles) -> tuple[Tensor, Tensor]:
    """Return the maximum of ``P c`` and its row, refined by a parabola through the neighbours.

    Returns
    -------
    Two tensors of shape ``(n_voxels,)``: the sampled maximum in 1/s, and the fractional row
    (NaN where the maximum is not positive).
    """
    check_shapes(matrix, tiles)
    data, matrix = tiles.data, matrix.detach().to(tiles.data.dtype).contiguous()
    n_rows, shape = matrix.shape[0], (data.shape[0], data.shape[2])
    tops = data.new_empty(shape)
    index = torch.empty(shape, dtype=torch.int64, device=data.device)
    slope, bend = torch.zeros_like(tops), torch.zeros_like(tops)

    @torch.no_grad()
    def work(part: slice) -> None:
        k = scratch("k", data, n_rows, data.dtype)
        for i in range(*part.indices(len(data))):
            torch.mm(matrix, data[i], out=k)
            torch.amax(k, 0, out=tops[i])
            index[i] = _argmax(k)
            if n_rows >= 3:
                slope[i], bend[i] = _parabola(k, index[i])

    map_chunks(work, data)
    rows = vertex_row(slope, bend, index, tops, n_rows)  # of all tiles at once: many small operations fewer
    return tops.reshape(-1)[: tiles.n_voxels], rows.reshape(-1)[: tiles.n_voxels]


@torch.no_grad()
def peak_and_late(matrix: Tensor, tiles: Tiles, row: float, pool: Executor | None = None) -> tuple[Tensor, Tensor]:
    """Return the maximum of ``P c`` and whether its refined row lies beyond a row.

    What :func:`peak_and_time` compared with ``row`` would return, but for ties, at about the cost of :func:`peak`:
    only the maxima before, at and beyond the nearest row are needed, not the row of the maximum itself.

    Parameters
    ----------
    matrix, tiles, pool
        As in :func:`peak`.
    row
        Fractional row.

    Returns
    -------
    Two tensors of shape ``(n_voxels,)``: the sampled maximum in 1/s, and a mask (False where the maximum is not
    positive).
    """
    check_shapes(matrix, tiles)
    data, matrix = tiles.data, matrix.detach().to(tiles.data.dtype).contiguous()
    n_rows, shape = matrix.shape[0], (data.shape[0], data.shape[2])
    at = min(max(round(row), 0), n_rows - 1)
    inner = 0 < at < n_rows - 1
    tops, late = data.new_empty(shape), torch.empty(shape, dtype=torch.bool, device=data.device)

    @torch.no_grad()
    def work(part: slice) -> None:
        k = scratch("k", data, n_rows, data.dtype)
        for i in range(*part.indices(len(data))):
            torch.mm(matrix, data[i], out=k)
            here = k[at]
            before = k[:at].amax(0) if at > 0 else here
            beyond = k[at + 1 :].amax(0) if at + 1 < n_rows else here
            vertex = torch.zeros_like(here)
            if inner:
                left, right = k[at - 1], k[at + 1]
                bend = left - 2 * here + right
                vertex = torch.where(bend < 0, 0.5 * (left - right) / bend, 0.0).clamp_(-0.5, 0.5)
            others = torch.maximum(before, beyond)
            torch.maximum(others, here, out=tops[i])
            # A maximum at this row is beyond by its vertex, one at another row by the row.
            late[i] = torch.where(here >= others, at + vertex > row, beyond > before) & (tops[i] > 0)

    map_chunks(work, data, pool)
    return tops.reshape(-1)[: tiles.n_voxels], late.reshape(-1)[: tiles.n_voxels]
