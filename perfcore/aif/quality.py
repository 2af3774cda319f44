"""AIF quality: one rule for every page, report and file.

:func:`measure` takes what distinguishes an arterial input function from other curves, and :func:`assess` judges it
by :data:`perfcore.plausibility.artery.ARTERY_CHECKS`: ``good``, ``doubtful`` or ``bad``, each with a sentence.
Where the series lacks what every curve is measured from (:data:`SERIES_CAUSES`), none is better than doubtful. The
JavaScript port (``pages/live/frontend/curve/aif_quality.js``) is tested against these functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from perfcore.aif.select.candidates import healthy_curve
from perfcore.aif.select.features import bolus_features
from perfcore.plausibility.artery import ARTERY_CHECKS
from perfcore.plausibility.check import Check
from perfcore.preprocess import Prepared
from perfcore.quality_flags import Flag
from perfcore.types import Aif, DoubleArray

Verdict = Literal["good", "doubtful", "bad"]
VERDICTS: Final[tuple[Verdict, ...]] = ("good", "doubtful", "bad")
"""From the best to the worst."""
GOOD_SENTENCE: Final = "Every measure is that of an artery."
SERIES_CAUSES: Final[Mapping[str, str]] = {
    "contrast_at_start": "The series starts late: core and Tmax are unreliable.",
    "baseline_noisy": "The baseline is noisy: CBV and the tail of the curve are less certain.",
}
"""Flags of a series with which no curve of it is good, by code, and the cause in a sentence without figures: the
measures are taken from the baseline and the start of the bolus, and cannot tell that these are missing."""
AVERAGED_FRAMES: Final = 3
"""Frames of a running mean, so that the noise of a single frame is no finding."""
END_FRAMES: Final = 3
FULL_VEIN: Final = 15.0
"""Least peak of a vein that fills its voxels, over that of healthy tissue; undiluted blood has 20 to 37 times."""
REST_MARGIN_S: Final = 6.0
"""Contrast reaches arteries about 3 s before healthy tissue (20 % of the peak) and rises to there in about 3 s."""


@dataclass(frozen=True)
class CaseReference:
    """What the curves of one case are compared with; the browser receives it with the case.

    Attributes
    ----------
    dt_s
        Time step, seconds.
    in_hu
        Whether enhancement is in HU.
    tissue_arrival_s, tissue_peak
        Arrival (20 % of the peak) in seconds and peak enhancement of the mean healthy tissue curve.
    doubts
        Flags of the series with which no curve of it is good.
    """

    dt_s: float
    in_hu: bool
    tissue_arrival_s: float
    tissue_peak: float
    doubts: tuple[Flag, ...] = ()

    @classmethod
    def of(cls, prepared: Prepared) -> CaseReference:
        """Measure the healthy tissue of a case."""
        doubts = tuple(flag for flag in prepared.warnings if flag.code in SERIES_CAUSES)
        tissue = bolus_features(healthy_curve(prepared)[None])
        arrival_s = float(tissue.arrival[0]) * prepared.dt_s
        return cls(prepared.dt_s, prepared.in_hu, arrival_s, float(tissue.height[0]), doubts)


@dataclass(frozen=True)
class AifMeasures:
    """Measures of an AIF; None where one does not apply.

    Attributes
    ----------
    delay_after_tissue_s
        Arrival (20 % of the peak) after that of healthy tissue, seconds.
    lead_over_vof_s
        Arrival before that of the VOF, seconds, where the vein fills its voxels.
    negative_tmax
        Share of the brain with Tmax < 0, 0 to 1; None with a causal deconvolution, which gives none.
    before_bolus
        Highest level before the bolus reaches the head, of the peak.
    lowest
        Lowest level, of the peak; negative below the baseline.
    second_peak
        Largest rise away from the peak, of the peak.
    width_s
        Full width at half maximum, seconds.
    peak_over_tissue
        Peak over that of healthy tissue.
    tail, vof_tail
        Mean of the last three frames over the peak, of the AIF and of the VOF.
    area_over_vof, peak_over_vof
        Ratios of AIF to VOF, where the vein fills its voxels; the area only where the VOF is not truncated.
    peak_hu
        Peak enhancement, HU; None in other units.
    """

    delay_after_tissue_s: float | None = None
    lead_over_vof_s: float | None = None
    negative_tmax: float | None = None
    before_bolus: float | None = None
    lowest: float | None = None
    second_peak: float | None = None
    width_s: float | None = None
    peak_over_tissue: float | None = None
    tail: float | None = None
    vof_tail: float | None = None
    area_over_vof: float | None = None
    peak_over_vof: float | None = None
    peak_hu: float | None = None


@dataclass(frozen=True)
class Finding:
    """One measure with its check and its verdict."""

    check: Check
    value: float
    verdict: Verdict

    @property
    def cause(self) -> str:
        """The likely cause, a sentence; empty where the measure is good."""
        return "" if self.verdict == "good" else f"{self.check.cause(self.value)}."

    @property
    def sentence(self) -> str:
        """Cause, value with its range, and remedy; for a good measure what was measured."""
        return self.check.fact(self.value) if self.verdict == "good" else self.check.sentence(self.value)


@dataclass(frozen=True)
class AifQuality:
    """Quality of an AIF.

    Attributes
    ----------
    measures
        What was measured.
    findings
        Every measure that applies, judged, in the order of the checks.
    doubts
        Flags of the series with which no curve of it is good.
    """

    measures: AifMeasures
    findings: tuple[Finding, ...]
    doubts: tuple[Flag, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of a finding; at best doubtful where the series is."""
        verdicts: list[Verdict] = [finding.verdict for finding in self.findings]
        return max([*verdicts, "doubtful" if self.doubts else "good"], key=VERDICTS.index)

    @property
    def reason(self) -> Finding | None:
        """The first of the worst findings, which another curve can mend; None where no finding is the reason."""
        verdict = self.verdict
        return None if verdict == "good" else next((f for f in self.findings if f.verdict == verdict), None)

    @property
    def cause(self) -> str:
        """What is wrong, in a sentence without figures."""
        if self.reason is not None:
            return self.reason.cause
        return SERIES_CAUSES[self.doubts[0].code] if self.doubts else GOOD_SENTENCE

    @property
    def sentence(self) -> str:
        """What is wrong, with figures and remedy."""
        if self.reason is not None:
            return self.reason.sentence
        return self.doubts[0].sentence if self.doubts else GOOD_SENTENCE

    @property
    def flags(self) -> tuple[Flag, ...]:
        """A quality flag for each finding that is not good; a bad one makes the result doubtful.

        The series has its own.
        """
        return tuple(
            Flag(f.check.code, "doubtful" if f.verdict == "bad" else "warning", f.sentence)
            for f in self.findings
            if f.verdict != "good"
        )


