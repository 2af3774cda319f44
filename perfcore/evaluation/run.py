"""Evaluation of a folder of cases: writes cases.csv, roc.csv, sweep.csv, summary.json and report.html."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from perfcore.aif.network.weights import TRAINING_FILE, method_name, network_names, read_manifest
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import is_example
from perfcore.errors import InputDataError
from perfcore.evaluation.case_evaluation import (
    CaseEvaluation,
    EvaluationJob,
    ExampleSlice,
    OnMethod,
    evaluate_case,
)
from perfcore.evaluation.figures import FPR
from perfcore.evaluation.headline import headline
from perfcore.evaluation.methods import NetworkSource, OwnCurve
from perfcore.evaluation.report import make_report
from perfcore.evaluation.statistics import COMPARATOR, summarise
from perfcore.evaluation.sweep import Sweeps, calibrate, sweep_table
from perfcore.io.atomic_write import check_out_dir, to_json_values, write_files
from perfcore.io.cohort import CohortCase, find_cohort
from perfcore.metric_info import evaluated
from perfcore.runtime.jobs import Progress, run_jobs
from perfcore.settings import Settings
from perfcore.types import DoubleArray

EVALUATION_FILES: Final = ("cases.csv", "roc.csv", "sweep.csv", "summary.json", "report.html")


def case_columns() -> tuple[str, ...]:
    """Return the columns of ``cases.csv``."""
    names = (
        "case", "patient", "confounders", "n_slices", "method", "found", "failed", "fallback", "fold",
        *evaluated(), "calibrated_threshold", "core_ml", "lesion_ml", "hypoperfused_ml", "mismatch_ml",
        "reference_cbf", "seconds", "note",
    )  # fmt: skip
    return tuple(dict.fromkeys(names))


def evaluate(
    data: Path,
    out: Path,
    *,
    weights: Path | None = None,
    expert: Path | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate every method on every case; write the tables, ``summary.json`` and ``report.html``.

    Parameters
    ----------
    data
        A phantom cohort, ISLES 2018, or a folder of cases with lesions in the ISLES 2018 layout.
    out
        Folder for the results.
    weights
        Folder of one or several trainings (of :func:`perfcore.training.run.train`): each case is evaluated with
        the network of the fold that held it out. Default: the installed networks.
    expert
        Folder with the AIFs of an expert, ``case_N.csv``.
    scheduler
        Address of a Dask scheduler; None: the cores of this machine.
    progress
        Called with the number of cases done and their total.

    Returns
    -------
    dict
        Content of ``summary.json``.

    Raises
    ------
    InputDataError
        No case can be evaluated, or the folder of weights holds no training.
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
    own: Mapping[str, Sequence[OwnCurve]] | None = None,
    progress: Progress | None = None,
    on_method: OnMethod | None = None,
) -> dict[str, Any]:
    """Evaluate every method on given cases, as :func:`evaluate` does on a folder.

    Parameters
    ----------
    cases
        At least one case, with unique names.
    workers
        Maximum number of local processes; default: the number of cores.
    own
        By case name: curves that a user drew for it, which are methods of their own.
    on_method
        Called before each method of a case; with ``workers=1`` alone, as the work is not sent to a process.
    out, weights, expert, scheduler, progress
        As in :func:`evaluate`, with the same results and errors.
    """
    check_out_dir(out, EVALUATION_FILES)
    networks = trained_networks(weights) if weights is not None else shipped_networks()
    experts = _experts(cases, expert)
    jobs = [
        EvaluationJob(
            case,
            tuple(SELECTORS),
            networks,
            experts.get(case.name),
            tuple((own or {}).get(case.name, ())),
            with_example=case.case == cases[0].case,
        )
        for case in cases
    ]
    work = evaluate_case if on_method is None else partial(evaluate_case, on_method=on_method)
    results = run_jobs(work, jobs, scheduler=scheduler, workers=workers, progress=progress)
    sweeps = _sweeps(results)
    rows = _table(results, calibrate(sweeps, cases))
    if rows.empty:
        first = next((result.problem for result in results if result.problem), "no method found an AIF")
        raise InputDataError(f"No case of the data folder can be evaluated; the first error: {first}")
    statistics = summarise(rows)
    known = [name for name in ("expert", "truth") if name in statistics["methods"]]
    summary = {
        "n_cases": int(rows["case"].nunique()),
        "n_patients": int(rows["patient"].nunique()),
        "reference": known[0] if known else None,
        "comparator": COMPARATOR,
        "headline": headline(statistics),
        "settings": Settings().as_dict(),
        "networks": {n.method: {"kind": n.kind, "loss": n.loss, "folds": _n_folds(n)} for n in networks},
        "refused": {case.name: r.problem for case, r in zip(cases, results, strict=True) if r.problem},
        **statistics,
    }
    roc = _mean_roc(results)
    sweep = sweep_table(sweeps, {case.name: case.patient for case in cases})
    tables = (rows, pd.DataFrame({"fpr": FPR, **roc}), sweep)
    texts = [t.to_csv(index=False, lineterminator="\n", float_format="%.6g") for t in tables]
    summary_json = json.dumps(to_json_values(summary), indent=2, allow_nan=False) + "\n"
    report = make_report(rows, summary, roc, sweep, _example(jobs, results))
    write_files(out, dict(zip(EVALUATION_FILES, (*texts, summary_json, report), strict=True)))
    return summary


def trained_networks(folder: Path) -> tuple[NetworkSource, ...]:
    """Return the networks of one training, or of every training in a folder.

    Raises
    ------
    InputDataError
        There is no training, a ``training.json`` cannot be read, or two trainings share network and loss.
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
            networks.append(NetworkSource(name, about["network"], about["loss"], folds, file.parent.absolute()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputDataError(
                "A training.json in the folder of weights cannot be read; train again."
            ) from error
    methods = [network.method for network in networks]
    if len(set(methods)) < len(methods):
        raise InputDataError(
            "The folder of weights holds two trainings of one network and loss; give the folder of one of them."
        )
    return tuple(sorted(networks, key=lambda network: (network.loss == "core", network.method)))


def shipped_networks() -> tuple[NetworkSource, ...]:
    """Return the installed networks; ``seen`` in the manifest lists their training cases."""
    manifest = read_manifest()
    training_cases = dict.fromkeys(manifest.get("seen", ()), 0)
    return tuple(
        NetworkSource(
            name, manifest["networks"][name]["network"], manifest["networks"][name]["loss"], training_cases, None
        )
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
        raise InputDataError("The folder of the expert holds no AIF of these cases; expected case_N.csv.")
    return found


def _sweeps(results: list[CaseEvaluation]) -> Sweeps:
    sweeps: Sweeps = {}
    for result in results:
        for method, sweep in result.sweep.items():
            sweeps.setdefault(method, {})[result.rows[0]["case"]] = sweep
    return sweeps


def _table(results: list[CaseEvaluation], calibrated: dict[tuple[str, str], tuple[float, float]]) -> pd.DataFrame:
    """Return the table of ``cases.csv``, with threshold and Dice of the calibration."""
    rows = []
    for row in (row for result in results for row in result.rows):
        threshold, dice = calibrated.get((row["method"], row["case"]), (None, None))
        rows.append({**row, "calibrated_threshold": threshold, "calibrated_dice": dice})
    table = pd.DataFrame(rows, columns=list(case_columns()))
    table = table.astype({"found": bool, "failed": bool, "fallback": bool})
    table["fold"] = table["fold"].astype("Int64")
    return table


def _mean_roc(results: list[CaseEvaluation]) -> dict[str, DoubleArray]:
    methods = list(dict.fromkeys(method for result in results for method in result.roc))
    return {m: np.mean([result.roc[m] for result in results if m in result.roc], axis=0) for m in methods}


def _example(
    jobs: list[EvaluationJob], results: list[CaseEvaluation]
) -> tuple[str, dict[str, ExampleSlice]] | None:
    """Return name and example slices of the first case with a lesion."""
    for job, result in zip(jobs, results, strict=True):
        if result.roc:
            example_slices = result.example_slices or evaluate_case(replace(job, with_example=True)).example_slices
            return job.case.name, {m: slices for m, slices in example_slices.items() if is_example(m)}
    return None
