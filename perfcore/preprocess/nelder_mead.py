"""Nelder–Mead minimisation within bounds (Nelder & Mead 1965, doi:10.1093/comjnl/7.4.308).

The steps are those of ``scipy.optimize.minimize(method="Nelder-Mead")``. Importing ``scipy.optimize`` for them
would take a tenth of the time that a small case takes from the command line.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from perfcore.types import DoubleArray


class _EvaluationLimitError(Exception):
    """The maximum number of evaluations is reached within a step."""


def minimize_simplex(
    cost: Callable[[DoubleArray], float],
    simplex: DoubleArray,
    limit: DoubleArray,
    *,
    x_tolerance: float,
    cost_tolerance: float,
    max_evaluations: int,
) -> tuple[DoubleArray, float]:
    """Minimise a function of few parameters without its gradient.

    Parameters
    ----------
    cost
        Function of parameters, shape ``(n,)``.
    simplex
        Shape ``(n + 1, n)``: initial corners.
    limit
        Shape ``(n,)``: parameters lie within ± their limit.
    x_tolerance, cost_tolerance
        The search ends when all corners lie as close to the best one, in every parameter and in cost.
    max_evaluations
        Maximum number of evaluations of ``cost``.

    Returns
    -------
    tuple
        Best parameters, shape ``(n,)``, and their cost.
    """
    n_evaluations = 0

    def evaluate(x: DoubleArray) -> float:
        nonlocal n_evaluations
        if n_evaluations >= max_evaluations:
            raise _EvaluationLimitError
        n_evaluations += 1
        return cost(np.copy(x))

    def within(x: DoubleArray) -> DoubleArray:
        return np.asarray(np.clip(x, -limit, limit))

    corners = within(np.where(simplex > limit, 2 * limit - simplex, simplex))
    costs = np.array([evaluate(corner) for corner in corners])
    while True:
        order = np.argsort(costs)
        corners, costs = corners[order], costs[order]
        converged = (
            np.abs(corners[1:] - corners[0]).max() <= x_tolerance
            and np.abs(costs[1:] - costs[0]).max() <= cost_tolerance
        )
        if converged or n_evaluations >= max_evaluations:
            return corners[0], float(costs[0])
        try:
            _step(evaluate, within, corners, costs)
        except _EvaluationLimitError:
            continue


def _step(
    evaluate: Callable[[DoubleArray], float],
    within: Callable[[DoubleArray], DoubleArray],
    corners: DoubleArray,
    costs: DoubleArray,
) -> None:
    """Replace the worst corner by its reflection, expansion or contraction, or shrink the simplex; in place."""
    centre = np.add.reduce(corners[:-1], 0) / (len(corners) - 1)
    reflected = within(2 * centre - corners[-1])
    cost = evaluate(reflected)
    if cost < costs[0]:
        expanded = within(3 * centre - 2 * corners[-1])
        further = evaluate(expanded)
        corners[-1], costs[-1] = (expanded, further) if further < cost else (reflected, cost)
        return
    if cost < costs[-2]:
        corners[-1], costs[-1] = reflected, cost
        return
    outside = cost < costs[-1]
    contracted = within(1.5 * centre - 0.5 * corners[-1] if outside else 0.5 * centre + 0.5 * corners[-1])
    closer = evaluate(contracted)
    if closer <= cost if outside else closer < costs[-1]:
        corners[-1], costs[-1] = contracted, closer
        return
    for j in range(1, len(corners)):
        corners[j] = within(corners[0] + 0.5 * (corners[j] - corners[0]))
        costs[j] = evaluate(corners[j])
