"""An evaluation that a person started: a process beside the server, one at a time, gone with its session."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pages.comparison.evaluation_results import Results, read_results
from perfcore.errors import ArgumentError, InputDataError

ROOT: Final = Path(__file__).resolve().parents[2]
MOST_CASES: Final = 100
_turn: Final = threading.Lock()
"""Held while an evaluation runs on this server."""


@dataclass
class Progress:
    """How far an evaluation has come; written by the thread that listens."""

    done: int = 0
    total: int = 0
    finished: bool = False
    problem: str = ""


class Run:
    """One evaluation.

    Parameters
    ----------
    cases
        Key and name of each case.
    folder
        The server's folder of cases.

    Raises
    ------
    ArgumentError
        Another evaluation runs, or the number of cases is out of its range.
    """

    def __init__(self, cases: Sequence[tuple[str, str]], folder: Path | None) -> None:
        if not 1 <= len(cases) <= MOST_CASES:
            raise ArgumentError(f"Choose between 1 and {MOST_CASES} cases; got {len(cases)}.")
        if not _turn.acquire(blocking=False):
            raise ArgumentError("Another evaluation runs on this server; try again when it has ended.")
        self.cases = {name: key for key, name in cases}
        self.progress = Progress(total=len(cases))
        self._place = Path(tempfile.mkdtemp(prefix="aif-lab-"))
        try:
            self._process = subprocess.Popen(  # noqa: S603  (our own module, no word of a user)
                [sys.executable, "-m", "pages.comparison.evaluation_worker", str(self._place)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
        except OSError as error:
            _turn.release()
            raise ArgumentError("No process can be started on this server; try again later.") from error
        self._listener = threading.Thread(target=_listen, args=(self._process, self.progress), daemon=True)
        self._listener.start()
        # With the session goes the run: its input ends, and so does the process.
        self._end = weakref.finalize(self, _end, self._process, self._place)
        line = {"folder": None if folder is None else str(folder), "cases": list(cases)}
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._listener.is_alive()

    def cancel(self) -> None:
        """End it at once."""
        self._end()
        self._listener.join()

    def results(self, title: str, entry_of: Callable[[str, int], str | None]) -> Results:
        """Return what came out, once it has ended.

        Raises
        ------
        InputDataError
            It failed; the sentence says why.
        """
        self._listener.join()
        try:
            found = read_results(self._place, title, entry_of) if self.progress.finished else None
        finally:
            self._end()
        if found is None:
            raise InputDataError(self.progress.problem or "The evaluation ended before it was done.")
        return found


def _listen(process: subprocess.Popen[str], progress: Progress) -> None:
    """Read the progress until the process ends."""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            with suppress(ValueError):
                for name, value in json.loads(line).items():
                    setattr(progress, name, value)
        process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()
        _turn.release()


def _end(process: subprocess.Popen[str], place: Path) -> None:
    process.kill()
    process.wait()
    with suppress(OSError):
        assert process.stdin is not None
        process.stdin.close()
    shutil.rmtree(place, ignore_errors=True)
