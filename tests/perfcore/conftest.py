"""Cases, trainings and an evaluation that several files of tests look at."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perfcore.evaluation.run import evaluate
from perfcore.io.cohort import find_cohort
from perfcore.training.run import PrepareJob, TrainingOptions, prepare_case, train
from tests.support import dask_cluster
from tests.support.evaluation_cohort import N_LEARNT, make_different
from tests.support.synthetic_head import draw_head
from tests.support.tiny_cohort import write_series, write_tiny_cohort


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four cases of two patients to learn from, one more of another, and what goes wrong."""
    folder = write_tiny_cohort(tmp_path_factory.mktemp("cohort"), 5, per_patient=2)
    for k, name in ((6, "without vessels"), (7, "without a lesion"), (8, "rubbish")):
        scan = folder / "TRAINING" / f"case_{k}"
        shutil.copytree(folder / "truth" / "case_5", folder / "truth" / f"case_{k}")
        (folder / "truth" / f"case_{k}" / "case.json").write_text(json.dumps({"patient": name}))
        vessels = name != "without vessels"
        head = draw_head(48, 1, 40, noise=1.0, seed=k, vessels=vessels, arrival_s=10.0, side="left")
        if name == "without a lesion":
            head = replace(head, lesion=np.zeros_like(head.lesion))
        write_series(head, scan)
        if name == "rubbish":
            next(scan.glob("*CT_4DPWI*/*.nii")).write_bytes(b"rubbish")
    return folder


@pytest.fixture(scope="session")
def weights(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings of two folds on the first four cases, an epoch each."""
    out = tmp_path_factory.mktemp("weights")
    learnt = out / "learnt"
    for part in ("TRAINING", "truth"):
        for k in range(1, N_LEARNT + 1):
            shutil.copytree(folder / part / f"case_{k}", learnt / part / f"case_{k}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 1)
        for network, loss, rate in (("regression", "core+tmax", 2e-3), ("weighting", "core", 5.0)):
            options = TrainingOptions(network, loss, 2, 1, rate=rate, device="cpu", prepared=out / "prepared")
            train(learnt, out / "runs" / network, options)
    for seed, place in enumerate(("all", "fold_1", "fold_2")):
        for kind, part, change in (("regression", "curve.2.bias", 0.1), ("weighting", "score.weight", 5.0)):
            make_different(out / "runs" / kind / place / "weights.safetensors", part, change, seed)
    return out / "runs"


@pytest.fixture(scope="session")
def judged(folder: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("out") / "evaluation"
    seen: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 1)
        summary = evaluate(folder, out, weights=weights, progress=lambda *at: seen.append(at))
    assert seen == [(k, 8) for k in range(1, 9)]
    return out, summary


@pytest.fixture(scope="session")
def rows(judged: tuple[Path, dict[str, Any]]) -> pd.DataFrame:
    return pd.read_csv(judged[0] / "cases.csv", keep_default_na=False, na_values=[""])


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_cohort(tmp_path_factory.mktemp("cohort"), 3)


@pytest.fixture(scope="session")
def paths(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The cases, prepared."""
    folder = tmp_path_factory.mktemp("prepared")
    jobs = [PrepareJob(case, folder / f"{case.name}.safetensors") for case in find_cohort(cohort)]
    assert [prepare_case(job) for job in jobs] == [None, None, None]
    return [job.path for job in jobs]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Dask scheduler with two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    with dask_cluster.scheduler(folder) as address, dask_cluster.workers(address, folder):
        yield address
