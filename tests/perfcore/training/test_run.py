"""Tests of training: convergence, determinism, resume, patient-wise folds and errors."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from safetensors import safe_open
from safetensors.torch import load_file

from perfcore.aif.network.models import NETWORKS, make_network
from perfcore.aif.network.weights import TRAINING_FILE
from perfcore.errors import ArgumentError, InputDataError, OutputError
from perfcore.io.cohort import find_cohort, fingerprint
from perfcore.losses import lesions
from perfcore.settings import Settings
from perfcore.training import loop, run
from perfcore.training.augment import make_batch
from perfcore.training.data import (
    read_training_case,
)
from perfcore.training.loop import (
    CHECKPOINT_FILE,
    LOG_COLUMNS,
    LOG_FILE,
    WEIGHTS_FILE,
    FoldJob,
    TrainingPlan,
    case_loss,
    read_log,
    train_fold,
)
from perfcore.training.recipes import LAB_NETWORKS, NETWORK_RECIPES
from perfcore.training.run import TrainingOptions, train
from tests import ROOT
from tests.support import oracle
from tests.support.tiny_cohort import tiny_head, write_series, write_tiny_cohort

CPU = torch.device("cpu")
QUICK = TrainingPlan("regression", "core+tmax", "adam", 2e-3, 3, 7)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


def job(paths: list[Path], out: Path, plan: TrainingPlan = QUICK, fold: int = 1) -> FoldJob:
    return FoldJob(plan, fold, tuple(paths[:2]), tuple(paths[2:]), out)


def digest(path: Path) -> str:
    """Hash of the weights; the metadata order of safetensors files is not deterministic."""
    if path.suffix != ".safetensors":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    state = load_file(path)
    content = b"".join(name.encode() + state[name].numpy().tobytes() for name in sorted(state))
    return hashlib.sha256(content).hexdigest()


def figures(folder: Path) -> list[tuple[float, ...]]:
    """Log without the seconds."""
    return [tuple(row[name] for name in LOG_COLUMNS[:3]) for row in read_log(folder / LOG_FILE)]


@pytest.fixture(scope="module")
def uninterrupted(paths: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted")
    train_fold(job(paths, out))
    return out


# Convergence


def soft_dice(network: torch.nn.Module, path: Path) -> tuple[float, float]:
    """Soft Dice of core and hypoperfused tissue, by its formula."""
    case = read_training_case(path)
    batch, target = make_batch(case.grid_input), case.target(CPU)
    with torch.no_grad():
        aif = batch.to_series @ network.eval()(batch.curves, batch.inside)[0]
        found = lesions(aif.double(), target, Settings(), with_tmax=True)
    pairs = ((found.core, target.core), (found.hypoperfused, target.hypoperfused))
    core, low = (float(2 * (p * g).sum() / (p.sum() + g.sum())) for p, g in pairs)
    return core, low


@pytest.mark.parametrize(("name", "optimizer", "rate"), [("regression", "adam", 2e-3), ("weighting", "sgd", 2.0)])
def test_few_steps_raise_dice(paths: list[Path], tmp_path: Path, name: str, optimizer: str, rate: float) -> None:
    """Untrained networks already weigh arteries, so that any rise of every case counts."""
    plan = TrainingPlan(name, "core+tmax", optimizer, rate, 6, 0)
    at = job(paths, tmp_path, plan)
    torch.manual_seed(loop._seed(at, 0))
    untrained = make_network(name)
    train_fold(at)
    trained = make_network(name)
    trained.load_state_dict(load_file(tmp_path / WEIGHTS_FILE))
    for path in paths:  # the third is held out
        (core, low), (core_before, low_before) = soft_dice(trained, path), soft_dice(untrained, path)
        assert core + low > core_before + low_before
    held_out = [row["held_out_loss"] for row in read_log(tmp_path / LOG_FILE)]
    assert held_out[-1] < held_out[0]


@pytest.mark.parametrize("loss", ["core", "core+tmax"])
@pytest.mark.parametrize("name", NETWORKS)
def test_loss_has_gradient_in_every_layer(paths: list[Path], name: str, loss: str) -> None:
    torch.manual_seed(0)
    network = make_network(name).train()
    case = read_training_case(paths[0])
    found, prior_penalty = case_loss(network, make_batch(case.grid_input), case.target(CPU), loss)
    (found + prior_penalty).backward()
    for layer, weight in network.named_parameters():
        assert weight.grad is not None, layer
        assert torch.isfinite(weight.grad).all(), layer
        if not layer.endswith("score.bias"):  # the same for every cell, so that the softmax is invariant to it
            assert float(weight.grad.abs().max()) > 0, layer


def test_held_out_loss_matches_weights(paths: list[Path], uninterrupted: Path) -> None:
    network = make_network("regression").eval()
    network.load_state_dict(load_file(uninterrupted / WEIGHTS_FILE))
    case = read_training_case(paths[2])
    with torch.no_grad():
        expected = case_loss(network, make_batch(case.grid_input), case.target(CPU), "core+tmax")[0].item()
    assert figures(uninterrupted)[-1][2] == pytest.approx(expected, abs=1e-6)


def test_learning_rate_schedule() -> None:
    pace = [loop._rate_factor(epoch, 8) for epoch in range(1, 9)]
    assert pace[0] == pytest.approx(0.5)
    assert max(pace) == pace[1]
    assert (np.diff(pace[1:]) < 0).all()
    assert 0 < pace[-1] < 0.1


# Determinism and resume


def test_training_is_deterministic(paths: list[Path], uninterrupted: Path, tmp_path: Path) -> None:
    torch.manual_seed(99)  # what was drawn before does not matter
    train_fold(job(paths, tmp_path))
    assert digest(tmp_path / WEIGHTS_FILE) == digest(uninterrupted / WEIGHTS_FILE)
    assert figures(tmp_path) == figures(uninterrupted)


@pytest.mark.parametrize("change", [{"seed": 8}, {"fold": 2}])
def test_seed_and_fold_change_weights(
    paths: list[Path], uninterrupted: Path, tmp_path: Path, change: dict[str, int]
) -> None:
    plan = replace(QUICK, seed=change.get("seed", QUICK.seed), epochs=1)
    train_fold(job(paths, tmp_path, plan, change.get("fold", 1)))
    assert figures(tmp_path)[0] != figures(uninterrupted)[0]


class StoppedError(Exception):
    """Simulated end of a process."""


def stop_after(monkeypatch: pytest.MonkeyPatch, name: str, calls: int) -> None:
    """Let a function of the loop run a number of times, then raise."""
    original, left = getattr(loop, name), [calls]

    def stopping(*args: object, **more: object) -> object:
        result = original(*args, **more)
        left[0] -= 1
        if left[0] == 0:
            raise StoppedError
        return result

    monkeypatch.setattr(loop, name, stopping)


@pytest.mark.parametrize("epochs", [1, 2])
def test_resumed_training_is_bitwise_identical(
    paths: list[Path], uninterrupted: Path, tmp_path: Path, epochs: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, "_save_checkpoint", epochs)
        with pytest.raises(StoppedError):
            train_fold(job(paths, tmp_path))
    assert len(read_log(tmp_path / LOG_FILE)) == epochs
    assert not (tmp_path / WEIGHTS_FILE).exists()
    train_fold(job(paths, tmp_path))
    assert digest(tmp_path / WEIGHTS_FILE) == digest(uninterrupted / WEIGHTS_FILE)
    assert figures(tmp_path) == figures(uninterrupted)


def test_interruption_loses_current_epoch_only(paths: list[Path], uninterrupted: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, "case_loss", 3 + 1)  # two cases and the held-out one are an epoch
        with pytest.raises(StoppedError):
            train_fold(job(paths, tmp_path))
    assert len(read_log(tmp_path / LOG_FILE)) == 1
    train_fold(job(paths, tmp_path))
    assert digest(tmp_path / WEIGHTS_FILE) == digest(uninterrupted / WEIGHTS_FILE)


def test_resume_restores_momentum(paths: list[Path], tmp_path: Path) -> None:
    plan = TrainingPlan("weighting", "core", "sgd", 1.0, 2, 3)
    train_fold(job(paths, tmp_path / "whole", plan))
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, "_save_checkpoint", 1)
        with pytest.raises(StoppedError):
            train_fold(job(paths, tmp_path / "part", plan))
    train_fold(job(paths, tmp_path / "part", plan))
    assert digest(tmp_path / "part" / WEIGHTS_FILE) == digest(tmp_path / "whole" / WEIGHTS_FILE)


def test_log_is_complete_after_stop_before_log(paths: list[Path], uninterrupted: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, "_save", QUICK.epochs)
        with pytest.raises(StoppedError):
            train_fold(job(paths, tmp_path))
    assert len(read_log(tmp_path / LOG_FILE)) == QUICK.epochs - 1
    train_fold(job(paths, tmp_path))
    assert figures(tmp_path) == figures(uninterrupted)


def test_partial_checkpoint_is_ignored(paths: list[Path], uninterrupted: Path, tmp_path: Path) -> None:
    """A checkpoint is written under a temporary name until it is complete."""
    (tmp_path / f".{CHECKPOINT_FILE}").write_bytes(b"half")
    train_fold(job(paths, tmp_path))
    assert digest(tmp_path / WEIGHTS_FILE) == digest(uninterrupted / WEIGHTS_FILE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [CHECKPOINT_FILE, LOG_FILE, WEIGHTS_FILE]


@pytest.mark.parametrize("change", [
    {"loss": "core"}, {"network": "weighting"}, {"optimizer": "sgd"}, {"rate": 1e-3}, {"epochs": 9}, {"seed": 1},
])  # fmt: skip
def test_checkpoint_of_other_plan_raises(
    paths: list[Path], uninterrupted: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    shutil.copy(uninterrupted / CHECKPOINT_FILE, tmp_path)
    with pytest.raises(ArgumentError, match=r"^The output folder holds a training with other settings"):
        train_fold(job(paths, tmp_path, replace(QUICK, **change)))  # type: ignore[arg-type]
    assert not (tmp_path / WEIGHTS_FILE).exists()


def test_checkpoint_of_other_cases_raises(paths: list[Path], uninterrupted: Path, tmp_path: Path) -> None:
    """The network may have been trained on cases that are now held out."""
    shutil.copy(uninterrupted / CHECKPOINT_FILE, tmp_path)
    with pytest.raises(ArgumentError, match=r"^The output folder holds a training on other cases or folds"):
        train_fold(job([paths[2], paths[1], paths[0]], tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_killed_process_resumes_from_last_epoch(cohort: Path, paths: list[Path], tmp_path: Path) -> None:
    prepared = paths[0].parent
    options = TrainingOptions("regression", "core", 0, 8, rate=2e-3, seed=2, device="cpu", prepared=prepared)
    train(cohort, tmp_path / "whole", options)
    command = [
        sys.executable, "-m", "perfcore", "train", "--data", str(cohort), "--out", str(tmp_path / "killed"),
        "--network", "regression", "--loss", "core", "--folds", "0", "--epochs", "8", "--rate", "2e-3",
        "--seed", "2", "--device", "cpu", "--prepared", str(prepared),
    ]  # fmt: skip
    # Same number of threads as in this process, for the same order of summation.
    quiet = {"cwd": ROOT, "env": {**os.environ, "OMP_NUM_THREADS": "1"}, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
    log, end = tmp_path / "killed" / "all" / LOG_FILE, time.monotonic() + 120
    while len(read_log(log)) < 2:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    done = len(read_log(log))
    assert 2 <= done < 8
    assert not (log.parent / WEIGHTS_FILE).exists()
    seconds = [row["seconds"] for row in read_log(log)]
    train(cohort, tmp_path / "killed", options)
    assert digest(log.parent / WEIGHTS_FILE) == digest(tmp_path / "whole" / "all" / WEIGHTS_FILE)
    assert [row["seconds"] for row in read_log(log)[:done]] == seconds  # finished epochs are not repeated


# Complete training


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict, list]:
    """Training with three folds in this process: six scans of three patients, one without a lesion."""
    folder = write_tiny_cohort(tmp_path_factory.mktemp("pairs"), 6, per_patient=2)
    write_series(tiny_head(7), folder / "TRAINING" / "case_7", lesion=False)
    shutil.copytree(folder / "truth" / "case_6", folder / "truth" / "case_7")
    out, reported = tmp_path_factory.mktemp("out") / "new" / "training", []
    options = TrainingOptions("regression", "core+tmax", folds=3, epochs=2, seed=5, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 1)
        about = train(folder, out, options, lambda *at: reported.append(at))
    return folder, out, about, reported


def test_training_output_files(trained) -> None:
    _, out, about, _ = trained
    folders = ["all", "fold_1", "fold_2", "fold_3"]
    assert sorted(path.name for path in out.iterdir()) == [*folders, "learning.png", "prepared", TRAINING_FILE]
    for name in folders:
        assert sorted(path.name for path in (out / name).iterdir()) == [CHECKPOINT_FILE, LOG_FILE, WEIGHTS_FILE]
        assert (out / name / LOG_FILE).read_text().splitlines()[0] == "epoch,train_loss,held_out_loss,seconds"
        rows = read_log(out / name / LOG_FILE)
        assert [row["epoch"] for row in rows] == [1, 2]
        assert all(0 < row["train_loss"] < 1 for row in rows)
        assert all(np.isnan(row["held_out_loss"]) == (name == "all") for row in rows)
    assert json.loads((out / TRAINING_FILE).read_text()) == about
    assert {key: about[key] for key in ("network", "loss", "optimizer", "rate", "epochs", "seed", "n_folds")} == {
        "network": "regression", "loss": "core+tmax", "optimizer": "adam",
        "rate": NETWORK_RECIPES["regression"].rate, "epochs": 2, "seed": 5, "n_folds": 3,
    }  # fmt: skip
    assert set(about["seconds"]) == set(folders)


def test_learning_curves_are_png(trained) -> None:
    picture = imread(trained[1] / "learning.png")
    assert picture.shape == (440, 880, 4)
    assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 20


def test_folds_are_patient_wise(trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked on the files of the jobs, not on their record."""
    folder, out, about, _ = trained
    jobs: list[FoldJob] = []
    monkeypatch.setattr(run, "train_fold", lambda job: jobs.append(job) or train_fold(job))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    train(folder, out, TrainingOptions("regression", "core+tmax", folds=3, epochs=2, seed=5, device="cpu"))
    patient = {case.name: case.patient for case in find_cohort(folder)}
    judged = defaultdict(list)
    for job in jobs:
        learnt = {read_training_case(path).name for path in job.train}
        held_out = {read_training_case(path).name for path in job.held_out}
        assert not {patient[name] for name in learnt} & {patient[name] for name in held_out}
        assert len(learnt | held_out) == 6
        for name in held_out:
            judged[name].append(job.fold)
        assert bool(held_out) == (job.fold > 0)
    assert [job.fold for job in jobs] == [1, 2, 3, 0]
    assert judged == {case["name"]: [case["fold"]] for case in about["cases"]}
    fingerprints = {case.name: fingerprint(case.load()) for case in find_cohort(folder)[:6]}
    assert {case["name"]: case["fingerprint"] for case in about["cases"]} == fingerprints


