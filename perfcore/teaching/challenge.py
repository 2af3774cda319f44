"""A patient whose truth is hidden, and how well an input function does on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from perfcore.deconvolution.fused import Tiles
from perfcore.errors import ArgumentError
from perfcore.maps import flow_and_delay, flow_operator, is_core, is_hypoperfused, relative_cbf
from perfcore.metrics import dice
from perfcore.phantom.cases import PhantomCase, make_from_recipe
from perfcore.phantom.cohort import draw_recipe
from perfcore.phantom.recipe import CONFOUNDERS
from perfcore.pipeline import healthy_mean
from perfcore.preprocess import Prepared
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray, DoubleArray, PerfusionSeries

N_SLICES: Final = 4
MIN_CORE_ML: Final = 5.0
_SITES: Final = frozenset({"M1", "M2-superior", "M2-inferior"})
_LEFT_OUT: Final = frozenset({"motion", "no-artery"})
_HARD: Final = frozenset(
    {"distal-aif", "venous-contamination", "partial-volume", "truncated", "low-cardiac-output"}
)
_MAX_DRAWS: Final = 60


@dataclass(frozen=True, eq=False)
class ChallengeCase:
    """An unseen case.

    Attributes
    ----------
    series
        Without lesion: nothing in it tells the truth.
    truth
        The true input function.
    core, hypoperfused
        Shape ``(nx, ny, nz)``: the true core, and core with penumbra.
    notes
        What makes the choice of an input function hard here, for after the answer.
    """

    series: PerfusionSeries
    truth: Aif
    core: BoolArray
    hypoperfused: BoolArray
    notes: tuple[str, ...]


def draw_challenge(seed: int) -> ChallengeCase:
    """Draw a patient with a stroke of the middle cerebral artery and something that makes the choice hard.

    The same seed draws the same.

    Raises
    ------
    ArgumentError
        The seed is negative.
    """
    if seed < 0:
        raise ArgumentError(f"seed must be at least 0; got {seed}.")
    for index in range(2, 2 + _MAX_DRAWS):
        recipe = draw_recipe(seed, index)
        found = set(recipe.confounders)
        if recipe.site not in _SITES or _LEFT_OUT & found or not _HARD & found:
            continue
        made = make_from_recipe(replace(recipe, name=f"challenge-{seed}", n_slices=N_SLICES))
        if float(made.truth.core.sum()) * made.series.voxel_ml >= MIN_CORE_ML:
            return _challenge_case(made, tuple(CONFOUNDERS[name] for name in recipe.confounders))
    raise ArgumentError(f"No patient could be drawn from seed {seed}; choose another.")


def _challenge_case(made: PhantomCase, notes: tuple[str, ...]) -> ChallengeCase:
    truth = made.truth
    return ChallengeCase(
        replace(made.series, lesion=None), truth.aif, truth.core, truth.core | truth.penumbra, notes
    )


@dataclass(frozen=True)
class ChallengeScore:
    """How near the lesions of an input function come to the truth.

    Attributes
    ----------
    core_dice, hypoperfused_dice
        Agreement with the true lesions inside the brain mask, 0 to 1.
    healthy_cbf
        Mean CBF of the healthy side, ml/100 g/min.
    true_cbf
        What the true input function makes of it: the height's part, which the lesions do not see.
    """

    core_dice: float
    hypoperfused_dice: float
    healthy_cbf: float
    true_cbf: float

    @property
    def points(self) -> float:
        """0 to 100: the mean of the two agreements and of that of the flows (the smaller over the larger)."""
        height = min(self.healthy_cbf / self.true_cbf, self.true_cbf / self.healthy_cbf)
        return 100.0 * (self.core_dice + self.hypoperfused_dice + height) / 3


def score_challenge(
    prepared: Prepared,
    tiles: Tiles,
    challenge: ChallengeCase,
    curve: DoubleArray,
    settings: Settings,
    *,
    true_cbf: float,
) -> ChallengeScore:
    """Judge an input function.

    Parameters
    ----------
    prepared, tiles
        The case; the tiles in the order of ``prepared.index``.
    hidden
        Its truth.
    curve
        Enhancement, shape ``(n_time,)``.
    settings
        Of the deconvolution, with the thresholds.
    true_cbf
        From `true_cbf`.

    Raises
    ------
    InputDataError, ArgumentError
        The curve has no bolus or explains no tissue.
    """
    cbf, tmax = flow_and_delay(flow_operator(curve, prepared.dt_s, settings), tiles)
    mean = healthy_mean(cbf.cpu(), torch.from_numpy(np.array(prepared.reference)))
    core = is_core(relative_cbf(cbf.cpu().numpy(), mean), settings.core_threshold)
    low = is_hypoperfused(tmax.cpu().numpy(), settings.tmax_threshold_s)
    return ChallengeScore(
        core_dice=dice(core, challenge.core[prepared.mask]) or 0.0,
        hypoperfused_dice=dice(low, challenge.hypoperfused[prepared.mask]) or 0.0,
        healthy_cbf=mean,
        true_cbf=true_cbf,
    )


def true_cbf(prepared: Prepared, tiles: Tiles, challenge: ChallengeCase, settings: Settings) -> float:
    """Return the healthy mean CBF that the true input function makes, ml/100 g/min."""
    cbf, _ = flow_and_delay(flow_operator(challenge.truth.value, prepared.dt_s, settings), tiles)
    return healthy_mean(cbf.cpu(), torch.from_numpy(np.array(prepared.reference)))
