"""Options of a fine-tuning run: loss, optimizer, learning rate and penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perfcore.errors import ArgumentError

TUNING_LOSSES: Final = ("dice", "cross-entropy")
TUNING_OPTIMIZERS: Final = ("adam", "sgd")


@dataclass(frozen=True)
class TuneOptions:
    """Options of a fine-tuning run.

    Attributes
    ----------
    loss
        ``dice`` (soft Dice) or ``cross-entropy`` (balanced between lesion and other tissue).
    with_tmax
        Whether the loss includes the hypoperfused tissue, with the same weight as the core.
    optimizer, rate
        ``adam`` or ``sgd`` (momentum 0.9), and its learning rate, above 0, at most 10.
    curvature
        Weight of the curvature penalty, at least 0.
    learn_threshold
        Whether the rCBF threshold is learned with the curve.

    Raises
    ------
    ArgumentError
        A value is unknown or out of its range.
    """

    loss: str = "dice"
    with_tmax: bool = False
    optimizer: str = "adam"
    rate: float = 0.1
    curvature: float = 1.0
    learn_threshold: bool = False

    def __post_init__(self) -> None:
        if self.loss not in TUNING_LOSSES:
            raise ArgumentError(f"loss must be one of {', '.join(TUNING_LOSSES)}; got {self.loss!r}.")
        if self.optimizer not in TUNING_OPTIMIZERS:
            raise ArgumentError(
                f"optimizer must be one of {', '.join(TUNING_OPTIMIZERS)}; got {self.optimizer!r}."
            )
        if not 0 < self.rate <= 10:
            raise ArgumentError(f"rate must lie above 0 and be at most 10; got {self.rate}.")
        if not 0 <= self.curvature <= 1e4:
            raise ArgumentError(f"curvature must lie between 0 and 10000; got {self.curvature}.")
