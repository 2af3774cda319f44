"""Tests of network evaluation: held-out folds, processes, cluster and command line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from perfcore.aif.network.inference import predict_aif
from perfcore.aif.network.models import make_network
from perfcore.aif.network.weights import Network, read_network
from perfcore.aif.sources import source_label
from perfcore.cli import app
from perfcore.errors import InputDataError, NoArteryError
from perfcore.evaluation import methods as evaluation_methods
from perfcore.evaluation import run as evaluation_run
from perfcore.evaluation.case_evaluation import CaseEvaluation, EvaluationJob, evaluate_case
from perfcore.evaluation.methods import NetworkSource
from perfcore.evaluation.run import shipped_networks, trained_networks
from perfcore.io.cohort import CohortCase, find_cohort, fingerprint
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.training.loop import read_log
from tests.support import oracle
from tests.support.evaluation_cohort import METHODS, N_LEARNT, NETWORKS, judge_here, maps_again, one


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


# Networks


def test_cases_are_evaluated_with_held_out_fold(folder: Path, weights: Path, rows: pd.DataFrame) -> None:
    trainings = (("cnn-regression", "regression", "core+tmax"), ("cnn-weighting-core", "weighting", "core"))
    compared = 0
    for name, kind, loss in trainings:
        about = json.loads((weights / kind / "training.json").read_text())
        fold_of = {case["name"]: case["fold"] for case in about["cases"]}
        assert set(fold_of.values()) == {1, 2}
        for case in find_cohort(folder)[:5]:
            fold = fold_of.get(case.name)
            row = one(rows, case.name, name)
            assert (row["fold"] if fold else None) == fold
            assert fold is not None or np.isnan(row["fold"])
            results = {}
            for place in ("fold_1", "fold_2", "all"):
                content = (weights / kind / place / "weights.safetensors").read_bytes()
                prepared = prepare(case.load(), Settings())
                try:
                    aif = predict_aif(prepared, Network(name, read_network(content, kind), loss, {})).aif
                except NoArteryError:  # weights made different at random may find no bolus
                    continue
                maps, series, _ = maps_again(case, aif)
                assert series.lesion is not None
                auc = float(roc_auc_score(series.lesion[prepared.mask], -maps.rcbf[prepared.mask]))
                results[place] = auc, maps.reference_cbf
            own = f"fold_{fold}" if fold else "all"
            assert row["found"] == (own in results)
            if not row["found"]:
                continue
            auc, cbf = results.pop(own)
            compared += len(results)
            assert row["auc"] == pytest.approx(auc, abs=1e-5)
            assert row["reference_cbf"] == pytest.approx(cbf, rel=1e-5)
            assert all(abs(cbf - other) > 1e-3 * cbf for _, other in results.values())
    assert compared >= 10, "most of the 20 other networks are told apart"


def test_training_cases_are_identified_by_fingerprint(
    folder: Path, weights: Path, rows: pd.DataFrame, tmp_path: Path
) -> None:
    """The first case under another number, and another case under its number."""
    for old, new in ((1, 20), (5, 1)):
        for part in ("TRAINING", "truth"):
            shutil.copytree(folder / part / f"case_{old}", tmp_path / part / f"case_{new}")
    _, again = judge_here(find_cohort(tmp_path), tmp_path / "out", weights=weights)
    for method in ("cnn-regression", "cnn-weighting-core"):
        assert one(again, "case_20", method)["fold"] == one(rows, "case_1", method)["fold"]
        assert one(again, "case_20", method)["dice"] == one(rows, "case_1", method)["dice"]
        assert np.isnan(one(again, "case_1", method)["fold"])


def source_trained_on(case: CohortCase, fold: int, place: Path | None = None) -> NetworkSource:
    return NetworkSource("cnn-regression", "regression", "core+tmax", {fingerprint(case.load()): fold}, place)


def row_of(result: CaseEvaluation, method: str = "cnn-regression") -> dict[str, Any]:
    return next(row for row in result.rows if row["method"] == method)


def test_network_trained_on_case_is_not_evaluated_on_it(folder: Path) -> None:
    case = find_cohort(folder)[0]
    row = row_of(evaluate_case(EvaluationJob(case, (), (source_trained_on(case, 0),))))
    assert not row["found"]
    assert not row["failed"], "it was not asked"
    assert row.get("dice") is None
    assert row["note"] == ("cnn-regression was trained on this case; give --weights of a training with folds.")


def test_installed_network_is_evaluated_on_unseen_cases_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, unseen = find_cohort(folder)[:2]
    manifest = {
        "best": "cnn-regression", "seen": [fingerprint(seen.load())],
        "networks": {"cnn-regression": {"file": "f", "sha256": "", "network": "regression", "loss": "core+tmax"}},
    }  # fmt: skip
    monkeypatch.setattr(evaluation_run, "read_manifest", lambda: manifest)
    monkeypatch.setattr(evaluation_run, "network_names", lambda: ("cnn-regression",))
    torch.manual_seed(0)
    shipped = Network("cnn-regression", make_network("regression").eval(), "core+tmax", {})
    monkeypatch.setattr(evaluation_methods, "load_network", lambda _name: shipped)
    networks = shipped_networks()
    found = {c.name: row_of(evaluate_case(EvaluationJob(c, (), networks)))["found"] for c in (seen, unseen)}
    assert found == {"case_1": False, "case_2": True}


def test_incomplete_training_is_reported(folder: Path, tmp_path: Path) -> None:
    case = find_cohort(folder)[0]
    row = row_of(evaluate_case(EvaluationJob(case, (), (source_trained_on(case, 2, tmp_path),))))
    assert not row["found"]
    assert row["note"] == "The training of cnn-regression is incomplete: fold_2 has no weights."


@pytest.mark.parametrize("content", [b"rubbish", save({"a": torch.zeros(2)})], ids=["rubbish", "others"])
def test_damaged_weights_do_not_affect_other_methods(folder: Path, tmp_path: Path, content: bytes) -> None:
    case = find_cohort(folder)[0]
    (tmp_path / "fold_2").mkdir()
    (tmp_path / "fold_2" / "weights.safetensors").write_bytes(content)
    rows = evaluate_case(EvaluationJob(case, ("straka",), (source_trained_on(case, 2, tmp_path),))).rows
    assert [(row["method"], row["found"]) for row in rows] == [
        ("truth", True), ("straka", True), ("cnn-regression", False),
        ("null-typical", True), ("null-cnn-regression", False),
    ]  # fmt: skip


def test_trained_networks_of_one_or_several_trainings(weights: Path) -> None:
    both = trained_networks(weights)
    assert [network.method for network in both] == ["cnn-regression", "cnn-weighting-core"]
    assert [network.method for network in trained_networks(weights / "weighting")] == ["cnn-weighting-core"]
    assert all(len(network.folds) == N_LEARNT for network in both)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"cases": 3}', '{"cases": [{"fold": 1}]}'])
def test_weights_folder_without_training_raises(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "training.json").write_text(content)
    with pytest.raises(InputDataError, match=r"(holds no finished training|cannot be read; train again)"):
        trained_networks(tmp_path)


def test_duplicate_trainings_raise(weights: Path, tmp_path: Path) -> None:
    for name in ("one", "other"):
        shutil.copytree(weights / "regression", tmp_path / name)
    with pytest.raises(InputDataError, match="two trainings of one network and loss"):
        trained_networks(tmp_path)


# Processes, cluster and command line


def assert_equal_tables(found: Path, expected: Path) -> None:
    """Compare two cases.csv without their times.

    Sums of float32 depend on threads and memory alignment, and a voxel at a threshold then changes sides: one of
    about a hundred in the smallest lesion.
    """
    ours, theirs = (
        pd.read_csv(path, dtype={"confounders": str}).drop(columns="seconds") for path in (found, expected)
    )
    pd.testing.assert_frame_equal(ours, theirs, rtol=0.02)


def test_evaluate_command_with_processes(
    folder: Path, weights: Path, judged: tuple[Path, Any], tmp_path: Path
) -> None:
    options = ["--data", folder, "--out", tmp_path / "out", "--weights", weights]
    result = CliRunner().invoke(app, ["evaluate", *map(str, options)])
    assert result.exit_code == 0, result.output
    assert_equal_tables(tmp_path / "out" / "cases.csv", judged[0] / "cases.csv")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Note: case_8 was left out: ")
    assert [line.split()[0] for line in lines[1 : 1 + len(METHODS)]] == list(METHODS)
    straka = judged[1]["methods"]["straka"]
    line = next(line for line in lines if line.startswith("straka"))
    assert f"  dice {straka['dice']['mean']:.3f}  " in line
    assert line.endswith("  failed 1")
    assert [line.split(" against ")[0] for line in lines[1 + len(METHODS) :]] == [
        source_label(name) for name in NETWORKS
    ]


def test_cluster_matches_local_training_and_evaluation(
    folder: Path, weights: Path, judged: tuple[Path, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Dask scheduler and two workers with another working directory."""
    cluster = request.getfixturevalue("cluster")
    request.getfixturevalue("monkeypatch").chdir(tmp_path)
    learnt = Path(os.path.relpath(weights.parent / "learnt"))
    runner = CliRunner()
    trained = runner.invoke(app, [
        "train", "--data", str(learnt), "--out", "runs", "--network", "regression", "--loss", "core+tmax",
        "--folds", "2", "--epochs", "1", "--rate", "2e-3", "--device", "cpu", "--scheduler", cluster,
    ])  # fmt: skip
    assert trained.exit_code == 0, trained.output
    assert trained.stdout.startswith("Trained on 4 cases in ")
    options = ["--data", str(folder), "--out", "out", "--weights", str(weights), "--scheduler", cluster]
    result = runner.invoke(app, ["evaluate", *options])
    assert result.exit_code == 0, result.output
    for place in ("fold_1", "fold_2", "all"):
        here, there = (read_log(root / place / "log.csv") for root in (weights / "regression", Path("runs")))
        assert [row["train_loss"] for row in here] == [row["train_loss"] for row in there]
    assert_equal_tables(Path("out") / "cases.csv", judged[0] / "cases.csv")


