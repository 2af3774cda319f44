r"""What matters in a curve: gradients by its samples, maps of what an edit moves, and what each edit changes.

The gradient of a quantity :math:`Q(a)` by the samples of the input function comes from the differentiable
deconvolution; the map of an edit in direction :math:`d` is the derivative

.. math:: \frac{\partial\,\mathrm{rCBF}}{\partial\epsilon}(a + \epsilon d)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from perfcore.aif.edits import HANDLES, CurveEdit, edit_curve
from perfcore.deconvolution.fused import Tiles, map_chunks
from perfcore.deconvolution.inverse import build_operator
from perfcore.errors import ArgumentError, PerfcoreError
from perfcore.losses import Lesions, Target, lesions, soft_dice_loss
from perfcore.regularization import no_gradient
from perfcore.settings import Settings
from perfcore.types import BoolArray, DoubleArray, FloatArray

QUANTITIES: Final = ("core_ml", "soft_dice", "rcbf", "tmax")
"""Volume of the core (as probability), soft Dice with the target, and the mean of rCBF or Tmax in a region."""
NOISE: Final = "noise"
_NOISE_SEED: Final = 7


@dataclass(frozen=True, eq=False)
class AifGradient:
    """A quantity and its derivative by each sample of the input function.

    Attributes
    ----------
    value
        ml, a number between 0 and 1, or s.
    by_sample
        Shape ``(n_time,)``, per unit of enhancement.
    """

    value: float
    by_sample: DoubleArray


def aif_gradient(
    aif: DoubleArray,
    target: Target,
    settings: Settings,
    quantity: str,
    *,
    voxel_ml: float = 1.0,
    region: BoolArray | None = None,
    pool: Executor | None = None,
) -> AifGradient:
    """Return how a quantity changes with each sample of an input function.

    Parameters
    ----------
    aif
        Enhancement, shape ``(n_time,)``.
    target
        The tissue; its core is needed for ``soft_dice`` alone.
    settings
        Of the deconvolution; a linear one.
    quantity
        One of ``QUANTITIES``.
    voxel_ml
        Volume of a voxel.
    region
        Voxels over which rCBF or Tmax is averaged, shape ``(n_voxels,)``; None: all.
    pool
        As of :func:`perfcore.deconvolution.fused.peak`.

    Raises
    ------
    ArgumentError
        There is no such quantity, the region is empty, or the settings have no gradient.
    """
    if quantity not in QUANTITIES:
        raise ArgumentError(f"quantity must be one of {', '.join(QUANTITIES)}; got {quantity!r}.")
    if not settings.is_linear:
        raise no_gradient(settings.regularization)
    if region is not None and not region.any():
        raise ArgumentError("The region is empty: no voxel of the brain lies in it.")
    where = slice(None) if region is None else torch.from_numpy(np.flatnonzero(region)).to(target.core.device)
    curve = torch.from_numpy(np.array(aif, np.float64)).requires_grad_()
    found = lesions(curve, target, settings, with_tmax=quantity == "tmax", pool=pool)
    value = _QUANTITY[quantity](found, target, where, voxel_ml)
    value.backward()  # type: ignore[no-untyped-call]
    assert curve.grad is not None
    return AifGradient(float(value.detach()), curve.grad.numpy().copy())


def _mean_tmax(found: Lesions, where: Any) -> Tensor:
    assert found.tmax is not None
    return found.tmax[where].mean()


_QUANTITY: Final[dict[str, Callable[[Lesions, Target, Any, float], Tensor]]] = {
    "core_ml": lambda found, _target, _where, voxel_ml: found.core.sum() * voxel_ml,
    "soft_dice": lambda found, target, _where, _ml: 1 - soft_dice_loss(found.core, target.core),
    "rcbf": lambda found, _target, where, _ml: found.rcbf[where].mean(),
    "tmax": lambda found, _target, where, _ml: _mean_tmax(found, where),
}


def directions() -> tuple[str, ...]:
    """Return the ids of the directions that have a map: handles of the whole curve, and ``noise``."""
    return (*(name for name, info in HANDLES.items() if info.derivative_step is not None), NOISE)


def tornado_handles() -> dict[str, tuple[float, float]]:
    """Return the low and the high setting of each handle of the tornado chart, by id."""
    return {name: info.tornado for name, info in HANDLES.items() if info.tornado is not None}


def edit_direction(aif: DoubleArray, dt_s: float, name: str) -> DoubleArray:
    """Return the derivative of an edited curve by its handle, per unit of the handle, at the unedited curve.

    Parameters
    ----------
    aif
        Enhancement, shape ``(n_time,)``.
    dt_s
        Time step in seconds.
    name
        One of `directions`. ``noise`` is a fixed draw of white noise of 1 % of the peak.

    Raises
    ------
    ArgumentError
        There is no such direction.
    """
    if name == NOISE:
        draw = np.random.default_rng(_NOISE_SEED).standard_normal(aif.size)
        return np.asarray(0.01 * float(np.max(aif)) * draw, np.float64)
    step = HANDLES[name].derivative_step if name in HANDLES else None
    if step is None:
        raise ArgumentError(f"direction must be one of {', '.join(directions())}; got {name!r}.")
    still = float(getattr(CurveEdit(), name))
    high = edit_curve(aif, dt_s, replace(CurveEdit(), **{name: still + step}))
    if name == "dispersion_s":  # there is none below 0
        return np.asarray((high - aif) / step, np.float64)
    low = edit_curve(aif, dt_s, replace(CurveEdit(), **{name: still - step}))
    return np.asarray((high - low) / (2 * step), np.float64)


@torch.no_grad()
def sensitivity_map(
    aif: DoubleArray, along: DoubleArray, target: Target, settings: Settings, pool: Executor | None = None
) -> FloatArray:
    """Return the derivative of each voxel's rCBF along a direction of the input function.

    Parameters
    ----------
    aif, along
        Enhancement and direction, shape ``(n_time,)``.
    target
        The tissue.
    settings
        Of the deconvolution; a linear one.
    pool
        As of :func:`perfcore.deconvolution.fused.peak`.

    Returns
    -------
    Shape ``(n_voxels,)``, rCBF per unit of the direction, signed.
    """
    device = target.tissue.data.device
    curve, step = (torch.from_numpy(np.array(values, np.float64)).to(device) for values in (aif, along))
    with torch.enable_grad():
        matrix, d_matrix = torch.autograd.functional.jvp(  # type: ignore[no-untyped-call]
            lambda a: build_operator(a, target.dt_s, settings).matrix, curve, step
        )
    top, change = _peak_change(matrix.detach(), d_matrix.detach(), target.tissue, pool)
    mean, d_mean = top[target.reference].mean(), change[target.reference].mean()
    return np.asarray((change / mean - top * d_mean / mean**2).cpu().numpy(), np.float32)


def _peak_change(matrix: Tensor, d_matrix: Tensor, tiles: Tiles, pool: Executor | None) -> tuple[Tensor, Tensor]:
    """Return max k and its derivative along the direction: that of the row that is the largest."""
    data = tiles.data
    matrix, d_matrix = matrix.to(data.dtype), d_matrix.to(data.dtype)
    tops, changes = (data.new_empty(data.shape[0], data.shape[2]) for _ in range(2))

    @torch.no_grad()
    def work(part: slice) -> None:
        for tile, top, change in zip(data[part], tops[part], changes[part], strict=True):
            highest, row = (matrix @ tile).max(0)
            top.copy_(highest)
            change.copy_((d_matrix @ tile).gather(0, row[None])[0])

    map_chunks(work, data, pool)
    n = tiles.n_voxels
    return tops.reshape(-1)[:n], changes.reshape(-1)[:n]


@dataclass(frozen=True)
class TornadoBar:
    """What one edit, low and high, does to the figures of a case.

    Attributes
    ----------
    handle
        Field of the edit.
    low, high
        Figures by name with the handle at its low and its high setting; None where that curve explains no tissue.
    """

    handle: str
    low: dict[str, float | None] | None
    high: dict[str, float | None] | None


def tornado(
    aif: DoubleArray, dt_s: float, figures: Callable[[DoubleArray], dict[str, float | None]]
) -> Iterator[TornadoBar]:
    """Give the figures of a case with each handle low and high, one handle after another.

    Parameters
    ----------
    aif
        Enhancement, shape ``(n_time,)``.
    dt_s
        Time step in seconds.
    figures
        Makes the figures of a curve; a `PerfcoreError` of it means that the curve explains no tissue.
    """
    for name, sides in tornado_handles().items():
        yield TornadoBar(name, *(
            _figures(figures, edit_curve(aif, dt_s, replace(CurveEdit(), **{name: value})))
            for value in sides
        ))  # fmt: skip


def _figures(
    figures: Callable[[DoubleArray], dict[str, float | None]], curve: DoubleArray
) -> dict[str, float | None] | None:
    try:
        return figures(curve) if curve.max() > 0 else None
    except PerfcoreError:
        return None
