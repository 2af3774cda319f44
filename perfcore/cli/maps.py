"""Command ``maps``: from a case, or many, to maps, lesions and figures."""

# ruff: noqa: PLC0415

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, get_args

import typer

from perfcore.aif.sources import aif_methods
from perfcore.batch.case import CaseOptions, map_case
from perfcore.cli.app import DEVICES, SCHEDULER, app, check_choice, choices
from perfcore.errors import ArgumentError
from perfcore.regularization import REGULARIZATIONS
from perfcore.runtime.cli_errors import BAD_INPUT, INTERNAL_ERROR
from perfcore.runtime.lean_imports import import_nibabel
from perfcore.runtime.progress import progress
from perfcore.settings import CHOICES, PRESETS, Settings
from perfcore.types import SeriesUnits

if TYPE_CHECKING:
    from perfcore.pipeline import Analysis

UNITS: Final[tuple[str, ...]] = get_args(SeriesUnits)
PARTIAL_VOLUME: Final = ("off", "vein")
NAMES: Final = ("plain", "bids")
GPU_WORKERS: Final = 4
"""Processes that share a GPU: each holds a context of some hundred megabytes there."""


def _default_strengths() -> str:
    return ", ".join(f"{info.default_lambda:g} ({name})" for name, info in REGULARIZATIONS.items())


@app.command(name="maps")
def maps_command(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="A case folder (ISLES 2018 or 2024), a 4D NIfTI file, or a folder or zip of DICOM files; "
            "or several, or a folder of cases.",
        ),
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the maps; of several cases: DIR/CASE/.")
    ],
    aif: Annotated[
        str,
        typer.Option(
            metavar=f"{choices(aif_methods())}|FILE.csv",
            help="Arterial input function: a method, or a CSV with the columns time_s,value.",
        ),
    ] = "auto",
    units: Annotated[
        str,
        typer.Option(
            metavar=choices(UNITS),
            help="concentration: the series is already enhancement; dsc: MR signal that falls with contrast.",
        ),
    ] = "hu",
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Brain mask that replaces the automatic one.")
    ] = None,
    dt: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time step; default: header.")] = None,
    preset: Annotated[
        str, typer.Option(metavar=choices(list(PRESETS)), help="Named settings; single options override them.")
    ] = "paper",
    deconvolution: Annotated[str | None, typer.Option(metavar=choices(CHOICES["deconvolution"]))] = None,
    discretization: Annotated[str | None, typer.Option(metavar=choices(CHOICES["discretization"]))] = None,
    regularization: Annotated[str | None, typer.Option(metavar=choices(list(REGULARIZATIONS)))] = None,
    lambda_rel: Annotated[
        float | None,
        typer.Option(metavar="X", help=f"Strength; default {_default_strengths()}."),
    ] = None,
    spatial_sigma_mm: Annotated[
        float | None, typer.Option(metavar="S", help="Smoothing in space; 0 is none.")
    ] = None,
    temporal_sigma_s: Annotated[
        float | None, typer.Option(metavar="S", help="Smoothing in time; 0 is none.")
    ] = None,
    motion: Annotated[
        str | None, typer.Option(metavar=choices(CHOICES["motion"]), help="Realignment of frames; rigid: in 3D.")
    ] = None,
    partial_volume: Annotated[
        str, typer.Option(metavar=choices(PARTIAL_VOLUME), help="vein: scale a found AIF to the area of its VOF.")
    ] = "vein",
    reference: Annotated[
        str | None, typer.Option(metavar=choices(CHOICES["reference"]), help="Region of the healthy mean CBF.")
    ] = None,
    core_threshold: Annotated[float | None, typer.Option(metavar="X", help="Core: rCBF below X.")] = None,
    tmax_threshold: Annotated[
        float | None, typer.Option(metavar="S", help="Hypoperfused: Tmax above S seconds.")
    ] = None,
    tmax_reference: Annotated[
        str | None,
        typer.Option(metavar=choices(CHOICES["tmax_reference"]), help="healthy: the healthy median is 3.5 s."),
    ] = None,
    names: Annotated[
        str, typer.Option(metavar=choices(NAMES), help="bids: DIR is a BIDS derivative dataset.")
    ] = "plain",
    series_number: Annotated[
        int | None,
        typer.Option(
            "--series", metavar="N", help="DICOM series by its number in inspect; default: the usable one."
        ),
    ] = None,
    device: Annotated[str, typer.Option(metavar=choices(DEVICES))] = "auto",
    report: Annotated[
        bool, typer.Option("--report", help="Also write a one-page report, report.html and report.pdf.")
    ] = False,
    dicom_out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Of DICOM input: folder for Parametric Maps and a SEG, with the patient's identity.",
        ),
    ] = None,
    scheduler: SCHEDULER = None,
) -> None:
    """Compute perfusion maps, core and hypoperfused tissue.

    Of several cases, each has its folder in DIR, and DIR/cases.csv its figures; one that is refused does not stop
    the others.
    """
    check_choice("device", device, DEVICES)
    check_choice("units", units, UNITS)
    check_choice("names", names, NAMES)
    check_choice("partial-volume", partial_volume, PARTIAL_VOLUME)
    aif_csv = _aif_csv_path(aif)
    settings = Settings.preset(
        preset,
        deconvolution=deconvolution,
        discretization=discretization,
        regularization=regularization,
        lambda_rel=lambda_rel,
        spatial_sigma_mm=spatial_sigma_mm,
        temporal_sigma_s=temporal_sigma_s,
        motion=motion,
        reference=reference,
        core_threshold=core_threshold,
        tmax_threshold_s=tmax_threshold,
        tmax_reference=tmax_reference,
    )
    options = CaseOptions(
        aif=aif if aif_csv is None else aif_csv.absolute(),
        units=units,  # type: ignore[arg-type]
        mask=None if mask is None else mask.absolute(),
        dt_s=dt,
        series=series_number,
        settings=settings,
        preset=preset,
        device=device,
        partial_volume=partial_volume == "vein",
        names=names,
        dicom_out=None if dicom_out is None else dicom_out.absolute(),
        report=report,
    )
    import_nibabel()
    from perfcore.batch.inputs import list_cases

    cases = list_cases(inputs)
    if len(inputs) == len(cases) == 1:
        if scheduler is not None:
            raise ArgumentError("A scheduler spreads several cases; leave --scheduler out for one.")
        _print_summary(map_case(inputs[0], out, options, stage=progress))
    else:
        _map_many(inputs, out, options, scheduler)