MEASURED: Final[Mapping[str, Check]] = dict(
    zip((field.name for field in fields(AifMeasures)), ARTERY_CHECKS, strict=True)
)
"""The check of each field of `AifMeasures`, in their common order."""
CODES: Final = frozenset(check.code for check in ARTERY_CHECKS)
"""Codes of the flags that an `AifQuality` has."""


def measure(
    reference: CaseReference,
    value: DoubleArray,
    vof: DoubleArray | None = None,
    negative_tmax: float | None = None,
) -> AifMeasures:
    """Measure a curve.

    Parameters
    ----------
    reference
        What the curves of the case are compared with.
    value
        The AIF, enhancement, shape ``(n_time,)``, n_time ≥ 3.
    vof
        The venous output function on the same frames, or None.
    negative_tmax
        Share of the brain with Tmax < 0, or None.

    Returns
    -------
    AifMeasures
        Nothing but ``negative_tmax`` of a curve without a positive sample.
    """
    peak = float(value.max())
    if not peak > 0:
        return AifMeasures(negative_tmax=negative_tmax)
    arrival_s, width_s = _arrival_and_width(value, reference.dt_s)
    level = running_mean(value)
    compared = {} if vof is None or not vof.max() > 0 else _against_vof(reference, value, arrival_s, vof)
    return AifMeasures(
        delay_after_tissue_s=arrival_s - reference.tissue_arrival_s,
        negative_tmax=negative_tmax,
        before_bolus=_before_bolus(reference, value, peak),
        lowest=float(level.min()) / peak,
        second_peak=_largest_rise(level) / peak,
        width_s=width_s,
        peak_over_tissue=peak / reference.tissue_peak if reference.tissue_peak > 0 else None,
        tail=float(value[-END_FRAMES:].mean()) / peak,
        peak_hu=peak if reference.in_hu else None,
        **compared,
    )


