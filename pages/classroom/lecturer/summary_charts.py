"""Charts of the summary page as inline SVG, in the colours of its style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

from perfcore.teaching.class_statistics import curve_band
from perfcore.types import DoubleArray

WIDTH: Final = 360
HEIGHT: Final = 150
LEFT: Final = 38
BOTTOM: Final = 26
TOP: Final = 8
MAX_TICKS: Final = 5
N_BINS: Final = 16
BAR: Final = 64
"""Length of the longest bar of `options_svg`."""
OPTION_CHAR: Final = 6.4
"""Width of a character of an option, on average, at most."""


@dataclass(frozen=True, eq=False)
class Line:
    """A curve or value to compare the class with: label, colour, AIF (shape ``(n_time,)``) and core in ml."""

    label: str
    colour: str
    curve: DoubleArray
    core_ml: float | None


@dataclass(frozen=True)
class _Axes:
    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - 8) * (value - self.x0) / (self.x1 - self.x0 or 1)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - self.y0) / (self.y1 - self.y0 or 1)

    def path(self, xs: DoubleArray, ys: DoubleArray) -> str:
        return "M" + "L".join(
            f"{self.x(float(a)):.1f} {self.y(float(b)):.1f}" for a, b in zip(xs, ys, strict=True)
        )


def curves_svg(
    time_s: DoubleArray, curves: Sequence[DoubleArray], start: DoubleArray, lines: Sequence[Line]
) -> str:
    """Return the AIFs of a class with their 10th to 90th percentile and median, the start and the references."""
    low, middle, high = curve_band(curves)
    every = [*curves, start, *(line.curve for line in lines)]
    bottom, top = min(0.0, *(float(c.min()) for c in every)), max(float(c.max()) for c in every)
    axes = _Axes(float(time_s[0]), float(time_s[-1]), bottom, 1.05 * top)
    band = axes.path(np.r_[time_s, time_s[::-1]], np.r_[high, low[::-1]])
    parts = [f'<path class="band" d="{band}Z"/>']
    parts += [f'<path class="one" d="{axes.path(time_s, curve)}"/>' for curve in curves]
    parts += [
        f'<path class="line" style="stroke:{escape(line.colour)}" d="{axes.path(time_s, line.curve)}"/>'
        for line in lines
    ]
    parts.append(f'<path class="line start" d="{axes.path(time_s, start)}"/>')
    parts.append(f'<path class="line median" d="{axes.path(time_s, middle)}"/>')
    return _svg(parts, axes, "Time, s", "AIFs of the class")


def values_svg(values: Sequence[float], title: str, lines: Sequence[Line] = ()) -> str:
    """Return a histogram of one volume over the participants, with the volumes of the references as lines."""
    known = [line for line in lines if line.core_ml is not None]
    every = [*values, *(float(line.core_ml or 0) for line in known)]
    low, high = min(every), max(every)
    margin = 0.05 * (high - low) or 1.0
    low, high = max(low - margin, 0.0) if low >= 0 else low - margin, high + margin
    counts, edges = np.histogram(values, N_BINS, (low, high))
    axes = _Axes(low, high, 0.0, float(counts.max()) * 1.1)
    parts = [
        _bar(axes, float(a), float(b), int(n)) for a, b, n in zip(edges, edges[1:], counts, strict=False) if n
    ]
    parts += [
        f'<path class="line" style="stroke:{escape(line.colour)}" '
        f'd="M{axes.x(float(line.core_ml or 0)):.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
        for line in known
    ]
    return _svg(parts, axes, title, f"Histogram: {title}", whole=True)


def options_svg(
    options: Sequence[str], counts: Sequence[int], right: int | None, before: Sequence[int] | None = None
) -> str:
    """Return bars of how many participants chose each option; the right one is marked.

    ``before``: the counts of the round that this one repeats, as thinner bars above.
    """
    height, most = 20 if before is None else 24, max(1, *counts, *(before or ()))
    parts = []
    for i, (option, n) in enumerate(zip(options, counts, strict=True)):
        mark, check = (" right", "✓ ") if i == right else ("", "")
        top, length = i * height, BAR * n / most
        first = (
            ""
            if before is None
            else f'<rect class="bar" y="{top + 2}" width="{BAR * before[i] / most:.1f}" height="5"/>'
        )
        at = top + (3 if before is None else 8)
        told = str(n) if before is None else f"{before[i]} → {n}"
        parts.append(
            f'{first}<rect class="bar after{mark}" y="{at}" width="{length:.1f}" height="12"/>'
            f'<text x="{BAR + 6}" y="{at + 10}">{told}</text>'
            f'<text class="option{mark}" x="{BAR + 58}" y="{at + 10}">{check}{escape(option)}</text>'
        )
    width = max(WIDTH, BAR + 62 + OPTION_CHAR * (2 + max(map(len, options))))
    size = f"0 0 {width:.0f} {height * len(options) + 2}"
    return f'<svg class="options" viewBox="{size}" role="img" aria-label="Answers">{"".join(parts)}</svg>'


def _bar(axes: _Axes, low: float, high: float, n: int) -> str:
    x, y = axes.x(low), axes.y(n)
    return (
        f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="{max(axes.x(high) - x - 1, 1):.1f}" '
        f'height="{axes.y(0) - y:.1f}"/>'
    )


def _svg(parts: Sequence[str], axes: _Axes, x_title: str, name: str, *, whole: bool = False) -> str:
    """Return a chart with its axes; ``whole``: the vertical axis counts."""
    floor = HEIGHT - BOTTOM
    marks = [f'<path class="axis" d="M{LEFT} {floor}H{WIDTH - 8}"/>']
    marks += [
        f'<text x="{axes.x(v):.1f}" y="{floor + 11}" text-anchor="middle">{_short(v)}</text>'
        for v in _ticks(axes.x0, axes.x1)
    ]
    marks += [
        f'<text x="{LEFT - 5}" y="{axes.y(v) + 3:.1f}" text-anchor="end">{_short(v)}</text>'
        for v in _ticks(axes.y0, axes.y1)
        if not whole or v == int(v)
    ]
    marks.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 3}" text-anchor="middle">{escape(x_title)}</text>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)}">'
        f"{''.join(marks)}{''.join(parts)}</svg>"
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return about `MAX_TICKS` round values between two limits."""
    span = high - low
    if span <= 0:
        return [low]
    rough = span / MAX_TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = int(np.ceil(low / step - 1e-9))
    return [float(i * step) for i in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _short(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