@pytest.mark.parametrize(("command", "options", "message"), [
    ("train", {"network": "unet"}, "network must be one of regression, weighting; got 'unet'"),
    ("train", {"loss": "dice"}, "loss must be one of core, core+tmax; got 'dice'"),
    ("train", {"device": "tpu"}, "device must be one of auto, cpu, cuda; got 'tpu'"),
    ("train", {"epochs": "0"}, "epochs must be at least 1"),
    ("train", {"epochs": "many"}, "Invalid value for '--epochs'"),
    ("train", {"rate": "nan"}, "rate between 0 and 10"),
    ("train", {"folds": "1"}, "folds must be 0"),
    ("train", {"seed": "-1"}, "seed between 0"),
    ("train", {"data": "nowhere"}, "The folder cannot be read"),
    ("evaluate", {"data": "nowhere"}, "The folder cannot be read"),
    ("evaluate", {"weights": "nowhere"}, "holds no finished training"),
    ("evaluate", {"expert": "nowhere"}, "The folder of the expert holds no AIF"),
    ("evaluate", {"folds": "5"}, "No such option"),
])  # fmt: skip
def test_bad_usage_prints_one_line(
    folder: Path, tmp_path: Path, command: str, options: dict[str, str], message: str
) -> None:
    given = {"data": str(folder), "out": str(tmp_path / "out"), **options}
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    result = CliRunner().invoke(app, [command, *words])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()
