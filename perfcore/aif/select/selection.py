"""Result of a selector, and construction of an AIF from a set of voxels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.quality import aif_quality
from perfcore.aif.select.candidates import (
    Candidates,
    find_candidates,
    frame_noise,
    healthy_curve,
    no_artery_error,
    voxel_curves,
)
from perfcore.aif.select.quality import AifRating, rate_aif
from perfcore.aif.select.vein import find_vein, partial_volume_ratio
from perfcore.errors import NoArteryError
from perfcore.preprocess import Prepared
from perfcore.quality_flags import make_flag
from perfcore.types import Aif, Voxel

MIN_ARTERY_CONTRAST: Final = 3.0
"""Minimum peak of an artery (mean of three frames), as a multiple of the peak of healthy tissue."""
STRONG_CONTRAST: Final = 4.0
MAX_ARRIVAL_LAGS_S: Final = (0.5, 2.5)
"""Maximum arrival of an artery after healthy tissue: first attempt, and second attempt without a strong artery."""
VEIN: Final = "vein"
"""Source id of a venous output function."""
MIN_TISSUE_SNR: Final = 6.0
MIN_BOLUS_SNR: Final = 2.5
"""Minimum peak (mean of three frames), as a multiple of the noise of one voxel in one frame.

The noise of the mean curve would accept voxels that were selected for a chance maximum in the same frame.
"""
UNCORRECTED_FLAG: Final = make_flag(
    "aif_uncorrected",
    "The AIF was not corrected for partial volume because no usable vein was found: absolute CBF and CBV are too "
    "large where the artery does not fill its voxels.",
)


@dataclass(frozen=True, eq=False)
class Selection:
    """AIF of a selector or network, with its explanation and rating.

    Attributes
    ----------
    aif
        The arterial input function, enhancement in the units of the series.
    vof
        The venous output function, or None where no vein was found.
    why
        One or two sentences for the user: the voxels and the reason for their selection.
    partial_volume
        Area of the vein over that of the artery, at least 1; None if it cannot be determined.
    rating
        Rating of the AIF.
    """

    aif: Aif
    vof: Aif | None
    why: str
    partial_volume: float | None = None
    rating: AifRating | None = None

    def corrected(self) -> Aif:
        """Return the AIF times the partial-volume ratio, or the AIF with a quality flag if there is no ratio.

        The correction changes absolute CBF and CBV; rCBF and Tmax are unchanged.
        """
        if self.partial_volume is None:
            return replace(self.aif, quality=(*self.aif.quality, UNCORRECTED_FLAG))
        return replace(self.aif, value=self.aif.value * self.partial_volume)

    @property
    def corrected_why(self) -> str:
        """``why`` for use beside the corrected curve: with the peak of that curve where the ratio changes it."""
        measured, scaled = (f"{aif.peak:.3g}" for aif in (self.aif, self.corrected()))
        if self.partial_volume is None or scaled == measured:
            return self.why
        return (
            f"{self.why} Scaled to the area of the vein (× {self.partial_volume:.2f}, partial-volume correction), "
            f"as for the maps and the table, the curve peaks at {scaled} instead of {measured}."
        )


def mean_curve(prepared: Prepared, flat: NDArray[np.int64], source_id: str, *, arterial: bool = True) -> Aif:
    """Return the mean unsmoothed curve of voxels with its quality flags.

    Parameters
    ----------
    prepared
        The case.
    flat
        Shape ``(n,)``, flat voxel indices, n ≥ 1.
    source_id
        Origin of the curve.
    arterial
        Whether to add the quality flags of an artery.
    """
    value = voxel_curves(prepared, flat).mean(axis=0, dtype=np.float64)
    places = np.stack(np.unravel_index(flat, prepared.grid), axis=1)
    voxels: tuple[Voxel, ...] = tuple((int(x), int(y), int(z)) for x, y, z in places)
    aif = Aif(prepared.time_s, value, source_id=source_id, voxels=voxels)
    return replace(aif, quality=aif_quality(prepared, aif).flags) if arterial else aif


def select_by_arrival(
    prepared: Prepared,
    choose: Callable[[float], NDArray[np.int64]],
    method: str,
    what: str,
    candidates: Candidates | None = None,
) -> Selection:
    """Select among vessels that arrive no later than the tissue; without a strong one, among later vessels.

    In some slabs every visible artery lies distal to the clot. Its late arrival biases Tmax and raises a flag, but
    its shape is still valid for rCBF.

    Parameters
    ----------
    prepared
        The case.
    choose
        Function from the maximum arrival after healthy tissue in seconds to the flat indices of the artery voxels;
        raises NoArteryError if there are none.
    method, what, candidates
        As in :func:`build_selection`.

    Raises
    ------
    NoArteryError
        No selected curve is clearly above the tissue.
    """
    strong = STRONG_CONTRAST * float(healthy_curve(prepared).max())
    weak: NDArray[np.int64] | None = None
    problem: NoArteryError | None = None
    for max_lag_s in MAX_ARRIVAL_LAGS_S:
        try:
            flat = choose(max_lag_s)
        except NoArteryError as error:
            problem = error
            continue
        if float(voxel_curves(prepared, flat).mean(axis=0).max()) >= strong:
            return build_selection(prepared, flat, method, what, candidates)
        weak = flat if weak is None else weak
    if weak is None:
        assert problem is not None
        raise problem
    return build_selection(prepared, weak, method, what, candidates)


def build_selection(
    prepared: Prepared, flat: NDArray[np.int64], method: str, what: str, candidates: Candidates | None = None
) -> Selection:
    """Build a selection from artery voxels: mean curve, vein, partial-volume ratio, rating and explanation.

    Parameters
    ----------
    prepared
        The case.
    flat
        Shape ``(n,)``, flat indices of the artery's voxels, n ≥ 1.
    method
        Name of the selector.
    what
        Description of the voxels, for the explanation.
    candidates
        Candidates for the vein; None: computed here.

    Raises
    ------
    NoArteryError
        The peak of the curve is not clearly above the tissue or its noise.
    """
    aif = mean_curve(prepared, flat, method)
    require_artery(prepared, flat, aif)
    try:
        vein = find_vein(prepared, candidates or find_candidates(prepared), flat, aif.peak_time_s)
    except NoArteryError:
        vein = None
    vof = None if vein is None else mean_curve(prepared, vein, VEIN, arterial=False)
    ratio = partial_volume_ratio(aif, vof)
    return Selection(aif, vof, _why(aif, vof, what, prepared.enhancement_unit), ratio, rate_aif(prepared, aif))


def require_tissue_bolus(prepared: Prepared) -> None:
    """Raise NoArteryError if the mean curve of healthy tissue has no bolus: nothing can be deconvolved."""
    tissue = healthy_curve(prepared)
    if float(tissue.max()) < MIN_TISSUE_SNR * float(frame_noise(tissue)):
        raise no_artery_error("the tissue shows no bolus either")


def require_artery(prepared: Prepared, flat: NDArray[np.int64], aif: Aif) -> None:
    """Raise NoArteryError if the peak of a curve is not clearly above the tissue and the noise of its voxels."""
    require_tissue_bolus(prepared)
    tissue = healthy_curve(prepared)
    noise = float(np.median(frame_noise(voxel_curves(prepared, flat))))
    broad = float(np.convolve(aif.value, np.full(3, 1 / 3), mode="valid").max())
    if broad <= MIN_ARTERY_CONTRAST * float(tissue.max()) or broad < MIN_BOLUS_SNR * noise:
        raise no_artery_error("no group of voxels enhances clearly more than the tissue")


def _why(aif: Aif, vof: Aif | None, what: str, unit: str) -> str:
    voxels = "One voxel" if len(aif.voxels) == 1 else f"{len(aif.voxels)} voxels"
    text = f"{voxels}: {what}; the curve peaks at {aif.peak:.3g} {unit} after {aif.peak_time_s:.0f} s."
    if vof is None:
        return f"{text} No vein was found."
    return f"{text} The vein peaks {vof.peak_time_s - aif.peak_time_s:.0f} s later at {vof.peak:.3g} {unit}."
