"""Command ``maps``: from a case, or many, to maps, lesions and figures."""

# ruff: noqa: PLC0415

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from perfcore.batch.case import CaseOptions, map_case
from perfcore.cli.app import SCHEDULER, app, check_choice, choices
from perfcore.cli.case_options import CaseArguments, takes_case_arguments
from perfcore.errors import ArgumentError
from perfcore.runtime.cli_errors import BAD_INPUT, INTERNAL_ERROR
from perfcore.runtime.lean_imports import import_nibabel
from perfcore.runtime.progress import progress

if TYPE_CHECKING:
    from perfcore.pipeline import Analysis

NAMES: Final = ("plain", "bids")
GPU_WORKERS: Final = 4
"""Processes that share a GPU: each holds a context of some hundred megabytes there."""


@app.command(name="maps")
@takes_case_arguments
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
    case: CaseArguments,
    names: Annotated[
        str, typer.Option(metavar=choices(NAMES), help="bids: DIR is a BIDS derivative dataset.")
    ] = "plain",
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
    check_choice("names", names, NAMES)
    options = replace(
        case.options(), names=names, dicom_out=None if dicom_out is None else dicom_out.absolute(), report=report
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
