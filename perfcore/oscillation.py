r"""Truncation chosen per voxel by the oscillation index (Wu 2003, doi:10.1002/mrm.10522).

For each voxel the least truncation is taken at which

.. math:: O = \frac{1}{L}\,\frac{1}{\max|k|}\sum_i |k_i - 2k_{i-1} + k_{i-2}|

over the L rows of the solution is below the limit. Where no truncation is smooth enough, the strongest
(the largest singular value alone) is kept.

Trying 60 truncations of 180,000 voxels one after the other is what makes published implementations take
minutes. Here a bound spares most of them. In the circulant form the solution is a sum of sinusoids of
amplitudes :math:`A_\omega`, its second difference one of amplitudes :math:`B_\omega`, and

.. math:: \sum|d_i| \ge \max\Big(\tfrac{L}{2}\max_\omega B_\omega,\;
          \frac{\sum_\omega \tfrac{L}{2} B_\omega^2}{\sum_\omega B_\omega}\Big), \qquad
          \max|k| \le \min\Big(\sum_\omega A_\omega,\; \|k\|_2\Big),

so that a truncation whose bound is above the limit need not be looked at. The result is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from perfcore.convolution import causal_matrix, circulant_kernel, circulant_matrix
from perfcore.deconvolution import n_lead
from perfcore.errors import ArgumentError
from perfcore.settings import Settings
from perfcore.tiles import Tiles, refined_row

WRAPPED_ROWS: Final = 2
"""Second differences across the seam of a circulant solution: in the bound's sum, not in the index."""


@dataclass(frozen=True, eq=False)
class Truncations:
    """All truncations of one forward matrix, from the strongest (0) to none (n_cutoffs − 1).

    Attributes
    ----------
    analysis
        Shape ``(n_components, n_time)``: tissue curve to components of the solution.
    synthesis
        Shape ``(n_solution, n_components)``, orthonormal columns, by descending singular value.
    group
        Shape ``(n_components,)``: the cut-off from which on a component is kept. Equal singular values
        (the pairs of a circulant matrix) go together.
    bend
        Shape ``(n_cutoffs,)``: how much the cyclic second difference amplifies a group; None for the causal
        form, whose components are no sinusoids.
    lead
        Rows at negative times (the last ones of a circulant solution).
    """

    analysis: Tensor
    synthesis: Tensor
    group: Tensor
    bend: Tensor | None
    lead: int

    @property
    def n_cutoffs(self) -> int:
        """Number of truncations."""
        return int(self.group[-1]) + 1

    def to(self, like: Tensor) -> Truncations:
        """Return a copy in another tensor's type and on its device."""
        bend = None if self.bend is None else self.bend.to(like)
        return Truncations(
            self.analysis.to(like), self.synthesis.to(like), self.group.to(like.device), bend, self.lead
        )


def truncations(aif: Tensor, dt_s: float, settings: Settings) -> Truncations:
    """Decompose the AIF's forward matrix, float64; components below 1e-6 of the largest are left out."""
    aif = aif.to(torch.float64)
    n = aif.shape[-1]
    circulant = settings.deconvolution == "circulant"
    if circulant:
        forward = circulant_matrix(circulant_kernel(aif, dt_s, settings.discretization))
    else:
        forward = causal_matrix(aif, dt_s, settings.discretization)
    u, s, vh = torch.linalg.svd(forward)
    kept = int((s > 1e-6 * s[0]).sum())
    u, s, v = u[:, :kept], s[:kept], vh[:kept].mT
    steps = torch.zeros(kept, dtype=torch.long, device=s.device)
    steps[1:] = (s[:-1] - s[1:]) > 1e-9 * s[0]
    group = steps.cumsum(0)
    bend = None
    if circulant:
        curved = (v.roll(1, 0) - 2 * v + v.roll(-1, 0)).norm(dim=0)
        bend = torch.zeros(int(group[-1]) + 1, dtype=s.dtype, device=s.device).index_copy(0, group, curved)
    return Truncations((u.mT / s[:, None])[:, :n], v, group, bend, n_lead(n, dt_s) if circulant else 0)


def oscillation_index(k: Tensor) -> Tensor:
    """Return O of solutions ``(..., n_solution)`` → ``(...)``."""
    return _index_of_columns(k.movedim(-1, 0))


def _index_of_columns(k: Tensor) -> Tensor:
    """Return O of solutions ``(n_solution, ...)``: reductions over the first axis run along the voxels."""
    bend = k[2:] + k[:-2]
    bend.sub_(k[1:-1], alpha=2)
    top = torch.maximum(k.amax(0), -k.amin(0)).clamp_min_(torch.finfo(k.dtype).tiny)
    index: Tensor = bend.abs_().sum(0) / (k.shape[0] * top)
    return index


