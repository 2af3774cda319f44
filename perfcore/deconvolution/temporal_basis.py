"""A temporal basis for previews: smoothed curves live in fewer dimensions than they have frames.

The basis is the tissue's own (principal components of its curves, uncentred). Projected on q of them, a
volume needs q/n_time of the arithmetic. It pays only after temporal smoothing, so it is checked against the
full path on the open case and dropped where its error is too large. P's own singular vectors are no
substitute: dropping its small ones drops the low frequencies that carry the signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from perfcore.deconvolution.fused import Tiles, peak
from perfcore.errors import ArgumentError

MAX_PREVIEW_ERROR: Final = 1e-3
"""A basis whose mean relative error of max k is above this is not used."""


@dataclass(frozen=True, eq=False)
class TemporalBasis:
    """Tissue in a temporal basis.

    Attributes
    ----------
    vectors
        Shape ``(q, n_time)``, orthonormal rows.
    tiles
        The coefficients, tiled: ``n_time`` of the tiles is q.
    """

    vectors: Tensor
    tiles: Tiles

    @classmethod
    def from_tissue(cls, tissue: Tiles, q: int) -> TemporalBasis:
        """Project tissue on its first q principal curves.

        Raises
        ------
        ArgumentError
            q is not between 1 and the number of frames.
        """
        n_time = tissue.data.shape[1]
        if not 1 <= q <= n_time:
            raise ArgumentError(f"A temporal basis has between 1 and {n_time} vectors; got {q}.")
        gram = tissue.data.new_zeros(n_time, n_time, dtype=torch.float64)
        for tile in tissue.data:
            gram += (tile @ tile.mT).to(torch.float64)
        vectors = torch.linalg.eigh(gram).eigenvectors[:, -q:].mT.to(tissue.data.dtype)
        return cls(vectors, Tiles(vectors @ tissue.data, tissue.n_voxels))

    @property
    def data(self) -> Tensor:
        """The tiled coefficients, shape ``(n_tiles, q, width)``."""
        return self.tiles.data

    @property
    def n_voxels(self) -> int:
        """Number of curves."""
        return self.tiles.n_voxels

    def project(self, tissue: Tiles) -> TemporalBasis:
        """Return other tissue of the same case in the same basis."""
        return TemporalBasis(self.vectors, Tiles(self.vectors @ tissue.data, tissue.n_voxels))

    def operator(self, matrix: Tensor) -> Tensor:
        """Return P for the coefficients: ``(n_rows, n_time)`` → ``(n_rows, q)``."""
        return matrix.to(self.vectors.dtype) @ self.vectors.mT

    def window(self, start: int, stop: int) -> tuple[TemporalBasis, slice]:
        """Return the part that covers voxels ``start:stop``; see `perfcore.deconvolution.fused.Tiles.window`."""
        part, inside = self.tiles.window(start, stop)
        return TemporalBasis(self.vectors, part), inside

    def peak(self, matrix: Tensor) -> Tensor:
        """Return max over time of ``P c``, shape ``(n_voxels,)``, differentiable in P."""
        return peak(self.operator(matrix), self.tiles)

    def mean_error(self, matrix: Tensor, tissue: Tiles) -> float:
        """Return the mean relative error of max k against the full path, over voxels with flow."""
        full = peak(matrix.detach(), tissue)
        flow = full > 0.02 * full.max()
        error = ((self.peak(matrix.detach()) - full).abs() / full)[flow]
        return float(error.mean())


def checked_basis(tissue: Tiles, matrix: Tensor, q: int = 32) -> tuple[TemporalBasis | None, float]:
    """Return a basis and its error on this case, or None and the error where it is above the limit."""
    basis = TemporalBasis.from_tissue(tissue, min(q, tissue.data.shape[1]))
    error = basis.mean_error(matrix, tissue)
    return (basis if error <= MAX_PREVIEW_ERROR else None), error
