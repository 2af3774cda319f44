"""A stroke of forty voxels whose metrics are simple to compute."""

from __future__ import annotations

import numpy as np
import torch

from perfcore.deconvolution.fused import Tiles
from perfcore.losses import Target
from tests.support import oracle

TIME = np.arange(36.0)
AIF = oracle.gamma_variate(TIME)
KINDS = np.repeat([0, 1, 2], [20, 10, 10])
"""Healthy, hypoperfused, core."""


def small_stroke(dtype: torch.dtype = torch.float64, noise: float = 0.02) -> Target:
    rng = np.random.default_rng(3)
    flow, mtt, delay = np.array([0.010, 0.005, 0.0015]), np.array([4.0, 8.0, 9.0]), np.array([1.0, 5.0, 8.0])
    curves = np.stack([flow[k] * oracle.tissue(TIME, mtt[k], delay[k]) for k in KINDS])
    curves += rng.normal(0, noise * curves.max(), curves.shape)
    return Target(
        Tiles.of(torch.tensor(curves, dtype=dtype), 7), 1.0, torch.tensor(KINDS == 0),
        torch.tensor(KINDS == 2, dtype=torch.float64), torch.tensor(KINDS > 0, dtype=torch.float64),
    )  # fmt: skip


def wrong_curve(seed: int = 5) -> np.ndarray:
    """A curve other than the true one, where no gradient is zero."""
    return AIF + np.random.default_rng(seed).uniform(0, 3, AIF.size)


def dense_rcbf(curve: np.ndarray, target: Target, settings: oracle.Form | None = None) -> np.ndarray:
    """rCBF of each voxel by the oracle's inverse."""
    form = settings or oracle.Form("circulant", "volterra", "tikhonov")
    P = oracle.inverse(curve, 1.0, form, 0.3)
    times = np.arange(-15 if form.deconvolution == "circulant" else 0, len(curve))
    curves = np.concatenate([tile.T for tile in target.tissue.data.numpy()])[: target.tissue.n_voxels]
    heights = np.array([oracle.rows_at(P @ c, times, 1.0).max() for c in curves.astype(float)])
    return heights / heights[target.reference.numpy()].mean()
