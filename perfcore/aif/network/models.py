"""Network models: the curves of a case in, one arterial input function (AIF) out."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from perfcore.aif.curves import gamma_variate
from perfcore.aif.network.grid_input import FRAME_S, GRID_SIDE, N_FRAMES, TISSUE_ARRIVAL_S
from perfcore.errors import ArgumentError

ASINH_SCALE_HU: Final = 20.0
"""Scale of the asinh compression, about three times the tissue enhancement: linear below, logarithmic above."""
TYPICAL_PEAK_HU: Final = 100.0
ARTERY_LEAD_S: Final = 2.0
"""Time by which the typical artery enhances before healthy tissue."""
DROPOUT: Final = 0.1


def compress_enhancement(curves: Tensor) -> Tensor:
    """Compress curves [HU] by asinh, which brings tissue and arteries within one order of magnitude."""
    return torch.asinh(curves / ASINH_SCALE_HU)


class RegressionNet(nn.Module):
    """Regression network: predicts the samples of the AIF (de la Rosa 2021, arXiv:2103.17111).

    Time points are channels. 3D convolutions, mean over slices, 2D convolutions, fully connected layers and linear
    output; ReLU, average pooling and dropout after each convolution. The output is a residual added to a typical
    arterial gamma variate, because training converges within a few epochs from there and does not without it.
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
        """Return the AIF [HU].

        Parameters
        ----------
        curves
            Shape ``(batch, 64, 48, 48, nz)``: time, x, y, z, enhancement in HU.
        inside
            Shape ``(batch, 48, 48, nz)``: mask of non-empty cells; not used by this network.

        Returns
        -------
        Shape ``(batch, 64)``.
        """
        drawn: Tensor = self.curve(self.plane(self.space(compress_enhancement(curves)).mean(-1)))
        return TYPICAL_PEAK_HU * (self.typical + drawn)

    def prior_penalty(self, curve: Tensor) -> Tensor:
        """Return the mean squared distance from the typical arterial curve, in units of its peak.

        The lesions of a curve without a bolus do not depend on the curve, so that their gradient vanishes; this
        penalty keeps a gradient toward a plausible curve.
        """
        return (curve / TYPICAL_PEAK_HU - self.typical).square().mean()


class WeightingNet(nn.Module):
    """Weighting network: the AIF is a weighted mean of measured curves (AIFNet, de la Rosa 2021).

    Softmax weights over cells (doi:10.1016/j.media.2021.102211). The mean feature vector of all cells is added to
    every cell after the first layer, because arrival is early or late only relative to the tissue.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.first = nn.Conv3d(N_FRAMES, width, (3, 3, 1), padding=(1, 1, 0))
        self.context = nn.Linear(width, width)
        self.second = nn.Sequential(nn.Conv3d(width, width, 3, padding=1), nn.ReLU(), nn.Dropout3d(DROPOUT))
        self.score = nn.Conv3d(width, 1, 1)

    def weights(self, curves: Tensor, inside: Tensor) -> Tensor:
        """Return the cell weights, shape ``(batch, 48, 48, nz)``: non-negative, sum 1, 0 in empty cells."""
        hidden = torch.relu(self.first(compress_enhancement(curves)))
        valid = inside[:, None].to(hidden.dtype)
        mean = (hidden * valid).sum((2, 3, 4)) / valid.sum((2, 3, 4)).clamp_min(1.0)
        hidden = torch.relu(hidden + self.context(mean)[:, :, None, None, None])
        score = self.score(self.second(hidden))[:, 0].masked_fill(~inside, -torch.inf)
        return torch.softmax(score.flatten(1), 1).view_as(score)

    def forward(self, curves: Tensor, inside: Tensor) -> Tensor:
        """Return the AIF [HU]; shapes as in :meth:`RegressionNet.forward`."""
        return torch.einsum("btxyz,bxyz->bt", curves, self.weights(curves, inside))

    def prior_penalty(self, curve: Tensor) -> Tensor:
        """Return 0: no prior penalty for curves averaged from measurements."""
        return curve.new_zeros(())


NETWORKS: Final[dict[str, type[RegressionNet] | type[WeightingNet]]] = {
    "regression": RegressionNet,
    "weighting": WeightingNet,
}


def make_network(name: str) -> RegressionNet | WeightingNet:
    """Return an untrained network, initialised from torch's current random state.

    Raises
    ------
    ArgumentError
        The name is unknown.
    """
    if name not in NETWORKS:
        raise ArgumentError(f"network must be one of {', '.join(NETWORKS)}; got {name!r}.")
    return NETWORKS[name]()
