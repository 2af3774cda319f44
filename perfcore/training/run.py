"""Cross-validated training: prepares the cases, trains one network per fold and one on all cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from perfcore.aif.network.weights import TRAINING_FILE
from perfcore.errors import ArgumentError, InputDataError, PerfcoreError
from perfcore.io.atomic_write import check_out_dir, write_text
from perfcore.io.cohort import CohortCase, assign_folds, find_cohort
from perfcore.runtime.device import resolve_device
from perfcore.runtime.jobs import run_jobs
from perfcore.training.data import (
    file_signature,
    is_prepared,
    make_training_case,
    read_training_case,
    write_training_case,
)
from perfcore.training.learning_curves import draw_curves
from perfcore.training.loop import LOG_FILE, FoldJob, TrainingPlan, read_log, train_fold
from perfcore.training.recipes import LAB, NETWORK_RECIPES, network_and_loss

StageProgress = Callable[[str, int, int], None]
LEARNING_CURVES_FILE: Final = "learning.png"
PREPARED_FOLDER: Final = "prepared"
MAX_SEED: Final = 2**32 - 1
RATES: Final = {"sgd": 0.05, "adam": 1e-3}
"""Rate of an optimizer that is not the network's own."""


@dataclass(frozen=True)
class TrainingOptions:
    """Options of :func:`train`.

    Attributes
    ----------
    network, loss, recipe
        As of :func:`perfcore.training.recipes.network_and_loss`.
    folds
        Number of cross-validation folds; one network on all cases is trained as well. 0: only the latter.
    epochs, optimizer, rate, seed
        As in :class:`perfcore.training.loop.TrainingPlan`; None: the default of the network.
    device
        ``auto``, ``cpu`` or ``cuda``.
    scheduler
        Address of a Dask scheduler; None: the cores of this machine.
    prepared
        Folder of the prepared cases, which several trainings can share; None: inside the output folder.
    """

    network: str
    loss: str | None = None
    folds: int = 5
    epochs: int | None = None
    optimizer: str | None = None
    rate: float | None = None
    seed: int = 0
    device: str = "auto"
    scheduler: str | None = None
    prepared: Path | None = None
    recipe: str = LAB

    @property
    def plan(self) -> TrainingPlan:
        """Training plan of every fold.

        Raises
        ------
        ArgumentError
            A name is unknown or a number is out of its range.
        """
        network, loss = network_and_loss(self.recipe, self.network, self.loss)
        own = NETWORK_RECIPES[network]
        optimizer, own_rate = own.optimizer, own.rate
        epochs = own.epochs if self.epochs is None else self.epochs
        if self.optimizer not in (None, optimizer):
            optimizer, own_rate = self.optimizer, RATES.get(self.optimizer, 0.0)
        if optimizer not in RATES:
            raise ArgumentError(f"optimizer must be one of {', '.join(RATES)}; got {optimizer!r}.")
        rate = own_rate if self.rate is None else self.rate
        if epochs < 1 or not 0 < rate <= 10 or not 0 <= self.seed <= MAX_SEED:
            raise ArgumentError(
                f"epochs must be at least 1, rate between 0 and 10, seed between 0 and {MAX_SEED}; "
                f"got {epochs}, {rate:g} and {self.seed}."
            )
        if self.folds < 0 or self.folds == 1:
            raise ArgumentError(f"folds must be 0 (one network on all cases) or at least 2; got {self.folds}.")
        return TrainingPlan(network, loss, optimizer, rate, epochs, self.seed)


@dataclass(frozen=True)
class PrepareJob:
    """A case to prepare, and its output file."""

    case: CohortCase
    path: Path


def prepare_case(job: PrepareJob) -> str | None:
    """Prepare one case; return the problem of the case, or None."""
    try:
        write_training_case(make_training_case(job.case), job.path, file_signature(job.case))
    except InputDataError as error:
        return str(error)
    return None


def _is_ready(job: PrepareJob) -> bool:
    try:
        return is_prepared(job.path, file_signature(job.case))
    except InputDataError:
        return False