def _possible(components: Tensor, parts: Truncations, limit: float) -> Tensor:
    """Return, for each voxel and cut-off, the least truncation up to it that the bound does not exclude.

    ``components`` has shape ``(n, n_components)``; the result ``(n, n_cutoffs)``.
    """
    numbers = torch.arange(parts.n_cutoffs, device=components.device)
    if parts.bend is None:
        return numbers.expand(components.shape[0], -1)
    n_rows = parts.synthesis.shape[0]
    membership = (parts.group[:, None] == numbers).to(components)
    power = components**2 @ membership
    # A pair of orthonormal sinusoids of power p has amplitude √(2p/L); a lone one (ω = 0 or N) √(p/L).
    pairs = membership.sum(0).clamp(1, 2)
    amplitude = (power * (pairs / n_rows)).sqrt_()
    curved = amplitude * parts.bend
    total = curved.cumsum(1)
    energy = (power * parts.bend**2).cumsum(1)
    tiny = torch.finfo(power.dtype).tiny
    strongest = (curved * (n_rows / pairs)).cummax(1).values
    bound = torch.maximum(strongest, energy / total.clamp_min(tiny)) - WRAPPED_ROWS * total
    top = torch.minimum(amplitude.cumsum(1), power.cumsum(1).sqrt_())
    # A margin for rounding keeps the bound on the safe side.
    open_ = bound <= limit * n_rows * top * (1 + 1e-3)
    possible: Tensor = torch.where(open_, numbers, 0).cummax(1).values
    return possible


def choose_cutoffs(components: Tensor, parts: Truncations, limit: float) -> Tensor:
    """Return each voxel's least truncation with an index below the limit: ``(n, n_components)`` → ``(n,)``."""
    possible = _possible(components, parts, limit)
    chosen = possible[:, -1].clone()
    # What is still open is worked on together, and packed together when a quarter of it has been settled.
    place = torch.nonzero(chosen)[:, 0]
    now, part, options = chosen[place], components[place], possible[place]
    while place.numel():
        n_used = int((parts.group <= now.max()).sum())
        kept = part[:, :n_used] * (parts.group[:n_used] <= now[:, None])
        rough = _index_of_columns(parts.synthesis[:, :n_used] @ kept.mT) >= limit
        now = torch.where(rough & (now > 0), options.gather(1, (now - 1).clamp_min(0)[:, None])[:, 0], now)
        pending = rough & (now > 0)
        n_pending = int(pending.sum())
        if n_pending <= 0.75 * place.numel():
            chosen[place] = now
            left = torch.nonzero(pending)[:, 0]
            place, part, options, now = place[left], part[left], options[left], now[left]
    return chosen


def _solve(tissue: Tensor, parts: Truncations, limit: float) -> Tensor:
    """Return k(t) ``(n, n_rows)`` of tissue ``(n, n_time)``, rows from the earliest time on."""
    components = tissue @ parts.analysis.mT
    cutoff = choose_cutoffs(components, parts, limit)
    k = (components * (parts.group <= cutoff[:, None])) @ parts.synthesis.mT
    n = tissue.shape[1]
    return torch.cat([k[:, k.shape[1] - parts.lead :], k[:, :n]], 1) if parts.lead else k


@torch.no_grad()
def solve(aif: Tensor, tissue: Tensor, dt_s: float, settings: Settings) -> Tensor:
    """Return k(t) of each voxel at its own truncation.

    Parameters
    ----------
    aif
        Shape ``(n_time,)``.
    tissue
        Shape ``(n_voxels, n_time)``.
    dt_s
        Time step in seconds.
    settings
        ``lambda_rel`` is the limit of the index.

    Returns
    -------
    Shape ``(n_voxels, n_rows)`` in 1/s; rows as in `perfcore.deconvolution.build_operator`.
    """
    if tissue.shape[-1] != aif.shape[-1]:
        raise ArgumentError(f"The tissue has {tissue.shape[-1]} time points; the AIF has {aif.shape[-1]}.")
    parts = truncations(aif, dt_s, settings).to(tissue)
    return _solve(tissue, parts, settings.lam)


@torch.no_grad()
def peak_and_time(aif: Tensor, tiles: Tiles, dt_s: float, settings: Settings) -> tuple[Tensor, Tensor]:
    """Return what `perfcore.tiles.peak_and_time` returns, with a truncation per voxel."""
    parts = truncations(aif, dt_s, settings).to(tiles.data)
    tops, rows = [], []
    for tile in tiles.data:
        k = _solve(tile.mT, parts, settings.lam).mT
        top, index = k.max(0)
        tops.append(top)
        rows.append(refined_row(k, index, top))
    return torch.cat(tops)[: tiles.n_voxels], torch.cat(rows)[: tiles.n_voxels]
