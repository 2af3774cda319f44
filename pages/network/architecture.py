"""Drawing of a network as SVG: the output shape and the parameters of each of its modules."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from typing import Any, Final

import torch
from torch import Tensor, nn

from perfcore.aif.network.grid_input import GRID_SIDE, N_FRAMES
from perfcore.aif.network.models import WeightingNet, make_network
from perfcore.aif.sources import source_colour

SLICES: Final = 8
"""Slices of the example input; the number of parameters does not depend on it."""
WIDTH, GAP, TOP, TALL, ROW = 108, 26, 30, 104, 200
MAX_PER_ROW: Final = 7
_INK: Final = {"dark": ("#e8eaed", "#98a1ae"), "light": ("#1b1f27", "#5b6470")}
_FILL: Final = {
    "Conv3d": "#3f7fd0", "Conv2d": "#3f7fd0", "Linear": "#c0533f", "AvgPool3d": "#4d9a6a", "AvgPool2d": "#4d9a6a",
    "WeightingNet": source_colour("cnn-weighting"), "Parameter": source_colour("cnn-weighting"), "data": "#7b8494",
}  # fmt: skip
_NOT_DRAWN: Final = (nn.ReLU, nn.Dropout, nn.Dropout2d, nn.Dropout3d, nn.Flatten)
_NAMES: Final = {
    "AvgPool3d": "pool", "AvgPool2d": "pool", "Linear": "dense", "Conv3d": "conv", "Conv2d": "conv",
    "WeightingNet": "+ weighted mean", "Parameter": "+ vessel score",
}  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes
    ----------
    name
        Name of the module in the network, ``space.0``.
    kind
        Class of the module.
    shape
        Shape of the output without the batch.
    n_parameters
        Number of weights and biases.
    detail
        Size of the kernel, as shown.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    n_parameters: int
    detail: str = ""


def _untrained(kind: str) -> nn.Module:
    """Return a network with random weights; the global random state is not changed."""
    with torch.random.fork_rng(devices=[]):
        return make_network(kind).eval()


@cache
def layers(kind: str) -> tuple[Layer, ...]:
    """Run an example through an untrained network and record the output of each layer.

    Parameters
    ----------
    kind
        ``regression`` or ``weighting``.
    """
    net = _untrained(kind)
    curves = torch.zeros(1, N_FRAMES, GRID_SIDE, GRID_SIDE, SLICES)
    inside = torch.ones(1, GRID_SIDE, GRID_SIDE, SLICES, dtype=torch.bool)
    found: list[Layer] = []

    def note(name: str) -> Any:
        def hook(module: nn.Module, _given: Any, out: Tensor) -> None:
            n = sum(p.numel() for p in module.parameters())
            size = getattr(module, "kernel_size", None)
            detail = "×".join(str(k) for k in size) if isinstance(size, tuple) else ""
            if isinstance(size, int):
                detail = f"{size}×{size}"
            found.append(Layer(name, type(module).__name__, tuple(out.shape[1:]), n, detail))

        return hook

    nested = [name for name, module in net.named_modules() if name and isinstance(module, WeightingNet)]
    for name, module in net.named_modules():
        within = name.startswith(tuple(f"{outer}." for outer in nested))
        whole = name in nested or not list(module.children())
        if whole and not within and not isinstance(module, _NOT_DRAWN):
            module.register_forward_hook(note(name))
    with torch.no_grad():
        net(curves, inside)
    own = [Layer(name, "Parameter", tuple(p.shape), p.numel()) for name, p in net.named_parameters(recurse=False)]
    # What is added to the output of the last convolution comes last.
    return (*sorted(found, key=lambda layer: layer.name in nested), *own)


@cache
def n_parameters(kind: str) -> int:
    """Return the number of weights and biases of a network."""
    return sum(p.numel() for p in _untrained(kind).parameters())


def drawing(kind: str, theme: str) -> str:
    """Return a drawing of a network as SVG.

    Parameters
    ----------
    kind
        ``regression`` or ``weighting``.
    theme
        ``dark`` or ``light``.
    """
    ink, soft = _INK.get(theme, _INK["dark"])
    steps = _steps(kind)
    per_row = len(steps) if len(steps) <= MAX_PER_ROW else -(-len(steps) // 2)
    width, height = per_row * (WIDTH + GAP) - GAP + 8, -(-len(steps) // per_row) * ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'style="max-width:100%;height:auto" font-family="inherit" font-size="12.5" text-anchor="middle">'
    ]
    for place, step in enumerate(steps):
        x, top = 4 + place % per_row * (WIDTH + GAP), TOP + place // per_row * ROW
        tall = _height(step.shape)
        if place % per_row:
            arrow = f"M{x - GAP + 4} {top + TALL / 2}h{GAP - 10}m-5 -4l5 4l-5 4"
            parts.append(f'<path d="{arrow}" fill="none" stroke="{soft}"/>')
        parts.append(
            f'<rect x="{x}" y="{top + (TALL - tall) / 2:.0f}" width="{WIDTH}" height="{tall:.0f}" rx="6" '
            f'fill="{_FILL.get(step.kind, "#7b8494")}" fill-opacity=".85"/>'
        )
        lines = (
            (top - 12, f"{_NAMES.get(step.kind, '')} {step.detail}".strip(), f'fill="{ink}" font-weight="600"'),
            (top + TALL + 20, " × ".join(str(n) for n in step.shape), f'fill="{ink}"'),
            (top + TALL + 37, f"{step.n_parameters:,} weights" if step.n_parameters else "", f'fill="{soft}"'),
            (top + TALL + 54, step.name, f'fill="{soft}"'),
        )
        middle = x + WIDTH / 2
        parts += [f'<text x="{middle}" y="{at}" {how}>{escape(text)}</text>' for at, text, how in lines if text]
    return "".join([*parts, "</svg>"])


def _steps(kind: str) -> list[Layer]:
    """Return the layers with input, output and the mean over slices between them."""
    steps = [Layer("", "data", (N_FRAMES, GRID_SIDE, GRID_SIDE, SLICES), 0, "curves")]
    for layer in layers(kind):
        before = steps[-1].shape
        if len(before) == 4 and len(layer.shape) == 3:
            steps.append(Layer("", "mean", before[:3], 0, "slice mean"))
        steps.append(replace(layer, detail="slab mean") if layer.name == "context" else layer)
    return [*steps, Layer("", "data", (N_FRAMES,), 0, "AIF" if kind == "regression" else "weighted mean")]


def _height(shape: tuple[int, ...]) -> float:
    """Return the height of a layer's box, by its side in the plane; a curve is a low bar."""
    side = shape[1] if len(shape) > 1 else 1
    return max(26.0, TALL * math.sqrt(side / GRID_SIDE))
