"""Work for the tests of jobs: other processes import it by name."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from perfcore.errors import InputDataError
from perfcore.runtime.jobs import run_jobs

_running = 0


def later_is_quicker(job: int) -> tuple[int, int]:
    """The first jobs end last."""
    time.sleep(0.05 * max(0, 4 - job))
    return job * job, os.getpid()


def refuses_three(job: int) -> int:
    if job == 3:
        raise InputDataError("three is refused.")
    return job


def slow_but_three(job: int) -> int:
    if job == 3:
        raise InputDataError("three is refused.")
    time.sleep(60)
    return job


def how_many_at_once(_job: int) -> int:
    global _running  # noqa: PLW0603
    _running += 1
    time.sleep(0.1)
    seen = _running
    _running -= 1
    return seen


def threads_of_torch(_job: int) -> int:
    import torch

    return torch.get_num_threads()


def beats(job: Path) -> None:
    """Write its process number, then a file that grows as long as it lives."""
    (job / f"pid-{os.getpid()}").touch()
    for _ in range(600):
        with (job / f"beat-{os.getpid()}").open("a") as file:
            file.write(".")
        time.sleep(0.05)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    run_jobs(beats, [folder, folder], workers=2)
