"""Chart of AIF and VOF as lines and labels in millimetres, drawn alike in HTML and PDF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.ticker import MaxNLocator

from perfcore.report.content import Content
from perfcore.report.page_layout import Rectangle
from perfcore.report.typography import SMALL_PT, width_mm
from perfcore.types import DoubleArray

TITLE_MM: Final = 4.0
"""Height of the vertical axis' title, above the chart."""
BELOW_MM: Final = 7.0
"""Height of the numbers and the title of the time axis."""
TICK_GAP_MM: Final = 1.2
HEADROOM: Final = 0.06
_LOCATOR: Final = MaxNLocator(5, steps=[1, 2, 5, 10])


@dataclass(frozen=True, eq=False)
class ChartLine:
    """A curve: its name and colour, its points, shape ``(n, 2)``, and its highest point."""

    name: str
    colour: str
    points: DoubleArray
    top: tuple[float, float]


@dataclass(frozen=True, eq=False)
class CurveChart:
    """Lines and labels, mm from the same corner as the area that was given.

    Attributes
    ----------
    plot
        Rectangle of the data.
    lines
        The curves.
    x_ticks, y_ticks
        Positions and labels.
    zero
        Height of enhancement 0.
    x_title, y_title
        Titles of the axes.
    """

    plot: Rectangle
    lines: tuple[ChartLine, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    zero: float
    x_title: str
    y_title: str


def curve_chart(content: Content, area: Rectangle) -> CurveChart:
    """Lay out the chart of the curves of a report in an area."""
    end_s = max(float(curve.time_s[-1]) for curve in content.curves)
    values = np.concatenate([curve.value for curve in content.curves])
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    room = HEADROOM * ((high - low) or 1.0)
    low, high = low - room, high + room
    y_at = [value for value in _LOCATOR.tick_values(low, high) if low <= value <= high]
    x_at = [value for value in _LOCATOR.tick_values(0.0, end_s) if 0 <= value <= end_s]
    y_labels = [_label(value) for value in y_at]
    left = max(width_mm(label, SMALL_PT) for label in y_labels) + TICK_GAP_MM
    plot = Rectangle(area.x + left, area.y + TITLE_MM, area.width - left - 0.5, area.height - TITLE_MM - BELOW_MM)

    def x(time_s: float | DoubleArray) -> float | DoubleArray:
        return plot.x + plot.width * time_s / end_s

    def y(value: float | DoubleArray) -> float | DoubleArray:
        return plot.bottom - plot.height * (value - low) / (high - low)

    lines = []
    for curve in content.curves:
        points = np.stack([np.asarray(x(curve.time_s)), np.asarray(y(curve.value))], 1)
        top = points[int(curve.value.argmax())]
        lines.append(ChartLine(curve.name, curve.colour, points, (float(top[0]), float(top[1]))))
    return CurveChart(
        plot=plot,
        lines=tuple(lines),
        x_ticks=tuple((float(x(value)), _label(value)) for value in x_at),
        y_ticks=tuple((float(y(value)), label) for value, label in zip(y_at, y_labels, strict=True)),
        zero=float(y(0.0)),
        x_title="Time, s",
        y_title=f"Enhancement, {content.unit}",
    )


def _label(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
