"""Training recipes: optimizer, augmentation and stabilisation per network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from perfcore.errors import ArgumentError
from perfcore.losses import LOSSES

LAB: Final = "lab"
PAPER: Final = "paper"
RECIPES: Final = (LAB, PAPER)
"""``lab``: the networks of this project; ``paper``: training as printed in de la Rosa 2021, arXiv:2103.17111."""
LAB_NETWORKS: Final = ("regression", "weighting")


@dataclass(frozen=True)
class NetworkRecipe:
    """How a network is trained unless an option says otherwise.

    Attributes
    ----------
    optimizer, rate, epochs
        As in :class:`perfcore.training.loop.TrainingPlan`.
    shift_s
        Maximum random shift of the bolus, seconds.
    clips_gradient
        Whether the norm of the gradient is limited.
    """

    optimizer: str
    rate: float
    epochs: int
    shift_s: float
    clips_gradient: bool


NETWORK_RECIPES: Final[dict[str, NetworkRecipe]] = {
    "regression": NetworkRecipe("adam", 2e-3, 6, shift_s=2.0, clips_gradient=True),
    "weighting": NetworkRecipe("adam", 2e-3, 6, shift_s=2.0, clips_gradient=True),
    "paper": NetworkRecipe("sgd", 1e-2, 6, shift_s=6.0, clips_gradient=False),
}
"""By key of ``NETWORKS``. The rates of the lab's networks were chosen on other cases (models/README.md); the paper
names no rate."""


def network_and_loss(recipe: str, network: str, loss: str | None) -> tuple[str, str]:
    """Return the key of ``NETWORKS`` and the loss that a recipe trains.

    Parameters
    ----------
    recipe
        ``lab`` or ``paper``.
    network
        ``regression`` or ``weighting``.
    loss
        A key of ``LOSSES``; None: ``core+tmax`` in the lab's recipe, ``core`` in the paper's.

    Raises
    ------
    ArgumentError
        A name is unknown, or the paper has no such training.
    """
    if recipe not in RECIPES:
        raise ArgumentError(f"recipe must be one of {', '.join(RECIPES)}; got {recipe!r}.")
    if network not in LAB_NETWORKS:
        raise ArgumentError(f"network must be one of {', '.join(LAB_NETWORKS)}; got {network!r}.")
    loss = loss or ("core" if recipe == PAPER else "core+tmax")
    if loss not in LOSSES:
        raise ArgumentError(f"loss must be one of {', '.join(LOSSES)}; got {loss!r}.")
    if recipe == LAB:
        return network, loss
    if (network, loss) != ("regression", "core"):
        raise ArgumentError(
            "The paper's recipe trains the regression network with the core loss; "
            "give --network regression --loss core."
        )
    return "paper", loss
