"""Quality flags: warnings about a case that do not stop an analysis, and the registry of their codes.

A flag is identified by its code; its sentence is text for the user and may change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["note", "warning", "doubtful"]
"""``note``: a correction made while reading. ``warning``: results are less certain. ``doubtful``: they may be
wrong, see :mod:`perfcore.plausibility`."""


@dataclass(frozen=True)
class FlagInfo:
    """A kind of quality flag.

    Attributes
    ----------
    code
        Stable identity, in files and filters.
    severity
        ``note``, ``warning`` or ``doubtful``.
    label
        A word or two, for tables.
    """

    code: str
    severity: Severity
    label: str


@dataclass(frozen=True)
class Flag:
    """A quality flag of one case: its code and severity of :data:`FLAGS`, and a sentence for the user."""

    code: str
    severity: Severity
    sentence: str

    def __str__(self) -> str:
        return self.sentence

    @property
    def label(self) -> str:
        """A word or two, for tables."""
        return FLAGS[self.code].label


FLAGS: Final[dict[str, FlagInfo]] = {
    info.code: info
    for info in (
        FlagInfo("contrast_at_start", "doubtful", "late start"),
        FlagInfo("scan_ends_early", "doubtful", "early end"),
        FlagInfo("half_head", "doubtful", "half a head"),
        FlagInfo("head_cut", "doubtful", "head cut"),
        FlagInfo("vessels_cut_off", "doubtful", "values cut off"),
        FlagInfo("mask_air", "doubtful", "air in mask"),
        FlagInfo("mask_bone", "doubtful", "bone in mask"),
        FlagInfo("aif_units", "doubtful", "AIF units"),
        FlagInfo("aif_baseline", "doubtful", "AIF baseline"),
        FlagInfo("aif_area", "doubtful", "AIF area"),
        FlagInfo("cbf_implausible", "doubtful", "CBF"),
        FlagInfo("cbv_implausible", "doubtful", "CBV"),
        FlagInfo("mtt_implausible", "doubtful", "MTT"),
        FlagInfo("scan_truncated", "warning", "cut off"),
        FlagInfo("motion", "warning", "motion"),
        FlagInfo("aif_fallback", "warning", "other selector"),
        FlagInfo("aif_late", "warning", "AIF timing"),
        FlagInfo("aif_near_vein", "warning", "AIF near vein"),
        FlagInfo("tmax_negative", "warning", "Tmax below 0"),
        FlagInfo("aif_before_bolus", "warning", "early contrast"),
        FlagInfo("aif_negative", "warning", "AIF below 0"),
        FlagInfo("aif_second_peak", "warning", "second peak"),
        FlagInfo("aif_width", "warning", "AIF width"),
        FlagInfo("aif_weak", "warning", "weak AIF"),
        FlagInfo("no_artery", "warning", "no artery"),
        FlagInfo("baseline_noisy", "warning", "noisy baseline"),
        FlagInfo("scan_short", "warning", "short"),
        FlagInfo("aif_truncated", "warning", "AIF tail"),
        FlagInfo("vof_truncated", "warning", "VOF cut off"),
        FlagInfo("aif_vof_area", "warning", "area of VOF"),
        FlagInfo("aif_vof_peak", "warning", "peak of VOF"),
        FlagInfo("aif_low", "warning", "low AIF"),
        FlagInfo("aif_uncorrected", "warning", "partial volume"),
        FlagInfo("aif_interpolated", "note", "AIF interpolated"),
        FlagInfo("tmax_shifted", "warning", "Tmax shifted"),
        FlagInfo("one_hemisphere", "warning", "one side"),
        FlagInfo("arbitrary_units", "note", "arbitrary units"),
        FlagInfo("time_step", "note", "time step"),
        FlagInfo("frame_times", "note", "frame times"),
        FlagInfo("frames_resampled", "note", "resampled"),
        FlagInfo("frames_filled", "note", "frames filled"),
        FlagInfo("images_left_out", "note", "images left out"),
        FlagInfo("files_left_out", "note", "files left out"),
        FlagInfo("series_left_out", "warning", "series left out"),
        FlagInfo("several_patients", "warning", "several patients"),
        FlagInfo("series_joined", "note", "series joined"),
        FlagInfo("duplicates_left_out", "note", "duplicates"),
        FlagInfo("uids_repeated", "note", "repeated UIDs"),
        FlagInfo("length_unit", "note", "length unit"),
        FlagInfo("no_rescaling", "warning", "no rescaling"),
        FlagInfo("lossy_compression", "warning", "lossy compression"),
        FlagInfo("downsampled", "note", "downsampled"),
        FlagInfo("gantry_tilted", "note", "gantry tilted"),
        FlagInfo("mask_displaced", "warning", "mask displaced"),
        FlagInfo("mask_resampled", "note", "mask resampled"),
        FlagInfo("lesion_left_out", "warning", "lesion left out"),
    )
}
"""By code, in the order of the library's filter."""


def make_flag(code: str, sentence: str) -> Flag:
    """Return a flag with the severity of its code."""
    return Flag(code, FLAGS[code].severity, sentence)


def doubtful_first(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    """Return flags, each once: those that make the result doubtful first, the others in their order."""
    return tuple(sorted(dict.fromkeys(flags), key=lambda flag: flag.severity != "doubtful"))


def without_codes(flags: Iterable[Flag], others: Iterable[Flag]) -> tuple[Flag, ...]:
    """Return the flags whose code none of the others has, as after a better measurement of the same thing."""
    measured = {flag.code for flag in others}
    return tuple(flag for flag in flags if flag.code not in measured)


def sentences(flags: Iterable[Flag]) -> list[str]:
    """Return the sentences of flags, as shown to the user and written to files."""
    return [flag.sentence for flag in flags]


def codes(flags: Iterable[Flag]) -> list[str]:
    """Return the codes of flags."""
    return [flag.code for flag in flags]
