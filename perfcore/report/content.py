"""Words and figures of the report, read from ``summary.json`` and the analysis; the same for HTML and PDF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from perfcore.aif.select.features import bolus_features
from perfcore.aif.sources import aif_label
from perfcore.display.colours import OUTLINES
from perfcore.metric_info import METRICS
from perfcore.quality_flags import Flag, Severity
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import CHOICES, Settings
from perfcore.stroke_figures import INDEX_LEVELS_S, LARGE_CORE_ML, TARGET_MISMATCH_ML, TARGET_RATIO, TMAX_LEVELS_S
from perfcore.types import Aif, DoubleArray, Voxel
from perfcore.version import VERSION

if TYPE_CHECKING:
    from perfcore.pipeline import Analysis

DISCLAIMER: Final = "For research and teaching – not for clinical use"
TITLES: Final = {"hu": "CT perfusion report", "dsc": "MR perfusion report"}
UNITS: Final = {"hu": "HU"}
"""Of enhancement, by the units of the series; others are arbitrary."""
_AGREEMENT: Final = ("dice", "auc", "hd95_mm", "lesion_ml")
"""Jaccard is left out: it follows from Dice."""

NO_FLAG: Final = "no quality flag"
PLURALS: Final = {"note": "notes", "warning": "warnings"}
_FINDINGS: Final = ("side", "target_mismatch", "hypoperfusion_index")
DEFINITIONS: Final = (
    f"Target mismatch: ratio ≥ {TARGET_RATIO:g}, mismatch ≥ {TARGET_MISMATCH_ML:g} ml and core < "
    f"{LARGE_CORE_ML:g} ml. "
    f"Hypoperfusion index: volume with Tmax > {INDEX_LEVELS_S[0]} s over that with Tmax > {INDEX_LEVELS_S[1]} s. "
    "Affected side: two thirds of the hypoperfused tissue."
)

Value = float | bool | str | None


@dataclass(frozen=True)
class Item:
    """A figure: its id in `perfcore.metric_info.METRICS`, its value as in ``summary.json``, and how it is printed.

    ``note`` is its definition in a few words, or empty.
    """

    id: str
    value: Value
    note: str = ""

    @property
    def label(self) -> str:
        """Name; the long one of what is derived, which the short one does not explain."""
        info = METRICS[self.id]
        return info.name if self.id in _FINDINGS else info.label

    @property
    def text(self) -> str:
        """Value with its digits; a dash where it has no meaning."""
        return METRICS[self.id].text(self.value)

    @property
    def unit(self) -> str:
        """Unit of a value that there is, or empty."""
        return METRICS[self.id].unit if self.value is not None else ""


@dataclass(frozen=True, eq=False)
class Curve:
    """The AIF or VOF.

    Attributes
    ----------
    name, colour, source
        ``AIF`` or ``VOF``, its colour, and where it comes from in a few words.
    time_s, value
        Shape ``(n_time,)``.
    peak, time_to_peak, width
        Printed figures: enhancement, s, and full width at half maximum in s.
    voxels
        The voxels whose mean it is; empty for other curves.
    """

    name: str
    colour: str
    source: str
    time_s: DoubleArray
    value: DoubleArray
    peak: str
    time_to_peak: str
    width: str
    voxels: tuple[Voxel, ...]


@dataclass(frozen=True, eq=False)
class Content:
    """What the report says.

    Attributes
    ----------
    title, case, made, version
        Kind of report, display name of the case, date of the computation, and program with its version.
    volumes, delays, findings, agreement
        Figures: lesions and mismatch; volumes by Tmax; what is derived; agreement with a known core, or empty.
    definitions
        Of the findings, in sentences.
    curves, unit
        AIF, then VOF where one was found; unit of their enhancement.
    quality
        Quality flags, the most severe first.
    quality_summary
        How many there are of each severity.
    settings
        Pairs of label and text.
    """

    title: str
    case: str
    made: date
    version: str
    volumes: tuple[Item, ...]
    delays: tuple[Item, ...]
    findings: tuple[Item, ...]
    definitions: str
    agreement: tuple[Item, ...]
    curves: tuple[Curve, ...]
    unit: str
    quality: tuple[Flag, ...]
    quality_summary: str
    settings: tuple[tuple[str, str], ...]


def make_content(analysis: Analysis, summary: Mapping[str, Any], made: date) -> Content:
    """Collect the words and figures of a report.

    Parameters
    ----------
    analysis
        Analysis of one case.
    summary
        Its ``summary.json``: every figure of the report is one of its values.
    made
        Date of the computation.
    """
    settings, units = analysis.settings, analysis.series.units
    severities = get_args(Severity)
    quality = sorted(analysis.quality, key=lambda flag: -severities.index(flag.severity))
    return Content(
        title=TITLES.get(units, "Perfusion report"),
        case=printable(summary["case"]),
        made=made,
        version=f"AIF Lab {VERSION}",
        volumes=(
            Item("core_ml", summary["core_ml"], core_rule(settings)),
            Item("hypoperfused_ml", summary["hypoperfused_ml"], delay_rule(settings)),
            Item("mismatch_ml", summary["mismatch_ml"]),
            Item("mismatch_ratio", summary["mismatch_ratio"], "" if summary["mismatch_ratio"] else "no core"),
        ),
        delays=tuple(Item(f"tmax_{s}_ml", summary["tmax_volumes_ml"][str(s)]) for s in TMAX_LEVELS_S),
        findings=tuple(Item(name, summary[name]) for name in _FINDINGS),
        definitions=DEFINITIONS,
        agreement=tuple(Item(name, summary[name]) for name in _AGREEMENT if name in summary),
        curves=tuple(_curves(analysis)),
        unit=UNITS.get(units, "arbitrary units"),
        quality=tuple(quality),
        quality_summary=_quality_summary(quality),
        settings=tuple(_settings(analysis, summary)),
    )


def core_rule(settings: Settings) -> str:
    """Return the definition of the core."""
    return f"rCBF < {settings.core_threshold:g}"


def delay_rule(settings: Settings) -> str:
    """Return the definition of hypoperfused tissue."""
    return f"Tmax > {settings.tmax_threshold_s:g} s"


def printable(text: str) -> str:
    """Return a text on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _quality_summary(flags: list[Flag]) -> str:
    """Return the number of flags of each severity, the most severe first."""
    counts = [(name, sum(flag.severity == name for flag in flags)) for name in reversed(get_args(Severity))]
    return ", ".join(f"{n} {name if n == 1 else PLURALS.get(name, name)}" for name, n in counts if n) or NO_FLAG


