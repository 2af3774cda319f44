"""An evaluation from a folder of cases to cases.csv, summary.json and report.html."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from perfcore.aif.network.weights import TRAINING_FILE, method_name, network_names, read_manifest
from perfcore.aif.select import SELECTORS
from perfcore.errors import InputDataError
from perfcore.evaluation.case_evaluation import (
    FPR,
    CaseEvaluation,
    EvaluationJob,
    ExampleSlice,
    NetworkSource,
    evaluate_case,
)
from perfcore.evaluation.report import make_report
from perfcore.evaluation.statistics import best_method, summarise
from perfcore.io.atomic_write import check_out_dir, to_json_values, write_files
from perfcore.io.cohort import CohortCase, find_cohort
from perfcore.metrics import EVALUATED
from perfcore.runtime.jobs import run_jobs
from perfcore.settings import Settings
from perfcore.types import DoubleArray

Progress = Callable[[int, int], None]
EVALUATION_FILES: Final = ("cases.csv", "roc.csv", "summary.json", "report.html")
CASE_COLUMNS: Final = (
    "case", "patient", "confounders", "n_slices", "method", "found", "fold", *EVALUATED,
    "core_ml", "lesion_ml", "hypoperfused_ml", "mismatch_ml", "reference_cbf", "seconds", "note",
)  # fmt: skip
EXAMPLE_METHODS: Final = ("expert", "truth", "straka", "cnn-regression", "cnn-weighting", "cnn-regression-core")
"""Columns of the report's example."""


