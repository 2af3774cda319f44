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
from perfcore.phantom.cases import PhantomCase, PhantomTruth, make_from_recipe
from perfcore.phantom.cohort import draw_recipe
from perfcore.phantom.recipe import CONFOUNDERS
from perfcore.pipeline import healthy_mean
from perfcore.preprocess import Prepared
from perfcore.settings import Settings
from perfcore.types import Aif, BoolArray, DoubleArray, FloatArray, PerfusionSeries, Voxel

N_SLICES: Final = 4
MIN_CORE_ML: Final = 5.0
_OCCLUSION_SITES: Final = frozenset({"M1", "M2-superior", "M2-inferior"})
_EXCLUDED_CONFOUNDERS: Final = frozenset({"motion", "no-artery"})
_CONFOUNDERS: Final = frozenset(
    {"distal-aif", "venous-contamination", "partial-volume", "truncated", "low-cardiac-output"}
)
_MAX_DRAWS: Final = 60
MIN_ARTERY: Final = 0.05
"""Volume fraction above which a voxel holds an artery."""
MAX_TRUE_VOXELS: Final = 60
"""Voxels of the true artery that are shown."""


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
    artery_fraction
        Volume fraction of the arteries that hold the true AIF, 0 elsewhere. Shape ``(nx, ny, nz)``. Arteries
        beyond the clot count only where the slab holds no other.
    notes
        Confounders that complicate the selection of an AIF, shown after the answer.
    """

    series: PerfusionSeries
    truth: Aif
    core: BoolArray
    hypoperfused: BoolArray
    artery_fraction: FloatArray
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
        replace(made.series, lesion=None), truth.aif, truth.core, truth.core | truth.penumbra,
        _arteries(truth), notes,
    )  # fmt: skip


def _arteries(truth: PhantomTruth) -> FloatArray:
    """Return the volume fraction of arteries where they outweigh other vessels, those before the clot if any."""
    before = np.maximum(truth.artery_fraction - truth.distal_fraction, 0)
    shown, other = (
        (before, truth.distal_fraction) if before.max() >= MIN_ARTERY else (truth.distal_fraction, before)
    )
    pure = (shown >= MIN_ARTERY) & (shown > other) & (shown > truth.vein_fraction)
    return np.where(pure, shown, np.float32(0))


def true_voxels(challenge: ChallengeCase, prepared: Prepared) -> tuple[Voxel, ...]:
    """Return the voxels of the brain that the arteries fill most, at most `MAX_TRUE_VOXELS`."""
    inside = prepared.mask if prepared.hull is None else prepared.mask | prepared.hull
    filled = np.where(inside, challenge.artery_fraction, 0)
    best = np.argsort(filled, axis=None)[::-1][:MAX_TRUE_VOXELS]
    best = best[filled.ravel()[best] > 0]
    return tuple((int(x), int(y), int(z)) for x, y, z in zip(*np.unravel_index(best, filled.shape), strict=True))


@dataclass(frozen=True)
class ChallengeScore:
    """Agreement of an AIF and its results with the ground truth.

    Attributes
    ----------
    core_dice, hypoperfused_dice
        Dice with the true lesions inside the brain mask, 0 to 1.
    healthy_cbf
        Mean CBF of the healthy hemisphere, ml/100 g/min.
    true_cbf
        The same with the true AIF; it rates the scale of the AIF, to which the lesions are invariant.
    artery
        Share of the AIF's voxels that lie in an artery, 0 to 1; 0 for a curve without voxels.
    """

    core_dice: float
    hypoperfused_dice: float
    healthy_cbf: float
    true_cbf: float
    artery: float

    @property
    def cbf_ratio(self) -> float:
        """Healthy CBF over that of the true AIF, or the inverse: whichever is at most 1."""
        return min(self.healthy_cbf / self.true_cbf, self.true_cbf / self.healthy_cbf)

    @property
    def parts(self) -> tuple[float, float, float, float]:
        """The parts of the score, 0 to 1 each: artery, Dice of the core and of late tissue, CBF ratio."""
        return self.artery, self.core_dice, self.hypoperfused_dice, self.cbf_ratio

    @property
    def points(self) -> float:
        """Score, 0 to 100: the mean of `parts`."""
        return 100.0 * sum(self.parts) / len(self.parts)


def score_challenge(
    prepared: Prepared,
    tiles: Tiles,
    challenge: ChallengeCase,
    curve: DoubleArray,
    settings: Settings,
    *,
    true_cbf: float,
    voxels: tuple[Voxel, ...] = (),
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
    voxels
        Voxels that the AIF was chosen from.

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
        artery=float(np.mean([challenge.artery_fraction[voxel] > 0 for voxel in voxels])) if voxels else 0.0,
    )


def true_cbf(prepared: Prepared, tiles: Tiles, challenge: ChallengeCase, settings: Settings) -> float:
    """Return the mean CBF of the healthy hemisphere with the true AIF, ml/100 g/min."""
    cbf, _ = flow_and_delay(flow_operator(challenge.truth.value, prepared.dt_s, settings), tiles)
    return healthy_mean(cbf.cpu(), torch.from_numpy(np.array(prepared.reference)))
