"""Functions run as jobs by the tests of run_jobs; worker processes import them by name."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from perfcore.errors import InputDataError
from perfcore.runtime.jobs import run_jobs

_running = 0


def later_is_faster(job: int) -> tuple[int, int]:
    """Return the square of a job and the process id; earlier jobs take longer."""
    time.sleep(0.05 * max(0, 4 - job))
    return job * job, os.getpid()


def fails_on_three(job: int) -> int:
    if job == 3:
        raise InputDataError("three is refused.")
    return job


def slow_except_three(job: int) -> int:
    if job == 3:
        raise InputDataError("three is refused.")
    time.sleep(60)
    return job


def n_concurrent(_job: int) -> int:
    global _running  # noqa: PLW0603
    _running += 1
    time.sleep(0.1)
    seen = _running
    _running -= 1
    return seen


def n_torch_threads(_job: int) -> int:
    import torch

    return torch.get_num_threads()


def heartbeat(job: Path) -> None:
    """Write the process id, then a file that grows while the process lives."""
    (job / f"pid-{os.getpid()}").touch()
    for _ in range(600):
        with (job / f"beat-{os.getpid()}").open("a") as file:
            file.write(".")
        time.sleep(0.05)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    run_jobs(heartbeat, [folder, folder], workers=2)
