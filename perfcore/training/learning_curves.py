"""Learning curves of a training, as a PNG."""

from __future__ import annotations

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
        axes.plot(epochs, [row["train_loss"] for row in rows], color=colour, lw=1.0, ls=":")
        held_out = [row["held_out_loss"] for row in rows]
        axes.plot(epochs, held_out, color=colour, lw=1.6, label=name.replace("_", " "))
    axes.plot([], [], color="0.4", lw=1.0, ls=":", label="training cases")
    axes.plot([], [], color="0.4", lw=1.6, label="held-out cases")
    axes.set(xlabel="Epoch", ylabel="Loss (1 − soft Dice)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, ncols=2)
    figure.savefig(path)
