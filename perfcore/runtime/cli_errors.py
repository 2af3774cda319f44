"""How a command leaves: errors of one line; exit 0 on success, 2 on bad usage or input, 1 on own faults."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from perfcore.errors import PerfcoreError

BAD_INPUT: Final = 2
OWN_FAULT: Final = 1


class OneLine(TyperGroup):
    """Commands whose errors are one line on standard error, usage errors included."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command and leave the process with its exit status."""
        given = list(sys.argv[1:] if args is None else args)
        # What a shell makes of a variable that is not set: as a path it would be the current folder.
        if any(not word or (word.startswith("--") and word.endswith("=")) for word in given):
            _leave("An argument is empty; give every option and INPUT a value")
        try:
            status = super().main(given, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.TyperException as error:
            _leave(error.format_message())
        except PerfcoreError as error:
            _leave(str(error))
        except typer.Abort:
            sys.exit(OWN_FAULT)
        sys.exit(status or 0)


def _leave(message: str) -> NoReturn:
    """Say what is wrong with the usage or the input, in one line."""
    typer.echo(f"Error: {' '.join(message.split()).rstrip('.')}.", err=True)
    sys.exit(BAD_INPUT)


def _one_line(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
    """Report a fault of our own in one line: what and where, without data or paths."""
    frame = traceback.extract_tb(trace)[-1] if trace else None
    where = f" in {Path(frame.filename).name}, line {frame.lineno}" if frame else ""
    sys.stderr.write(f"Error: an internal fault ({kind.__name__}{where}); please report it.\n")


def _stop(signum: int, _frame: object) -> NoReturn:
    """Leave through the clean-up of whatever is running."""
    sys.exit(128 + signum)


def leave_in_one_line() -> None:
    """Make this process report faults in one line, and clean up when it is told to end."""
    sys.excepthook = _one_line
    signal.signal(signal.SIGTERM, _stop)
