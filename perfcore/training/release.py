"""Release of trained networks into ``models/``: ``python -m perfcore.training.release --help``.

Copies the weights trained on all cases, their learning curves and their evaluation on unseen cases; writes the
manifest with hashes and commands, and the table of the model card and the README.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from perfcore.aif.network.weights import (
    MANIFEST,
    MAX_WEIGHTS_BYTES,
    MODELS,
    TRAINING_FILE,
    learning_file,
    method_name,
    read_network,
)
from perfcore.errors import ArgumentError
from perfcore.io.atomic_write import write_text
from perfcore.metric_info import METRICS, RELEASED
from perfcore.training.choice import CHOICE_FILE, beats_own_mean, best_network, choice_table
from perfcore.training.loop import LOG_FILE, WEIGHTS_FILE, read_log

EVALUATION_FOLDER: Final = "evaluation"
SUMMARY: Final = "summary.json"
BROAD_FILE: Final = "summary_broad.json"
CARD: Final = "README.md"
TABLE: Final = ("<!-- table: written by perfcore.training.release -->", "<!-- end of table -->")


def learning_table(run: Path) -> pd.DataFrame:
    """Return the loss of a training by epoch: columns of the logs of all cases and of the folds, and ``part``."""
    parts = [run / "all", *sorted(run.glob("fold_*"))]
    rows = [{"part": part.name, **row} for part in parts for row in read_log(part / LOG_FILE)]
    return pd.DataFrame(rows).astype({"epoch": int}).drop(columns="seconds")


@dataclass(frozen=True)
class Provenance:
    """Commands that make the cases of training and of both evaluations, and the commit of the training code."""

    data: str
    evaluated_on: str
    broad: str
    commit: str


@dataclass(frozen=True)
class Evaluations:
    """Folders of the evaluations that a release rests on.

    Attributes
    ----------
    patients
        On unseen cases with boluses as wide as patients'; it is copied.
    broad
        On unseen cases with narrower and broader boluses, which tell curves apart; its ``summary.json`` is copied.
    choice
        The evaluations that choose the best network, one per seed (:mod:`perfcore.training.choice`).
    """

    patients: Path
    broad: Path
    choice: tuple[Path, ...]


def release(
    runs: list[Path], evaluations: Evaluations, about: Provenance, models: Path = MODELS
) -> dict[str, Any]:
    """Copy networks and their evaluation into a folder of models, and write its manifest.

    Parameters
    ----------
    runs
        Folders of finished trainings.
    evaluations
        Where the figures are.
    about
        Where the networks and their figures come from.
    models
        Output folder.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    ArgumentError
        A network is missing in the evaluation, is better than its own mean curve in neither evaluation, or its
        weights are too large.
    """
    summary, broad = (
        json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        for folder in (evaluations.patients, evaluations.broad)
    )
    networks: dict[str, Any] = {}
    seen: set[str] = set()
    models.mkdir(exist_ok=True)
    for run in runs:
        training = json.loads((run / TRAINING_FILE).read_text(encoding="utf-8"))
        name = method_name(training["network"], training["loss"])
        if name not in summary["methods"]:
            raise ArgumentError(f"{name} is not in the evaluation; evaluate it with --weights first.")
        if not (beats_own_mean(summary, name) or beats_own_mean(broad, name)):
            raise ArgumentError(f"{name} is not better than its own mean curve; it is not released.")
        content = (run / "all" / WEIGHTS_FILE).read_bytes()
        if len(content) > MAX_WEIGHTS_BYTES:
            raise ArgumentError(
                f"The weights of {name} have {len(content)} bytes; expected at most {MAX_WEIGHTS_BYTES}."
            )
        read_network(content, training["network"])
        (models / f"{name}.safetensors").write_bytes(content)
        table = learning_table(run)
        (models / learning_file(name)).write_text(table.to_csv(index=False, lineterminator="\n"), encoding="utf-8")
        seen |= {case["fingerprint"] for case in training["cases"]}
        options = f"--network {training['network']} --loss {training['loss']} --folds {training['n_folds']}"
        plan = " ".join(f"--{key} {training[key]}" for key in ("epochs", "optimizer", "rate", "seed"))
        figures = {key: summary["methods"][name][key]["mean"] for key in RELEASED}
        networks[name] = {
            "file": f"{name}.safetensors",
            "sha256": hashlib.sha256(content).hexdigest(),
            "network": training["network"],
            "loss": training["loss"],
            "n_cases": training["n_cases"],
            "data": about.data,
            "command": f"python -m perfcore train --data DIR --out DIR {options} {plan}",
            "commit": about.commit,
            "evaluated": figures,
        }
    table = choice_table(list(evaluations.choice))
    manifest = {
        "best": best_network(table, list(networks)),
        "evaluation": about.evaluated_on,
        "broad_evaluation": about.broad,
        "networks": networks,
        "seen": sorted(seen),
    }
    (models / EVALUATION_FOLDER).mkdir(exist_ok=True)
    for file in evaluations.patients.iterdir():
        shutil.copyfile(file, models / EVALUATION_FOLDER / file.name)
    shutil.copyfile(evaluations.broad / SUMMARY, models / EVALUATION_FOLDER / BROAD_FILE)
    write_text(models / EVALUATION_FOLDER / CHOICE_FILE, table.to_csv(index=False, float_format="%.5g"))
    write_text(models / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    for document in (models / CARD, models.parent / CARD):
        if document.exists():
            write_text(document, with_table(document.read_text(encoding="utf-8"), summary))
    return manifest


def markdown_table(summary: dict[str, Any]) -> str:
    """Return the means of an evaluation as a Markdown table."""
    head = "| AIF from | " + " | ".join(METRICS[key].long_title for key in RELEASED) + " |"
    lines = [head, "| --- |" + " --- |" * len(RELEASED)]
    for method, about in summary["methods"].items():
        cells = (METRICS[key].text(about[key]["mean"]) for key in RELEASED)
        lines.append(f"| `{method}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def with_table(text: str, summary: dict[str, Any]) -> str:
    """Replace the table between the two markers of a text; a text without markers is unchanged."""
    start, end = TABLE
    if start not in text or end not in text:
        return text
    before, rest = text.split(start, 1)
    return f"{before}{start}\n{markdown_table(summary)}\n{end}{rest.split(end, 1)[1]}"


def main() -> None:
    """Run the release from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of finished trainings")
    parser.add_argument("--evaluation", type=Path, required=True, help="folder of the evaluation on unseen cases")
    parser.add_argument("--broad", type=Path, required=True, help="folder of the evaluation on broad boluses")
    parser.add_argument(
        "--choice", type=Path, nargs="+", required=True, help="evaluations of each seed on the cases of the choice"
    )
    parser.add_argument("--data", required=True, help="command that makes the training cases")
    parser.add_argument("--evaluated-on", required=True, help="command that makes the cases of the evaluation")
    parser.add_argument("--broad-data", required=True, help="command that makes the cases with broad boluses")
    parser.add_argument("--commit", required=True, help="commit of the training code")
    arguments = parser.parse_args()
    evaluations = Evaluations(arguments.evaluation, arguments.broad, tuple(arguments.choice))
    about = Provenance(arguments.data, arguments.evaluated_on, arguments.broad_data, arguments.commit)
    release(arguments.runs, evaluations, about)


if __name__ == "__main__":
    main()
