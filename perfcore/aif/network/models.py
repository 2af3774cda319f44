"""Network models: the curves of a case in, one arterial input function (AIF) out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final

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
ARTERY_SCORE: Final = (4.0, -2.0, -0.5, -80.0)
"""Initial score of a cell per unit of :func:`vessel_features`: arteries are high, early, narrow and smooth."""
LATENESS_S: Final = (-1.0, 12.0)
WIDTH_S: Final = (-8.0, 8.0)
MAX_ROUGHNESS: Final = 0.5
SMOOTHING_KERNEL: Final = (1.0, 2.0, 3.0, 2.0, 1.0)
"""Temporal smoothing of the curves before peak, lateness and width are measured, frames of one second."""
MIN_PEAK_HU: Final = 1e-3
INITIAL_CORRECTION: Final = 0.1
"""Factor on the initial weights of the layers that correct a start value."""


def compress_enhancement(curves: Tensor) -> Tensor:
    """Compress curves [HU] by asinh, which brings tissue and arteries within one order of magnitude."""
    return torch.asinh(curves / ASINH_SCALE_HU)


def typical_curve() -> Tensor:
    """Return the typical arterial gamma variate on the network's frames, shape ``(64,)``, peak 1."""
    time_s = FRAME_S * np.arange(N_FRAMES, dtype=np.float64)
    typical = gamma_variate(time_s, TISSUE_ARRIVAL_S - ARTERY_LEAD_S, 3.0, 1.5, 1.0)
    return torch.from_numpy(typical.astype(np.float32))


