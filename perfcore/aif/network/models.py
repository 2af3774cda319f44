"""The networks: a case's curves in, one arterial input function out."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from perfcore.aif.curves import gamma_variate
from perfcore.aif.network.grid_input import FRAME_S, GRID_SIDE, N_FRAMES, TISSUE_ARRIVAL_S
from perfcore.errors import ArgumentError

ASINH_SCALE_HU: Final = 20.0
"""Enhancement of about three times the tissue's; a network's input is linear below it and logarithmic above."""
TYPICAL_PEAK_HU: Final = 100.0
ARTERY_LEAD_S: Final = 2.0
"""How long before healthy tissue the typical artery enhances."""
DROPOUT: Final = 0.1


def compress_enhancement(curves: Tensor) -> Tensor:
    """Return curves [HU] as a network sees them: tissue and arteries within one order of magnitude."""
    return torch.asinh(curves / ASINH_SCALE_HU)


class RegressionNet(nn.Module):
    """The paper's network: it draws the curve itself.

    Time points are channels; 3D convolutions, the mean over the slices, 2D convolutions, fully connected layers
    and a linear output; ReLU, average pooling and dropout after each convolution (de la Rosa 2021,
    arXiv:2103.17111). What it gives is added to a typical artery's gamma-variate: from there it learns in a few
    epochs what it does not learn from nothing.
    """

    def __init__(self, widths: tuple[int, int, int] = (16, 32, 64), hidden: int = 128) -> None:
        super().__init__()
        sizes = (N_FRAMES, *widths)
        self.space = nn.Sequential(*[
            layer
            for before, after in zip(sizes, widths, strict=False)
            for layer in (nn.Conv3d(before, after, 3, padding=1), nn.ReLU(), nn.AvgPool3d((2, 2, 1)),
                          nn.Dropout3d(DROPOUT))
        ])  # fmt: skip
        self.plane = nn.Sequential(
            nn.Conv2d(widths[-1], 2 * widths[-1], 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Dropout2d(DROPOUT)
        )
        cells = (GRID_SIDE // 2 ** (len(widths) + 1)) ** 2
        self.curve = nn.Sequential(
            nn.Flatten(), nn.Linear(2 * widths[-1] * cells, hidden), nn.ReLU(), nn.Linear(hidden, N_FRAMES)
        )
        time_s = FRAME_S * np.arange(N_FRAMES, dtype=np.float64)
        typical = gamma_variate(time_s, TISSUE_ARRIVAL_S - ARTERY_LEAD_S, 3.0, 1.5, 1.0)
        self.typical: Tensor
        self.register_buffer("typical", torch.from_numpy(typical.astype(np.float32)), persistent=False)

    def forward(self, curves: Tensor, inside: Tensor) -> Tensor:  # noqa: ARG002
        """Return the input function [HU].

        Parameters
        ----------
        curves
            Shape ``(batch, 64, 48, 48, nz)``: time, x, y, z, enhancement in HU.
        inside
            Shape ``(batch, 48, 48, nz)``: cells that hold something; not used here.

        Returns
        -------
        Shape ``(batch, 64)``.
        """
        drawn: Tensor = self.curve(self.plane(self.space(compress_enhancement(curves)).mean(-1)))
        return TYPICAL_PEAK_HU * (self.typical + drawn)

    def prior_penalty(self, curve: Tensor) -> Tensor:
        """Return how far a curve lies from the typical artery's: mean square, in units of its peak.

        A curve without a bolus makes lesions that no longer change with it; this is what pulls it back.
        """
        return (curve / TYPICAL_PEAK_HU - self.typical).square().mean()


class WeightingNet(nn.Module):
    """The successor's idea: it weighs the curves that were measured, so the result is always one of this patient.

    Softmax weights over cells; the input function is the weighted mean of their curves (de la Rosa 2021, AIFNet,
    doi:10.1016/j.media.2021.102211). What the whole slab looks like joins every cell after the first layer,
    because early and late mean something only against the tissue.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.first = nn.Conv3d(N_FRAMES, width, (3, 3, 1), padding=(1, 1, 0))
        self.context = nn.Linear(width, width)
        self.second = nn.Sequential(nn.Conv3d(width, width, 3, padding=1), nn.ReLU(), nn.Dropout3d(DROPOUT))
        self.score = nn.Conv3d(width, 1, 1)

    def weights(self, curves: Tensor, inside: Tensor) -> Tensor:
        """Return where it looks, shape ``(batch, 48, 48, nz)``, non-negative with sum 1, 0 in empty cells."""
        hidden = torch.relu(self.first(compress_enhancement(curves)))
        seen = inside[:, None].to(hidden.dtype)
        mean = (hidden * seen).sum((2, 3, 4)) / seen.sum((2, 3, 4)).clamp_min(1.0)
        hidden = torch.relu(hidden + self.context(mean)[:, :, None, None, None])
        score = self.score(self.second(hidden))[:, 0].masked_fill(~inside, -torch.inf)
        return torch.softmax(score.flatten(1), 1).view_as(score)

    def forward(self, curves: Tensor, inside: Tensor) -> Tensor:
        """Return the input function [HU]: shapes as of :meth:`RegressionNet.forward`."""
        return torch.einsum("btxyz,bxyz->bt", curves, self.weights(curves, inside))

    def prior_penalty(self, curve: Tensor) -> Tensor:
        """Return 0: what was measured needs no pull."""
        return curve.new_zeros(())


NETWORKS: Final[dict[str, type[RegressionNet] | type[WeightingNet]]] = {
    "regression": RegressionNet,
    "weighting": WeightingNet,
}


def make_network(name: str) -> RegressionNet | WeightingNet:
    """Return an untrained network, drawn from torch's current random state.

    Raises
    ------
    ArgumentError
        There is no network of this name.
    """
    if name not in NETWORKS:
        raise ArgumentError(f"network must be one of {', '.join(NETWORKS)}; got {name!r}.")
    return NETWORKS[name]()
