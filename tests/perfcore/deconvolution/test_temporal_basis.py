"""The temporal basis: exact where it spans the data, checked where it does not, differentiable."""

from __future__ import annotations

import pytest
import torch

from perfcore.benchmark import synthetic_case
from perfcore.deconvolution.fused import Tiles, peak
from perfcore.deconvolution.inverse import build_operator
from perfcore.deconvolution.temporal_basis import MAX_PREVIEW_ERROR, TemporalBasis, checked_basis
from perfcore.errors import ArgumentError
from perfcore.settings import Settings

AIF, TISSUE = synthetic_case(9000, 60)
MATRIX = build_operator(AIF, 1.0, Settings()).matrix


def test_low_rank_tissue_is_reconstructed_exactly() -> None:
    generator = torch.Generator().manual_seed(1)
    low = torch.rand(5000, 5, generator=generator, dtype=torch.float64) @ TISSUE[:5].double()
    basis = TemporalBasis.from_tissue(Tiles.from_curves(low), 5)
    full = peak(MATRIX, Tiles.from_curves(low))
    torch.testing.assert_close(basis.peak(MATRIX), full, rtol=1e-9, atol=1e-12)
    identity = torch.eye(5, dtype=torch.float64)
    torch.testing.assert_close(basis.vectors @ basis.vectors.mT, identity, rtol=0, atol=1e-12)


def test_basis_is_used_for_smoothed_tissue_only() -> None:
    basis, error = checked_basis(Tiles.from_curves(TISSUE), MATRIX)
    assert basis is not None
    assert 0 < error <= MAX_PREVIEW_ERROR
    generator = torch.Generator().manual_seed(2)
    raw = TISSUE + 3.0 * torch.randn(TISSUE.shape, generator=generator)
    dropped, large = checked_basis(Tiles.from_curves(raw), MATRIX)
    assert dropped is None
    assert large > MAX_PREVIEW_ERROR


def test_truncated_basis_gradient_is_close_to_full_gradient() -> None:
    tiles = Tiles.from_curves(TISSUE)
    basis = TemporalBasis.from_tissue(tiles, 32)
    grads = []
    for way in (lambda m: peak(m, tiles), basis.peak):
        curve = AIF.clone().requires_grad_()
        way(build_operator(curve, 1.0, Settings()).matrix).sum().backward()
        assert curve.grad is not None
        grads.append(curve.grad)
    assert float((grads[1] - grads[0]).norm() / grads[0].norm()) < 1e-2


@pytest.mark.parametrize("q", [0, 61])
def test_basis_size_out_of_range_raises(q: int) -> None:
    with pytest.raises(ArgumentError, match=f"between 1 and 60 vectors; got {q}"):
        TemporalBasis.from_tissue(Tiles.from_curves(TISSUE), q)