def _curves(analysis: Analysis) -> list[Curve]:
    ratio = f", × {analysis.selection.partial_volume:.2f} for partial volume" if analysis.corrected else ""
    curves = [_curve("AIF", "aif", analysis.aif, aif_label(analysis.aif) + ratio)]
    if analysis.vof is not None:
        curves.append(_curve("VOF", "vof", analysis.vof, aif_label(analysis.vof)))
    return curves


def _curve(name: str, colour: str, aif: Aif, source: str) -> Curve:
    positive = aif.peak > 0
    after = aif.value[int(aif.value.argmax()) :]
    width_s = float(bolus_features(np.asarray(aif.value, np.float32)[None]).width[0]) * aif.dt_s
    cut_off = "≥ " if after.min() > 0.5 * aif.peak else ""
    return Curve(
        name=name,
        colour=OUTLINES[colour],
        source=f"{source}; {_places(aif)}",
        time_s=aif.time_s,
        value=aif.value,
        peak=_figure(aif.peak),
        time_to_peak=f"{aif.peak_time_s:.1f}" if positive else "–",
        width=f"{cut_off}{width_s:.1f}" if positive else "–",
        voxels=aif.voxels,
    )


def _figure(value: float) -> str:
    """Return an enhancement with three significant digits, at most one of them behind the point for HU."""
    text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
    return text.replace("-", "−")


def _places(aif: Aif) -> str:
    """Return the number of voxels and their slices, counted from 1."""
    if not aif.voxels:
        return "no voxels"
    slices = sorted({z + 1 for _, _, z in aif.voxels})
    where = f"slice{'' if len(slices) == 1 else 's'} {', '.join(map(str, slices))}"
    if len(slices) > 3:
        where = f"{len(slices)} slices"
    return f"{len(aif.voxels)} voxel{'' if len(aif.voxels) == 1 else 's'}, {where}"


def _settings(analysis: Analysis, summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    settings, series = analysis.settings, analysis.series
    used = summary["settings"]
    size = " × ".join(map(str, summary["shape"]))
    spacing = " × ".join(f"{edge:.2f}" for edge in summary["spacing_mm"])
    smoothing = f"{settings.spatial_sigma_mm:g} mm, {settings.temporal_sigma_s:g} s (σ)"
    shift = f", shifted by {analysis.maps.tmax_shift_s:+.1f} s".replace("-", "−")
    healthy = Item("reference_cbf", summary["reference_cbf"])
    pairs = [
        ("Series", f"{series.n_time} frames of {series.dt_s:g} s, {size} voxels of {spacing} mm"),
        ("Preset", str(used.get("preset", ""))),
        (
            "Deconvolution",
            f"{CHOICES['deconvolution'][settings.deconvolution]}, "
            f"{CHOICES['discretization'][settings.discretization]}",
        ),
        ("Regularisation", f"{REGULARIZATIONS[settings.regularization].label}, λ {settings.lam:g}"),
        ("Smoothing", smoothing),
        ("Realignment", CHOICES["motion"][settings.motion] if series.units == "hu" else "none"),
        ("Thresholds", f"{core_rule(settings)}, {delay_rule(settings)}"),
        (
            "Tmax counted from",
            CHOICES["tmax_reference"][settings.tmax_reference]
            + (shift if settings.tmax_reference != "absolute" else ""),
        ),
        ("Healthy CBF", f"{healthy.text} {healthy.unit}, {CHOICES['reference'][settings.reference]}"),
        ("Partial volume", _partial_volume(analysis)),
        ("Mask", str(used["mask"])),
    ]
    return [(label, text) for label, text in pairs if text]


def _partial_volume(analysis: Analysis) -> str:
    """Return how the AIF was enlarged."""
    ratio = analysis.selection.partial_volume
    if analysis.corrected and ratio is not None:
        return f"vein, × {ratio:.2f}"
    return "curve as given" if analysis.selection.rating is None else "off"
