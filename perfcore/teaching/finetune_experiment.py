"""What the gradient makes of a curve, on some slices of the case; the others check."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch

from perfcore.analysis.finetune import TuneOptions, Tuner, make_form
from perfcore.analysis.finetune.tuner import split_slices
from perfcore.deconvolution.fused import Tiles
from perfcore.errors import ArgumentError
from perfcore.losses import Target
from perfcore.settings import Settings
from perfcore.teaching.experiment_case import Bench
from perfcore.types import DoubleArray

MOST_VOXELS: Final = 4096
"""A lesson answers at once: every k-th voxel stands for its neighbours."""


@dataclass(frozen=True)
class Tuning:
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
    form: str = "softplus"
    curvature: float = 1.0
    n_steps: int = 40
    settings: dict[str, Any] = field(default_factory=dict)

    def run(self, bench: Bench, settings: Settings) -> Tuned:
        """Return what comes of it.

        Raises
        ------
        ArgumentError
            The known core is empty, or the run diverges.
        """
        step = -(-bench.tiles.n_voxels // MOST_VOXELS)
        picked = np.arange(0, bench.tiles.n_voxels, step)
        if bench.lesion is None or not bench.lesion[picked].any():
            raise ArgumentError("This case has no known core; choose one that has.")
        lesion = bench.lesion[picked]
        tile, at = np.divmod(picked, bench.tiles.data.shape[2])
        tissue = bench.tiles.data.cpu()[torch.from_numpy(tile), :, torch.from_numpy(at)]
        target = Target(
            Tiles.of(tissue),
            bench.dt_s,
            torch.from_numpy(bench.reference[picked]),
            torch.from_numpy(lesion.astype(np.float32)),
        )
        counted = split_slices(bench.slice_of[picked], lesion)
        start = bench.curves[self.curve].value
        tuner = Tuner(
            target, make_form(self.form, start, bench.dt_s), settings.replace(**self.settings),
            TuneOptions(curvature=self.curvature), counted=counted,
        )  # fmt: skip
        steps = [tuner.step() for _ in range(self.n_steps + 1)]
        first, last = steps[0], steps[-1]
        return Tuned(
            first=first.dice or 0.0,
            last=last.dice or 0.0,
            checked_first=first.held_out_dice or 0.0,
            checked_last=last.held_out_dice or 0.0,
            roughness=last.roughness,
            n_negative=last.n_negative,
            dice=np.array([one.dice or 0.0 for one in steps]),
            start=start,
            curve=last.curve,
            dt_s=bench.dt_s,
        )


@dataclass(frozen=True, eq=False)
class Tuned:
    """A curve before and after.

    Attributes
    ----------
    first, last
        Dice over the slices that the gradient saw, before and after.
    checked_first, checked_last
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
    checked_first: float
    checked_last: float
    roughness: float
    n_negative: int
    dice: DoubleArray
    start: DoubleArray
    curve: DoubleArray
    dt_s: float
