"""Command-line errors: one line on standard error, and the exit status.

The status is 0 on success, 2 for bad usage or bad input, 1 for an internal error.
"""

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
INTERNAL_ERROR: Final = 1
EXTRAS: Final = {
    "distributed": "dask", "highdicom": "dicom-out", "matplotlib": "training", "monai": "training",
    "pandas": "training", "platformdirs": "dashboard", "starlette": "dashboard", "streamlit": "dashboard",
}  # fmt: skip
"""Extra of the distribution that installs a package which only some commands need."""


class OneLineErrorGroup(TyperGroup):
    """Command group that reports every error, usage errors included, as one line on standard error."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command and exit with its status."""
        arguments = list(sys.argv[1:] if args is None else args)
        # An unset shell variable gives an empty argument; as a path it would mean the current folder.
        if any(not word or (word.startswith("--") and word.endswith("=")) for word in arguments):
            _exit_bad_input("An argument is empty; give every option and INPUT a value")
        try:
            status = super().main(arguments, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.TyperException as error:
            _exit_bad_input(error.format_message())
        except PerfcoreError as error:
            _exit_bad_input(str(error))
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in EXTRAS:
                raise
            _exit_bad_input(f'This command needs {package}: pip install "aif-lab[{EXTRAS[package]}]"')
        except typer.Abort:
            sys.exit(INTERNAL_ERROR)
        sys.exit(status or 0)


def _exit_bad_input(message: str) -> NoReturn:
    """Print a usage or input error as one line and exit with status 2."""
    typer.echo(f"Error: {' '.join(message.split()).rstrip('.')}.", err=True)
    sys.exit(BAD_INPUT)


def _report_internal_error(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
    """Print an unexpected exception as one line: its type, file and line number, without data or paths."""
    sys.stderr.write(f"Error: {_fault(kind, trace)}\n")


def fault_sentence(error: BaseException) -> str:
    """Return an unexpected exception as one sentence: its type, file and line number, without data or paths."""
    sentence = _fault(type(error), error.__traceback__)
    return sentence[0].upper() + sentence[1:]


def _fault(kind: type[BaseException], trace: TracebackType | None) -> str:
    frame = traceback.extract_tb(trace)[-1] if trace else None
    where = f" in {Path(frame.filename).name}, line {frame.lineno}" if frame else ""
    return f"an internal error ({kind.__name__}{where}); please report it."


def _exit_on_signal(signum: int, _frame: object) -> NoReturn:
    """Exit by an exception, so that ``finally`` blocks of the running command clean up."""
    sys.exit(128 + signum)


def exit_with_one_line() -> None:
    """Report unexpected exceptions of this process as one line, and clean up on SIGTERM."""
    sys.excepthook = _report_internal_error
    signal.signal(signal.SIGTERM, _exit_on_signal)