def train(
    data: Path, out: Path, options: TrainingOptions, progress: StageProgress | None = None
) -> dict[str, Any]:
    """Train a network on a folder of cases.

    Parameters
    ----------
    data
        A phantom cohort, ISLES 2018, or a folder of cases with lesions in the ISLES 2018 layout.
    out
        Output folder of ``fold_K/{weights.safetensors, log.csv, checkpoint.safetensors}``, ``all/…``,
        ``learning.png`` and ``training.json``; an interrupted training resumes from its last epoch.
    options
        Options of the training.
    progress
        Called with the name of the step, the amount done and the total.

    Returns
    -------
    dict
        Content of ``training.json``.

    Raises
    ------
    ArgumentError
        An option is out of its range, or the output folder holds another training.
    InputDataError
        The data folder holds no usable training case.
    OutputError
        The output folder cannot be written.
    """
    plan, device = options.plan, resolve_device(options.device)
    report = progress or (lambda _what, _done, _total: None)
    data, out = data.absolute(), out.absolute()  # a cluster worker can have another working directory
    prepared = (options.prepared or out / PREPARED_FOLDER).absolute()
    check_out_dir(out, (LEARNING_CURVES_FILE, TRAINING_FILE))
    check_out_dir(prepared, ())
    found = find_cohort(data)
    if options.folds:
        assign_folds(found, options.folds, options.seed)  # refuses too many folds before any work
    wanted = [PrepareJob(case, prepared / f"{case.case.path.name}.safetensors") for case in found]
    missing = [job for job in wanted if not _is_ready(job)]
    with _removed_on_error((prepared, out), missing):
        refused = _prepare(missing, options, prepared, report)
        cases = [job.case for job in wanted if job.case.name not in refused]
        paths = [job.path for job in wanted if job.case.name not in refused]
        if not cases:
            first = next(iter(refused.values()))
            raise InputDataError(f"No case of the data folder can be used for training; the first error: {first}")
        folds = assign_folds(cases, options.folds, options.seed) if options.folds else [0] * len(cases)
    jobs = [
        FoldJob(
            plan,
            fold,
            tuple(path for path, own in zip(paths, folds, strict=True) if fold == 0 or own != fold),
            tuple(path for path, own in zip(paths, folds, strict=True) if fold != 0 and own == fold),
            out / (f"fold_{fold}" if fold else "all"),
            device.type,
        )
        for fold in [*range(1, options.folds + 1), 0]
    ]

    def epochs_done() -> None:
        report("Training", sum(len(read_log(job.out / LOG_FILE)) for job in jobs), plan.epochs * len(jobs))

    seconds = run_jobs(
        train_fold,
        jobs,
        scheduler=options.scheduler,
        workers=1 if device.type == "cuda" else None,
        watch=epochs_done,
    )
    draw_curves([(job.out.name, read_log(job.out / LOG_FILE)) for job in jobs], out / LEARNING_CURVES_FILE)
    fingerprints = [read_training_case(path).fingerprint for path in paths]
    about = {
        **asdict(plan),
        "n_cases": len(cases),
        "n_folds": options.folds,
        "cases": [
            {"name": case.name, "patient": case.patient, "fold": fold, "fingerprint": case_fingerprint}
            for case, fold, case_fingerprint in zip(cases, folds, fingerprints, strict=True)
        ],
        "refused": refused,
        "device": device.type,
        "seconds": {job.out.name: round(spent, 1) for job, spent in zip(jobs, seconds, strict=True)},
    }
    write_text(out / TRAINING_FILE, json.dumps(about, indent=2) + "\n")
    return about


def _prepare(
    missing: list[PrepareJob], options: TrainingOptions, folder: Path, report: StageProgress
) -> dict[str, str]:
    """Prepare cases; return the problem of each unusable case by name."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = run_jobs(
        prepare_case,
        missing,
        scheduler=options.scheduler,
        progress=lambda done, total: report("Preparing cases", done, total),
    )
    return {job.case.name: problem for job, problem in zip(missing, problems, strict=True) if problem}


@contextmanager
def _removed_on_error(folders: tuple[Path, ...], missing: list[PrepareJob]) -> Iterator[None]:
    """Remove prepared cases and created folders if the cases cannot be used for training."""
    created = [path for folder in folders for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except PerfcoreError:
        for job in missing:
            job.path.unlink(missing_ok=True)
        for path in created:
            with suppress(OSError):
                path.rmdir()
        raise
