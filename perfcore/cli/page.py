"""Command ``page``: the Lab of one case as a single HTML file."""

# ruff: noqa: PLC0415

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from perfcore.cli.app import app
from perfcore.cli.case_options import CaseArguments, takes_case_arguments
from perfcore.errors import ArgumentError, InputDataError
from perfcore.runtime.lean_imports import import_nibabel
from perfcore.runtime.progress import progress

DASHBOARD: Final = "pages.one_file"
"""Package of the dashboard that makes the page. The library does not depend on it: it is looked up by its name."""
TEXT_FILE: Final = "@"
MAX_TEXT_BYTES: Final = 1 << 20


@app.command(name="page")
@takes_case_arguments
def page_command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A case folder (ISLES 2018 or 2024), a 4D NIfTI file, or a folder or zip of DICOM files.",
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.html", help="The page.")],
    title: Annotated[str, typer.Option(metavar="TITLE", help="Heading of the page.")] = "",
    text: Annotated[
        str, typer.Option(metavar="TEXT|@FILE", help="Your text above the Lab; blank lines divide paragraphs.")
    ] = "",
    lesson: Annotated[str | None, typer.Option(metavar="ID", help="A lesson of the dashboard beside it.")] = None,
    case: CaseArguments,
) -> None:
    """Write the Lab of one case as a single HTML file, which works without a server and without a network.

    The file holds the brain's data, and no name, no date and no header of the input.
    """
    options = case.options()
    from perfcore.io.atomic_write import check_out_file, write_file

    written = _read_text(text)
    _dashboard("engine_limits").check_engine(options.settings)
    words = _dashboard("about").Words(title, written, lesson)
    check_out_file(out)
    import_nibabel()
    with progress("Making the page"):
        page = _dashboard("command").page_of_case(source, options, words)
    write_file(out, page)
    typer.echo(f"Wrote a page of {len(page) / 1e6:.1f} MB. It holds the brain's data.")


def _dashboard(module: str) -> Any:
    """Return a module of the dashboard.

    Raises
    ------
    ArgumentError
        The dashboard is not there.
    """
    try:
        found = find_spec(DASHBOARD)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise ArgumentError(
            "A page is made with the dashboard, which is not installed with the library; "
            "run python -m perfcore page in the folder of the repository."
        )
    return import_module(f"{DASHBOARD}.{module}")


def _read_text(given: str) -> str:
    """Return the author's text: the option itself, or the content of a file after ``@``."""
    if not given.startswith(TEXT_FILE):
        return given
    try:
        content = Path(given.removeprefix(TEXT_FILE)).read_bytes()
    except OSError as error:
        raise InputDataError(
            f"The file of the text cannot be read ({error.strerror}); give a text file."
        ) from error
    if len(content) > MAX_TEXT_BYTES:
        raise InputDataError("The file of the text is larger than 1 MiB; give a text of a few pages.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputDataError("The file of the text is not UTF-8; save it as UTF-8.") from error