def assess(measures: AifMeasures, doubts: tuple[Flag, ...] = ()) -> AifQuality:
    """Judge measures by `ARTERY_CHECKS`, with the doubts of the case's reference."""
    found = []
    for name, check in MEASURED.items():
        value = getattr(measures, name)
        if value is not None and np.isfinite(value):
            verdict: Verdict = (
                "good" if check.is_normal(value) else "doubtful" if check.is_possible(value) else "bad"
            )
            found.append(Finding(check, value, verdict))
    return AifQuality(measures, tuple(found), doubts)


def aif_quality(
    prepared: Prepared, aif: Aif, vof: Aif | None = None, negative_tmax: float | None = None
) -> AifQuality:
    """Measure and judge an AIF of a case; parameters as of :func:`measure`."""
    reference = CaseReference.of(prepared)
    measures = measure(reference, aif.value, None if vof is None else vof.value, negative_tmax)
    return assess(measures, reference.doubts)


def negative_share(tmax_s: NDArray[np.float32]) -> float | None:
    """Return the share of voxels with Tmax < 0, of those that have one; None without any."""
    known = np.isfinite(tmax_s)
    return float((tmax_s[known] < 0).mean()) if known.any() else None


def running_mean(value: DoubleArray) -> DoubleArray:
    """Return the mean of every three successive frames, shape ``(n_time − 2,)``."""
    return np.convolve(np.asarray(value, np.float64), np.full(AVERAGED_FRAMES, 1 / AVERAGED_FRAMES), mode="valid")


def _arrival_and_width(value: DoubleArray, dt_s: float) -> tuple[float, float]:
    found = bolus_features(np.asarray(value, np.float32)[None])
    return float(found.arrival[0]) * dt_s, float(found.width[0]) * dt_s


def _before_bolus(reference: CaseReference, value: DoubleArray, peak: float) -> float | None:
    """Return the highest level, at least 0, of the frames before the bolus; None without such a frame."""
    n_rest = int(np.floor((reference.tissue_arrival_s - REST_MARGIN_S) / reference.dt_s)) + 1
    if n_rest < 1:
        return None
    rest = value[:n_rest]
    level = float(running_mean(rest).max()) if rest.size >= AVERAGED_FRAMES else float(rest.mean())
    return max(level, 0.0) / peak


def _largest_rise(level: DoubleArray) -> float:
    """Return the largest rise on the way from the peak of a curve to its ends."""
    top = int(level.argmax())
    ways = level[top:], level[top::-1]
    return max(float((way - np.minimum.accumulate(way)).max()) for way in ways)


def _against_vof(
    reference: CaseReference, value: DoubleArray, arrival_s: float, vof: DoubleArray
) -> dict[str, float | None]:
    vof_peak, vof_area = float(vof.max()), float(vof.sum())
    tail = float(vof[-END_FRAMES:].mean()) / vof_peak
    is_full = vof_peak >= FULL_VEIN * reference.tissue_peak
    is_complete = is_full and vof_area > 0 and tail <= MEASURED["vof_tail"].normal[1]
    return {
        "lead_over_vof_s": _arrival_and_width(vof, reference.dt_s)[0] - arrival_s if is_full else None,
        "vof_tail": tail,
        "area_over_vof": float(value.sum()) / vof_area if is_complete else None,
        "peak_over_vof": float(value.max()) / vof_peak if is_full else None,
    }
