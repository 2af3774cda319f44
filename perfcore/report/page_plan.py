"""Plan of the page: what stands where, and which of the text fits; the same for PDF and printed HTML."""

from __future__ import annotations

from dataclasses import dataclass

from perfcore.report.content import Content
from perfcore.report.page_layout import (
    CHART_GAP_MM,
    BlockPlace,
    MapGrid,
    PageLayout,
    Rectangle,
    arrange_maps,
    chart_height,
    lay_out,
    place_blocks,
    place_vessels,
)
from perfcore.report.pictures import Pictures
from perfcore.report.text_flow import Pair, QualityColumns, quality_columns, setting_lines, settings_height


@dataclass(frozen=True, eq=False)
class PagePlan:
    """What stands where.

    Attributes
    ----------
    layout, grid, blocks
        Parts of the page, arrangement of the maps, and where each stands.
    chart, vessels
        The chart of the curves and the pictures beside it; lengths count from the corner of the area of both.
    quality, settings
        Lines of text.
    """

    layout: PageLayout
    grid: MapGrid
    blocks: tuple[BlockPlace, ...]
    chart: Rectangle
    vessels: tuple[Rectangle, ...]
    quality: QualityColumns
    settings: tuple[tuple[Pair, ...], ...]


def plan_page(content: Content, pictures: Pictures) -> PagePlan:
    """Plan the page of a report."""
    settings = setting_lines(content.settings)
    settings_mm = settings_height(len(settings))
    quality = quality_columns(content.quality, settings_mm)
    layout = lay_out(quality.height, settings_mm)
    n, (width, height) = len(pictures.slices), pictures.size_mm
    names = tuple(block.id for block in pictures.blocks)
    grid = arrange_maps(names, n, pictures.size_mm, layout.maps.width, layout.maps.height)
    high = chart_height(layout.aside.height, len(content.curves), has_agreement=bool(content.agreement))
    area = Rectangle(0.0, 0.0, layout.aside.width, high)
    vessels = place_vessels(len(pictures.vessels), width / height, area)
    right = min((place.x - CHART_GAP_MM for place in vessels), default=area.right)
    return PagePlan(
        layout=layout,
        grid=grid,
        blocks=tuple(place_blocks(grid, n, layout.maps)),
        chart=Rectangle(0.0, 0.0, right, high),
        vessels=tuple(vessels),
        quality=quality,
        settings=settings,
    )
