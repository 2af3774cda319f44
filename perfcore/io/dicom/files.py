"""Files of a DICOM export in a folder or a zip archive, with limits on number, size and compression ratio.

Archives are never unpacked to disk: entries are read as byte streams without their names, so that path traversal,
links and duplicate names have no effect.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from perfcore.errors import InputDataError
from perfcore.io.byte_source import CHUNK_BYTES
from perfcore.io.dicom.signature import HEAD_BYTES, find_beginning

MAX_FILES: Final = 20_000
"""Maximum number of files, other files than DICOM included."""
MAX_UNPACKED_BYTES: Final = 4 << 30
MAX_RATIO: Final = 100
"""Maximum compression ratio of an archive; CT images compress by a factor of two to four."""
RATIO_FREE_BYTES: Final = 64 << 20
"""The ratio is not limited for archives that unpack to less than this."""
ZIP_SUFFIX: Final = ".zip"
_MAX_READ_BYTES: Final = 16 << 20
"""Maximum size of a single read of an archive, such as its central directory."""

_ARCHIVE_ERRORS: Final = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, LookupError, MemoryError,
    OSError, OverflowError, RuntimeError, ValueError,
)  # fmt: skip


class Blob(Protocol):
    """Bytes that can be read from their beginning, any number of times."""

    @property
    def n_bytes(self) -> int:
        """Total size in bytes."""

    @property
    def seeks(self) -> bool:
        """Whether reading from within costs no more than reading from the beginning."""

    def read(self, n_bytes: int, start: int = 0) -> bytes:
        """Return ``n_bytes`` from position ``start``, or all bytes if there are fewer."""


@dataclass(frozen=True)
class _File:
    path: str
    n_bytes: int

    @property
    def seeks(self) -> bool:
        return True

    def read(self, n_bytes: int, start: int = 0) -> bytes:
        try:
            with open(self.path, "rb", buffering=0) as file:  # noqa: PTH123 (a Path per file would double the time)
                file.seek(start)
                return file.read(max(0, min(n_bytes, self.n_bytes - start)))
        except OSError as error:
            raise InputDataError(
                f"A file in the folder cannot be read ({error.strerror or 'input error'}); check its permissions."
            ) from error


@dataclass(frozen=True)
class _Entry:
    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    @property
    def n_bytes(self) -> int:
        return self.info.file_size

    @property
    def seeks(self) -> bool:
        return False

    def read(self, n_bytes: int, start: int = 0) -> bytes:
        content = bytearray()
        with _archive_errors(), self.archive.open(self.info) as stream:
            while start and (part := stream.read(min(start, CHUNK_BYTES))):
                start -= len(part)
            while len(content) < n_bytes and (part := stream.read(min(n_bytes - len(content), CHUNK_BYTES))):
                content += part
        return bytes(content)


@contextmanager
def open_files(source: Path | bytes) -> Iterator[list[Blob]]:
    """List the files of a folder (at any depth) or of a zip archive; they can be read until the block ends.

    Parameters
    ----------
    source
        A folder, a zip file, or the content of one.

    Raises
    ------
    InputDataError
        The source is missing or not an archive, holds too many files, or exceeds the size limits.
    """
    if isinstance(source, Path) and source.is_dir():
        yield list(_folder(source))
        return
    with _open_archive(source) as file, _archive(file) as archive:
        yield archive


def file_blob(path: Path) -> Blob | None:
    """Return a regular file as a blob, None where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return _File(str(path), status.st_size) if stat.S_ISREG(status.st_mode) else None


def holds_dicom(folder: Path) -> bool:
    """Return whether a folder holds a DICOM file at any depth; the first bytes of each file are read."""
    return any(find_beginning(file.read(HEAD_BYTES)) is not None for file in _folder(folder))


def _folder(folder: Path) -> Iterator[_File]:
    """List regular files in a stable order; links to folders are not followed."""
    n_files = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)  # noqa: PTH118 (a Path per file would double the time)
            try:
                status = os.stat(path)  # noqa: PTH116
            except (OSError, ValueError):
                continue
            if not stat.S_ISREG(status.st_mode):
                continue
            n_files += 1
            if n_files > MAX_FILES:
                raise _too_many("folder")
            yield _File(path, status.st_size)


class _CappedReads:
    """File whose single reads are limited in size, because zipfile trusts the sizes declared by an archive."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, n_bytes: int = -1) -> bytes:
        return self._file.read(min(n_bytes, _MAX_READ_BYTES) if n_bytes >= 0 else _MAX_READ_BYTES)


@contextmanager
def _open_archive(source: Path | bytes) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    try:
        if not stat.S_ISREG(source.stat().st_mode):
            raise InputDataError("The series is neither a folder nor a regular file; give a folder or a zip file.")
        file = source.open("rb")
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise InputDataError("The series does not exist at the path given; check the path.") from error
    except OSError as error:
        raise InputDataError(
            f"The series cannot be read ({error.strerror or 'input error'}); check the path and its permissions."
        ) from error
    with file:
        yield file


@contextmanager
def _archive(file: BinaryIO) -> Iterator[list[Blob]]:
    n_archive = file.seek(0, io.SEEK_END)
    capped: object = _CappedReads(file)
    with _archive_errors():
        archive = zipfile.ZipFile(capped)  # type: ignore[call-overload]
    with archive:
        entries = archive.infolist()
        if len(entries) > MAX_FILES:
            raise _too_many("zip archive")
        entries = [entry for entry in entries if not (_is_folder(entry) or _is_link(entry))]
        if any(entry.flag_bits & 1 for entry in entries):
            raise InputDataError("The zip archive is encrypted; give one without a password.")
        if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
            raise InputDataError(
                "The zip archive is compressed in an unusual way; expected plain storage or deflate, so pack it "
                "again with a common tool."
            )
        n_unpacked = sum(entry.file_size for entry in entries)
        if n_unpacked > min(MAX_UNPACKED_BYTES, max(RATIO_FREE_BYTES, MAX_RATIO * n_archive)):
            raise InputDataError(
                f"The zip archive of {n_archive / 1e6:,.1f} MB unpacks to {n_unpacked / 1e6:,.0f} MB; at most "
                f"{MAX_UNPACKED_BYTES >> 30} GB and {MAX_RATIO} times its size are read, so give a single series."
            )
        yield [_Entry(archive, entry) for entry in entries]


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith("/")  # is_dir() fails on an empty name


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


@contextmanager
def _archive_errors() -> Iterator[None]:
    """Raise the exceptions of zipfile as one ``InputDataError``."""
    try:
        yield
    except _ARCHIVE_ERRORS as error:
        raise InputDataError(
            "The file is damaged, truncated or not a zip archive; pack the DICOM folder again with a common tool."
        ) from error


def _too_many(what: str) -> InputDataError:
    return InputDataError(
        f"The {what} holds more than {MAX_FILES:,} files; give one that holds only the perfusion series."
    )
