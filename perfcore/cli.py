"""Command line ``perfcore COMMAND`` or ``python -m perfcore COMMAND``: options, library calls, printed results.

Errors are one line on standard error; the exit status is 0 on success, 2 for bad usage or input, 1 for an internal
error. Each command imports its heavy packages (torch, nibabel) after its options were checked.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from perfcore.aif.sources import aif_methods
from perfcore.errors import ArgumentError
from perfcore.regularization import REGULARIZATIONS
from perfcore.runtime.cli_errors import OneLineErrorGroup, exit_with_one_line
from perfcore.runtime.lean_imports import import_nibabel, import_torch_in_background
from perfcore.runtime.progress import progress, steps
from perfcore.settings import CHOICES, PRESETS, Settings

if TYPE_CHECKING:
    from perfcore.pipeline import Analysis
    from perfcore.types import Aif, PerfusionSeries

DEVICES: Final = ("auto", "cpu", "cuda")
UNITS: Final = ("hu", "concentration")
PARTIAL_VOLUME: Final = ("off", "vein")


app = typer.Typer(
    cls=OneLineErrorGroup,
    help="CT perfusion maps from the command line. Research and teaching, not for clinical use.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _choices(names: Iterable[str]) -> str:
    return "|".join(names)


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
            metavar=f"{_choices(aif_methods())}|FILE.csv",
            help="Arterial input function: a method, or a CSV with the columns time_s,value.",
        ),
    ] = "auto",
    units: Annotated[
        str, typer.Option(metavar=_choices(UNITS), help="concentration: the series is already enhancement.")
    ] = "hu",
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Brain mask that replaces the automatic one.")
    ] = None,
    dt: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time step; default: header.")] = None,
    preset: Annotated[
        str, typer.Option(metavar=_choices(list(PRESETS)), help="Named settings; single options override them.")
    ] = "paper",
    deconvolution: Annotated[str | None, typer.Option(metavar=_choices(CHOICES["deconvolution"]))] = None,
    discretization: Annotated[str | None, typer.Option(metavar=_choices(CHOICES["discretization"]))] = None,
    regularization: Annotated[str | None, typer.Option(metavar=_choices(list(REGULARIZATIONS)))] = None,
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
        str | None, typer.Option(metavar=_choices(CHOICES["motion"]), help="Realignment of frames; rigid: in 3D.")
    ] = None,
    partial_volume: Annotated[
        str, typer.Option(metavar=_choices(PARTIAL_VOLUME), help="vein: scale a found AIF to the area of its VOF.")
    ] = "vein",
    reference: Annotated[
        str | None, typer.Option(metavar=_choices(CHOICES["reference"]), help="Region of the healthy mean CBF.")
    ] = None,
    core_threshold: Annotated[float | None, typer.Option(metavar="X", help="Core: rCBF below X.")] = None,
    tmax_threshold: Annotated[
        float | None, typer.Option(metavar="S", help="Hypoperfused: Tmax above S seconds.")
    ] = None,
    tmax_reference: Annotated[
        str | None,
        typer.Option(metavar=_choices(CHOICES["tmax_reference"]), help="healthy: the healthy median is 3.5 s."),
    ] = None,
    device: Annotated[str, typer.Option(metavar=_choices(DEVICES))] = "auto",
) -> None:
    """Compute perfusion maps, core and hypoperfused tissue of one case."""
    _check_choice("device", device, DEVICES)
    _check_choice("units", units, UNITS)
    _check_choice("partial-volume", partial_volume, PARTIAL_VOLUME)
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
    from perfcore.results import file_names, write_results

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
        write_results(analysis, out, options=options, load_s=load_s)
    _print_summary(analysis)


@app.command(name="phantom")
def phantom_command(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for cases and ground truth.")],
    cases: Annotated[int, typer.Option(metavar="N", help="Number of cases, at least 1.")] = 10,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed writes the same bytes.")] = 0,
    demonstration: Annotated[
        str | None, typer.Option(metavar="NAME", help="Write this demonstration case instead of a cohort.")
    ] = None,
) -> None:
    """Write phantom cases with ground truth in the layout of ISLES 2018."""
    from perfcore.phantom.cases import make_demonstration
    from perfcore.phantom.files import write_case, write_cohort

    if demonstration is not None:
        with progress("Writing the demonstration"):
            write_case(make_demonstration(demonstration), out, 1)
        typer.echo(f"Wrote the demonstration {demonstration} as case 1.")
        return
    with progress("Writing phantom cases") as advance:
        write_cohort(out, cases, seed, advance)
    typer.echo(f"Wrote {cases} case{'s' if cases > 1 else ''} of seed {seed}.")


@app.command(name="train")
def train_command(
    *,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Cases with lesions, as ISLES 2018.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for weights, logs and checkpoints.")],
    network: Annotated[str, typer.Option(metavar="regression|weighting")] = "regression",
    loss: Annotated[
        str | None, typer.Option(metavar="core|core+tmax", help="Default: core+tmax, or the recipe's.")
    ] = None,
    recipe: Annotated[
        str, typer.Option(metavar="lab|paper", help="paper: network and training as in de la Rosa 2021.")
    ] = "lab",
    folds: Annotated[int, typer.Option(metavar="N", help="Patient-wise folds; 0: one network on all cases.")] = 5,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Passes over the training cases.")] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="sgd|adam", help="sgd has momentum 0.9.")] = None,
    rate: Annotated[float | None, typer.Option(metavar="X", help="Maximum learning rate.")] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed gives the same weights.")] = 0,
    device: Annotated[str, typer.Option(metavar=_choices(DEVICES))] = "auto",
    prepared: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Cache of prepared cases, shared between training runs.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Scheduler of a Dask cluster.")
    ] = None,
) -> None:
    """Train an AIF network through the deconvolution; resume from the last checkpoint in DIR."""
    _check_choice("device", device, DEVICES)
    from perfcore.training.run import TrainingOptions, train

    options = TrainingOptions(
        network, loss, folds, epochs, optimizer, rate, seed, device, scheduler, prepared, recipe
    )
    with steps() as advance:
        summary = train(data, out, options, advance)
    for name, problem in summary["refused"].items():
        typer.echo(f"Note: {name} was left out: {problem}")
    typer.echo(f"Trained on {summary['n_cases']} cases in {sum(summary['seconds'].values()):.0f} s.")


@app.command(name="evaluate")
def evaluate_command(
    *,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Cases with lesions, as ISLES 2018.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for tables and report.html.")],
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Training runs; each case is evaluated by the fold that held it out. Default: models/.",
        ),
    ] = None,
    expert: Annotated[Path | None, typer.Option(metavar="DIR", help="AIFs of an expert, case_N.csv.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Scheduler of a Dask cluster.")
    ] = None,
) -> None:
    """Evaluate every AIF method on every case against the known lesions."""
    from perfcore.evaluation.run import evaluate

    with progress("Evaluating cases") as advance:
        summary = evaluate(data, out, weights=weights, expert=expert, scheduler=scheduler, progress=advance)
    for name, problem in summary["refused"].items():
        typer.echo(f"Note: {name} was left out: {problem}")
    for method, scores in summary["methods"].items():
        shown = ("dice", "hard_dice", "calibrated_dice", "auc", "hypoperfused_dice", "hypoperfused_dice_anchored")
        means = [(n, scores[n]["mean"]) for n in shown]
        texts = [f"{n} {m:.3f}" for n, m in means if m is not None]
        typer.echo("  ".join([f"{method:<24}", *texts, f"failed {scores['failed']}"]))
    for sentence in summary["headline"]:
        typer.echo(sentence)


@app.command(name="benchmark")
def benchmark_command(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.json", help="Result file.")],
    voxels: Annotated[int, typer.Option(metavar="N", help="Number of tissue voxels.")] = 180_000,
    repeats: Annotated[int, typer.Option(metavar="N", help="Repetitions; the median counts.")] = 7,
    device: Annotated[str, typer.Option(metavar=_choices(DEVICES))] = "auto",
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://HOST:PORT", help="Scheduler of a Dask cluster; one worker is measured."),
    ] = None,
) -> None:
    """Benchmark every implementation of the maps in one run and print the ratios."""
    _check_choice("device", device, DEVICES)
    from perfcore import benchmark
    from perfcore.io.atomic_write import check_out_file, write_text

    plan = benchmark.Plan(voxels, repeats, device)
    check_out_file(out)
    with progress("Benchmarking") as advance:
        result = benchmark.measure(plan, scheduler, advance)
    write_text(out, json.dumps(result, indent=2) + "\n")
    typer.echo(benchmark.table(result))


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


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")


def _aif_csv_path(aif: str) -> Path | None:
    """Return the path of the CSV file given with ``--aif``, None if it is the name of a method."""
    methods = aif_methods()
    if aif in methods:
        return None
    path = Path(aif)
    if path.suffix.lower() != ".csv":
        raise ArgumentError(f"aif must be one of {', '.join(methods)}, or a .csv file; got {aif!r}.")
    return path


def main() -> NoReturn:
    """Run the command line in this process."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    exit_with_one_line()
    command: Any = typer.main.get_command(app)
    command.main(prog_name="perfcore" if Path(sys.argv[0]).stem == "perfcore" else "python -m perfcore")
    raise AssertionError("unreachable")
