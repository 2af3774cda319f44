"""Decoder of compressed images: a child process, so that damaged data can never end or exhaust this one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Final

from perfcore.io.dicom import decoder_worker
from perfcore.io.dicom.decoder_worker import ANSWER, REQUEST

_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class FrameDecoder:
    """Decodes the images of one series; its process starts with the first image and ends with :meth:`close`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def decode(self, code: bytes, uid: str, rows: int, columns: int, bits: int, *, signed: bool) -> bytes:
        """Decode an image of one component.

        Parameters
        ----------
        code
            Codestream, whose header was checked (:mod:`perfcore.io.dicom.codestream`).
        uid
            Transfer syntax UID.
        rows, columns, bits, signed
            Size, bits stored and representation by the DICOM header.

        Returns
        -------
        bytes
            ``rows * columns`` 16-bit little-endian numbers; empty if the codestream is damaged.
        """
        request = REQUEST.pack(uid.encode("ascii"), rows, columns, bits, signed, len(code))
        with self._lock:
            process = self._process = self._process or _start()
            try:
                _pipe(process.stdin).write(request + code)
                _pipe(process.stdin).flush()
                head = _pipe(process.stdout).read(ANSWER.size)
                n_bytes = ANSWER.unpack(head)[0] if len(head) == ANSWER.size else 0
                pixels = _pipe(process.stdout).read(n_bytes) if n_bytes == 2 * rows * columns else b""
            except OSError:  # the process has ended
                head, pixels = b"", b""
            if not head:
                self._end()
        return pixels

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    _pipe(pipe).close()
            process.wait()


def _start() -> subprocess.Popen[bytes]:
    path = str(Path(decoder_worker.__file__))
    return subprocess.Popen(  # noqa: S603  (our own module, no user input)
        [sys.executable, "-I", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **dict.fromkeys(_THREADS, "1")},
    )


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("no pipe")
    return pipe
