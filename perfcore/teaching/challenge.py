"""Challenge: a simulated case with hidden ground truth, and the score of an AIF on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch

from perfcore.deconvolution.fused import Tiles
from perfcore.errors import ArgumentError
from perfcore.maps import anchor_tmax, flow_and_delay, flow_operator, is_core, is_hypoperfused, relative_cbf
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
_OCCLUSION_SITES: Final = frozenset({"M1", "M2-superior", "M2-inferior"})
_EXCLUDED_CONFOUNDERS: Final = frozenset({"motion", "no-artery"})
_CONFOUNDERS: Final = frozenset(
    {"distal-aif", "venous-contamination", "partial-volume", "truncated", "low-cardiac-output"}
)
_MAX_DRAWS: Final = 60


@dataclass(frozen=True, eq=False)
class ChallengeCase:
    """A case with hidden ground truth.

    Attributes
    ----------
    series
        Series without the lesion mask.
    truth
        True AIF.
    core, hypoperfused
        Shape ``(nx, ny, nz)``: true core, and true core with penumbra.
    notes
        Confounders that complicate the selection of an AIF, shown after the answer.
    """

    series: PerfusionSeries
    truth: Aif
    core: BoolArray
    hypoperfused: BoolArray
    notes: tuple[str, ...]


def draw_challenge(seed: int) -> ChallengeCase:
    """Generate a case with a stroke of the middle cerebral artery and at least one confounder.

    The result depends on the seed only.

    Raises
    ------
    ArgumentError
        The seed is negative, or no case was found for it.
    """
    if seed < 0:
        raise ArgumentError(f"seed must be at least 0; got {seed}.")
    for index in range(2, 2 + _MAX_DRAWS):
        recipe = draw_recipe(seed, index)
        confounders = set(recipe.confounders)
        if (
            recipe.site not in _OCCLUSION_SITES
            or _EXCLUDED_CONFOUNDERS & confounders
            or not _CONFOUNDERS & confounders
        ):
            continue
        made = make_from_recipe(replace(recipe, name=f"challenge-{seed}", n_slices=N_SLICES))
        if float(made.truth.core.sum()) * made.series.voxel_ml >= MIN_CORE_ML:
            return _challenge_case(made, tuple(CONFOUNDERS[name] for name in recipe.confounders))
    raise ArgumentError(f"No challenge case was found for seed {seed}; choose another seed.")


def _challenge_case(made: PhantomCase, notes: tuple[str, ...]) -> ChallengeCase:
    truth = made.truth
    return ChallengeCase(
        replace(made.series, lesion=None), truth.aif, truth.core, truth.core | truth.penumbra, notes
    )


@dataclass(frozen=True)
class ChallengeScore:
    """Agreement of the results of an AIF with the ground truth.

    Attributes
    ----------
    core_dice, hypoperfused_dice
        Dice with the true lesions inside the brain mask, 0 to 1.
    healthy_cbf
        Mean CBF of the healthy hemisphere, ml/100 g/min.
    true_cbf
        The same with the true AIF; it rates the scale of the AIF, to which the lesions are invariant.
    """

    core_dice: float
    hypoperfused_dice: float
    healthy_cbf: float
    true_cbf: float

    @property
    def points(self) -> float:
        """Score, 0 to 100: mean of both Dice values and the CBF ratio (smaller over larger)."""
        cbf_ratio = min(self.healthy_cbf / self.true_cbf, self.true_cbf / self.healthy_cbf)
        return 100.0 * (self.core_dice + self.hypoperfused_dice + cbf_ratio) / 3


def score_challenge(
    prepared: Prepared,
    tiles: Tiles,
    challenge: ChallengeCase,
    curve: DoubleArray,
    settings: Settings,
    *,
    true_cbf: float,
) -> ChallengeScore:
    """Score an AIF on a challenge.

    Parameters
    ----------
    prepared, tiles
        The case; the tiles in the order of ``prepared.index``.
    challenge
        Its ground truth.
    curve
        Enhancement, shape ``(n_time,)``.
    settings
        Settings of deconvolution and thresholds.
    true_cbf
        Result of :func:`true_cbf`.

    Raises
    ------
    InputDataError, ArgumentError
        The curve has no bolus, or the case cannot be analysed with it.
    """
    cbf, tmax = flow_and_delay(flow_operator(curve, prepared.dt_s, settings), tiles)
    reference = torch.from_numpy(np.array(prepared.reference))
    tmax, _ = anchor_tmax(tmax.cpu(), reference, settings)
    mean = healthy_mean(cbf.cpu(), reference)
    core = is_core(relative_cbf(cbf.cpu().numpy(), mean), settings.core_threshold)
    low = is_hypoperfused(tmax.numpy(), settings.tmax_threshold_s)
    return ChallengeScore(
        core_dice=dice(core, challenge.core[prepared.mask]) or 0.0,
        hypoperfused_dice=dice(low, challenge.hypoperfused[prepared.mask]) or 0.0,
        healthy_cbf=mean,
        true_cbf=true_cbf,
    )


def true_cbf(prepared: Prepared, tiles: Tiles, challenge: ChallengeCase, settings: Settings) -> float:
    """Return the mean CBF of the healthy hemisphere with the true AIF, ml/100 g/min."""
    cbf, _ = flow_and_delay(flow_operator(challenge.truth.value, prepared.dt_s, settings), tiles)
    return healthy_mean(cbf.cpu(), torch.from_numpy(np.array(prepared.reference)))
