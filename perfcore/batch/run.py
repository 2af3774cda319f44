"""Maps of many cases, spread over processes or a Dask cluster; a refused case does not stop the others."""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from perfcore.batch.case import CaseOptions, map_case
from perfcore.batch.inputs import InputCase
from perfcore.batch.table import CASES_FILE, CaseOutcome, figures_of, table_text
from perfcore.bids import BidsCase
from perfcore.errors import PerfcoreError
from perfcore.io.atomic_write import as_output_error, check_out_dir, write_text
from perfcore.runtime.cli_errors import fault_sentence
from perfcore.runtime.jobs import Progress, run_jobs

KILLED: Final = (
    "The process that worked on this case was killed, most likely for lack of memory; give it alone, on a machine "
    "with more."
)


@dataclass(frozen=True)
class CaseJob:
    """One case for a worker: where it lies, where its files go, and what is done."""

    case: InputCase
    out: Path
    unfinished: str
    options: CaseOptions
    bids: BidsCase | None = None

    @property
    def places(self) -> tuple[Path, Path]:
        """Where its temporary folder may lie: in the folder of its files, or beside that."""
        folder = self.out if self.bids is None else self.out / self.bids.folder
        return folder, folder.parent


def map_cases(
    cases: Sequence[InputCase],
    out: Path,
    options: CaseOptions,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[CaseOutcome]:
    """Write the maps of each case to ``out/<name>/``, and ``out/cases.csv`` anew after every case.

    With ``bids`` names, ``out`` is the root of one dataset of all cases.

    Parameters
    ----------
    cases
        With unique names, none of them ``cases.csv``.
    out
        Folder for the results.
    options
        What is done with each case.
    scheduler, workers, progress
        As for :func:`perfcore.runtime.jobs.run_jobs`.

    Returns
    -------
    list of CaseOutcome
        In the order of the cases. An interrupted run leaves the cases that are done, and their rows.

    Raises
    ------
    OutputError
        The table cannot be written.
    ArgumentError
        The scheduler does not answer.
    """
    check_out_dir(out, (CASES_FILE,))
    out, run = out.absolute(), uuid.uuid4().hex
    in_bids = bids_cases(cases) if options.names == "bids" else [None] * len(cases)
    jobs = [
        CaseJob(
            case, out if bids else out / case.name, f".unfinished-{run}-{place}", _options_of(case, options), bids
        )
        for place, (case, bids) in enumerate(zip(cases, in_bids, strict=True))
    ]
    done: dict[CaseJob, CaseOutcome] = {}

    def add(job: CaseJob, outcome: CaseOutcome) -> None:
        done[job] = outcome
        write_text(out / CASES_FILE, table_text(done[job] for job in jobs if job in done))
        if progress is not None:
            progress(len(done), len(jobs))

    def run_rest(rest: list[CaseJob], n_workers: int | None, *, isolated: bool) -> None:
        run_jobs(
            run_job, rest, scheduler=scheduler, workers=n_workers, isolated=isolated,
            on_result=lambda place, outcome: add(rest[place], outcome),
        )  # fmt: skip

    is_retry = False
    with _common_folders(jobs):
        try:
            while rest := [job for job in jobs if job not in done]:
                try:
                    run_rest(rest, 1 if is_retry else workers, isolated=is_retry)
                except BrokenProcessPool:
                    _remove_unfinished(rest)
                    if is_retry:  # a single worker takes the cases in their order: it was the first
                        killed = next(job for job in rest if job not in done)
                        add(killed, CaseOutcome(killed.case.name, problem=KILLED))
                    is_retry = True
        finally:
            _remove_unfinished(jobs)
    return [done[job] for job in jobs]


def _options_of(case: InputCase, options: CaseOptions) -> CaseOptions:
    """Return the options of one case: its DICOM objects have a folder of their own."""
    return options if options.dicom_out is None else replace(options, dicom_out=options.dicom_out / case.name)


@contextmanager
def _common_folders(jobs: Sequence[CaseJob]) -> Iterator[None]:
    """Create the folders that cases share before they run, and at the end remove those without content.

    A case that is refused would otherwise remove them while another needs them.
    """
    uses = Counter(job.places[0] for job in jobs)
    common = {folder.parent for folder in uses} | {folder for folder, n in uses.items() if n > 1}
    missing = {place for folder in common for place in (folder, *folder.parents) if not place.exists()}
    with as_output_error():
        for folder in common:
            folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for place in sorted(missing, reverse=True):  # below before above
            with suppress(OSError):
                place.rmdir()


def bids_cases(cases: Sequence[InputCase]) -> list[BidsCase]:
    """Return the BIDS entities of cases; a subject whose files would have the names of another's is numbered."""
    found = [BidsCase.of(case.path, case.name) for case in cases]
    used = {bids.prefix.casefold() for bids in found}
    unique: list[BidsCase] = []
    seen: set[str] = set()
    for bids in found:
        number, one = 1, bids
        while one.prefix.casefold() in (seen if number == 1 else used):
            number += 1
            one = replace(bids, subject=f"{bids.subject}x{number}")
        unique.append(one)
        seen.add(one.prefix.casefold())
        used.add(one.prefix.casefold())
    return unique


def _remove_unfinished(jobs: Sequence[CaseJob]) -> None:
    """Remove what workers left that were stopped while they wrote."""
    for job in jobs:
        for place in job.places:
            shutil.rmtree(place / job.unfinished, ignore_errors=True)


def run_job(job: CaseJob) -> CaseOutcome:
    """Write the maps of one case; return its figures, or why it has none."""
    name = job.case.name
    try:
        analysis = map_case(
            job.case.path, job.out, job.options, name=name, unfinished=job.unfinished, bids=job.bids
        )
    except PerfcoreError as error:
        return CaseOutcome(name, problem=str(error))
    except Exception as error:  # noqa: BLE001 - a fault in one case must not stop the others; it is reported
        return CaseOutcome(name, problem=fault_sentence(error), is_fault=True)
    return CaseOutcome(name, figures_of(analysis))
