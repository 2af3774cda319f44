"""Files that are written whole or not at all: beside their place first, and moved there at the end."""

from __future__ import annotations

import math
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from perfcore.errors import OutputError


def write_all(
    out_dir: Path, files: Iterable[tuple[str, bytes]], names: tuple[str, ...], *, keep: bool = True
) -> None:
    """Write files into a folder, all or none.

    Parameters
    ----------
    out_dir
        Made where it is missing.
    files
        Name and content, made one after the other.
    names
        Of all files that a run may write: what an earlier run had of them and this one has not goes.
    keep
        False: a trial that leaves nothing behind.

    Raises
    ------
    OutputError
        The folder cannot be written; it is then as it was before.
    """
    made: list[Path] = []
    try:
        with _as_output_error():
            is_new = _check_free(out_dir, names)
            _make_folders(out_dir.parent, made)
            folder = (out_dir.parent if is_new else out_dir) / f".unfinished-{uuid.uuid4().hex}"
            folder.mkdir()
            made.append(folder)
        for name, content in files:
            with _as_output_error():
                (folder / name).write_bytes(content)
        if not keep:
            return
        with _as_output_error():
            if is_new:
                folder.rename(out_dir)
                made.clear()
            else:
                _replace_files(folder, out_dir, names)
                made[:] = [folder]
    finally:
        for path in reversed(made):
            _remove(path)


def write_files(out_dir: Path, files: Mapping[str, str]) -> None:
    """Write files of text into a folder, all or none, over those of an earlier run.

    Parameters
    ----------
    out_dir
        Made where it is missing.
    files
        Text by name.

    Raises
    ------
    OutputError
        The folder cannot be written; it is then as it was before.
    """
    write_all(out_dir, [(name, text.encode()) for name, text in files.items()], tuple(files))


def check_out_dir(out_dir: Path, names: tuple[str, ...]) -> None:
    """Find out before any work whether results can be written into a folder; leaves nothing behind.

    Parameters
    ----------
    out_dir
        The folder, there or not.
    names
        What will be written into it.

    Raises
    ------
    OutputError
        They cannot.
    """
    write_all(out_dir, [(name, b"") for name in names], names, keep=False)


def check_out_file(path: Path) -> None:
    """Find out before any work whether a file can be written; leaves nothing behind.

    Raises
    ------
    OutputError
        It cannot, or a folder is in its place.
    """
    if path.is_dir():
        raise OutputError("The output file cannot be written: a folder is in its place; give a file's name.")
    check_out_dir(path.parent, (path.name,))


def write_text(path: Path, text: str) -> None:
    """Write one file of text; see :func:`write_file`."""
    write_file(path, text.encode())


def write_file(path: Path, content: bytes, *, unfinished: str | None = None) -> None:
    """Write one file, its folder made where it is missing, whole or not at all.

    Parameters
    ----------
    path
        Where it goes.
    content
        All of it.
    unfinished
        Its name until it is whole. Where one process alone writes it, a fixed name lets the next run take the
        place of what a killed one has left.

    Raises
    ------
    OutputError
        It cannot be written, as on a full disk; no folder that was made for it is left either.
    """
    made: list[Path] = []
    try:
        with _as_output_error():
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


def plain(value: Any) -> Any:
    """Return JSON's own types for numpy's, and None for NaN and infinity."""
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def _as_output_error() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or "its path is not valid"
        raise OutputError(f"The output folder cannot be written ({reason}); give another folder.") from error


def _check_free(out_dir: Path, names: tuple[str, ...]) -> bool:
    """Return whether the folder is new; refuse a file in its place, or a folder in the place of a file."""
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
    """Make a folder and its parents, and note which were made."""
    if not folder.is_dir():
        _make_folders(folder.parent, made)
        try:
            folder.mkdir()
        except FileExistsError:
            if folder.is_dir():  # another worker was quicker
                return
            raise
        made.append(folder)


def _replace_files(folder: Path, out_dir: Path, names: tuple[str, ...]) -> None:
    """Move all files over those of an earlier run, and remove what that run had and this one has not."""
    for name in names:
        if (folder / name).exists():
            (folder / name).replace(out_dir / name)
        else:
            (out_dir / name).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    """Remove an unfinished folder, or a parent made for it that is still empty."""
    if folder.name.startswith(".unfinished-"):
        shutil.rmtree(folder, ignore_errors=True)
        return
    with suppress(OSError):
        folder.rmdir()
