"""Command ``inspect``: the series of an input, and which of them ``maps`` would read."""

# ruff: noqa: PLC0415

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from perfcore.cli.app import app
from perfcore.runtime.cli_errors import BAD_INPUT
from perfcore.runtime.lean_imports import import_nibabel
from perfcore.runtime.progress import progress

if TYPE_CHECKING:
    from rich.table import Table

    from perfcore.io.inspection import Inspection, SeriesRow

_PIPE_WIDTH: Final = 400
"""Width in characters where standard output is no terminal, so that a row is a line."""


@app.command(name="inspect")
def inspect_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A case folder or a folder of cases, a 4D NIfTI file, or a folder or zip of DICOM files.",
        ),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")] = False,
) -> None:
    """List the series of an input, and which would be read or why not; only headers are read."""
    import_nibabel()
    from perfcore.io.inspection import inspect_input

    with progress("Reading headers"):
        found = inspect_input(source)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    else:
        _print(found)
    if not any(row.is_usable for row in found.series):
        raise typer.Exit(BAD_INPUT)


def _print(found: Inspection) -> None:
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    console = Console(width=None if is_terminal else _PIPE_WIDTH, highlight=False, markup=False)
    console.print(_table(found))
    for files in found.left_out:
        console.print(f"Left out: {files.count} × {files.kind} ({files.reason}).")
    if found.chosen is not None:
        console.print(f"Series {found.chosen} would be read.")
    elif found.refusal is not None:
        console.print(f"None would be read: {found.refusal}")


def _table(found: Inspection) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    several = {
        name: len({getattr(row, name) for row in found.series}) > 1 for name in ("case", "patient", "study")
    }
    extra = [name for name, differs in several.items() if differs]
    for name in ("no.", "kind", *extra):
        table.add_column(name)
    for name in ("frames", "slices", "voxels", "spacing, mm", "step, s", "files"):
        table.add_column(name, justify="right")
    for name in ("times from", "usable"):
        table.add_column(name)
    for row in found.series:
        owners = ["" if (value := getattr(row, name)) is None else str(value) for name in extra]
        table.add_row(str(row.number), row.kind, *owners, *_figures(row), row.time_source, row.reason or "yes")
    return table


def _figures(row: SeriesRow) -> list[str]:
    joined = "" if row.joined == 1 else f" ({row.joined} series joined)"
    return [
        "" if row.frames is None else str(row.frames),
        "" if row.slices is None else str(row.slices),
        "" if row.shape is None else " × ".join(map(str, row.shape)),
        "" if row.spacing_mm is None else " × ".join(f"{size:.3g}" for size in row.spacing_mm),
        "" if row.dt_s is None else f"{row.dt_s:g}",
        f"{row.files}{joined}",
    ]
