r"""Optimisation of the AIF of one case toward a known lesion.

The loss is soft Dice or balanced cross-entropy of the predicted lesions (:mod:`perfcore.losses`), plus the
curvature penalty :math:`w\sum\ddot a^2/(\sum a)^2` of the area-normalised curve.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from perfcore.analysis.finetune.optimizers import Optimizer
from perfcore.analysis.finetune.options import TuneOptions
from perfcore.analysis.finetune.parametrizations import CurveParametrization
from perfcore.errors import ArgumentError, PerfcoreError
from perfcore.losses import Lesions, Target, lesions, soft_dice_loss
from perfcore.metrics import dice
from perfcore.regularization import no_gradient
from perfcore.settings import Settings
from perfcore.types import BoolArray, DoubleArray, FloatArray

MAX_TUNING_GRADIENT: Final = 10.0
"""Maximum norm of the gradient; larger ones are clipped."""
THRESHOLD_RANGE: Final = (0.05, 0.9)
"""Range of a learned rCBF threshold."""
THRESHOLD_RATE_FACTOR: Final = 0.1
"""Learning rate of the threshold relative to that of the curve."""


class DivergedError(PerfcoreError):
    """The loss or the curve is no longer finite; the last finite step is the result."""


@dataclass(frozen=True, eq=False)
class TuneStep:
    """One optimisation step: the curve, its loss and gradient, and its maps.

    Attributes
    ----------
    number
        Number of the step, from 0 for the start curve.
    curve
        Enhancement, shape ``(n_time,)``.
    gradient
        Gradient of the loss with respect to the samples of the curve, shape ``(n_time,)``.
    loss
        Loss with the curvature penalty.
    dice, hypoperfused_dice
        Dice of the thresholded lesions with the target over the voxels of the loss; None if the target is empty.
    held_out_dice
        Dice of the core over the held-out voxels; None without held-out voxels.
    distance
        Root mean square distance from the origin, relative to the root mean square of the origin.
    roughness
        Curvature of the area-normalised curve, relative to that of the origin.
    n_negative
        Number of samples below −0.001 of the peak.
    threshold
        Threshold of rCBF.
    cbf, tmax
        Shape ``(n_voxels,)``, ml/100 g/min and s; Tmax (soft argmax) is None unless it is part of the loss.
    map_tmax
        The map of Tmax, shape ``(n_voxels,)``, s; None without maps.
    reference_cbf
        Mean CBF of the healthy voxels.
    """

    number: int
    curve: DoubleArray
    gradient: DoubleArray
    loss: float
    dice: float | None
    hypoperfused_dice: float | None
    held_out_dice: float | None
    distance: float
    roughness: float
    n_negative: int
    threshold: float
    cbf: FloatArray
    tmax: FloatArray | None
    map_tmax: FloatArray | None
    reference_cbf: float


class Tuner:
    """Optimises the parameters of a curve toward a target, step by step.

    Parameters
    ----------
    target
        Tissue and target lesions.
    parametrization
        Parametrized curve; its parameters are updated in place.
    settings
        Settings of a linear deconvolution.
    options
        Loss, optimizer and penalty.
    loss_mask
        Voxels of the loss, shape ``(n_voxels,)``; None: all.
    origin
        Reference of distance and roughness, shape ``(n_time,)``; None: the start of the parametrization. A run
        that continues an earlier one passes the start curve of that run.
    threshold
        Start value of a learned threshold; None: that of the settings.
    with_map
        Whether a step has the map of Tmax, for a tenth of its time.
    pool
        As in :func:`perfcore.deconvolution.fused.peak`.

    Raises
    ------
    ArgumentError
        The target is empty, or the deconvolution has no gradient.
    """

    def __init__(
        self,
        target: Target,
        parametrization: CurveParametrization,
        settings: Settings,
        options: TuneOptions,
        *,
        loss_mask: BoolArray | None = None,
        origin: DoubleArray | None = None,
        threshold: float | None = None,
        with_map: bool = False,
        pool: Executor | None = None,
    ) -> None:
        if not settings.is_linear:
            raise no_gradient(settings.regularization)
        where = target.core.device
        counting = np.ones(target.tissue.n_voxels, bool) if loss_mask is None else loss_mask
        self._loss_mask = torch.from_numpy(np.array(counting)).to(where)
        self._has_all = bool(counting.all())
        if not bool(((target.core > 0) & self._loss_mask).any()):
            raise ArgumentError("The target is empty: paint a lesion, or choose a case with a known lesion.")
        if options.with_tmax and target.hypoperfused is None:
            raise ArgumentError("The hypoperfused tissue of this case is unknown; leave it out of the target.")
        self.target, self.parametrization, self.settings, self.options = target, parametrization, settings, options
        self._with_map, self._pool = with_map, pool
        begin = (
            settings.core_threshold
            if threshold is None
            else min(max(threshold, THRESHOLD_RANGE[0]), THRESHOLD_RANGE[1])
        )
        self._threshold = torch.tensor(begin, dtype=torch.float64, requires_grad=True)
        moved: list[tuple[Tensor, float]] = [
            (p, options.rate) for p in parametrization.parameters() if p.requires_grad
        ]
        if options.learn_threshold:
            moved.append((self._threshold, options.rate * THRESHOLD_RATE_FACTOR))
        self._optimizer = Optimizer(options.optimizer, moved)
        self._number = 0
        with torch.no_grad():
            self._start = (
                parametrization().detach() if origin is None else torch.from_numpy(np.array(origin, np.float64))
            )
        self._start_roughness = max(float(_roughness(self._start)), 1e-12)

    def step(self) -> TuneStep:
        """Evaluate the current curve and update its parameters.

        Raises
        ------
        DivergedError
            The loss or the curve is not finite.
        """
        try:
            curve = self.parametrization()
            found = lesions(
                curve,
                self.target,
                self.settings,
                with_tmax=self.options.with_tmax,
                with_map=self._with_map,
                core_threshold=self._threshold if self.options.learn_threshold else None,
                pool=self._pool,
                keep=True,
            )
        except (ArgumentError, torch.linalg.LinAlgError) as error:  # type: ignore[attr-defined]
            raise _diverged() from error
        curve.retain_grad()
        loss = self._loss(found)
        total = loss + self.options.curvature * _roughness(curve)
        self._optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        step = self._describe(curve, found, float(total.detach()))
        if not (math.isfinite(step.loss) and np.isfinite(step.curve).all() and np.isfinite(step.gradient).all()):
            raise _diverged()
        torch.nn.utils.clip_grad_norm_(self._optimizer.parameters, MAX_TUNING_GRADIENT)
        self._optimizer.step()
        with torch.no_grad():
            self._threshold.clamp_(*THRESHOLD_RANGE)
        self._number += 1
        return step

    def _loss(self, found: Lesions) -> Tensor:
        loss = self._lesion_loss(found.core, self.target.core)
        if found.hypoperfused is not None and self.target.hypoperfused is not None and self.options.with_tmax:
            loss = (loss + self._lesion_loss(found.hypoperfused, self.target.hypoperfused)) / 2
        return loss

    def _lesion_loss(self, probability: Tensor, known: Tensor) -> Tensor:
        if not self._has_all:
            probability, known = probability[self._loss_mask], known[self._loss_mask]
        if self.options.loss == "dice":
            return soft_dice_loss(probability, known)
        lesion = known > 0.5
        log_in = torch.log(probability.clamp_min(1e-6))
        log_out = torch.log((1 - probability).clamp_min(1e-6))
        parts = [-part.mean() for part in (log_in[lesion], log_out[~lesion]) if part.numel()]
        return torch.stack(parts).mean()

    def _describe(self, curve: Tensor, found: Lesions, loss: float) -> TuneStep:
        value = curve.detach()
        assert curve.grad is not None
        learned = self.options.learn_threshold
        threshold = float(self._threshold.detach()) if learned else self.settings.core_threshold
        core = found.rcbf.detach() < threshold
        low = None
        if found.tmax is not None and self.target.hypoperfused is not None:
            late = found.tmax.detach() > self.settings.tmax_threshold_s
            low = _dice(late, self.target.hypoperfused > 0.5, self._loss_mask)
        left_out = ~self._loss_mask
        known = self.target.core > 0.5
        return TuneStep(
            number=self._number,
            curve=value.numpy().copy(),
            gradient=curve.grad.numpy().copy(),
            loss=loss,
            dice=_dice(core, known, self._loss_mask),
            hypoperfused_dice=low,
            held_out_dice=None if self._has_all else _dice(core, known, left_out),
            distance=float((value - self._start).norm() / self._start.norm()),
            roughness=float(_roughness(value)) / self._start_roughness,
            n_negative=int((value < -1e-3 * value.max()).sum()),
            threshold=threshold,
            cbf=found.cbf.detach().cpu().numpy(),
            tmax=None if found.tmax is None else found.tmax.detach().cpu().numpy(),
            map_tmax=None if found.map_tmax is None else found.map_tmax.cpu().numpy(),
            reference_cbf=float(found.cbf.detach()[self.target.reference].mean()),
        )


def _roughness(curve: Tensor) -> Tensor:
    bend = torch.diff(curve, 2)
    return bend.square().sum() / curve.sum().square()


def _dice(found: Tensor, known: Tensor, where: Tensor) -> float | None:
    inside = where.cpu().numpy()
    return dice(found.cpu().numpy() & inside, known.cpu().numpy() & inside)


def _diverged() -> DivergedError:
    return DivergedError(
        "The fine-tuning diverged: the loss or the curve is not finite. The last finite curve is kept; "
        "lower the rate."
    )
