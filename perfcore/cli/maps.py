"""Command ``maps``: from a case to maps, lesions and figures."""

# ruff: noqa: PLC0415

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from perfcore.aif.sources import aif_methods
from perfcore.cli.app import DEVICES, app, check_choice, choices
from perfcore.errors import ArgumentError
from perfcore.regularization import REGULARIZATIONS
from perfcore.runtime.lean_imports import import_nibabel, import_torch_in_background
from perfcore.runtime.progress import progress
from perfcore.settings import CHOICES, PRESETS, Settings

if TYPE_CHECKING:
    from perfcore.pipeline import Analysis
    from perfcore.types import Aif, PerfusionSeries

UNITS: Final = ("hu", "concentration")
PARTIAL_VOLUME: Final = ("off", "vein")


def _default_strengths() -> str:
    return ", ".join(f"{info.default_lambda:g} ({name})" for name, info in REGULARIZATIONS.items())


@app.command(name="maps")
def maps_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A case folder (ISLES 2018 or 2024), a 4D NIfTI file, or a folder or zip of DICOM files.",
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the maps and summary.json.")],
    aif: Annotated[
        str,
        typer.Option(
            metavar=f"{choices(aif_methods())}|FILE.csv",
            help="Arterial input function: a method, or a CSV with the columns time_s,value.",
        ),
    ] = "auto",
    units: Annotated[
        str, typer.Option(metavar=choices(UNITS), help="concentration: the series is already enhancement.")
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
    device: Annotated[str, typer.Option(metavar=choices(DEVICES))] = "auto",
    report: Annotated[
        bool, typer.Option("--report", help="Also write a one-page report, report.html and report.pdf.")
    ] = False,
) -> None:
    """Compute perfusion maps, core and hypoperfused tissue of one case."""
    check_choice("device", device, DEVICES)
    check_choice("units", units, UNITS)
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
    import_nibabel()
    from perfcore.io.aif_csv import read_aif_csv
    from perfcore.io.atomic_write import check_out_dir
    from perfcore.io.load import load_series
    from perfcore.report.files import check_report_packages
    from perfcore.results import file_names, write_results

    if report:
        check_report_packages()
    check_out_dir(out, file_names())
    with progress("Reading the series"):
        start = time.perf_counter()
        series = load_series(source, dt_s=dt, units=units, mask=mask)  # type: ignore[arg-type]
        method_or_aif = aif if aif_csv is None else read_aif_csv(aif_csv, series.time_s)
        load_s = time.perf_counter() - start
    import_torch_in_background()
    with progress("Computing maps"):
        analysis, device_used = _analyse(series, method_or_aif, settings, device, partial_volume == "vein")
    with progress("Writing maps"):
        options = {"aif": "file" if aif_csv else aif, "preset": preset, "device": device_used}
        write_results(analysis, out, options=options, load_s=load_s, report=report)
    _print_summary(analysis)


def _analyse(
    series: PerfusionSeries, aif: str | Aif, settings: Settings, device: str, partial_volume: bool
) -> tuple[Analysis, str]:
    """Run the analysis; return it with the name of the device it ran on."""
    if device == "cuda":  # report a missing device before the work, not after it
        from perfcore.runtime.device import resolve_device

        resolve_device(device)
    start = time.perf_counter()
    from perfcore.preprocess import prepare

    prepared = prepare(series, settings)  # needs no torch, which is still being imported
    prepare_s = time.perf_counter() - start
    from perfcore.pipeline import analyse
    from perfcore.runtime.device import resolve_device

    device_type = resolve_device(device).type
    analysis = analyse(series, aif, settings, device=device_type, prepared=prepared, partial_volume=partial_volume)
    seconds = dict(analysis.seconds)
    for name in ("preprocess", "total"):
        seconds[name] += prepare_s
    return replace(analysis, seconds=seconds), device_type


def _print_summary(analysis: Analysis) -> None:
    numbers = analysis.numbers
    ratio = "" if numbers.mismatch_ratio is None else f", ratio {numbers.mismatch_ratio:.1f}"
    agreement = "" if numbers.dice is None else f"; Dice {numbers.dice:.2f}"
    typer.echo(
        f"Core {numbers.core_ml:.1f} ml, hypoperfused {numbers.hypoperfused_ml:.1f} ml, "
        f"mismatch {numbers.mismatch_ml:.1f} ml{ratio}{agreement} ({analysis.seconds['total']:.1f} s)."
    )
    for flag in analysis.quality:
        typer.echo(f"Note: {flag.sentence}")


def _aif_csv_path(aif: str) -> Path | None:
    """Return the path of the CSV file given with ``--aif``, None if it is the name of a method."""
    methods = aif_methods()
    if aif in methods:
        return None
    path = Path(aif)
    if path.suffix.lower() != ".csv":
        raise ArgumentError(f"aif must be one of {', '.join(methods)}, or a .csv file; got {aif!r}.")
    return path
