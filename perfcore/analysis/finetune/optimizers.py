"""Adam and SGD with momentum for a few parameters, with the steps of ``torch.optim``.

The first optimizer of ``torch.optim`` in a process imports torch's compiler: 1.3 s of processor time, in which a
user who has pressed *Run* would see nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

MOMENTUM: Final = 0.9
"""Of SGD."""
BETAS: Final = (0.9, 0.999)
"""Of Adam: decay of the mean gradient and of the mean squared gradient (Kingma 2015, arXiv:1412.6980)."""
_EPS: Final = 1e-8


class Optimizer:
    """Adam or SGD.

    Parameters
    ----------
    name
        ``adam`` or ``sgd``.
    parameters
        Leaf tensors, each with its learning rate.
    """

    def __init__(self, name: str, parameters: Sequence[tuple[Tensor, float]]) -> None:
        self.name, self.rates = name, [rate for _, rate in parameters]
        self.parameters = [parameter for parameter, _ in parameters]
        self._means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._n = 0

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move each parameter along its gradient; one without a gradient stays."""
        self._n += 1
        for parameter, rate, mean, square in zip(
            self.parameters, self.rates, self._means, self._squares, strict=True
        ):
            gradient = parameter.grad
            if gradient is None:
                continue
            if self.name == "sgd":
                mean.mul_(MOMENTUM).add_(gradient)
                parameter.sub_(mean, alpha=rate)
                continue
            mean.lerp_(gradient, 1 - BETAS[0])
            square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            size = (square / (1 - BETAS[1] ** self._n)).sqrt_().add_(_EPS)
            parameter.addcdiv_(mean, size, value=-rate / (1 - BETAS[0] ** self._n))
