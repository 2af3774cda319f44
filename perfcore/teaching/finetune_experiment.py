"""Fine-tuning experiment: optimisation on half of the lesion slices, validation on the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch

from perfcore.analysis.finetune import TuneOptions, Tuner, alternate_slice_mask, make_parametrization
from perfcore.deconvolution.fused import Tiles
from perfcore.errors import ArgumentError
from perfcore.losses import Target
from perfcore.settings import Settings
from perfcore.teaching.experiment import CurveResult, measure_curve
from perfcore.teaching.experiment_case import ExperimentCase
from perfcore.types import DoubleArray

MAX_TUNING_VOXELS: Final = 4096
"""Maximum number of voxels; larger cases are subsampled for an interactive response."""


@dataclass(frozen=True)
class FinetuneExperiment:
    """Experiment with a short fine-tuning run.

    Attributes
    ----------
    label
        Label in legends.
    curve
        Name of the AIF to start from.
    parametrization
        One of :data:`perfcore.analysis.finetune.PARAMETRIZATIONS`.
    curvature
        Weight of the curvature penalty.
    n_steps
        Number of steps.
    settings
        Changes of the lesson's settings.
    """

    label: str
    curve: str = "truth"
    parametrization: str = "softplus"
    curvature: float = 1.0
    n_steps: int = 40
    settings: dict[str, Any] = field(default_factory=dict)

    def inputs(self, case: ExperimentCase, settings: Settings) -> tuple[ExperimentCase, Settings]:
        """Return the case and the settings that the curve is deconvolved with."""
        return case, settings.replace(**self.settings)

    def run(self, case: ExperimentCase, settings: Settings) -> FinetuneResult:
        """Run the experiment on a case.

        Raises
        ------
        ArgumentError
            The case has no known core.
        DivergedError
            The run diverges.
        """
        case, used = self.inputs(case, settings)
        step = -(-case.tiles.n_voxels // MAX_TUNING_VOXELS)
        picked = np.arange(0, case.tiles.n_voxels, step)
        if case.lesion is None or not case.lesion[picked].any():
            raise ArgumentError("The case has no known core; choose a case with one.")
        lesion = case.lesion[picked]
        tile, at = np.divmod(picked, case.tiles.data.shape[2])
        tissue = case.tiles.data.cpu()[torch.from_numpy(tile), :, torch.from_numpy(at)]
        target = Target(
            Tiles.from_curves(tissue),
            case.dt_s,
            torch.from_numpy(case.reference[picked]),
            torch.from_numpy(lesion.astype(np.float32)),
        )
        loss_mask = alternate_slice_mask(case.slice_of[picked], lesion)
        start = case.curves[self.curve].value
        tuner = Tuner(
            target, make_parametrization(self.parametrization, start, case.dt_s),
            used, TuneOptions(curvature=self.curvature), loss_mask=loss_mask,
        )  # fmt: skip
        steps = [tuner.step() for _ in range(self.n_steps + 1)]
        first, last = steps[0], steps[-1]
        return FinetuneResult(
            first=first.dice or 0.0,
            last=last.dice or 0.0,
            held_out_first=first.held_out_dice or 0.0,
            held_out_last=last.held_out_dice or 0.0,
            roughness=last.roughness,
            n_negative=last.n_negative,
            dice=np.array([one.dice or 0.0 for one in steps]),
            start=start,
            curve=last.curve,
            dt_s=case.dt_s,
            volume=measure_curve(case, last.curve, used),
            step=step,
        )


@dataclass(frozen=True, eq=False)
class FinetuneResult:
    """Results of a fine-tuning experiment.

    Attributes
    ----------
    first, last
        Dice over the voxels of the loss, before and after: the subsample of the run, in the slices of the loss.
    held_out_first, held_out_last
        Dice over the subsample in the held-out slices, before and after; 0 without held-out slices.
    roughness
        Curvature of the tuned curve relative to the start curve.
    n_negative
        Number of negative samples.
    dice
        Dice per step, shape ``(n_steps + 1,)``.
    start, curve
        Start and tuned curve: enhancement, shape ``(n_time,)``.
    dt_s
        Time step in seconds.
    volume
        Results of the tuned curve on all voxels of the case. Its Dice can lie below both of the subsample: the
        curve also fits the noise of the voxels in the loss.
    step
        The run uses one voxel in so many.
    """

    first: float
    last: float
    held_out_first: float
    held_out_last: float
    roughness: float
    n_negative: int
    dice: DoubleArray
    start: DoubleArray
    curve: DoubleArray
    dt_s: float
    volume: CurveResult
    step: int
