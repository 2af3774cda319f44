"""Commands ``train`` and ``evaluate``: the AIF networks."""

# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfcore.cli.app import DEVICES, SCHEDULER, app, check_choice, choices
from perfcore.runtime.progress import progress, steps


@app.command(name="train")
def train_command(
    *,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Cases with lesions, as ISLES 2018.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for weights, logs and checkpoints.")],
    network: Annotated[str, typer.Option(metavar="regression|weighting")] = "regression",
    loss: Annotated[
        str | None, typer.Option(metavar="core|core+tmax", help="Default: core+tmax, or the recipe's.")
    ] = None,
    recipe: Annotated[
        str, typer.Option(metavar="lab|paper", help="paper: network and training as in de la Rosa 2021.")
    ] = "lab",
    folds: Annotated[int, typer.Option(metavar="N", help="Patient-wise folds; 0: one network on all cases.")] = 5,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Passes over the training cases.")] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="sgd|adam", help="sgd has momentum 0.9.")] = None,
    rate: Annotated[float | None, typer.Option(metavar="X", help="Maximum learning rate.")] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed gives the same weights.")] = 0,
    device: Annotated[str, typer.Option(metavar=choices(DEVICES))] = "auto",
    prepared: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Cache of prepared cases, shared between training runs.")
    ] = None,
    scheduler: SCHEDULER = None,
) -> None:
    """Train an AIF network through the deconvolution; resume from the last checkpoint in DIR."""
    check_choice("device", device, DEVICES)
    from perfcore.training.run import TrainingOptions, train

    options = TrainingOptions(
        network, loss, folds, epochs, optimizer, rate, seed, device, scheduler, prepared, recipe
    )
    with steps() as advance:
        summary = train(data, out, options, advance)
    for name, problem in summary["refused"].items():
        typer.echo(f"Note: {name} was left out: {problem}")
    typer.echo(f"Trained on {summary['n_cases']} cases in {sum(summary['seconds'].values()):.0f} s.")


@app.command(name="evaluate")
def evaluate_command(
    *,
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Cases with lesions, as ISLES 2018.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for tables and report.html.")],
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Training runs; each case is evaluated by the fold that held it out. Default: models/.",
        ),
    ] = None,
    expert: Annotated[Path | None, typer.Option(metavar="DIR", help="AIFs of an expert, case_N.csv.")] = None,
    scheduler: SCHEDULER = None,
) -> None:
    """Evaluate every AIF method on every case against the known lesions."""
    from perfcore.evaluation.run import evaluate

    with progress("Evaluating cases") as advance:
        summary = evaluate(data, out, weights=weights, expert=expert, scheduler=scheduler, progress=advance)
    for name, problem in summary["refused"].items():
        typer.echo(f"Note: {name} was left out: {problem}")
    for method, scores in summary["methods"].items():
        shown = ("dice", "hard_dice", "calibrated_dice", "auc", "hypoperfused_dice", "hypoperfused_dice_anchored")
        means = [(n, scores[n]["mean"]) for n in shown]
        texts = [f"{n} {m:.3f}" for n, m in means if m is not None]
        typer.echo("  ".join([f"{method:<24}", *texts, f"failed {scores['failed']}"]))
    for sentence in summary["headline"]:
        typer.echo(sentence)
