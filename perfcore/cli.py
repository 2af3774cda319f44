"""``python -m perfcore COMMAND``: errors of one line; exit 0 on success, 2 on bad usage or input, 1 on own faults.

What is heavy (torch, nibabel) is imported by the command that needs it, after its usage is known to be right.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from perfcore.aif.sources import aif_methods
from perfcore.errors import ArgumentError
from perfcore.regularization import REGULARIZATIONS
from perfcore.runtime.cli_errors import OneLine, leave_in_one_line
from perfcore.runtime.progress import progress, steps
from perfcore.settings import PRESETS, Settings

if TYPE_CHECKING:
    from perfcore.pipeline import Analysis
    from perfcore.types import Aif, PerfusionSeries

DEVICES: Final = ("auto", "cpu", "cuda")
UNITS: Final = ("hu", "concentration")
PARTIAL_VOLUME: Final = ("off", "vein")


app = typer.Typer(
    cls=OneLine,
    help="CT perfusion maps from the command line. Research and teaching, not for clinical use.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _choices(names: Sequence[str]) -> str:
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
        Path | None, typer.Option(metavar="FILE", help="Brain mask in place of the automatic one.")
    ] = None,
    dt: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time step; default: the header's.")] = None,
    preset: Annotated[
        str, typer.Option(metavar=_choices(list(PRESETS)), help="Named settings; single options override them.")
    ] = "paper",
    deconvolution: Annotated[str | None, typer.Option(metavar="circulant|causal")] = None,
    discretization: Annotated[str | None, typer.Option(metavar="volterra|rectangular")] = None,
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
        str | None, typer.Option(metavar="off|in-plane|rigid", help="Realignment of frames; rigid is in space.")
    ] = None,
    partial_volume: Annotated[
        str, typer.Option(metavar=_choices(PARTIAL_VOLUME), help="vein: enlarge the AIF to the area of the vein.")
    ] = "off",
    reference: Annotated[
        str | None, typer.Option(metavar="contralateral|brain", help="Region of the healthy mean CBF.")
    ] = None,
    core_threshold: Annotated[float | None, typer.Option(metavar="X", help="Core: rCBF below X.")] = None,
    tmax_threshold: Annotated[
        float | None, typer.Option(metavar="S", help="Hypoperfused: Tmax above S seconds.")
    ] = None,
    device: Annotated[str, typer.Option(metavar=_choices(DEVICES))] = "auto",
) -> None:
    """Compute perfusion maps, core and hypoperfused tissue of one case."""
    _one_of("device", device, DEVICES)
    _one_of("units", units, UNITS)
    _one_of("partial-volume", partial_volume, PARTIAL_VOLUME)
    curve = _curve_file(aif)
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
    )
    from perfcore.io.aif_csv import read_aif_csv
    from perfcore.io.atomic_write import check_out_dir
    from perfcore.io.load import load_series
    from perfcore.results import NAMES, write_results

    check_out_dir(out, NAMES)
    with progress("Reading the series"):
        start = time.perf_counter()
        series = load_series(source, dt_s=dt, units=units, mask=mask)  # type: ignore[arg-type]
        chosen = aif if curve is None else read_aif_csv(curve, series.time_s)
        load_s = time.perf_counter() - start
    with progress("Computing maps"):
        analysis, used = _analyse(series, chosen, settings, device, partial_volume == "vein")
    with progress("Writing maps"):
        options = {"aif": "file" if curve else aif, "preset": preset, "device": used}
        options["partial_volume"] = partial_volume
        write_results(analysis, out, options=options, load_s=load_s)
    _report(analysis)


@app.command(name="phantom")
def phantom_command(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the cases and their truth.")],
    cases: Annotated[int, typer.Option(metavar="N", help="Number of cases, at least 1.")] = 10,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed writes the same bytes.")] = 0,
    demonstration: Annotated[
        str | None, typer.Option(metavar="NAME", help="Write this case of the dashboard in place of a cohort.")
    ] = None,
) -> None:
    """Write phantom cases with known truth in the layout of ISLES 2018."""
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
    loss: Annotated[str, typer.Option(metavar="core|core+tmax", help="core: as the paper.")] = "core+tmax",
    folds: Annotated[int, typer.Option(metavar="N", help="Folds, patient-wise; 0: one network on all cases.")] = 5,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Rounds over the cases.")] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="sgd|adam", help="sgd has momentum 0.9.")] = None,
    rate: Annotated[float | None, typer.Option(metavar="X", help="Highest learning rate.")] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed gives the same weights.")] = 0,
    device: Annotated[str, typer.Option(metavar=_choices(DEVICES))] = "auto",
    prepared: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of prepared cases that trainings may share.")
    ] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="Of a Dask cluster.")] = None,
) -> None:
    """Train an AIF network through the deconvolution; goes on where it was interrupted."""
    _one_of("device", device, DEVICES)
    from perfcore.training.run import DEFAULT_EPOCHS, TrainingOptions, train

    options = TrainingOptions(
        network, loss, folds, DEFAULT_EPOCHS if epochs is None else epochs, optimizer, rate, seed, device,
        scheduler, prepared,
    )  # fmt: skip
    with steps() as move:
        about = train(data, out, options, move)
    for name, problem in about["refused"].items():
        typer.echo(f"Note: {name} was left out: {problem}")
    typer.echo(f"Trained on {about['n_cases']} cases, {sum(about['seconds'].values()):.0f} s in all.")


@app.command(name="evaluate")
def evaluate_command(
    *,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Cases with lesions, as ISLES 2018.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for tables and report.html.")],
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Trainings: a case is judged by a fold that has not seen it; default: the networks that ship.",
        ),
    ] = None,
    expert: Annotated[Path | None, typer.Option(metavar="DIR", help="An expert's curves, case_N.csv.")] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="Of a Dask cluster.")] = None,
) -> None:
    """Judge every AIF method on every case against the known lesions."""
    from perfcore.evaluation.run import evaluate

    with progress("Judging cases") as move:
        summary = evaluate(data, out, weights=weights, expert=expert, scheduler=scheduler, progress=move)
    for name, problem in summary["refused"].items():
        typer.echo(f"Note: {name} was left out: {problem}")
    for method, about in summary["methods"].items():
        figures = [(n, about[n]["mean"]) for n in ("auc", "dice", "jaccard", "hd95_mm", "hypoperfused_dice")]
        typer.echo(f"{method:<20}" + "  ".join(f"{n} {m:.3f}" for n, m in figures if m is not None))


@app.command(name="benchmark")
def benchmark_command(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.json", help="File for the result.")],
    voxels: Annotated[int, typer.Option(metavar="N", help="Size of the tissue.")] = 180_000,
    repeats: Annotated[int, typer.Option(metavar="N", help="Rounds; medians are taken.")] = 7,
    device: Annotated[str, typer.Option(metavar=_choices(DEVICES))] = "auto",
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://HOST:PORT", help="Of a Dask cluster, one worker of which is measured."),
    ] = None,
) -> None:
    """Time every way to the same maps side by side, and print the ratios."""
    _one_of("device", device, DEVICES)
    from perfcore import benchmark
    from perfcore.io.atomic_write import check_out_file, write_text

    plan = benchmark.Plan(voxels, repeats, device)
    check_out_file(out)
    with progress("Timing") as move:
        result = benchmark.measure(plan, scheduler, move)
    write_text(out, json.dumps(result, indent=2) + "\n")
    typer.echo(benchmark.table(result))


def _analyse(
    series: PerfusionSeries, aif: str | Aif, settings: Settings, device: str, partial_volume: bool
) -> tuple[Analysis, str]:
    """Return the analysis and the device it ran on."""
    from perfcore.pipeline import analyse
    from perfcore.runtime.device import resolve_device

    used = resolve_device(device).type
    return analyse(series, aif, settings, device=used, partial_volume=partial_volume), used


def _report(analysis: Analysis) -> None:
    numbers = analysis.numbers
    ratio = "" if numbers.mismatch_ratio is None else f", ratio {numbers.mismatch_ratio:.1f}"
    agreement = "" if numbers.dice is None else f"; Dice {numbers.dice:.2f}"
    typer.echo(
        f"Core {numbers.core_ml:.1f} ml, hypoperfused {numbers.hypoperfused_ml:.1f} ml, "
        f"mismatch {numbers.mismatch_ml:.1f} ml{ratio}{agreement} ({analysis.seconds['total']:.1f} s)."
    )
    for sentence in analysis.quality:
        typer.echo(f"Note: {sentence}")


def _one_of(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")


def _curve_file(aif: str) -> Path | None:
    """Return the CSV that ``--aif`` names, None where it names a method."""
    methods = aif_methods()
    if aif in methods:
        return None
    path = Path(aif)
    if path.suffix.lower() != ".csv":
        raise ArgumentError(f"aif must be one of {', '.join(methods)}, or a file that ends in .csv; got {aif!r}.")
    return path


def main() -> NoReturn:
    """Run the command line in this process."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    leave_in_one_line()
    command: Any = typer.main.get_command(app)
    command.main(prog_name="python -m perfcore")
    raise AssertionError("unreachable")
