"""Evaluation in a process of its own: one at a time on a server, ended with its session."""

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

from pages.comparison.evaluation_results import EvaluationResults, read_results
from perfcore.errors import ArgumentError, InputDataError

ROOT: Final = Path(__file__).resolve().parents[2]
MAX_CASES: Final = 100
_running: Final = threading.Lock()
"""Held while an evaluation runs on this server."""


@dataclass
class EvaluationProgress:
    """Progress of an evaluation, written by the thread that reads the process's output.

    ``done`` and ``total`` count cases; ``part`` of the next one is done, 0 to 1; ``now`` names what is under way.
    """

    done: int = 0
    total: int = 0
    part: float = 0.0
    now: str = ""
    finished: bool = False
    problem: str = ""

    @property
    def fraction(self) -> float:
        """Part of the whole evaluation that is done, 0 to 1."""
        return min((self.done + self.part) / max(self.total, 1), 1.0)


class EvaluationRun:
    """One running evaluation.

    Parameters
    ----------
    cases
        Key and name of each case.
    folder
        The server's folder of cases.
    own
        Curves of the user: case name, name of the curve, values at the frames.

    Raises
    ------
    ArgumentError
        Another evaluation is running, or the number of cases is out of range.
    """

    def __init__(
        self,
        cases: Sequence[tuple[str, str]],
        folder: Path | None,
        own: Sequence[tuple[str, str, Sequence[float]]] = (),
    ) -> None:
        if not 1 <= len(cases) <= MAX_CASES:
            raise ArgumentError(f"Choose between 1 and {MAX_CASES} cases; got {len(cases)}.")
        if not _running.acquire(blocking=False):
            raise ArgumentError("Another evaluation is running on this server; try again when it has ended.")
        self.keys = {name: key for key, name in cases}
        """Catalog key of each case, by name."""
        self.progress = EvaluationProgress(total=len(cases))
        self._folder = Path(tempfile.mkdtemp(prefix="aif-lab-"))
        try:
            self._process = subprocess.Popen(  # noqa: S603  (our own module, no user input)
                [sys.executable, "-m", "pages.comparison.evaluation_worker", str(self._folder)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
        except OSError as error:
            _running.release()
            raise ArgumentError("The server cannot start a process; try again later.") from error
        self._reader = threading.Thread(target=_read_output, args=(self._process, self.progress), daemon=True)
        self._reader.start()
        # When the session ends, this object is collected and the process is killed.
        self._end = weakref.finalize(self, _end, self._process, self._folder)
        curves = [(case, name, list(values)) for case, name, values in own]
        line = {"folder": None if folder is None else str(folder), "cases": list(cases), "own": curves}
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()

    @property
    def is_running(self) -> bool:
        """Whether the evaluation has not ended."""
        return self._reader.is_alive()

    def cancel(self) -> None:
        """Kill the process at once."""
        self._end()
        self._reader.join()

    def results(self, title: str, entry_of: Callable[[str, int], str | None]) -> EvaluationResults:
        """Wait for the end of the evaluation and return its results.

        Raises
        ------
        InputDataError
            The evaluation failed.
        """
        self._reader.join()
        try:
            found = read_results(self._folder, title, entry_of) if self.progress.finished else None
        finally:
            self._end()
        if found is None:
            raise InputDataError(self.progress.problem or "The evaluation ended before it was complete.")
        return found


def _read_output(process: subprocess.Popen[str], progress: EvaluationProgress) -> None:
    """Read the progress from the process's output until it ends."""
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
        _running.release()


def _end(process: subprocess.Popen[str], folder: Path) -> None:
    process.kill()
    process.wait()
    with suppress(OSError):
        assert process.stdin is not None
        process.stdin.close()
    shutil.rmtree(folder, ignore_errors=True)
