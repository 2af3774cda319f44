r"""Truncation chosen per voxel by the oscillation index (Wu 2003, doi:10.1002/mrm.10522).

For each voxel the least truncation is taken at which

.. math:: O = \frac{1}{L}\,\frac{1}{\max|k|}\sum_i |k_i - 2k_{i-1} + k_{i-2}|

over the L rows of the solution is below the limit. Where no truncation is smooth enough, the strongest
(the largest singular value alone) is kept.

Trying 60 truncations of 180,000 voxels one after the other is what makes published implementations take
minutes. Here a bound excludes most of them. In the circulant form the solution is a sum of sinusoids of
amplitudes :math:`A_\omega`, its second difference one of amplitudes :math:`B_\omega`, and

.. math:: \sum|d_i| \ge \max\Big(\tfrac{L}{2}\max_\omega B_\omega,\;
          \frac{\sum_\omega \tfrac{L}{2} B_\omega^2}{\sum_\omega B_\omega}\Big), \qquad
          \max|k| \le \min\Big(\sum_\omega A_\omega,\; \|k\|_2\Big),

so that a truncation whose bound is above the limit need not be computed. The two sums of a computed truncation
bound those of its neighbours, which excludes more. The result is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from perfcore.deconvolution.forward import causal_matrix, circulant_kernel, circulant_matrix
from perfcore.deconvolution.fused import Tiles, map_chunks, refined_row
from perfcore.deconvolution.inverse import n_lead
from perfcore.errors import ArgumentError
from perfcore.settings import Settings

MARGIN: Final = 1 + 1e-3
BATCH: Final = 4096
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
    """Decompose the AIF's forward matrix, float64.

    Components below 1e-6 of the largest singular value are left out. Without them an untruncated causal
    solution explodes at the scan's end: one huge value, whose index is as small as 1/L, reads as smooth.
    """
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
    # The bound takes each group for one sinusoid; an AIF of a few lone samples can have more than pairs.
    if circulant and int(torch.bincount(group).max()) <= 2:
        curved = (v.roll(1, 0) - 2 * v + v.roll(-1, 0)).norm(dim=0)
        bend = torch.zeros(int(group[-1]) + 1, dtype=s.dtype, device=s.device).index_copy(0, group, curved)
    return Truncations((u.mT / s[:, None])[:, :n], v, group, bend, n_lead(n, dt_s) if circulant else 0)


def oscillation_index(k: Tensor) -> Tensor:
    """Return O of solutions ``(..., n_solution)`` → ``(...)``."""
    bend, top = _bend_and_top(k.movedim(-1, 0))
    return bend / (k.shape[-1] * top)


def _bend_and_top(k: Tensor) -> tuple[Tensor, Tensor]:
    """Return Σ|second difference| and max|k| of ``(n_solution, ...)``: the reductions run along the voxels."""
    bend = k[2:] + k[:-2]
    bend.sub_(k[1:-1], alpha=2)
    top = torch.maximum(k.amax(0), -k.amin(0)).clamp_min_(torch.finfo(k.dtype).tiny)
    return bend.abs_().sum(0), top


@dataclass(frozen=True, eq=False)
class _Bounds:
    """Bounds on every truncation of every voxel before it is computed, shape ``(n, n_cutoffs)``.

    Attributes
    ----------
    open
        The cut-off's number (int16) where the bound does not exclude it, else 0.
    reach
        Σ of the amplitudes kept: how much max|k| can differ between two truncations. None: nothing is known.
    energy
        L times the energy of the second difference of the kept components: bounds (Σ|d|)² by Cauchy–Schwarz.
    """

    open: Tensor
    reach: Tensor | None = None
    energy: Tensor | None = None

    def take(self, rows: Tensor) -> _Bounds:
        """Return those of some voxels."""
        if self.reach is None or self.energy is None:
            return _Bounds(self.open[rows])
        return _Bounds(self.open[rows], self.reach[rows], self.energy[rows])

    def next_below(self, now: Tensor, bend: Tensor, top: Tensor, slope: float) -> Tensor:
        """Return the next cut-off to look at below ``now``, whose Σ|d| and max|k| have been found.

        With ``slope`` = limit·L, a truncation is excluded where its least Σ|d| is above slope times its
        largest max|k|: where bend − √ΔE > slope·(top + ΔA).
        """
        at = now[:, None]
        ahead = self.open * (torch.arange(self.open.shape[1], dtype=torch.int16, device=now.device) < at)
        if self.reach is not None and self.energy is not None:
            room = torch.sub(self.reach, self.reach.gather(1, at)).mul_(slope * MARGIN)
            room += (bend - slope * MARGIN * top)[:, None]
            ahead *= room.clamp_min_(0).square_() <= self.energy.gather(1, at) - self.energy
        return ahead.amax(1).long()


def _bounds(components: Tensor, parts: Truncations, limit: float) -> _Bounds:
    """Return the bounds of voxels from their components, shape ``(n, n_components)``."""
    numbers = torch.arange(parts.n_cutoffs, device=components.device)
    if parts.bend is None:
        return _Bounds(numbers.to(torch.int16).repeat(components.shape[0], 1))
    n_rows = parts.synthesis.shape[0]
    membership = (parts.group[:, None] == numbers).to(components)
    power = components**2 @ membership
    # A pair of orthonormal sinusoids of power p has amplitude √(2p/L); a lone one (ω = 0 or N) √(p/L).
    pairs = membership.sum(0).clamp(1, 2)
    amplitude = (power * (pairs / n_rows)).sqrt_()
    reach = amplitude.cumsum(1)
    curved = amplitude.mul_(parts.bend)
    total = curved.cumsum(1)
    energy = (power * parts.bend**2).cumsum(1)
    # The least truncation's strongest sinusoid is among the last ones kept; any kept one gives a bound.
    strongest = torch.maximum(curved * (n_rows / pairs), energy / total.clamp_min(torch.finfo(power.dtype).tiny))
    least = strongest.sub_(total, alpha=WRAPPED_ROWS)
    most = torch.minimum(reach, power.cumsum(1).sqrt_())
    # A margin for rounding keeps the bound on the safe side.
    is_open = least <= limit * n_rows * MARGIN * most
    return _Bounds(is_open * numbers.to(torch.int16), reach, energy * n_rows)


def choose_cutoffs(components: Tensor, parts: Truncations, limit: float) -> Tensor:
    """Return each voxel's least truncation with an index below the limit: ``(n, n_components)`` → ``(n,)``."""
    bounds = _bounds(components, parts, limit)
    chosen = bounds.open.amax(1).long()
    # Voxels with similar first cut-offs share a batch: the product ends at the highest cut-off of the batch.
    for place in torch.split(chosen.argsort(descending=True), BATCH):
        chosen[place] = _settled(chosen[place], components[place], bounds.take(place), parts, limit)
    return chosen


