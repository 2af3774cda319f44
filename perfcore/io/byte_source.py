"""Bounded forward reading of untrusted files and uploads, plain or gzipped.

Every error of the operating system or the decompressor is raised as
:class:`~perfcore.errors.InputDataError`, without the file name.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from perfcore.errors import InputDataError

GZIP_MAGIC: Final = b"\x1f\x8b"
DEFLATE_RATIO_LIMIT: Final = 1032
"""Maximum expansion of deflate: bytes out per byte in."""
CHUNK_BYTES: Final = 1 << 20


class ByteStream:
    """Forward-only reader that decompresses gzip and never returns more bytes than requested.

    Attributes
    ----------
    what
        Name of the content in error messages ("series", "brain mask").
    gzipped
        Whether the bytes are decompressed while reading.
    limit
        Upper bound of the number of bytes that can be read, known in advance.
    position
        Number of bytes read so far.
    """

    def __init__(self, file: BinaryIO, n_stored: int, what: str) -> None:
        magic = file.read(len(GZIP_MAGIC))
        file.seek(0)
        self.what = what
        self.gzipped = magic == GZIP_MAGIC
        self.limit = n_stored * DEFLATE_RATIO_LIMIT if self.gzipped else n_stored
        self.position = 0
        self._file: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=file) if self.gzipped else file

    def read(self, n_bytes: int) -> bytes:
        """Return the next ``n_bytes``, fewer only where the stream ends."""
        target = bytearray(n_bytes)
        return bytes(target[: self.read_into(memoryview(target))])

    def read_into(self, target: memoryview) -> int:
        """Fill ``target`` and return the number of bytes read."""
        filled = 0
        while filled < len(target):
            part = self._file.read(min(len(target) - filled, CHUNK_BYTES))
            if not part:
                break
            target[filled : filled + len(part)] = part
            filled += len(part)
        self.position += filled
        return filled

    def skip(self, n_bytes: int) -> int:
        """Skip up to ``n_bytes`` and return the number of bytes skipped."""
        scratch = memoryview(bytearray(min(n_bytes, CHUNK_BYTES)))
        skipped = 0
        while skipped < n_bytes and (n_read := self.read_into(scratch[: n_bytes - skipped])):
            skipped += n_read
        return skipped

    def finish(self, slack: int) -> None:
        """Read a gzip stream to its end to verify its checksum; at most ``slack`` bytes may follow.

        Raises
        ------
        InputDataError
            More than ``slack`` bytes follow.
        """
        if self.gzipped and self.skip(slack + 1) > slack:
            raise InputDataError(
                f"The {self.what} unpacks to more bytes than its header declares; expected data of the declared "
                "size, so write the file again."
            )


@contextmanager
def open_source(source: Path | bytes, what: str) -> Iterator[ByteStream]:
    """Open a regular file or the bytes of an upload.

    Parameters
    ----------
    source
        A path, or the content as bytes.
    what
        Name of the content in error messages ("series").

    Raises
    ------
    InputDataError
        The file is missing, not a regular file, empty or unreadable, or its gzip stream is damaged.
    """
    try:
        if isinstance(source, bytes):
            _refuse_empty(len(source), what)
            yield ByteStream(io.BytesIO(source), len(source), what)
            return
        status = _status(source, what)
        if not stat.S_ISREG(status.st_mode):
            raise InputDataError(
                f"The {what} is a {_kind(status.st_mode)}, not a regular file; "
                "give one NIfTI file (.nii or .nii.gz)."
            )
        _refuse_empty(status.st_size, what)
        with source.open("rb") as file:
            yield ByteStream(file, status.st_size, what)
    except gzip.BadGzipFile as error:
        raise InputDataError(
            f"The gzip stream of the {what} is damaged: its checksum, length or block header is wrong; "
            "copy the file again from its source."
        ) from error
    except (EOFError, zlib.error) as error:
        raise InputDataError(
            f"The gzip stream of the {what} is truncated or damaged; copy the file again from its source."
        ) from error
    except OSError as error:
        raise InputDataError(
            f"The {what} cannot be read ({error.strerror or 'input error'}); check the path and its permissions."
        ) from error


def _status(path: Path, what: str) -> os.stat_result:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputDataError(f"The {what} does not exist at the path given; check the path.") from error
    except ValueError as error:  # a NUL in the path
        raise InputDataError(f"The path of the {what} is not valid; check the path.") from error


def _refuse_empty(n_bytes: int, what: str) -> None:
    if n_bytes == 0:
        raise InputDataError(f"The {what} is an empty file of 0 bytes; give a NIfTI file (.nii or .nii.gz).")


def _kind(mode: int) -> str:
    kinds: dict[str, Callable[[int], bool]] = {
        "folder": stat.S_ISDIR,
        "pipe": stat.S_ISFIFO,
        "socket": stat.S_ISSOCK,
        "device": stat.S_ISCHR,
        "block device": stat.S_ISBLK,
    }
    return next((name for name, test in kinds.items() if test(mode)), "special file")
