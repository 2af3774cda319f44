r"""Steps of an optimiser that moves one case's input function toward a known lesion.

The loss is soft Dice or balanced cross-entropy of the lesions that the curve makes (:mod:`perfcore.losses`), plus
:math:`w\sum\ddot a^2/(\sum a)^2`, the curvature of the area-normalised curve.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from perfcore.analysis.finetune.parametrizations import CurveParametrization
from perfcore.errors import ArgumentError, PerfcoreError
from perfcore.losses import Lesions, Target, lesions, soft_dice_loss
from perfcore.regularization import no_gradient
from perfcore.settings import Settings
from perfcore.types import BoolArray, DoubleArray, FloatArray

TUNING_LOSSES: Final = ("dice", "cross-entropy")
TUNING_OPTIMIZERS: Final = ("adam", "sgd")
MAX_TUNING_GRADIENT: Final = 10.0
THRESHOLD_RANGE: Final = (0.05, 0.9)
"""Where a learned cut-off of rCBF may go."""
THRESHOLD_RATE_FACTOR: Final = 0.1
"""Rate of the cut-off relative to the curve's."""


class DivergedError(PerfcoreError):
    """The loss or the curve is no longer finite; the last finite step is what counts."""


@dataclass(frozen=True)
class TuneOptions:
    """How to tune.

    Attributes
    ----------
    loss
        ``dice`` (soft Dice) or ``cross-entropy`` (lesion and the rest weigh the same).
    with_tmax
        Whether the hypoperfused tissue counts as much as the core.
    optimizer, rate
        ``adam`` or ``sgd`` (momentum 0.9) and its rate, above 0, at most 10.
    curvature
        Weight of the curvature penalty, at least 0.
    learn_threshold
        Whether rCBF's cut-off is learned along.

    Raises
    ------
    ArgumentError
        A value is not one of its choices or is out of its range.
    """

    loss: str = "dice"
    with_tmax: bool = False
    optimizer: str = "adam"
    rate: float = 0.1
    curvature: float = 1.0
    learn_threshold: bool = False

    def __post_init__(self) -> None:
        if self.loss not in TUNING_LOSSES:
            raise ArgumentError(f"loss must be one of {', '.join(TUNING_LOSSES)}; got {self.loss!r}.")
        if self.optimizer not in TUNING_OPTIMIZERS:
            raise ArgumentError(
                f"optimizer must be one of {', '.join(TUNING_OPTIMIZERS)}; got {self.optimizer!r}."
            )
        if not 0 < self.rate <= 10:
            raise ArgumentError(f"rate must lie above 0 and be at most 10; got {self.rate}.")
        if not 0 <= self.curvature <= 1e4:
            raise ArgumentError(f"curvature must lie between 0 and 10000; got {self.curvature}.")