def _settled(now: Tensor, part: Tensor, bounds: _Bounds, parts: Truncations, limit: float) -> Tensor:
    """Return the cut-offs ``now``, lowered until their indices are below the limit."""
    slope = limit * parts.synthesis.shape[0]
    numbers = torch.arange(parts.n_cutoffs, device=now.device)
    keeps = (parts.group <= numbers[:, None]).to(part)
    chosen, place = now.clone(), torch.arange(now.numel(), device=now.device)
    while place.numel():
        n_used = int((parts.group <= now.max()).sum())
        kept = keeps[:, :n_used][now].mul_(part[:, :n_used])
        bend, top = _bend_and_top(parts.synthesis[:, :n_used] @ kept.mT)
        rough = (bend >= slope * top) & (now > 0)
        now = torch.where(rough, bounds.next_below(now, bend, top, slope), now)
        chosen[place] = now
        rough &= now > 0
        # Finished voxels stay in the batch until there are enough of them to make repacking worthwhile.
        if int(rough.sum()) < 0.8 * place.numel():
            left = torch.nonzero(rough)[:, 0]
            place, now, part, bounds = place[left], now[left], part[left], bounds.take(left)
    return chosen


@dataclass(frozen=True, eq=False)
class OscillationOperator:
    """The deconvolution of one AIF with a truncation per voxel, ready to apply; not one linear map.

    Attributes
    ----------
    truncations
        All truncations, float64.
    n_time
        Time points of the AIF, and of the tissue that it is applied to.
    limit
        Of the oscillation index, ``lambda_rel`` of the settings.
    start_s
        Time of the first row: −15 s (circulant) or 0 (causal).
    dt_s
        Time step of the rows in seconds.
    """

    truncations: Truncations
    n_time: int
    limit: float
    start_s: float
    dt_s: float

    @classmethod
    def build(cls, aif: Tensor, dt_s: float, settings: Settings) -> OscillationOperator:
        """Decompose an AIF of shape ``(n_time,)``.

        Raises
        ------
        ArgumentError
            The AIF is too short, not finite or without a positive bolus.
        """
        parts = truncations(aif, dt_s, settings)
        return cls(parts, aif.shape[-1], settings.lam, -parts.lead * dt_s, dt_s)

    def _parts_for(self, tissue: Tensor, n_time: int) -> Truncations:
        if n_time != self.n_time:
            raise ArgumentError(f"The tissue has {n_time} time points; the AIF has {self.n_time}.")
        return self.truncations.to(tissue)

    def apply(self, tissue: Tensor) -> Tensor:
        """Return k(t) of each voxel at its own truncation.

        Parameters
        ----------
        tissue
            Shape ``(n_voxels, n_time)``.

        Returns
        -------
        Shape ``(n_voxels, n_rows)`` in 1/s; rows as in `perfcore.deconvolution.inverse.build_operator`.
        """
        return _solve(tissue, self._parts_for(tissue, tissue.shape[-1]), self.limit)

    @torch.no_grad()
    def peak_and_time(self, tiles: Tiles) -> tuple[Tensor, Tensor]:
        """Return what `perfcore.deconvolution.fused.peak_and_time` returns, with a truncation per voxel."""
        parts = self._parts_for(tiles.data, tiles.data.shape[1])

        data = tiles.data
        tops, rows = (data.new_empty(data.shape[0], data.shape[2]) for _ in range(2))

        @torch.no_grad()
        def work(part: slice) -> None:
            for tile, top, row in zip(data[part], tops[part], rows[part], strict=True):
                k = _solve(tile.mT, parts, self.limit).mT
                largest, index = k.max(0)
                top.copy_(largest)
                row.copy_(refined_row(k, index, largest))

        map_chunks(work, data, size=1)
        n = tiles.n_voxels
        return tops.reshape(-1)[:n], rows.reshape(-1)[:n]


@torch.no_grad()
def _solve(tissue: Tensor, parts: Truncations, limit: float) -> Tensor:
    """Return k(t) ``(n, n_rows)`` of tissue ``(n, n_time)``, rows from the earliest time on."""
    components = tissue @ parts.analysis.mT
    cutoff = choose_cutoffs(components, parts, limit)
    k = (components * (parts.group <= cutoff[:, None])) @ parts.synthesis.mT
    n = tissue.shape[1]
    return torch.cat([k[:, k.shape[1] - parts.lead :], k[:, :n]], 1) if parts.lead else k
