r"""Parametrizations of the AIF for gradient-based fine-tuning.

Every parametrization keeps the area of the start curve, because rCBF and the lesions are invariant to the scale of
the AIF.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from perfcore.aif.fit import fit_gamma_variate
from perfcore.aif.network.grid_input import make_grid_input
from perfcore.aif.network.inference import predicted_curve
from perfcore.aif.network.models import AifNet
from perfcore.aif.network.placement import healthy_delay_s
from perfcore.aif.network.weights import Network
from perfcore.errors import ArgumentError
from perfcore.preprocess import Prepared
from perfcore.types import DoubleArray

PARAMETRIZATIONS: Final = ("softplus", "free", "gamma")
"""Parametrizations that need no network."""
MIN_SOFTPLUS_START: Final = 1e-3
"""Minimum of the softplus start curve, relative to its peak: below it the gradient vanishes."""
_EPS: Final = 1e-9


class CurveParametrization(nn.Module, ABC):
    """A curve with trainable parameters and the area of the start curve.

    Parameters
    ----------
    start
        Start curve: enhancement, shape ``(n_time,)``, of positive area.

    Raises
    ------
    ArgumentError
        The start curve is not finite or has no positive area.
    """

    def __init__(self, start: DoubleArray) -> None:
        super().__init__()
        self.total = float(start.sum())
        self.unit = float(start.max())
        if not (np.isfinite(start).all() and self.total > 0 and self.unit > 0):
            raise ArgumentError("Fine-tuning needs a curve with a positive bolus to start from.")

    @abstractmethod
    def shape(self) -> Tensor:
        """Return the curve before normalisation of its area, shape ``(n_time,)``."""

    def forward(self) -> Tensor:
        """Return the curve, shape ``(n_time,)``, float64, enhancement."""
        shape = self.shape()
        total = shape.sum()
        if not float(total.detach()) > 0:
            raise ArgumentError("The curve no longer has a positive bolus.")
        return shape * (self.total / total)


class FreeParametrization(CurveParametrization):
    """Independent samples; they can become negative and rough, which demonstrates overfitting."""

    def __init__(self, start: DoubleArray) -> None:
        super().__init__(start)
        self.samples = nn.Parameter(torch.from_numpy(start / self.unit))

    def shape(self) -> Tensor:
        """Return the samples."""
        return self.samples


class SoftplusParametrization(CurveParametrization):
    """Independent positive samples: softplus, log(1 + exp x)."""

    sharpness: Final = 5.0

    def __init__(self, start: DoubleArray) -> None:
        super().__init__(start)
        wanted = torch.from_numpy(np.maximum(start / self.unit, MIN_SOFTPLUS_START)) * self.sharpness
        self.x = nn.Parameter(wanted + torch.log(-torch.expm1(-wanted)))

    def shape(self) -> Tensor:
        """Return the positive samples."""
        return nn.functional.softplus(self.x)


class GammaParametrization(CurveParametrization):
    r"""A gamma variate, :math:`(t-t_0)^\alpha e^{-(t-t_0)/\beta}`, plus the recirculation of the start curve.

    The positive residual of the fit after the peak (recirculation, plateau) is added unchanged.
    """

    def __init__(self, start: DoubleArray, dt_s: float) -> None:
        super().__init__(start)
        fit = fit_gamma_variate(start, dt_s)
        time: DoubleArray = np.arange(start.size) * np.float64(dt_s)
        rest = np.maximum(start - fit.curve(time), 0.0)
        rest[: int(start.argmax()) + 1] = 0.0
        self.time: Tensor
        self.rest: Tensor
        self.register_buffer("time", torch.from_numpy(time))
        self.register_buffer("rest", torch.from_numpy(rest / self.unit))
        values = (fit.onset_s, np.log(fit.alpha), np.log(fit.beta_s), np.log(fit.peak / self.unit))
        self.onset_s, self.log_alpha, self.log_beta, self.log_peak = (
            nn.Parameter(torch.tensor(float(value), dtype=torch.float64)) for value in values
        )

    def shape(self) -> Tensor:
        """Return the curve of the parameters."""
        alpha, beta = self.log_alpha.exp(), self.log_beta.exp()
        # In units of the time to peak; clamped so that log and power stay finite before the onset.
        u = (self.time - self.onset_s) / (alpha * beta)
        since = u.clamp_min(_EPS)
        bolus = torch.exp(alpha * (torch.log(since) + 1 - since))
        return self.log_peak.exp() * torch.where(u > 0, bolus, 0.0) + self.rest


class NetworkParametrization(CurveParametrization):
    """The prediction of a network for this case; the weights of the network are trained.

    Parameters
    ----------
    network
        Trained network; a copy of it is tuned.
    prepared
        The case.
    start
        Its prediction before tuning, on the frames of the series.
    last_layer
        Whether only the last layer is trained.
    """

    def __init__(self, network: Network, prepared: Prepared, start: DoubleArray, *, last_layer: bool) -> None:
        super().__init__(start)
        net: AifNet = copy.deepcopy(network.net)
        net.requires_grad_(requires_grad=not last_layer)
        net.last_layer.requires_grad_(requires_grad=True)
        self.net = net.eval()
        grid_input = make_grid_input(prepared)
        mapping = grid_input.mapping(scan_clock=net.scan_clock)
        self.curves = torch.from_numpy(grid_input.volume(mapping))[None]
        self.inside = torch.from_numpy(grid_input.inside)[None]
        late_s = healthy_delay_s(prepared, predicted_curve(prepared, net))
        self.to_series = torch.from_numpy(replace(mapping, start_s=mapping.start_s + late_s).from_network)

    def shape(self) -> Tensor:
        """Return the network's prediction on the frames of the series."""
        drawn: Tensor = self.net(self.curves, self.inside)[0]
        return (self.to_series @ drawn).double()


def make_parametrization(name: str, start: DoubleArray, dt_s: float) -> CurveParametrization:
    """Return a parametrization that needs no network.

    Parameters
    ----------
    name
        ``softplus``, ``free`` or ``gamma``.
    start
        Start curve: enhancement, shape ``(n_time,)``.
    dt_s
        Time step in seconds.

    Raises
    ------
    ArgumentError, InputDataError
        The name is unknown, or the start curve has no bolus.
    """
    if name == "softplus":
        return SoftplusParametrization(start)
    if name == "free":
        return FreeParametrization(start)
    if name == "gamma":
        return GammaParametrization(start, dt_s)
    raise ArgumentError(
        f"parametrization must be one of {', '.join(PARAMETRIZATIONS)} or a network; got {name!r}."
    )