def test_job_paths_are_absolute(cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster worker can have another working directory."""
    jobs: list[FoldJob] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(run, "train_fold", lambda job: jobs.append(job) or train_fold(job))
    options = TrainingOptions("weighting", "core", 0, 1, device="cpu", prepared=Path("prepared"))
    train(Path(os.path.relpath(cohort)), Path("out"), options)
    assert all(path.is_absolute() for path in (*jobs[0].train, jobs[0].out))
    assert jobs[0].out == tmp_path / "out" / "all"
    assert [path.parent for path in jobs[0].train] == [tmp_path / "prepared"] * 3


def test_unusable_case_is_reported(trained) -> None:
    about = trained[2]
    assert about["n_cases"] == 6
    problem = "case_7 has no lesion mask (OT); training and evaluation need one."
    assert about["refused"] == {"case_7": problem}


def test_progress_counts_cases_then_epochs(trained) -> None:
    reported = trained[3]
    preparing = [at for at in reported if at[0] == "Preparing cases"]
    assert preparing == [("Preparing cases", k, 7) for k in range(1, 8)]
    training = [at for at in reported if at[0] == "Training"]
    assert training
    assert all(total == 4 * 2 and 0 <= done <= total for _, done, total in training)
    assert [done for _, done, _ in training] == sorted(done for _, done, _ in training)


def test_finished_training_is_not_repeated(trained, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out, _, _ = trained
    weights = [digest(path) for path in sorted(out.glob(f"*/{WEIGHTS_FILE}"))]
    prepared = {path: path.stat().st_mtime_ns for path in (out / "prepared").iterdir()}
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(loop, "_epoch", lambda *_: pytest.fail("it learns again"))
    train(folder, out, TrainingOptions("regression", "core+tmax", folds=3, epochs=2, seed=5, device="cpu"))
    assert [digest(path) for path in sorted(out.glob(f"*/{WEIGHTS_FILE}"))] == weights
    assert {path: path.stat().st_mtime_ns for path in (out / "prepared").iterdir()} == prepared


@pytest.mark.parametrize("change", [{"folds": 2}, {"seed": 6}, {"loss": "core"}, {"rate": 1e-4}])
def test_output_folder_with_other_options_raises(trained, change, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out, _, _ = trained
    before = {path: digest(path) for path in out.glob("*/*") if path.is_file()}
    options = TrainingOptions("regression", "core+tmax", folds=3, epochs=2, seed=5, device="cpu")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with pytest.raises(ArgumentError, match=r"^The output folder holds a training (on|with) other"):
        train(folder, out, replace(options, **change))
    assert {path: digest(path) for path in out.glob("*/*") if path.is_file()} == before


def test_weights_have_metadata(trained) -> None:
    with safe_open(trained[1] / "all" / WEIGHTS_FILE, "numpy") as file:
        assert file.metadata() == {"network": "regression", "loss": "core+tmax", "epochs": "2"}
        assert set(file.keys()) == set(make_network("regression").state_dict())


# Errors


@pytest.mark.parametrize(("change", "message"), [
    ({"network": "unet"}, "network must be one of regression, weighting; got 'unet'"),
    ({"loss": "dice"}, r"loss must be one of core, core\+tmax; got 'dice'"),
    ({"optimizer": "lbfgs"}, "optimizer must be one of sgd, adam; got 'lbfgs'"),
    ({"epochs": 0}, "epochs must be at least 1, .*; got 0, "),
    ({"rate": 0.0}, "rate between 0 and 10, .*; got 20, 0 and 0"),
    ({"rate": -1.0}, "rate between 0 and 10"),
    ({"rate": 11.0}, "rate between 0 and 10"),
    ({"rate": float("nan")}, "rate between 0 and 10, .* nan"),
    ({"seed": -1}, "seed between 0 and 4294967295; got .* and -1"),
    ({"seed": 2**32}, "seed between 0 and 4294967295"),
    ({"folds": 1}, "folds must be 0 .* or at least 2; got 1"),
    ({"folds": -3}, "folds must be 0 .* or at least 2; got -3"),
])  # fmt: skip
def test_options_out_of_range_raise(tmp_path: Path, cohort: Path, change: dict[str, object], message: str) -> None:
    options = replace(TrainingOptions("regression", "core", epochs=20), **change)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=f"^.*{message}"):
        train(cohort, tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


def test_option_defaults() -> None:
    for network in LAB_NETWORKS:
        own = NETWORK_RECIPES[network]
        expected = TrainingPlan(network, "core+tmax", own.optimizer, own.rate, own.epochs, 0)
        assert TrainingOptions(network).plan == expected
    paper = NETWORK_RECIPES["paper"]
    expected = TrainingPlan("paper", "core", "sgd", paper.rate, paper.epochs, 0)
    assert TrainingOptions("regression", recipe="paper").plan == expected
    other = TrainingOptions("regression", "core", optimizer="sgd").plan
    assert (other.optimizer, other.rate) == ("sgd", run.RATES["sgd"])
    assert TrainingOptions("weighting", "core", rate=0.5).plan.rate == 0.5


def test_more_folds_than_patients_raises(cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "make_training_case", lambda _: pytest.fail("it prepares cases first"))
    with pytest.raises(ArgumentError, match=r"^folds must lie between 2 and the number of patients, 3; got 4\.$"):
        train(cohort, tmp_path / "out", TrainingOptions("regression", "core", folds=4, device="cpu"))
    assert list(tmp_path.iterdir()) == []


def test_more_folds_than_usable_patients_raises_and_cleans_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prepared cases of the failed run are removed; files that existed before are kept."""
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    data = write_tiny_cohort(tmp_path / "data", 2, truth=False)
    write_series(tiny_head(3), data / "TRAINING" / "case_3", lesion=False)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "note.txt").write_text("mine")
    options = TrainingOptions("regression", "core", folds=2, device="cpu", prepared=tmp_path / "shared" / "cases")
    with pytest.raises(ArgumentError, match=r"^folds must lie between 2 and the number of patients, 1; got 2\.$"):
        train(data, tmp_path / "new" / "out", options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "shared"]
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["note.txt"]


def test_cohort_without_lesion_raises(tmp_path: Path) -> None:
    write_series(tiny_head(1), tmp_path / "data" / "case_1", lesion=False)
    message = r"^No case of the data folder can be used for training; .*: case_1 has no"
    with pytest.raises(InputDataError, match=message):
        train(tmp_path / "data", tmp_path / "out", TrainingOptions("regression", "core", folds=0, device="cpu"))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("place", ["out", "prepared"])
def test_unwritable_folder_raises(cohort: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / place).write_text("a file")
    options = TrainingOptions("regression", "core", folds=0, device="cpu", prepared=tmp_path / "prepared" / "in")
    with pytest.raises(OutputError, match=r"^The output folder cannot be "):
        train(cohort, tmp_path / "out", options)
    assert [path.name for path in tmp_path.iterdir()] == [place]
