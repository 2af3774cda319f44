"""Atomic writing of files and folders: write to a temporary path, then rename; no partial output on failure."""

from __future__ import annotations

import math
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from perfcore.errors import OutputError

PROBE_BYTES: Final = 1024
"""Written and removed before long work: a full disk is found at once."""


def write_all(
    out_dir: Path,
    files: Iterable[tuple[str, bytes]],
    names: tuple[str, ...],
    *,
    keep: bool = True,
    unfinished: str | None = None,
) -> None:
    """Write files into a folder, all or none; see :func:`written`.

    ``keep`` False only tests whether the files can be written, and removes them again.
    """
    with written(out_dir, files, names, keep=keep, unfinished=unfinished):
        pass


@contextmanager
def written(
    out_dir: Path,
    files: Iterable[tuple[str, bytes]],
    names: tuple[str, ...],
    *,
    keep: bool = True,
    unfinished: str | None = None,
) -> Iterator[None]:
    """Write files into a folder, all or none: they appear there when the block ends, and not if it fails.

    Parameters
    ----------
    out_dir
        Output folder; created if missing.
    files
        Pairs of name and content, consumed one at a time.
    names
        Names of all files that a run may write; those of an earlier run that are not in ``files`` are removed.
    keep
        False only tests whether the files can be written, and removes them again.
    unfinished
        Name of the temporary folder, which lies in ``out_dir`` or beside it: whoever stops a writing process can
        remove it by this name. Unique, and begins with ``.unfinished-``.

    Raises
    ------
    OutputError
        The folder cannot be written; it is then as it was before.
    """
    made: list[Path] = []
    try:
        with as_output_error():
            is_new = _check_free(out_dir, names)
            _make_folders(out_dir.parent, made)
            place = out_dir.parent if is_new else out_dir
            folder = place / (unfinished or f".unfinished-{uuid.uuid4().hex}")
            folder.mkdir()
            made.append(folder)
        for name, content in files:
            with as_output_error():
                (folder / name).write_bytes(content)
        yield
        if not keep:
            return
        with as_output_error():
            if is_new and not out_dir.is_dir():  # it may have been created in the block
                folder.rename(out_dir)
                made.clear()
            else:
                _replace_files(folder, out_dir, names)
                made[:] = [folder]
    finally:
        for path in reversed(made):
            _remove(path)


def write_files(out_dir: Path, files: Mapping[str, str]) -> None:
    """Write text files into a folder, all or none; files of an earlier run are replaced.

    Parameters
    ----------
    out_dir
        Output folder; created if missing.
    files
        Text by file name.

    Raises
    ------
    OutputError
        The folder cannot be written; it is then as it was before.
    """
    write_all(out_dir, [(name, text.encode()) for name, text in files.items()], tuple(files))


def check_out_dir(out_dir: Path, names: tuple[str, ...], *, unfinished: str | None = None) -> None:
    """Check before the computation whether results can be written into a folder; leave no files.

    Parameters
    ----------
    out_dir
        Output folder, existing or not.
    names
        Names of the files to be written.
    unfinished
        As for :func:`write_all`.

    Raises
    ------
    OutputError
        The files cannot be written.
    """
    probe = (f".probe-{uuid.uuid4().hex}", bytes(PROBE_BYTES))
    write_all(out_dir, [*((name, b"") for name in names), probe], names, keep=False, unfinished=unfinished)


def check_out_file(path: Path) -> None:
    """Check before the computation whether a file can be written; leave no file.

    Raises
    ------
    OutputError
        The file cannot be written, or the path is a folder.
    """
    if path.is_dir():
        raise OutputError("The output file cannot be written: a folder is in its place; give a file's name.")
    check_out_dir(path.parent, (path.name,))


def write_text(path: Path, text: str) -> None:
    """Write one text file; see :func:`write_file`."""
    write_file(path, text.encode())


def write_file(path: Path, content: bytes, *, unfinished: str | None = None) -> None:
    """Write one file atomically; create its folder if missing.

    Parameters
    ----------
    path
        Path of the file.
    content
        Content of the file.
    unfinished
        Name of the temporary file. If only one process writes the file, a fixed name lets the next run overwrite
        the temporary file of a killed run.

    Raises
    ------
    OutputError
        The file cannot be written, for example on a full disk; folders created for it are removed.
    """
    made: list[Path] = []
    try:
        with as_output_error():
            _make_folders(path.parent, made)
            part = path.with_name(unfinished or f".unfinished-{uuid.uuid4().hex}")
            try:
                part.write_bytes(content)
                part.replace(path)
                made.clear()
            finally:
                part.unlink(missing_ok=True)
    finally:
        for folder in reversed(made):
            _remove(folder)


def to_json_values(value: Any) -> Any:
    """Convert NumPy scalars to Python numbers for JSON, and NaN and infinity to None."""
    if isinstance(value, dict):
        return {str(key): to_json_values(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_values(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def as_output_error() -> Iterator[None]:
    """Raise errors of the operating system as one ``OutputError``."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or "its path is not valid"
        raise OutputError(f"The output folder cannot be written ({reason}); give another folder.") from error


def _check_free(out_dir: Path, names: tuple[str, ...]) -> bool:
    """Return whether the folder is new; raise if a file has its path, or a folder the path of an output file."""
    if not out_dir.is_dir():
        with suppress(FileNotFoundError):
            out_dir.lstat()
            raise OutputError("The output folder cannot be made: a file is in its place; give another folder.")
        return True
    taken = next((name for name in names if (out_dir / name).is_dir()), None)
    if taken is not None:
        raise OutputError(f"The output folder holds a folder in the place of {taken}; give another folder.")
    return False


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Create a folder and its missing parents; append each created folder to ``made``."""
    if not folder.is_dir():
        _make_folders(folder.parent, made)
        try:
            folder.mkdir()
        except FileExistsError:
            if folder.is_dir():  # created by another process meanwhile
                return
            raise
        made.append(folder)


def _replace_files(folder: Path, out_dir: Path, names: tuple[str, ...]) -> None:
    """Move all files over those of an earlier run, and remove files that only the earlier run wrote."""
    for name in names:
        if (folder / name).exists():
            (folder / name).replace(out_dir / name)
        else:
            (out_dir / name).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    """Remove a temporary folder, or a created parent folder if it is empty."""
    if folder.name.startswith(".unfinished-"):
        shutil.rmtree(folder, ignore_errors=True)
        return
    with suppress(OSError):
        folder.rmdir()
