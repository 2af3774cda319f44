"""What a selector returns, and how a set of voxels becomes an input function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.select.candidates import (
    Candidates,
    find_candidates,
    frame_noise,
    healthy_curve,
    no_artery_error,
    voxel_curves,
)
from perfcore.aif.select.quality import AifRating, artery_flags, rate_aif
from perfcore.aif.select.vein import find_vein, partial_volume_ratio
from perfcore.errors import NoArteryError
from perfcore.preprocess import Prepared
from perfcore.types import Aif, Voxel

MIN_ARTERY_CONTRAST: Final = 3.0
"""An artery's peak (mean of three frames) is at least this multiple of the healthy tissue's."""
STRONG_CONTRAST: Final = 4.0
MAX_ARRIVAL_LAGS_S: Final = (0.5, 2.5)
"""How much later than healthy tissue an artery may rise: first choice, and where that finds none of contrast."""
MIN_TISSUE_SNR: Final = 6.0
MIN_BOLUS_SNR: Final = 2.5
"""The mean of three frames around the peak is at least this multiple of one voxel's noise in one frame.

Voxels picked for a chance maximum in the same frame look tall against the noise of their mean, but not here.
"""


UNCORRECTED_FLAG: Final = (
    "The AIF was not corrected for partial volume, since no vein serves to tell it: absolute CBF and CBV are too "
    "large where the artery does not fill its voxels."
)


@dataclass(frozen=True, eq=False)
class Selection:
    """An input function with its reasons.

    Attributes
    ----------
    aif
        The arterial input function, enhancement in the units of the series.
    vof
        The venous output function, or None where no vein was found.
    why
        One or two sentences for people: which voxels these are and what made them the choice.
    partial_volume
        The area of the vein over that of the artery, at least 1; None where it cannot be told.
    judgement
        Score of the AIF with its reasons.
    """

    aif: Aif
    vof: Aif | None
    why: str
    partial_volume: float | None = None
    rating: AifRating | None = None

    def corrected(self) -> Aif:
        """Return the AIF times the partial-volume ratio; the AIF itself, and a note of it, where there is none.

        It changes absolute CBF and CBV, and neither rCBF nor Tmax.
        """
        if self.partial_volume is None:
            return replace(self.aif, quality=(*self.aif.quality, UNCORRECTED_FLAG))
        return replace(self.aif, value=self.aif.value * self.partial_volume)


def mean_curve(prepared: Prepared, flat: NDArray[np.int64], method: str, *, arterial: bool = True) -> Aif:
    """Return the mean unsmoothed curve of voxels as an input function with its quality flags.

    Parameters
    ----------
    prepared
        The case.
    flat
        Shape ``(n,)``, flat voxel indices, n ≥ 1.
    method
        Name of the selector.
    arterial
        Whether the flags of an artery apply.
    """
    value = voxel_curves(prepared, flat).mean(axis=0, dtype=np.float64)
    places = np.stack(np.unravel_index(flat, prepared.grid), axis=1)
    voxels: tuple[Voxel, ...] = tuple((int(x), int(y), int(z)) for x, y, z in places)
    flags = artery_flags(prepared, value) if arterial else ()
    return Aif(prepared.time_s, value, method=method, voxels=voxels, quality=flags)


def select_by_arrival(
    prepared: Prepared,
    choose: Callable[[float], NDArray[np.int64]],
    method: str,
    what: str,
    candidates: Candidates | None = None,
) -> Selection:
    """Choose among vessels that rise no later than the tissue and, only where none stands out, among later ones.

    In some slabs every artery in sight lies behind the clot. Its curve is late, which moves Tmax and is flagged,
    but its shape still serves for rCBF.

    Parameters
    ----------
    prepared
        The case.
    choose
        Given the latest arrival after healthy tissue in seconds, the flat indices of an artery's voxels; raises
        NoArteryError where there are none.
    method, what, candidates
        As of :func:`finish`.

    Raises
    ------
    NoArteryError
        No choice stands out of the tissue.
    """
    strong = STRONG_CONTRAST * float(healthy_curve(prepared).max())
    weak: NDArray[np.int64] | None = None
    problem: NoArteryError | None = None
    for latest_s in MAX_ARRIVAL_LAGS_S:
        try:
            flat = choose(latest_s)
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
    """Turn the artery's voxels into a selection: mean curve, vein, partial volume, score and sentence.

    Parameters
    ----------
    prepared
        The case.
    flat
        Shape ``(n,)``, flat indices of the artery's voxels, n ≥ 1.
    method
        Name of the selector.
    what
        What the voxels are, for the sentence.
    candidates
        Where the vein is sought; found here where not given.

    Raises
    ------
    NoArteryError
        The curve is hardly taller than the tissue or drowns in its own noise.
    """
    aif = mean_curve(prepared, flat, method)
    require_artery(prepared, flat, aif)
    try:
        vein = find_vein(prepared, candidates or find_candidates(prepared), flat, aif.peak_time_s)
    except NoArteryError:
        vein = None
    vof = None if vein is None else mean_curve(prepared, vein, method, arterial=False)
    ratio = partial_volume_ratio(aif, vof)
    return Selection(aif, vof, _why(aif, vof, what), ratio, rate_aif(prepared, aif))


def require_tissue_bolus(prepared: Prepared) -> None:
    """Raise NoArteryError where not even the mean of healthy tissue shows a bolus: nothing can be deconvolved."""
    tissue = healthy_curve(prepared)
    if float(tissue.max()) < MIN_TISSUE_SNR * float(frame_noise(tissue)):
        raise no_artery_error("the tissue shows no bolus either")


def require_artery(prepared: Prepared, flat: NDArray[np.int64], aif: Aif) -> None:
    """Raise NoArteryError where a curve is hardly taller than tissue or drowns in its voxels' noise."""
    require_tissue_bolus(prepared)
    tissue = healthy_curve(prepared)
    noise = float(np.median(frame_noise(voxel_curves(prepared, flat))))
    broad = float(np.convolve(aif.value, np.full(3, 1 / 3), mode="valid").max())
    if broad <= MIN_ARTERY_CONTRAST * float(tissue.max()) or broad < MIN_BOLUS_SNR * noise:
        raise no_artery_error("no group of voxels enhances clearly more than the tissue")


def _why(aif: Aif, vof: Aif | None, what: str) -> str:
    voxels = "One voxel" if len(aif.voxels) == 1 else f"{len(aif.voxels)} voxels"
    text = f"{voxels}: {what}; the curve peaks at {aif.peak:.3g} after {aif.peak_time_s:.0f} s."
    if vof is None:
        return f"{text} No vein was found."
    return f"{text} The vein peaks {vof.peak_time_s - aif.peak_time_s:.0f} s later at {vof.peak:.3g}."
