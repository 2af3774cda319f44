"""Registry of the regularisations: filter, default strength, range and label of each.

A further linear regularisation is one function and one entry here: settings, command line, sidebar, links and the
deconvolution (SVD, Fourier, gradient, spectrum) read this registry. Nothing is imported that takes time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from perfcore.errors import ArgumentError
from perfcore.ranges import Span

if TYPE_CHECKING:
    from torch import Tensor

Filter = Callable[["Tensor", "Tensor", float], "Tensor"]
"""(singular values, the largest one, λ_rel) → inverse gains g(σ), the filter factor divided by σ."""


def tikhonov(sigma: Tensor, sigma_max: Tensor, lambda_rel: float) -> Tensor:
    """Return σ/(σ²+λ²) with λ = λ_rel·σ_max."""
    return sigma / (sigma**2 + (lambda_rel * sigma_max) ** 2)


def tsvd(sigma: Tensor, sigma_max: Tensor, lambda_rel: float) -> Tensor:
    """Return 1/σ where σ ≥ λ_rel·σ_max, else 0."""
    dropped = sigma < lambda_rel * sigma_max * (1 - 1e-12)
    return (1 / sigma.masked_fill(dropped, 1.0)).masked_fill(dropped, 0.0)


@dataclass(frozen=True)
class RegularizationInfo:
    """A regularisation and how it is shown.

    Attributes
    ----------
    id
        Value of ``Settings.regularization``, on the command line and in links.
    label
        Within a sentence of the interface.
    default_lambda
        ``lambda_rel`` where none is given.
    slider
        Range of ``lambda_rel`` in the interface and in links.
    help
        What ``lambda_rel`` means, in a sentence.
    filter
        Inverse gains by singular value; None for a regularisation that is not one linear operator.
    """

    id: str
    label: str
    default_lambda: float
    slider: Span
    help: str
    filter: Filter | None

    @property
    def is_linear(self) -> bool:
        """Whether one matrix deconvolves every voxel; only then is there a gradient."""
        return self.filter is not None


REGULARIZATIONS: Final[dict[str, RegularizationInfo]] = {
    info.id: info
    for info in (
        RegularizationInfo(
            "tikhonov", "Tikhonov", 0.3, Span(0.01, 1.0, 0.01),
            "λ as a fraction of the largest singular value. Higher: less noise, more bias.", tikhonov,
        ),
        RegularizationInfo(
            "tsvd", "truncated SVD", 0.1, Span(0.01, 0.6, 0.01),
            "Singular values below this fraction of the largest are dropped.", tsvd,
        ),
        RegularizationInfo(
            "oscillation", "oscillation index", 0.065, Span(0.005, 0.3, 0.005),
            "Largest oscillation index allowed; the truncation is chosen per voxel.", None,
        ),
    )
}  # fmt: skip
"""By id, in the order of the interface."""


def filter_of(regularization: str) -> Filter:
    """Return the filter of a linear regularisation.

    Raises
    ------
    ArgumentError
        There is none of that id, or it is not linear.
    """
    found = REGULARIZATIONS.get(regularization)
    if found is None or found.filter is None:
        known = ", ".join(name for name, info in REGULARIZATIONS.items() if info.is_linear)
        raise ArgumentError(f"A linear regularisation is one of {known}; got {regularization!r}.")
    return found.filter


def no_gradient(regularization: str) -> ArgumentError:
    """Return the error for a regularisation without a gradient; it names those that have one."""
    others = " or ".join(info.label for info in REGULARIZATIONS.values() if info.is_linear)
    return ArgumentError(f"The {REGULARIZATIONS[regularization].label} has no gradient; choose {others}.")
