r"""Sensitivity of the results to the AIF: gradients, sensitivity maps and the tornado of global edits.

The gradient of a quantity :math:`Q(a)` with respect to the samples of the AIF comes from the differentiable
deconvolution; the sensitivity map of an edit in direction :math:`d` is the derivative

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


@dataclass(frozen=True)
class QuantityInfo:
    """A quantity whose gradient is computed and how it is shown.

    Attributes
    ----------
    id
        In messages.
    label
        In the interface; followed by the region where it has one.
    unit
        Empty for a ratio.
    per_region
        Whether it is a mean over a region.
    """

    id: str
    label: str
    unit: str = ""
    per_region: bool = False


QUANTITIES: Final[dict[str, QuantityInfo]] = {
    info.id: info
    for info in (
        QuantityInfo("core_ml", "core volume", "ml"),
        QuantityInfo("soft_dice", "soft Dice"),
        QuantityInfo("rcbf", "mean rCBF of", per_region=True),
        QuantityInfo("tmax", "mean Tmax of", "s", per_region=True),
    )
}
"""Volume of the core (sum of probabilities), soft Dice with the target, mean of rCBF or Tmax in a region."""
NOISE: Final = "noise"
_NOISE_SEED: Final = 7


@dataclass(frozen=True, eq=False)
class AifGradient:
    """A quantity and its gradient with respect to the samples of the AIF.

    Attributes
    ----------
    value
        In ml, s, or without unit.
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
    """Return a quantity and its gradient with respect to the samples of an AIF.

    Parameters
    ----------
    aif
        Enhancement, shape ``(n_time,)``.
    target
        The tissue; its core is used by ``soft_dice`` only.
    settings
        Settings of a linear deconvolution.
    quantity
        One of ``QUANTITIES``.
    voxel_ml
        Volume of a voxel in ml.
    region
        Voxels over which rCBF or Tmax is averaged, shape ``(n_voxels,)``; None: all.
    pool
        As in :func:`perfcore.deconvolution.fused.peak`.

    Raises
    ------
    ArgumentError
        The quantity is unknown, the region is empty, or the deconvolution has no gradient.
    """
    if quantity not in QUANTITIES:
        raise ArgumentError(f"quantity must be one of {', '.join(QUANTITIES)}; got {quantity!r}.")
    if not settings.is_linear:
        raise no_gradient(settings.regularization)
    if region is not None and not region.any():
        raise ArgumentError("The region is empty: it contains no brain voxel.")
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
    """Return the derivative of the edited curve with respect to one handle, at the unedited curve.

    Parameters
    ----------
    aif
        Enhancement, shape ``(n_time,)``.
    dt_s
        Time step in seconds.
    name
        One of `directions`. ``noise`` is a fixed sample of white noise of 1 % of the peak.

    Returns
    -------
    Enhancement per unit of the handle, shape ``(n_time,)``.

    Raises
    ------
    ArgumentError
        The direction is unknown.
    """
    if name == NOISE:
        draw = np.random.default_rng(_NOISE_SEED).standard_normal(aif.size)
        return np.asarray(0.01 * float(np.max(aif)) * draw, np.float64)
    step = HANDLES[name].derivative_step if name in HANDLES else None
    if step is None:
        raise ArgumentError(f"direction must be one of {', '.join(directions())}; got {name!r}.")
    neutral = float(getattr(CurveEdit(), name))
    high = edit_curve(aif, dt_s, replace(CurveEdit(), **{name: neutral + step}))
    if name == "dispersion_s":  # its range starts at 0, so the difference is one-sided
        return np.asarray((high - aif) / step, np.float64)
    low = edit_curve(aif, dt_s, replace(CurveEdit(), **{name: neutral - step}))
    return np.asarray((high - low) / (2 * step), np.float64)


@torch.no_grad()
def sensitivity_map(
    aif: DoubleArray, along: DoubleArray, target: Target, settings: Settings, pool: Executor | None = None
) -> FloatArray:
    """Return the derivative of rCBF along a direction of the AIF, per voxel.

    Parameters
    ----------
    aif, along
        Enhancement and direction, shape ``(n_time,)``.
    target
        The tissue.
    settings
        Settings of a linear deconvolution.
    pool
        As in :func:`perfcore.deconvolution.fused.peak`.

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
    on_tissue = target.on_tissue(matrix.detach()), target.on_tissue(d_matrix.detach())
    top, change = _peak_derivative(*on_tissue, target.tiles, pool)
    mean, d_mean = top[target.reference].mean(), change[target.reference].mean()
    return np.asarray((change / mean - top * d_mean / mean**2).cpu().numpy(), np.float32)


def _peak_derivative(
    matrix: Tensor, d_matrix: Tensor, tiles: Tiles, pool: Executor | None
) -> tuple[Tensor, Tensor]:
    """Return max k(t) and its derivative along the direction, which is that of the maximal row."""
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
    """Figures of a case with one handle at its low and high setting.

    Attributes
    ----------
    handle
        Field of the edit.
    low, high
        Figures by name at the low and the high setting; None if the case cannot be analysed with that curve.
    """

    handle: str
    low: dict[str, float | None] | None
    high: dict[str, float | None] | None


def tornado(
    aif: DoubleArray, dt_s: float, figures: Callable[[DoubleArray], dict[str, float | None]]
) -> Iterator[TornadoBar]:
    """Yield the figures of a case with each handle at its low and high setting.

    Parameters
    ----------
    aif
        Enhancement, shape ``(n_time,)``.
    dt_s
        Time step in seconds.
    figures
        Function from a curve to the figures; a `PerfcoreError` means that the case cannot be analysed with it.
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
