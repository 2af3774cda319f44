"""Command line ``perfcore COMMAND`` or ``python -m perfcore COMMAND``: options, library calls, printed results.

Each command is a module that adds it to :data:`app`. Errors are one line on standard error; the exit status is 0
on success, 2 for bad usage or input, 1 for an internal error. Commands import heavy packages (torch, nibabel)
after their options were checked.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any, NoReturn

import typer

# isort: off
from perfcore.cli import maps, page, inspect, agreement, phantom, networks, benchmark  # noqa: F401 (order of --help)
from perfcore.cli.app import app
from perfcore.runtime.cli_errors import exit_with_one_line

# isort: on
__all__ = ["app", "main"]


def main() -> NoReturn:
    """Run the command line in this process."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # for worker processes
    exit_with_one_line()
    command: Any = typer.main.get_command(app)
    command.main(prog_name="perfcore" if Path(sys.argv[0]).stem == "perfcore" else "python -m perfcore")
    raise AssertionError("unreachable")
