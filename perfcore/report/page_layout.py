"""Geometry of the page: A4 landscape, in millimetres from its top left corner.

The lists of quality and settings take the height they need; the maps get the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PAGE_MM: Final = (297.0, 210.0)
MARGIN_MM: Final = 9.0
WIDTH_MM: Final = PAGE_MM[0] - 2 * MARGIN_MM
HEADER_MM: Final = 15.0
FOOTER_MM: Final = 5.5
GAP_MM: Final = 3.0
ASIDE_MM: Final = 83.0
"""Width of the column with figures and curves."""
GUTTER_MM: Final = 5.0
"""Between that column and the maps."""
KEY_MM: Final = 20.0
"""Width of name, unit and colour bar beside each map."""
CAPTION_MM: Final = 4.0
"""Height of the slices' numbers."""
ROW_GAP_MM: Final = 1.4
CELL_GAP_MM: Final = 0.5
MAX_CELL_GAP_MM: Final = 6.0
"""Between pictures that are lower than their row is wide: they stand apart, so that the page is filled."""
BLOCK_GAP_MM: Final = 4.0
MAX_BLOCK_GAP_MM: Final = 14.0
MIN_BODY_MM: Final = 106.0
"""Height that figures and curves need."""
MIN_CHART_MM: Final = 44.0
"""Width that the chart of the curves keeps beside the pictures of the vessels."""
MAX_VESSEL_MM: Final = 24.0
CHART_GAP_MM: Final = 3.0
MAX_CHART_MM: Final = 52.0
FIGURES_MM: Final = 51.0
"""Height of volumes and findings, and of the heading above the chart."""
AGREEMENT_MM: Final = 13.8
TABLE_HEAD_MM: Final = 3.5
TABLE_ROW_MM: Final = 6.9
"""Of the figures of a curve, and its source below."""
KEY_HEAD_MM: Final = 8.2
"""Height of a map's name and unit, above its colour bar."""
ALWAYS: Final = ("lesions", "rcbf", "cbv", "mtt", "tmax")
"""Maps that are shown; CBF as well where blocks stand side by side, so that the last row is full."""


@dataclass(frozen=True)
class Rectangle:
    """A part of the page, mm."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its bottom edge."""
        return self.y + self.height

    def moved(self, x: float, y: float) -> Rectangle:
        """Return it with its corner moved by a distance."""
        return Rectangle(self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True)
class MapGrid:
    """Arrangement of the maps.

    Attributes
    ----------
    blocks
        Ids of the maps in reading order.
    per_row
        Blocks in a row.
    cell
        Width and height of a picture, mm.
    gap
        Between pictures, mm.
    """

    blocks: tuple[str, ...]
    per_row: int
    cell: tuple[float, float]
    gap: float

    def has_captions(self, row: int) -> bool:
        """Return whether the slices' numbers stand above a row of blocks."""
        return row == 0 or self.per_row > 1