@dataclass(frozen=True, eq=False)
class TuneStep:
    """One step: a curve, and all that belongs to exactly this curve.

    Attributes
    ----------
    number
        From 0, the start.
    curve
        Enhancement, shape ``(n_time,)``.
    gradient
        Of the loss by the curve's samples, shape ``(n_time,)``.
    loss
        With the penalty.
    dice, hypoperfused_dice
        Of the lesions at their thresholds with the target, over the voxels that count; None where it is empty.
    held_out_dice
        The same for the core over the voxels left out of the loss; None without any.
    distance
        From the origin: root mean square over the root mean square of the origin.
    roughness
        Curvature of the area-normalised curve, relative to the origin's.
    n_negative
        Samples below 0 by more than a thousandth of the peak.
    threshold
        rCBF's cut-off.
    cbf, tmax
        Shape ``(n_voxels,)``, ml/100 g/min and s; Tmax (soft) None where it was not asked for.
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
    reference_cbf: float


class Tuner:
    """Moves a curve toward a target, a step at a time.

    Parameters
    ----------
    target
        Tissue and the lesions wanted.
    form
        What the curve may be; its parameters are moved in place.
    settings
        Of the deconvolution; a linear one.
    options
        How to tune.
    counted
        Which voxels count in the loss, shape ``(n_voxels,)``; None: all.
    origin
        The curve that distance and roughness are relative to, shape ``(n_time,)``; None: where the form begins. A
        run that goes on from a step of another has the other's.
    threshold
        Where a learned cut-off begins; None: that of the settings.
    pool
        As of :func:`perfcore.deconvolution.fused.peak`.

    Raises
    ------
    ArgumentError
        The target is empty, or the settings cannot be differentiated.
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
        pool: Executor | None = None,
    ) -> None:
        if not settings.is_linear:
            raise no_gradient(settings.regularization)
        where = target.core.device
        counting = np.ones(target.tissue.n_voxels, bool) if loss_mask is None else loss_mask
        self._loss_mask = torch.from_numpy(np.array(counting)).to(where)
        if not bool(((target.core > 0) & self._loss_mask).any()):
            raise ArgumentError("The target is empty: paint a lesion, or choose a case whose lesion is known.")
        if options.with_tmax and target.hypoperfused is None:
            raise ArgumentError("The hypoperfused tissue is not known here; leave it out of the target.")
        self.target, self.parametrization, self.settings, self.options = target, parametrization, settings, options
        self._pool = pool
        begin = (
            settings.core_threshold
            if threshold is None
            else min(max(threshold, THRESHOLD_RANGE[0]), THRESHOLD_RANGE[1])
        )
        self._threshold = torch.tensor(begin, dtype=torch.float64, requires_grad=True)
        groups: list[dict[str, Any]] = [{"params": [p for p in parametrization.parameters() if p.requires_grad]}]
        if options.learn_threshold:
            groups.append({"params": [self._threshold], "lr": options.rate * THRESHOLD_RATE_FACTOR})
        self._optimizer: torch.optim.Optimizer = (
            torch.optim.Adam(groups, options.rate)
            if options.optimizer == "adam"
            else torch.optim.SGD(groups, options.rate, momentum=0.9)
        )
        self._number = 0
        with torch.no_grad():
            self._start = (
                parametrization().detach() if origin is None else torch.from_numpy(np.array(origin, np.float64))
            )
        self._start_roughness = max(float(_roughness(self._start)), 1e-12)

    def step(self) -> TuneStep:
        """Judge the curve as it is now, and move it.

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
                core_threshold=self._threshold if self.options.learn_threshold else None,
                pool=self._pool,
            )
        except (ArgumentError, torch.linalg.LinAlgError) as error:  # type: ignore[attr-defined]
            raise _diverged() from error
        curve.retain_grad()
        loss = self._loss(found)
        total = loss + self.options.curvature * _roughness(curve)
        self._optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        done = self._describe(curve, found, float(total.detach()))
        if not (math.isfinite(done.loss) and np.isfinite(done.curve).all() and np.isfinite(done.gradient).all()):
            raise _diverged()
        moved = [p for group in self._optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(moved, MAX_TUNING_GRADIENT)
        self._optimizer.step()
        with torch.no_grad():
            self._threshold.clamp_(*THRESHOLD_RANGE)
        self._number += 1
        return done

    def _loss(self, found: Lesions) -> Tensor:
        loss = self._one(found.core, self.target.core)
        if found.hypoperfused is not None and self.target.hypoperfused is not None and self.options.with_tmax:
            loss = (loss + self._one(found.hypoperfused, self.target.hypoperfused)) / 2
        return loss

    def _one(self, probability: Tensor, known: Tensor) -> Tensor:
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
            held_out_dice=_dice(core, known, left_out) if bool(left_out.any()) else None,
            distance=float((value - self._start).norm() / self._start.norm()),
            roughness=float(_roughness(value)) / self._start_roughness,
            n_negative=int((value < -1e-3 * value.max()).sum()),
            threshold=threshold,
            cbf=found.cbf.detach().cpu().numpy(),
            tmax=None if found.tmax is None else found.tmax.detach().cpu().numpy(),
            reference_cbf=float(found.cbf.detach()[self.target.reference].mean()),
        )


def alternate_slice_mask(slice_of: NDArray[np.int64], lesion: BoolArray) -> BoolArray | None:
    """Return which voxels count where every other slice with a lesion is left out; None with fewer than two.

    Parameters
    ----------
    slice_of
        Slice of each voxel, shape ``(n_voxels,)``.
    lesion
        Shape ``(n_voxels,)``.
    """
    with_lesion = np.unique(slice_of[lesion])
    if len(with_lesion) < 2:
        return None
    return np.asarray(~np.isin(slice_of, with_lesion[1::2]), bool)


def replace_core(target: Target, core: BoolArray) -> Target:
    """Return the same tissue with another lesion wanted."""
    return replace(target, core=torch.from_numpy(core.astype(np.float32)).to(target.core.device))


def _roughness(curve: Tensor) -> Tensor:
    bend = torch.diff(curve, 2)
    return bend.square().sum() / curve.sum().square()


def _dice(found: Tensor, known: Tensor, where: Tensor) -> float | None:
    found, known = found[where], known[where]
    if not bool(known.any()):
        return None
    return float(2 * (found & known).sum() / (found.sum() + known.sum()))


def _diverged() -> DivergedError:
    return DivergedError(
        "The curve has run away: its loss is no longer a number. The last finite curve is kept; lower the rate."
    )
