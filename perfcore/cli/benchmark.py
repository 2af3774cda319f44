"""Command ``benchmark``: speed ratios of the implementations."""

# ruff: noqa: PLC0415

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from perfcore.cli.app import DEVICES, app, check_choice, choices
from perfcore.runtime.progress import progress


@app.command(name="benchmark")
def benchmark_command(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.json", help="Result file.")],
    voxels: Annotated[int, typer.Option(metavar="N", help="Number of tissue voxels.")] = 180_000,
    repeats: Annotated[int, typer.Option(metavar="N", help="Repetitions; the median counts.")] = 7,
    device: Annotated[str, typer.Option(metavar=choices(DEVICES))] = "auto",
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="tcp://HOST:PORT", help="Scheduler of a Dask cluster; one worker is measured."),
    ] = None,
) -> None:
    """Benchmark every implementation of the maps in one run and print the ratios."""
    check_choice("device", device, DEVICES)
    from perfcore import benchmark
    from perfcore.io.atomic_write import check_out_file, write_text

    plan = benchmark.Plan(voxels, repeats, device)
    check_out_file(out)
    with progress("Benchmarking") as advance:
        result = benchmark.measure(plan, scheduler, advance)
    write_text(out, json.dumps(result, indent=2) + "\n")
    typer.echo(benchmark.table(result))
