"""The command line's root, and what its commands share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import typer

from perfcore.errors import ArgumentError
from perfcore.runtime.cli_errors import OneLineErrorGroup

DEVICES: Final = ("auto", "cpu", "cuda")
SCHEDULER = Annotated[
    str | None, typer.Option("--scheduler", metavar="tcp://HOST:PORT", help="Scheduler of a Dask cluster.")
]

app = typer.Typer(
    cls=OneLineErrorGroup,
    help="CT perfusion maps from the command line. Research and teaching, not for clinical use.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def choices(names: Iterable[str]) -> str:
    """Return names as the help text of an option lists them."""
    return "|".join(names)


def check_choice(name: str, value: str, names: Sequence[str]) -> None:
    """Raise ``ArgumentError`` where the value of an option is not one of its names."""
    if value not in names:
        raise ArgumentError(f"{name} must be one of {', '.join(names)}; got {value!r}.")
