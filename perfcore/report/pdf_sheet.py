"""A page of a PDF with coordinates in millimetres from its top left corner: text, lines, areas and pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from numpy.typing import NDArray

from perfcore.report.page_layout import PAGE_MM
from perfcore.report.typography import BODY_PT, MM_PER_PT, drawable, font, width_mm

INK: Final = "#1b1f24"
MUTED: Final = "#57606a"
RULE: Final = "#c9d0d7"
DASHES: Final = (2.2, 1.4)
"""Dash and gap, as multiples of the line's width."""

Align = Literal["left", "center", "right"]


class Sheet:
    """One page."""

    def __init__(self) -> None:
        width, height = PAGE_MM
        self.figure = Figure(figsize=(width / 25.4, height / 25.4), facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0), autoscale_on=False)
        self.axes.axis("off")

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size_pt: float = BODY_PT,
        *,
        bold: bool = False,
        colour: str = INK,
        align: Align = "left",
    ) -> float:
        """Write a line of text with its baseline at ``y``; return the right edge of text that is aligned left."""
        words = drawable(text)
        self.axes.text(
            x, y, words, fontproperties=font(bold), fontsize=size_pt, color=colour, ha=align, va="baseline",
            parse_math=False,
        )  # fmt: skip
        return x + width_mm(words, size_pt, bold)

    def rule(self, x: float, y: float, width: float, colour: str = RULE) -> None:
        """Draw a thin horizontal line."""
        self.lines([np.array([[x, y], [x + width, y]])], colour, 0.5)

    def lines(self, lines: Sequence[NDArray[Any]], colour: str, width_pt: float, *, dashed: bool = False) -> None:
        """Draw lines, each of shape ``(n, 2)``."""
        style: Any = (0, DASHES) if dashed else "solid"
        self.axes.add_collection(
            LineCollection(list(lines), colors=[colour], linewidths=width_pt, linestyles=[style]), autolim=False
        )

    def area(
        self, x: float, y: float, width: float, height: float, colour: str, *, edge: str | None = None
    ) -> None:
        """Fill a rectangle."""
        self.axes.add_patch(
            Rectangle((x, y), width, height, facecolor=colour, edgecolor=edge or "none", linewidth=0.5)
        )

    def frame(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Draw a rectangle with round corners."""
        self.axes.add_patch(
            FancyBboxPatch(
                (x + 1, y + 1), width - 2, height - 2, boxstyle="round,pad=1,rounding_size=1", facecolor="none",
                edgecolor=colour, linewidth=0.9,
            )
        )  # fmt: skip

    def picture(self, x: float, y: float, width: float, height: float, rgb: NDArray[np.uint8]) -> None:
        """Place a picture; its pixels are embedded as they are."""
        image = AxesImage(self.axes, extent=(x, x + width, y + height, y), interpolation="none", zorder=0.5)
        image.set_data(rgb)
        self.axes.add_image(image)

    def dot(self, x: float, y: float, radius: float, colour: str) -> None:
        """Draw a filled circle."""
        self.axes.add_patch(Circle((x, y), radius, facecolor=colour, edgecolor="none"))

    def pdf(self, title: str, creator: str) -> bytes:
        """Return the page as a PDF file without a time stamp."""
        out = io.BytesIO()
        metadata = {"Title": drawable(title), "Creator": creator, "CreationDate": None}
        self.figure.savefig(out, format="pdf", metadata=metadata)
        return out.getvalue()


def baseline(top: float, height: float, size_pt: float) -> float:
    """Return the baseline of text that stands in the middle of a line."""
    return top + height / 2 + 0.36 * size_pt * MM_PER_PT
