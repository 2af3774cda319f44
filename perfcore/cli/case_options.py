"""Options of the commands that read a case and choose the deconvolution: ``maps`` and ``page``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, get_args

import typer

from perfcore.aif.sources import aif_methods
from perfcore.cli.app import DEVICES, choices
from perfcore.errors import ArgumentError
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import CHOICES, PRESETS
from perfcore.types import SeriesUnits

UNITS: Final[tuple[str, ...]] = get_args(SeriesUnits)
PARTIAL_VOLUME: Final = ("off", "vein")


def _default_strengths() -> str:
    return ", ".join(f"{info.default_lambda:g} ({name})" for name, info in REGULARIZATIONS.items())


AIF = Annotated[
    str,
    typer.Option(
        metavar=f"{choices(aif_methods())}|FILE.csv",
        help="Arterial input function: a method, or a CSV with the columns time_s,value.",
    ),
]
UNITS_OPTION = Annotated[
    str,
    typer.Option(
        metavar=choices(UNITS),
        help="concentration: the series is already enhancement; dsc: MR signal that falls with contrast.",
    ),
]
MASK = Annotated[Path | None, typer.Option(metavar="FILE", help="Brain mask that replaces the automatic one.")]
DT = Annotated[float | None, typer.Option(metavar="SECONDS", help="Time step; default: header.")]
PRESET = Annotated[
    str, typer.Option(metavar=choices(list(PRESETS)), help="Named settings; single options override them.")
]
DECONVOLUTION = Annotated[str | None, typer.Option(metavar=choices(CHOICES["deconvolution"]))]
DISCRETIZATION = Annotated[str | None, typer.Option(metavar=choices(CHOICES["discretization"]))]
REGULARIZATION = Annotated[str | None, typer.Option(metavar=choices(list(REGULARIZATIONS)))]
LAMBDA = Annotated[
    float | None,
    typer.Option(metavar="X", help=f"Strength; default {_default_strengths()}."),
]
SPATIAL_SIGMA = Annotated[float | None, typer.Option(metavar="S", help="Smoothing in space; 0 is none.")]
TEMPORAL_SIGMA = Annotated[float | None, typer.Option(metavar="S", help="Smoothing in time; 0 is none.")]
MOTION = Annotated[
    str | None, typer.Option(metavar=choices(CHOICES["motion"]), help="Realignment of frames; rigid: in 3D.")
]
PARTIAL_VOLUME_OPTION = Annotated[
    str, typer.Option(metavar=choices(PARTIAL_VOLUME), help="vein: scale a found AIF to the area of its VOF.")
]
REFERENCE = Annotated[
    str | None, typer.Option(metavar=choices(CHOICES["reference"]), help="Region of the healthy mean CBF.")
]
CORE_THRESHOLD = Annotated[float | None, typer.Option(metavar="X", help="Core: rCBF below X.")]
TMAX_THRESHOLD = Annotated[float | None, typer.Option(metavar="S", help="Hypoperfused: Tmax above S seconds.")]
TMAX_REFERENCE = Annotated[
    str | None,
    typer.Option(metavar=choices(CHOICES["tmax_reference"]), help="healthy: the healthy median is 3.5 s."),
]
SERIES = Annotated[
    int | None,
    typer.Option("--series", metavar="N", help="DICOM series by its number in inspect; default: the usable one."),
]
DEVICE = Annotated[str, typer.Option(metavar=choices(DEVICES))]


def aif_csv_path(aif: str) -> Path | None:
    """Return the path of the CSV file given with ``--aif``, None if it is the name of a method."""
    methods = aif_methods()
    if aif in methods:
        return None
    path = Path(aif)
    if path.suffix.lower() != ".csv":
        raise ArgumentError(f"aif must be one of {', '.join(methods)}, or a .csv file; got {aif!r}.")
    return path
