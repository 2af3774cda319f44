"""Options of the commands that read a case and choose the deconvolution: ``maps`` and ``page``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_type_hints

import typer

from perfcore.aif.sources import aif_methods
from perfcore.batch.case import CaseOptions
from perfcore.cli.app import DEVICES, check_choice, choices
from perfcore.errors import ArgumentError
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import CHOICES, PRESETS, Settings
from perfcore.types import SeriesUnits

UNITS: Final[tuple[str, ...]] = get_args(SeriesUnits)
PARTIAL_VOLUME: Final = ("off", "vein")


def _default_strengths() -> str:
    return ", ".join(f"{info.default_lambda:g} ({name})" for name, info in REGULARIZATIONS.items())


@dataclass(frozen=True)
class CaseArguments:
    """Options of a command by which it reads a case and computes its maps; help and defaults are declared here."""

    aif: Annotated[
        str,
        typer.Option(
            metavar=f"{choices(aif_methods())}|FILE.csv",
            help="Arterial input function: a method, or a CSV with the columns time_s,value.",
        ),
    ] = "auto"
    units: Annotated[
        str,
        typer.Option(
            metavar=choices(UNITS),
            help="concentration: the series is already enhancement; dsc: MR signal that falls with contrast.",
        ),
    ] = "hu"
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Brain mask that replaces the automatic one.")
    ] = None
    dt: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time step; default: header.")] = None
    preset: Annotated[
        str, typer.Option(metavar=choices(list(PRESETS)), help="Named settings; single options override them.")
    ] = "paper"
    deconvolution: Annotated[str | None, typer.Option(metavar=choices(CHOICES["deconvolution"]))] = None
    discretization: Annotated[str | None, typer.Option(metavar=choices(CHOICES["discretization"]))] = None
    regularization: Annotated[str | None, typer.Option(metavar=choices(list(REGULARIZATIONS)))] = None
    lambda_rel: Annotated[
        float | None,
        typer.Option(metavar="X", help=f"Strength; default {_default_strengths()}."),
    ] = None
    spatial_sigma_mm: Annotated[float | None, typer.Option(metavar="S", help="Smoothing in space; 0 is none.")] = (
        None
    )
    temporal_sigma_s: Annotated[float | None, typer.Option(metavar="S", help="Smoothing in time; 0 is none.")] = (
        None
    )
    motion: Annotated[
        str | None, typer.Option(metavar=choices(CHOICES["motion"]), help="Realignment of frames; rigid: in 3D.")
    ] = None
    partial_volume: Annotated[
        str, typer.Option(metavar=choices(PARTIAL_VOLUME), help="vein: scale a found AIF to the area of its VOF.")
    ] = "vein"
    reference: Annotated[
        str | None, typer.Option(metavar=choices(CHOICES["reference"]), help="Region of the healthy mean CBF.")
    ] = None
    core_threshold: Annotated[float | None, typer.Option(metavar="X", help="Core: rCBF below X.")] = None
    tmax_threshold: Annotated[
        float | None, typer.Option(metavar="S", help="Hypoperfused: Tmax above S seconds.")
    ] = None
    tmax_reference: Annotated[
        str | None,
        typer.Option(metavar=choices(CHOICES["tmax_reference"]), help="healthy: the healthy median is 3.5 s."),
    ] = None
    series_number: Annotated[
        int | None,
        typer.Option(
            "--series", metavar="N", help="DICOM series by its number in inspect; default: the usable one."
        ),
    ] = None
    device: Annotated[str, typer.Option(metavar=choices(DEVICES))] = "auto"

    def options(self) -> CaseOptions:
        """Return the checked options; paths are absolute, as worker processes need them.

        Raises
        ------
        ArgumentError
            An option has a value that it cannot have.
        """
        check_choice("device", self.device, DEVICES)
        check_choice("units", self.units, UNITS)
        check_choice("partial-volume", self.partial_volume, PARTIAL_VOLUME)
        aif_csv = aif_csv_path(self.aif)
        settings = Settings.preset(
            self.preset,
            deconvolution=self.deconvolution,
            discretization=self.discretization,
            regularization=self.regularization,
            lambda_rel=self.lambda_rel,
            spatial_sigma_mm=self.spatial_sigma_mm,
            temporal_sigma_s=self.temporal_sigma_s,
            motion=self.motion,
            reference=self.reference,
            core_threshold=self.core_threshold,
            tmax_threshold_s=self.tmax_threshold,
            tmax_reference=self.tmax_reference,
        )
        return CaseOptions(
            aif=self.aif if aif_csv is None else aif_csv.absolute(),
            units=self.units,  # type: ignore[arg-type]
            mask=None if self.mask is None else self.mask.absolute(),
            dt_s=self.dt,
            series=self.series_number,
            settings=settings,
            preset=self.preset,
            device=self.device,
            partial_volume=self.partial_volume == "vein",
        )


def takes_case_arguments(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that has the fields of `CaseArguments` as options in place of its parameter ``case``."""
    fields = get_type_hints(CaseArguments, include_extras=True)
    hints = get_type_hints(command, include_extras=True)
    parameters: list[Parameter] = []
    for parameter in signature(command).parameters.values():
        if parameter.name == "case":
            parameters += [
                field.replace(kind=Parameter.KEYWORD_ONLY, annotation=fields[name])
                for name, field in signature(CaseArguments).parameters.items()
            ]
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))

    def run(**given: Any) -> None:
        case = CaseArguments(**{name: given.pop(name) for name in fields})
        command(case=case, **given)

    run.__doc__ = command.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return run


def aif_csv_path(aif: str) -> Path | None:
    """Return the path of the CSV file given with ``--aif``, None if it is the name of a method."""
    methods = aif_methods()
    if aif in methods:
        return None
    path = Path(aif)
    if path.suffix.lower() != ".csv":
        raise ArgumentError(f"aif must be one of {', '.join(methods)}, or a .csv file; got {aif!r}.")
    return path
