"""Tests of the release: weights of all cases, manifest, evaluation and tables."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from perfcore.aif.network.weights import learning_file, load_network, network_names, read_manifest
from perfcore.errors import ArgumentError
from perfcore.io.cohort import find_cohort, fingerprint
from perfcore.training import release as module
from perfcore.training.choice import beats_own_mean, best_network, choice_table
from perfcore.training.loop import LOG_FILE, read_log
from perfcore.training.release import TABLE, Evaluations, Provenance, release
from tests.support.evaluation_cohort import N_LEARNT

NOWHERE = Provenance("", "", "", "")
Evaluation = tuple[Path, dict[str, Any]]


def evaluations(folder: Path) -> Evaluations:
    """One evaluation as all of them, with two seeds."""
    return Evaluations(folder, folder, (folder, folder))


@pytest.fixture(scope="module")
def released(weights: Path, judged: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("models")
    (models / "README.md").write_text(f"Before.\n\n{TABLE[0]}\nold\n{TABLE[1]}\n\nAfter.\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "beats_own_mean", lambda _summary, _name: True)  # two epochs on four cases
        runs = [weights / "regression", weights / "weighting"]
        release(runs, evaluations(judged[0]), Provenance("made so", "evaluated so", "broad so", "abc123"), models)
    return models


def test_released_weights_are_those_of_all_cases(released: Path, weights: Path) -> None:
    assert set(network_names(released)) == {"cnn-regression", "cnn-weighting-core"}
    for name, kind in (("cnn-regression", "regression"), ("cnn-weighting-core", "weighting")):
        content = (weights / kind / "all" / "weights.safetensors").read_bytes()
        network = load_network(name, released)
        assert (released / f"{name}.safetensors").read_bytes() == content
        assert network.about["sha256"] == hashlib.sha256(content).hexdigest()
        assert network.about["commit"] == "abc123"
        assert network.about["data"] == "made so"
        table = pd.read_csv(released / learning_file(name))
        assert list(table["part"].unique()) == ["all", "fold_1", "fold_2"]
        for part, rows in table.groupby("part"):
            log = read_log(weights / kind / str(part) / LOG_FILE)
            assert list(rows["train_loss"]) == pytest.approx([row["train_loss"] for row in log])


def test_manifest_command_repeats_training(released: Path, weights: Path) -> None:
    about = json.loads((weights / "weighting" / "training.json").read_text())
    command = read_manifest(released)["networks"]["cnn-weighting-core"]["command"].split()
    assert command[:4] == ["python", "-m", "perfcore", "train"]
    given = dict(zip(command[4::2], command[5::2], strict=True))
    for option in ("network", "loss", "epochs", "optimizer", "rate", "seed"):
        assert given[f"--{option}"] == str(about[option])
    assert given["--folds"] == "2"


def test_manifest_lists_training_cases_and_best_network(released: Path, folder: Path, judged: Evaluation) -> None:
    manifest = read_manifest(released)
    assert manifest["evaluation"] == "evaluated so"
    assert manifest["seen"] == sorted(fingerprint(case.load()) for case in find_cohort(folder)[:N_LEARNT])
    methods = judged[1]["methods"]
    worth = {name: sum(methods[name][key]["mean"] for key in ("dice", "hypoperfused_dice"))
             for name in manifest["networks"]}  # fmt: skip
    assert manifest["best"] == max(worth, key=lambda name: worth[name]) == network_names(released)[0]
    figures = manifest["networks"]["cnn-regression"]["evaluated"]
    assert figures["auc"] == pytest.approx(methods["cnn-regression"]["auc"]["mean"])


def test_evaluation_and_table_are_released(released: Path, judged: Evaluation) -> None:
    choice = pd.read_csv(released / "evaluation" / "choice.csv")
    assert list(choice["network"]) == ["cnn-regression", "cnn-weighting-core"] * 2
    assert list(choice["seed"]) == [0, 0, 1, 1]
    for file in judged[0].iterdir():
        assert (released / "evaluation" / file.name).read_bytes() == file.read_bytes()
    card = (released / "README.md").read_text(encoding="utf-8")
    assert card.startswith("Before.\n")
    assert card.endswith("\nAfter.\n")
    assert "\nold\n" not in card
    mean = judged[1]["methods"]["straka"]["dice"]["mean"]
    assert f"| `straka` | {mean:.3f} |" in card
    assert card.count("| `") == len(judged[1]["methods"])


def test_network_without_evaluation_raises(weights: Path, judged: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "evaluation").mkdir()
    summary = json.loads((judged[0] / "summary.json").read_text())
    del summary["methods"]["cnn-regression"]
    (tmp_path / "evaluation" / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(ArgumentError, match=r"^cnn-regression is not in the evaluation"):
        release([weights / "regression"], evaluations(tmp_path / "evaluation"), NOWHERE, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_oversized_weights_raise(
    weights: Path, judged: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WEIGHTS_BYTES", 1000)
    monkeypatch.setattr(module, "beats_own_mean", lambda _summary, _name: True)
    with pytest.raises(ArgumentError, match=r"expected at most 1000"):
        release([weights / "regression"], evaluations(judged[0]), NOWHERE, tmp_path / "models")


def test_network_no_better_than_its_mean_curve_is_not_released(
    weights: Path, judged: Evaluation, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=r"^cnn-regression is not better than its own mean curve"):
        release([weights / "regression"], evaluations(judged[0]), NOWHERE, tmp_path / "models")


@pytest.mark.parametrize(
    ("low", "p", "expected"),
    [(0.01, 0.001, True), (-0.01, 0.001, False), (0.01, 0.02, False), (None, None, False)],
)
def test_a_network_beats_its_mean_curve_by_interval_and_p(
    low: float | None, p: float | None, expected: bool
) -> None:
    nothing = {"low": -0.1, "wilcoxon": 0.5}
    found = {"dice": nothing, "hypoperfused_dice": {"low": low, "wilcoxon": p}}
    assert beats_own_mean({"differences": {"null": {"cnn-regression": found}}}, "cnn-regression") is expected
    assert not beats_own_mean({"differences": {}}, "cnn-regression")


def test_the_best_network_has_the_highest_mean_over_seeds(tmp_path: Path) -> None:
    """One seed alone would choose the other network."""
    totals = [{"cnn-regression": 0.9, "cnn-weighting": 0.8}, {"cnn-regression": 0.5, "cnn-weighting": 0.8}]
    for seed, by_name in enumerate(totals):
        methods = {
            name: {"dice": {"mean": total / 2}, "hypoperfused_dice": {"mean": total / 2}, "aif_r": {"mean": 0.9}}
            for name, total in {**by_name, "straka": 2.0, "null-cnn-regression": 2.0}.items()
        }
        (tmp_path / str(seed)).mkdir()
        (tmp_path / str(seed) / "summary.json").write_text(json.dumps({"methods": methods}))
    table = choice_table([tmp_path / "0", tmp_path / "1"])
    assert best_network(table, ["cnn-regression", "cnn-weighting"]) == "cnn-weighting"
    assert best_network(table, ["cnn-regression"]) == "cnn-regression"


def test_a_text_without_markers_is_unchanged() -> None:
    assert module.with_table("No table.", {"methods": {}}) == "No table."


def test_the_release_command_passes_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(module, "release", lambda *arguments: given.extend(arguments))
    line = (
        "release --runs a b --evaluation c --broad d --choice e f "
        "--data phantom --evaluated-on other --broad-data wide --commit abc"
    )
    monkeypatch.setattr("sys.argv", line.split())
    module.main()
    used = Evaluations(Path("c"), Path("d"), (Path("e"), Path("f")))
    assert given == [[Path("a"), Path("b")], used, Provenance("phantom", "other", "wide", "abc")]