def evaluate(
    data: Path,
    out: Path,
    *,
    weights: Path | None = None,
    expert: Path | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Judge every method on every case and write ``cases.csv``, ``roc.csv``, ``summary.json`` and ``report.html``.

    Parameters
    ----------
    data
        A phantom cohort, ISLES 2018, or a folder of cases with lesions in its layout.
    out
        Folder for the results.
    weights
        Folder of one or several trainings (of :func:`perfcore.training.run.train`): each case is judged by the
        network that has not seen it. Default: the networks that ship.
    expert
        Folder with an expert's curves, ``case_N.csv``.
    scheduler
        Address of a Dask scheduler; without one, this machine's cores.
    progress
        Called with the number of cases done and their total.

    Returns
    -------
    dict
        What ``summary.json`` holds.

    Raises
    ------
    InputDataError
        There is no case that can be judged, or no training in the folder of weights.
    OutputError
        The output folder cannot be written.
    """
    return evaluate_cases(
        find_cohort(data.absolute()), out, weights=weights, expert=expert, scheduler=scheduler, progress=progress
    )


def evaluate_cases(
    cases: list[CohortCase],
    out: Path,
    *,
    weights: Path | None = None,
    expert: Path | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Judge every method on chosen cases, as :func:`evaluate` does on a folder of them.

    Parameters
    ----------
    cases
        At least one, with names that differ.
    workers
        Processes here, at most; default: as many as there are cores.
    out, weights, expert, scheduler, progress
        As of :func:`evaluate`, with its results and its errors.
    """
    check_out_dir(out, EVALUATION_FILES)
    networks = trained_networks(weights) if weights is not None else shipped_networks()
    experts = _experts(cases, expert)
    jobs = [
        EvaluationJob(
            case, tuple(SELECTORS), networks, experts.get(case.name), with_example=case.case == cases[0].case
        )
        for case in cases
    ]
    scores = run_jobs(evaluate_case, jobs, scheduler=scheduler, workers=workers, progress=progress)
    rows = _table(scores)
    if rows.empty:
        first = next((score.problem for score in scores if score.problem), "no method could be used")
        raise InputDataError(f"No case of the data folder can be judged; the first says: {first}")
    selectors = [name for name in SELECTORS if name in set(rows["method"])]
    reference = "expert" if experts else "truth" if (rows["method"] == "truth").any() else None
    means = summarise(rows, [])
    classical = best_method(means, selectors)
    summary = {
        "n_cases": int(rows["case"].nunique()),
        "n_patients": int(rows["patient"].nunique()),
        "reference": reference,
        "best_classical": classical,
        "best_network": best_method(means, [network.method for network in networks]),
        "settings": Settings().as_dict(),
        "networks": {n.method: {"kind": n.kind, "loss": n.loss, "folds": _n_folds(n)} for n in networks},
        "refused": {case.name: s.problem for case, s in zip(cases, scores, strict=True) if s.problem},
        **summarise(rows, [name for name in (reference, classical) if name is not None]),
    }
    roc = _mean_roc(scores)
    tables = (rows, pd.DataFrame({"fpr": FPR, **roc}))
    cases_csv, roc_csv = (t.to_csv(index=False, lineterminator="\n", float_format="%.6g") for t in tables)
    summary_json = json.dumps(to_json_values(summary), indent=2, allow_nan=False) + "\n"
    report = make_report(rows, summary, roc, _example(jobs, scores))
    write_files(out, dict(zip(EVALUATION_FILES, (cases_csv, roc_csv, summary_json, report), strict=True)))
    return summary


def trained_networks(folder: Path) -> tuple[NetworkSource, ...]:
    """Return the networks of one training, or of every training in a folder.

    Raises
    ------
    InputDataError
        There is none, or one's ``training.json`` cannot be read.
    """
    own = folder / TRAINING_FILE
    files = [own] if own.exists() else sorted(folder.glob(f"*/{TRAINING_FILE}"))
    if not files:
        raise InputDataError(
            "The folder of weights holds no finished training (training.json); train a network first."
        )
    networks = []
    for file in files:
        try:
            about = json.loads(file.read_text(encoding="utf-8"))
            folds = {str(case["fingerprint"]): int(case["fold"]) for case in about["cases"]}
            name = method_name(about["network"], about["loss"])
            place = file.parent.absolute()
            networks.append(NetworkSource(name, about["network"], about["loss"], folds, place))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputDataError("A training.json among the weights cannot be read; train again.") from error
    methods = [network.method for network in networks]
    if len(set(methods)) < len(methods):
        raise InputDataError(
            "The folder of weights holds two trainings of one network and loss; give the folder of one of them."
        )
    return tuple(sorted(networks, key=lambda network: (network.loss == "core", network.method)))


def shipped_networks() -> tuple[NetworkSource, ...]:
    """Return the networks that ship; those in ``seen`` of their manifest have seen a case."""
    manifest = read_manifest()
    seen = dict.fromkeys(manifest.get("seen", ()), 0)
    return tuple(
        NetworkSource(name, manifest["networks"][name]["network"], manifest["networks"][name]["loss"], seen, None)
        for name in network_names()
    )


def _n_folds(network: NetworkSource) -> int:
    return max(network.folds.values(), default=0)


def _experts(cases: list[CohortCase], folder: Path | None) -> dict[str, Path]:
    if folder is None:
        return {}
    found = {case.name: folder / f"{case.case.path.name}.csv" for case in cases}
    found = {name: path.absolute() for name, path in found.items() if path.exists()}
    if not found:
        raise InputDataError("The expert's folder holds no curve of these cases; expected case_N.csv.")
    return found


def _table(scores: list[CaseEvaluation]) -> pd.DataFrame:
    rows = pd.DataFrame([row for score in scores for row in score.rows], columns=list(CASE_COLUMNS))
    rows["found"] = rows["found"].astype(bool)
    rows["fold"] = rows["fold"].astype("Int64")
    return rows


def _mean_roc(scores: list[CaseEvaluation]) -> dict[str, DoubleArray]:
    methods = list(dict.fromkeys(method for score in scores for method in score.roc))
    return {m: np.mean([score.roc[m] for score in scores if m in score.roc], axis=0) for m in methods}


def _example(
    jobs: list[EvaluationJob], scores: list[CaseEvaluation]
) -> tuple[str, dict[str, ExampleSlice]] | None:
    """Return the name and pictures of the first case with a lesion; only the first of all has them at hand."""
    for job, score in zip(jobs, scores, strict=True):
        if score.roc:
            example_slices = score.example_slices or evaluate_case(replace(job, with_example=True)).example_slices
            return job.case.name, {m: example_slices[m] for m in EXAMPLE_METHODS if m in example_slices}
    return None