class AifNet(nn.Module, ABC):
    """A network that predicts an AIF.

    Attributes
    ----------
    mean_curve
        Shape ``(64,)``: mean of the network's curves over its training cases, each of peak 1; 0 before training.
        Given to everybody, it is the null model of the network.
    scan_clock
        Whether the network's frames start with the scan, rather than 16 s before healthy tissue enhances.
    """

    scan_clock: ClassVar[bool] = False
    mean_curve: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean_curve", torch.zeros(N_FRAMES))

    def forward(self, curves: Tensor, inside: Tensor) -> Tensor:
        """Return the AIF [HU].

        Parameters
        ----------
        curves
            Shape ``(batch, 64, 48, 48, nz)``: time, x, y, z, enhancement in HU.
        inside
            Shape ``(batch, 48, 48, nz)``: mask of non-empty cells.

        Returns
        -------
        Shape ``(batch, 64)``.
        """
        return self.with_penalty(curves, inside)[0]

    @abstractmethod
    def with_penalty(self, curves: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Return the AIF as :meth:`forward`, and the prior penalty of the training loss, a scalar."""

    @property
    @abstractmethod
    def last_layer(self) -> nn.Module:
        """The layer that is tuned on one case."""


class ConvolutionalFeatures(nn.Module):
    """Convolutional features of a case (de la Rosa 2021, arXiv:2103.17111), shape ``(batch, size)``.

    Time points are channels. 3D convolutions, mean over slices, 2D convolution; ReLU, average pooling and dropout
    after each.
    """

    def __init__(self, widths: tuple[int, int, int] = (16, 32, 64)) -> None:
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
        self.size: Final = 2 * widths[-1] * (GRID_SIDE // 2 ** (len(widths) + 1)) ** 2

    def forward(self, curves: Tensor) -> Tensor:
        """Return the features; ``curves`` as of :meth:`AifNet.forward`."""
        features: Tensor = self.plane(self.space(compress_enhancement(curves)).mean(-1)).flatten(1)
        return features


class PaperNet(AifNet):
    """The network of de la Rosa 2021 (arXiv:2103.17111): predicts the samples of the AIF, on the scan's clock."""

    scan_clock = True

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.features = ConvolutionalFeatures()
        self.curve = nn.Sequential(nn.Linear(self.features.size, hidden), nn.ReLU(), nn.Linear(hidden, N_FRAMES))

    @property
    def last_layer(self) -> nn.Module:
        """The linear output layer."""
        return self.curve[-1]

    def with_penalty(self, curves: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return the AIF [HU], and 0: the paper has no prior."""
        drawn: Tensor = TYPICAL_PEAK_HU * self.curve(self.features(curves))
        return drawn, drawn.new_zeros(())


class WeightingNet(AifNet):
    """Weighting network: the AIF is a weighted mean of measured curves (AIFNet).

    Softmax weights over cells (doi:10.1016/j.media.2021.102211). The score of a cell is linear in peak, lateness,
    width and roughness of its curve, with a learned correction by convolutions. The mean feature vector of all
    cells is added to every cell after the first layer, because arrival is early or late only relative to the
    tissue.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.vessel = nn.Parameter(torch.tensor(ARTERY_SCORE))
        self.first = nn.Conv3d(N_FRAMES, width, (3, 3, 1), padding=(1, 1, 0))
        self.context = nn.Linear(width, width)
        self.second = nn.Sequential(nn.Conv3d(width, width, 3, padding=1), nn.ReLU(), nn.Dropout3d(DROPOUT))
        self.score = nn.Conv3d(width, 1, 1)
        with torch.no_grad():
            self.score.weight.mul_(INITIAL_CORRECTION)

    @property
    def last_layer(self) -> nn.Module:
        """The layer that maps features to the score of a cell."""
        return self.score

    def weights(self, curves: Tensor, inside: Tensor) -> Tensor:
        """Return the cell weights, shape ``(batch, 48, 48, nz)``: non-negative, sum 1, 0 in empty cells."""
        hidden = torch.relu(self.first(compress_enhancement(curves)))
        valid = inside[:, None].to(hidden.dtype)
        mean = (hidden * valid).sum((2, 3, 4)) / valid.sum((2, 3, 4)).clamp_min(1.0)
        hidden = torch.relu(hidden + self.context(mean)[:, :, None, None, None])
        vessel = torch.einsum("bfxyz,f->bxyz", vessel_features(curves, inside), self.vessel)
        score = (self.score(self.second(hidden))[:, 0] + vessel).masked_fill(~inside, -torch.inf)
        return torch.softmax(score.flatten(1), 1).view_as(score)

    def with_penalty(self, curves: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Return the AIF [HU], and 0: a mean of measured curves needs no prior."""
        curve = torch.einsum("btxyz,bxyz->bt", curves, self.weights(curves, inside))
        return curve, curve.new_zeros(())


class RegressionNet(AifNet):
    """Regression network: the weighted mean of measured curves with a drawn correction.

    The convolutions of :class:`PaperNet` and the weighted curve itself predict a residual, so that a network that
    has learned nothing returns the measured curve.
    """

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.weighting = WeightingNet()
        self.features = ConvolutionalFeatures()
        self.curve = nn.Sequential(
            nn.Linear(self.features.size + N_FRAMES, hidden), nn.ReLU(), nn.Linear(hidden, N_FRAMES)
        )
        with torch.no_grad():
            self.curve[-1].weight.mul_(INITIAL_CORRECTION)  # type: ignore[operator]
            self.curve[-1].bias.zero_()  # type: ignore[operator]

    @property
    def last_layer(self) -> nn.Module:
        """The linear layer that draws the correction."""
        return self.curve[-1]

    def with_penalty(self, curves: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Return the AIF [HU], and the mean square of the correction in units of the measured peak."""
        measured = self.weighting(curves, inside)
        peak = measured.amax(1, keepdim=True).clamp_min(MIN_PEAK_HU)
        shape = measured / peak
        correction = self.curve(torch.cat([self.features(curves), shape], 1))
        return peak * (shape + correction), correction.square().mean()


@torch.no_grad()
def vessel_features(curves: Tensor, inside: Tensor) -> Tensor:
    """Return the features that tell an artery from other curves and from noise.

    Compressed peak of the smoothed curve; lateness: time at which it rises through half its peak, relative to the
    arrival of healthy tissue [s]; width: time above half its peak, relative to that of the mean curve [s];
    roughness: root mean square of what smoothing removes, relative to the peak. The last three are clamped to
    ``LATENESS_S``, ``WIDTH_S`` and at most ``MAX_ROUGHNESS``, because noise has any value.

    Parameters
    ----------
    curves, inside
        As of :meth:`AifNet.forward`.

    Returns
    -------
    Shape ``(batch, 4, 48, 48, nz)``.
    """
    n_batch, n_time = curves.shape[:2]
    valid = inside[:, None].to(curves.dtype)
    mean = (curves * valid).sum((2, 3, 4)) / valid.sum((2, 3, 4)).clamp_min(1.0)
    flat = torch.cat([mean[:, None], curves.flatten(2).transpose(1, 2)], 1)
    margin, total = len(SMOOTHING_KERNEL) // 2, sum(SMOOTHING_KERNEL)
    padded = nn.functional.pad(flat, (margin, margin))
    # A sum of shifted views takes a fraction of the time of conv1d with one channel.
    smooth = torch.zeros_like(flat)
    for k, weight in enumerate(SMOOTHING_KERNEL):
        smooth.add_(padded[..., k : k + n_time], alpha=weight / total)
    height, top = smooth.max(-1)
    frame = torch.arange(n_time, device=smooth.device)
    half = height[..., None] / 2
    below = (smooth <= half) & (frame <= top[..., None])
    up = torch.where(below, frame, -1).amax(-1).clamp(0, n_time - 2)
    low, high = (smooth.gather(-1, (up + k)[..., None])[..., 0] for k in (0, 1))
    part = ((half[..., 0] - low) / (high - low).clamp_min(MIN_PEAK_HU)).clamp(0, 1)
    width = (smooth > half).sum(-1) * FRAME_S
    rough = (flat - smooth)[..., margin:-margin].square().mean(-1).sqrt() / height.clamp_min(MIN_PEAK_HU)
    features = torch.stack(
        [
            compress_enhancement(height),
            ((up + part) * FRAME_S - TISSUE_ARRIVAL_S).clamp(*LATENESS_S),
            (width - width[:, :1]).clamp(*WIDTH_S).to(height.dtype),
            rough.clamp_max(MAX_ROUGHNESS),
        ],
        1,
    )
    return features[..., 1:].reshape(n_batch, len(ARTERY_SCORE), *inside.shape[1:])


NETWORKS: Final[dict[str, type[PaperNet] | type[RegressionNet] | type[WeightingNet]]] = {
    "regression": RegressionNet,
    "weighting": WeightingNet,
    "paper": PaperNet,
}


def make_network(name: str) -> AifNet:
    """Return an untrained network, initialised from torch's current random state.

    Raises
    ------
    ArgumentError
        The name is unknown.
    """
    if name not in NETWORKS:
        raise ArgumentError(f"network must be one of {', '.join(NETWORKS)}; got {name!r}.")
    return NETWORKS[name]()
