"""What the gradient makes of a curve, on some slices of the case; the others check."""

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
from perfcore.teaching.experiment_case import ExperimentCase
from perfcore.types import DoubleArray

MAX_TUNING_VOXELS: Final = 4096
"""A lesson answers at once: every k-th voxel stands for its neighbours."""


@dataclass(frozen=True)
class FinetuneExperiment:
    """A short run of the optimiser.

    Attributes
    ----------
    label
        A few words for legends.
    curve
        Name of the input function to start from.
    form
        One of `perfcore.analysis.finetune.FORMS`.
    curvature
        Weight of the curvature penalty.
    n_steps
        Steps.
    settings
        Settings that differ from the lesson's.
    """

    label: str
    curve: str = "truth"
    parametrization: str = "softplus"
    curvature: float = 1.0
    n_steps: int = 40
    settings: dict[str, Any] = field(default_factory=dict)

    def run(self, case: ExperimentCase, settings: Settings) -> FinetuneResult:
        """Return what comes of it.

        Raises
        ------
        ArgumentError
            The known core is empty, or the run diverges.
        """
        step = -(-case.tiles.n_voxels // MAX_TUNING_VOXELS)
        picked = np.arange(0, case.tiles.n_voxels, step)
        if case.lesion is None or not case.lesion[picked].any():
            raise ArgumentError("This case has no known core; choose one that has.")
        lesion = case.lesion[picked]
        tile, at = np.divmod(picked, case.tiles.data.shape[2])
        tissue = case.tiles.data.cpu()[torch.from_numpy(tile), :, torch.from_numpy(at)]
        target = Target(
            Tiles.of(tissue),
            case.dt_s,
            torch.from_numpy(case.reference[picked]),
            torch.from_numpy(lesion.astype(np.float32)),
        )
        loss_mask = alternate_slice_mask(case.slice_of[picked], lesion)
        start = case.curves[self.curve].value
        tuner = Tuner(
            target, make_parametrization(self.parametrization, start, case.dt_s),
            settings.replace(**self.settings), TuneOptions(curvature=self.curvature), loss_mask=loss_mask,
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
        )


@dataclass(frozen=True, eq=False)
class FinetuneResult:
    """A curve before and after.

    Attributes
    ----------
    first, last
        Dice over the slices that the gradient saw, before and after.
    held_out_first, held_out_last
        The same over those that it did not see; 0 without any.
    roughness
        Curvature of the curve relative to the start's.
    n_negative
        Samples below 0.
    dice
        By step, shape ``(n_steps + 1,)``.
    start, curve
        Enhancement, shape ``(n_time,)``.
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
