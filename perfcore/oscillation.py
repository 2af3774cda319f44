r"""Truncation chosen per voxel by the oscillation index (Wu 2003, doi:10.1002/mrm.10522).

For each voxel the least truncation is taken at which

.. math:: O = \frac{1}{L}\,\frac{1}{\max|k|}\sum_i |k_i - 2k_{i-1} + k_{i-2}|

over the L rows of the solution is below the limit. Where no truncation is smooth enough, the strongest
(the largest singular value alone) is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from perfcore.convolution import causal_matrix, circulant_kernel, circulant_matrix
from perfcore.deconvolution import n_lead
from perfcore.errors import ArgumentError
from perfcore.settings import Settings
from perfcore.tiles import Tiles, refined_row


@dataclass(frozen=True, eq=False)
class TruncationBank:
    """All truncations of one forward matrix, from the strongest to none.

    Attributes
    ----------
    matrices
        Shape ``(n_cutoffs, n_solution, n_time)``, float64; cut-off j keeps j+1 groups of singular values.
    lead
        Rows at negative times (the last ones of a circulant solution).
    """

    matrices: Tensor
    lead: int


def truncation_bank(aif: Tensor, dt_s: float, settings: Settings) -> TruncationBank:
    """Build every truncated inverse of the AIF's forward matrix.

    Equal singular values (the pairs of a circulant matrix) go together.
    """
    aif = aif.to(torch.float64)
    n = aif.shape[-1]
    if settings.deconvolution == "causal":
        u, s, vh = torch.linalg.svd(causal_matrix(aif, dt_s, settings.discretization))
        lead = 0
    else:
        u, s, vh = torch.linalg.svd(circulant_matrix(circulant_kernel(aif, dt_s, settings.discretization)))
        lead = n_lead(n, dt_s)
    kept = int((s > 1e-6 * s[0]).sum())
    new = torch.ones(kept, dtype=torch.bool)
    new[1:] = (s[: kept - 1] - s[1:kept]).cpu() > 1e-9 * float(s[0])
    ends = torch.cat([torch.nonzero(new)[1:, 0], torch.tensor([kept])])
    terms = vh[:kept, :, None] * (u.mT[:kept, None, :n] / s[:kept, None, None])
    return TruncationBank(terms.cumsum(0)[ends - 1], lead)


def oscillation_index(k: Tensor) -> Tensor:
    """Return O of solutions ``(..., n_solution)`` → ``(...)``."""
    bend = k[..., 2:] - 2 * k[..., 1:-1] + k[..., :-2]
    return bend.abs().sum(-1) / (k.shape[-1] * k.abs().amax(-1).clamp_min(torch.finfo(k.dtype).tiny))


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
    bank = truncation_bank(aif.to(tissue.device), dt_s, settings)
    n = aif.shape[-1]
    result = tissue.new_empty(tissue.shape[0], bank.lead + n)
    pending = torch.arange(tissue.shape[0], device=tissue.device)
    for j in range(bank.matrices.shape[0] - 1, -1, -1):
        k = tissue[pending] @ bank.matrices[j].to(tissue.dtype).mT
        smooth = oscillation_index(k) < settings.lam if j else torch.ones_like(pending, dtype=torch.bool)
        done = k[smooth]
        if bank.lead:
            done = torch.cat([done[:, -bank.lead :], done[:, :n]], dim=1)
        result[pending[smooth]] = done
        pending = pending[~smooth]
        if pending.numel() == 0:
            break
    return result


def peak_and_time(aif: Tensor, tiles: Tiles, dt_s: float, settings: Settings) -> tuple[Tensor, Tensor]:
    """Return what `perfcore.tiles.peak_and_time` returns, with a truncation per voxel."""
    tops, rows = [], []
    for tile in tiles.data:
        k = solve(aif, tile.mT, dt_s, settings)
        top, index = k.max(1)
        tops.append(top)
        rows.append(refined_row(k.mT, index, top))
    return torch.cat(tops)[: tiles.n_voxels], torch.cat(rows)[: tiles.n_voxels]
