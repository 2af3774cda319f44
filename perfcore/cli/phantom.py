"""Command ``phantom``: phantom cases with ground truth."""

# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfcore.cli.app import app
from perfcore.runtime.progress import progress


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
