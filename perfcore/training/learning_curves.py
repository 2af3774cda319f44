"""Learning curves of a training, as a PNG."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.figure import Figure


def draw_curves(logs: list[tuple[str, list[dict[str, float]]]], path: Path) -> None:
    """Draw training and held-out loss over the epochs, one colour per fold.

    Parameters
    ----------
    logs
        Name and log rows of each fold.
    path
        PNG file to write.
    """
    figure = Figure(figsize=(8.0, 4.0), dpi=110, layout="constrained")
    axes = figure.subplots()
    for number, (name, rows) in enumerate(logs):
        epochs = [row["epoch"] for row in rows]
        colour = f"C{number}"
        held_out = [row["held_out_loss"] for row in rows]
        alone = all(map(math.isnan, held_out))  # trained on all cases
        label = name.replace("_", " ")
        training = [row["train_loss"] for row in rows]
        axes.plot(epochs, training, color=colour, lw=1.0, ls=":", label=label if alone else None)
        axes.plot(epochs, held_out, color=colour, lw=1.6, label=None if alone else label)
    axes.plot([], [], color="0.4", lw=1.0, ls=":", label="training cases")
    if len(logs) > 1:
        axes.plot([], [], color="0.4", lw=1.6, label="held-out cases")
    axes.set(xlabel="Epoch", ylabel="Loss (1 − soft Dice)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, ncols=2)
    figure.savefig(path)