def _map_many(inputs: list[Path], out: Path, options: CaseOptions, scheduler: str | None) -> None:
    """Map every case of the inputs; exit with 2 if one was refused, with 1 after a fault."""
    from perfcore.batch.inputs import list_cases
    from perfcore.batch.run import map_cases
    from perfcore.batch.table import CASES_FILE
    from perfcore.runtime.device import resolve_device

    on_gpu = resolve_device(options.device).type == "cuda"
    workers = min(GPU_WORKERS, os.cpu_count() or 1) if on_gpu else None
    cases = list_cases(inputs, taken=(CASES_FILE,))
    with progress("Computing maps") as advance:
        outcomes = map_cases(cases, out, options, scheduler=scheduler, workers=workers, progress=advance)
    left_out = [outcome for outcome in outcomes if outcome.problem is not None]
    for outcome in left_out:
        typer.echo(f"Error: {outcome.name}: {outcome.problem}", err=True)
    typer.echo(f"Wrote the maps of {len(outcomes) - len(left_out)} of {len(outcomes)} cases.")
    if left_out:
        raise typer.Exit(INTERNAL_ERROR if any(outcome.is_fault for outcome in left_out) else BAD_INPUT)


def _print_summary(analysis: Analysis) -> None:
    numbers = analysis.numbers
    ratio = "" if numbers.mismatch_ratio is None else f", ratio {numbers.mismatch_ratio:.1f}"
    agreement = "" if numbers.dice is None else f"; Dice {numbers.dice:.2f}"
    typer.echo(
        f"Core {numbers.core_ml:.1f} ml, hypoperfused {numbers.hypoperfused_ml:.1f} ml, "
        f"mismatch {numbers.mismatch_ml:.1f} ml{ratio}{agreement} ({analysis.seconds['total']:.1f} s)."
    )
    for flag in analysis.quality:
        typer.echo(f"{'Doubtful' if flag.severity == 'doubtful' else 'Note'}: {flag.sentence}")


def _aif_csv_path(aif: str) -> Path | None:
    """Return the path of the CSV file given with ``--aif``, None if it is the name of a method."""
    methods = aif_methods()
    if aif in methods:
        return None
    path = Path(aif)
    if path.suffix.lower() != ".csv":
        raise ArgumentError(f"aif must be one of {', '.join(methods)}, or a .csv file; got {aif!r}.")
    return path
