"""Jobs of many cases that end badly; worker processes import them by name."""

from __future__ import annotations

import os
import signal
import time

from perfcore.batch import run
from perfcore.batch.run import CaseJob
from perfcore.batch.table import CaseOutcome

_real = run.run_job


def killed_on_second(job: CaseJob) -> CaseOutcome:
    """Die as for lack of memory while the second case is written."""
    if job.case.name == "case_2":
        _begin_to_write(job)
        os.kill(os.getpid(), signal.SIGKILL)
    return _real(job)


def stalls_on_second(job: CaseJob) -> CaseOutcome:
    """Wait while the second case is written, for longer than any test; the first is complete by then."""
    if job.case.name == "case_2":
        while not (job.out.parent / "case_1").exists():
            time.sleep(0.05)
        _begin_to_write(job)
        print("writing", flush=True)
        time.sleep(300)
    return _real(job)


def _begin_to_write(job: CaseJob) -> None:
    folder = job.out.parent / job.unfinished
    folder.mkdir(parents=True)
    (folder / "cbf.nii.gz").write_bytes(b"half")