def arrange_maps(
    blocks: tuple[str, ...], n_slices: int, size_mm: tuple[float, float], width: float, height: float
) -> MapGrid:
    """Return the arrangement with the largest pictures.

    Parameters
    ----------
    blocks
        Ids of all maps in reading order.
    n_slices
        Pictures of each.
    size_mm
        Width and height of what a picture shows; only their ratio counts.
    width, height
        Of the area, mm.
    """
    ratio = size_mm[0] / size_mm[1]
    best: MapGrid | None = None
    for per_row in (1, 2, 3):
        shown = blocks if per_row > 1 else tuple(name for name in blocks if name in ALWAYS)
        rows = -(-len(shown) // per_row)
        captions = CAPTION_MM * (rows if per_row > 1 else 1)
        free_width = (width - (per_row - 1) * BLOCK_GAP_MM) / per_row - KEY_MM - (n_slices - 1) * CELL_GAP_MM
        free_height = (height - captions - (rows - 1) * ROW_GAP_MM) / rows
        cell_width = min(free_width / n_slices, free_height * ratio)
        if best is None or cell_width > best.cell[0]:
            spare = (free_width - n_slices * cell_width) / max(n_slices - 1, 1)
            gap = min(CELL_GAP_MM + spare, MAX_CELL_GAP_MM) if per_row == 1 else CELL_GAP_MM
            best = MapGrid(shown, per_row, (cell_width, cell_width / ratio), gap)
    assert best is not None
    return best


@dataclass(frozen=True)
class PageLayout:
    """Parts of the page."""

    header: Rectangle
    maps: Rectangle
    aside: Rectangle
    quality: Rectangle
    settings: Rectangle
    footer: Rectangle


def max_quality_mm(settings_mm: float) -> float:
    """Return the greatest height of the list of quality flags."""
    inner = PAGE_MM[1] - 2 * MARGIN_MM
    return inner - HEADER_MM - FOOTER_MM - settings_mm - MIN_BODY_MM - 3 * GAP_MM


def lay_out(quality_mm: float, settings_mm: float) -> PageLayout:
    """Return the parts of the page for the heights of the two lists."""
    left, top = MARGIN_MM, MARGIN_MM
    footer = Rectangle(left, PAGE_MM[1] - MARGIN_MM - FOOTER_MM, WIDTH_MM, FOOTER_MM)
    settings = Rectangle(left, footer.y - settings_mm, WIDTH_MM, settings_mm)
    quality = Rectangle(left, settings.y - GAP_MM - quality_mm, WIDTH_MM, quality_mm)
    body_y = top + HEADER_MM + GAP_MM
    height = quality.y - GAP_MM - body_y
    maps = Rectangle(left, body_y, WIDTH_MM - ASIDE_MM - GUTTER_MM, height)
    return PageLayout(
        header=Rectangle(left, top, WIDTH_MM, HEADER_MM),
        maps=maps,
        aside=Rectangle(maps.right + GUTTER_MM, body_y, ASIDE_MM, height),
        quality=quality,
        settings=settings,
        footer=footer,
    )


@dataclass(frozen=True)
class BlockPlace:
    """Where a map stands: its name with the colour bar, its pictures, and whether slices are numbered above."""

    id: str
    key: Rectangle
    cells: tuple[Rectangle, ...]
    has_captions: bool


def place_blocks(grid: MapGrid, n_slices: int, area: Rectangle) -> list[BlockPlace]:
    """Return where each map stands."""
    cell_width, cell_height = grid.cell
    block_width = KEY_MM + n_slices * cell_width + (n_slices - 1) * grid.gap
    free = area.width - grid.per_row * block_width
    block_gap = max(min(free / max(grid.per_row - 1, 1), MAX_BLOCK_GAP_MM), 0.0)
    places = []
    y = area.y
    for start in range(0, len(grid.blocks), grid.per_row):
        captions = grid.has_captions(start // grid.per_row)
        y += CAPTION_MM if captions else 0.0
        for column, name in enumerate(grid.blocks[start : start + grid.per_row]):
            x = area.x + column * (block_width + block_gap)
            cells = tuple(
                Rectangle(x + KEY_MM + k * (cell_width + grid.gap), y, cell_width, cell_height)
                for k in range(n_slices)
            )
            places.append(BlockPlace(name, Rectangle(x, y, KEY_MM, cell_height), cells, captions))
        y += cell_height + ROW_GAP_MM
    return places


def place_vessels(n: int, ratio: float, area: Rectangle) -> list[Rectangle]:
    """Return where the pictures of AIF and VOF stand, at the right of an area: one below or beside the other.

    Parameters
    ----------
    n
        Number of pictures, at most two.
    ratio
        Width over height of a picture.
    area
        Of chart and pictures.
    """
    if not n:
        return []
    gap = CELL_GAP_MM + CAPTION_MM
    height = area.height - CAPTION_MM
    limit = area.width - MIN_CHART_MM
    stacked = min((height - (n - 1) * gap) / n * ratio, limit)
    beside = min(height * ratio, (limit - (n - 1) * CELL_GAP_MM) / n)
    width = min(max(stacked, beside), MAX_VESSEL_MM)
    tall = width / ratio
    if stacked >= beside:
        return [
            Rectangle(area.right - width, area.y + CAPTION_MM + k * (tall + gap), width, tall) for k in range(n)
        ]
    left = area.right - n * width - (n - 1) * CELL_GAP_MM
    return [Rectangle(left + k * (width + CELL_GAP_MM), area.y + CAPTION_MM, width, tall) for k in range(n)]


def chart_height(aside_mm: float, n_curves: int, *, has_agreement: bool) -> float:
    """Return the height that is left for the chart in the column of figures."""
    table = TABLE_HEAD_MM + n_curves * TABLE_ROW_MM
    agreement = AGREEMENT_MM if has_agreement else 0.0
    return min(aside_mm - FIGURES_MM - agreement - table - 1.0, MAX_CHART_MM)


def bar_height(key: Rectangle) -> float:
    """Return the height of a colour bar."""
    return key.height - KEY_HEAD_MM - 0.4
