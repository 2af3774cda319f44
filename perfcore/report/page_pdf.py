"""The report as one page of PDF: text and curves as vectors, maps as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from perfcore.display.colours import OUTLINES
from perfcore.report.content import DISCLAIMER, Content, Item
from perfcore.report.curve_chart import TICK_GAP_MM, curve_chart
from perfcore.report.page_layout import (
    ASIDE_MM,
    KEY_HEAD_MM,
    TABLE_HEAD_MM,
    TABLE_ROW_MM,
    BlockPlace,
    Rectangle,
    bar_height,
)
from perfcore.report.page_plan import PagePlan
from perfcore.report.page_text import (
    SIGNS,
    SWATCHES,
    left_out_note,
    orientation_note,
    rank,
    scale_ticks,
    slices_note,
)
from perfcore.report.pdf_sheet import INK, MUTED, Sheet, baseline
from perfcore.report.pictures import Block, Pictures
from perfcore.report.text_flow import BULLET_MM, COLUMN_GAP_MM, COLUMN_MM, HEADING_MM
from perfcore.report.typography import BODY_PT, LINE_MM, SMALL_PT, drawable, shorten, width_mm, wrap

ALARM: Final = "#a40e26"
SIGN_COLOURS: Final = {"note": MUTED, "warning": "#b35900", "grave": ALARM}
HEADING_PT: Final = 8.5
COLUMNS_MM: Final = (0.0, 20.5, 45.0, 65.0)
"""Left edges of the columns of figures."""
GRID: Final = "#e1e5e9"
AXIS: Final = "#8a939c"
MARK: Final = "#d8dde3"
MARK_MM: Final = 0.9
VESSEL_MM: Final = 3.1
"""Width of the colour of AIF or VOF above a picture, with the gaps beside it."""


def make_pdf(content: Content, pictures: Pictures, plan: PagePlan) -> bytes:
    """Return the report as a PDF file of one page; the same report has the same bytes."""
    return draw_page(content, pictures, plan).pdf(f"{content.title}: {content.case}", content.version)


def draw_page(content: Content, pictures: Pictures, plan: PagePlan) -> Sheet:
    """Draw the report on a page."""
    sheet, layout = Sheet(), plan.layout
    _draw_header(sheet, content, layout.header)
    _draw_maps(sheet, content, pictures, plan)
    _draw_figures(sheet, content, pictures, plan)
    _draw_quality(sheet, content, plan)
    _draw_settings(sheet, plan)
    _draw_footer(sheet, pictures, layout.footer)
    return sheet


def _draw_header(sheet: Sheet, content: Content, box: Rectangle) -> None:
    badge_pt = 10.0
    badge = width_mm(DISCLAIMER, badge_pt, bold=True) + 6
    sheet.text(box.x, box.y + 3.0, content.title, 8.0, colour=MUTED)
    case = shorten(drawable(content.case), box.width - badge - 12, 16, bold=True)
    sheet.text(box.x, box.y + 10.2, case, 16, bold=True)
    sheet.frame(box.right - badge, box.y, badge, 6.6, ALARM)
    sheet.text(
        box.right - badge / 2, baseline(box.y, 6.6, badge_pt), DISCLAIMER, badge_pt, bold=True, colour=ALARM,
        align="center",
    )  # fmt: skip
    about = f"Computed {content.made.isoformat()}   ·   {content.version}"
    sheet.text(box.right, box.y + 11.0, about, colour=MUTED, align="right")
    sheet.rule(box.x, box.bottom - 1.2, box.width)


def _draw_footer(sheet: Sheet, pictures: Pictures, box: Rectangle) -> None:
    y = box.bottom
    sheet.rule(box.x, box.y + 1.4, box.width)
    sheet.text(box.x, y, orientation_note(pictures), SMALL_PT, colour=MUTED)
    sheet.text(box.x + box.width / 2, y, DISCLAIMER, 7.5, bold=True, colour=ALARM, align="center")
    sheet.text(box.right, y, slices_note(pictures), SMALL_PT, colour=MUTED, align="right")


def _draw_maps(sheet: Sheet, content: Content, pictures: Pictures, plan: PagePlan) -> None:
    blocks = {block.id: block for block in pictures.blocks}
    for place in plan.blocks:
        block = blocks[place.id]
        for k, (cell, picture) in enumerate(zip(place.cells, block.pictures, strict=True)):
            sheet.picture(cell.x, cell.y, cell.width, cell.height, picture.rgb)
            if block.outlines:
                scale, corner = cell.width / pictures.size_mm[0], (cell.x, cell.y)
                lines = [line * scale + corner for line in block.outlines[k]]
                sheet.lines(lines, OUTLINES["truth"], 0.6, dashed=True)
            _draw_sides(sheet, cell, pictures.sides)
            if place.has_captions:
                _draw_caption(sheet, cell, pictures.slices[k], pictures.vessel_slices)
        if place.has_captions:
            sheet.text(place.cells[0].x - 1.5, place.key.y - 1.2, "Slice", SMALL_PT, colour=MUTED, align="right")
        _draw_key(sheet, content, block, place)


def _draw_sides(sheet: Sheet, cell: Rectangle, sides: tuple[str, str]) -> None:
    y = cell.y + 3.1
    sheet.text(cell.x + MARK_MM, y, sides[0], SMALL_PT, colour=MARK)
    sheet.text(cell.right - MARK_MM, y, sides[1], SMALL_PT, colour=MARK, align="right")


def _draw_caption(sheet: Sheet, cell: Rectangle, z: int, vessels: dict[str, frozenset[int]]) -> None:
    """Write the number of a slice and what it holds voxels of: AIF, VOF; by colour alone above a small picture."""
    y, number = cell.y - 1.2, str(z + 1)
    here = [name for name, slices in vessels.items() if z in slices]
    x = cell.x + 0.4 + width_mm(number, SMALL_PT) + 1.2
    named = x + sum(VESSEL_MM + width_mm(name.upper(), SMALL_PT) for name in here) <= cell.right + 1.0
    sheet.text(cell.x + 0.4, y, number, SMALL_PT)
    for name in here:
        sheet.area(x, y - 1.7, 1.3, 1.3, OUTLINES[name])
        if named:
            x = sheet.text(x + 1.9, y, name.upper(), SMALL_PT, colour=MUTED) - 1.9
        x += VESSEL_MM


def _draw_key(sheet: Sheet, content: Content, block: Block, place: BlockPlace) -> None:
    """Write a map's name and unit, and draw its colour bar or the lesions' colours."""
    box = place.key
    sheet.text(box.x, box.y + 2.8, block.name, 9.0, bold=True)
    sheet.text(box.x, box.y + 6.2, block.unit, SMALL_PT, colour=MUTED)
    top, height = box.y + KEY_HEAD_MM, bar_height(box)
    if block.scale is None:
        rules = {item.id: item.note for item in content.volumes}
        for k, (figure, name) in enumerate(SWATCHES.items()):
            y = top + 0.4 + k * LINE_MM
            sheet.area(box.x, y, 2.0, 2.0, OUTLINES[name])
            sheet.text(box.x + 2.9, y + 1.9, rules[figure], SMALL_PT)
        if block.outlines:
            y = top + 0.4 + 2 * LINE_MM
            sheet.area(box.x, y, 2.0, 2.0, "#57606a")
            sheet.lines([np.array([[box.x, y + 1], [box.x + 2.0, y + 1]])], OUTLINES["truth"], 0.9, dashed=True)
            sheet.text(box.x + 2.9, y + 1.9, "known core", SMALL_PT)
        return
    bar = block.scale.palette[::-1, None].repeat(2, 1)
    sheet.picture(box.x, top, 2.6, height, bar)
    for at, label in scale_ticks(block.scale, height).values():
        y = top + height * (1 - at)
        sheet.rule(box.x + 2.6, y, 0.8, INK)
        sheet.text(box.x + 4.0, min(max(y, top + 0.9), top + height - 0.9) + 0.9, label, SMALL_PT)


def _draw_heading(sheet: Sheet, x: float, y: float, text: str) -> float:
    """Write a heading; return the right edge."""
    return sheet.text(x, y + 3.0, text, HEADING_PT, bold=True)


def _draw_figures(sheet: Sheet, content: Content, pictures: Pictures, plan: PagePlan) -> None:
    box = plan.layout.aside
    y = box.y
    _draw_heading(sheet, box.x, y, "Volumes")
    y = _draw_row(sheet, content.volumes, box.x, y + HEADING_MM, large=True) + 1.0
    y = _draw_row(sheet, content.delays, box.x, y) + 1.0
    y = _draw_row(sheet, content.findings, box.x, y) + 0.6
    for line in wrap(content.definitions, box.width, SMALL_PT):
        sheet.text(box.x, y + 2.4, line, SMALL_PT, colour=MUTED)
        y += LINE_MM
    if content.agreement:
        _draw_heading(sheet, box.x, y + 1.6, "Agreement with the known core")
        y = _draw_row(sheet, content.agreement, box.x, y + 1.6 + HEADING_MM)
    y += 2.2
    _draw_heading(sheet, box.x, y, "Input function")
    y += HEADING_MM
    _draw_curves(sheet, content, pictures, plan, (box.x, y))
    _draw_curve_table(sheet, content, box.x, y + plan.chart.height + 1.0)


def _draw_row(sheet: Sheet, items: Sequence[Item], x: float, y: float, *, large: bool = False) -> float:
    """Write figures side by side in four columns, each below its label; return the lower edge."""
    size_pt, base = (13.0, y + 7.6) if large else (8.5, y + 6.2)
    for left, item in zip(COLUMNS_MM, items, strict=False):
        at = x + left
        start = at
        if item.id in SWATCHES:
            sheet.area(at, y + 0.5, 1.9, 1.9, OUTLINES[SWATCHES[item.id]])
            start += 2.5
        sheet.text(start, y + 2.4, item.label, SMALL_PT, colour=MUTED)
        end = sheet.text(at, base, item.text, size_pt, bold=True)
        if item.unit:
            sheet.text(end + 0.7, base, item.unit, SMALL_PT)
        if large and item.note:
            sheet.text(at, base + 3.4, item.note, SMALL_PT, colour=MUTED)
    return base + (4.4 if large else 1.2)


def _draw_curves(
    sheet: Sheet, content: Content, pictures: Pictures, plan: PagePlan, corner: tuple[float, float]
) -> None:
    area = plan.chart.moved(*corner)
    chart = curve_chart(content, area)
    plot = chart.plot
    sheet.text(area.x, area.y + 2.4, chart.y_title, SMALL_PT, colour=MUTED)
    for y, label in chart.y_ticks:
        sheet.rule(plot.x, y, plot.width, GRID)
        sheet.text(plot.x - TICK_GAP_MM, y + 0.9, label, SMALL_PT, align="right")
    sheet.rule(plot.x, chart.zero, plot.width, AXIS)
    for x, label in chart.x_ticks:
        sheet.lines([np.array([[x, plot.bottom], [x, plot.bottom + 0.8]])], AXIS, 0.5)
        sheet.text(x, plot.bottom + 3.4, label, SMALL_PT, align="center")
    sheet.text(plot.x + plot.width / 2, plot.bottom + 6.6, chart.x_title, SMALL_PT, colour=MUTED, align="center")
    for line in chart.lines:
        sheet.lines([line.points], line.colour, 1.2)
        sheet.dot(*line.top, 0.6, line.colour)
    for relative, vessel in zip(plan.vessels, pictures.vessels, strict=True):
        place = relative.moved(*corner)
        sheet.picture(place.x, place.y, place.width, place.height, vessel.picture.rgb)
        scale = place.width / pictures.size_mm[0]
        for name, lines in vessel.outlines.items():
            sheet.lines([line * scale + (place.x, place.y) for line in lines], OUTLINES[name], 0.8)
        _draw_sides(sheet, place, pictures.sides)
        shown = {name: frozenset({vessel.z}) for name, lines in vessel.outlines.items() if lines}
        _draw_caption(sheet, place, vessel.z, shown)


def _draw_curve_table(sheet: Sheet, content: Content, x: float, y: float) -> None:
    edges = (x + 33, x + 55, x + ASIDE_MM)
    headings = (f"Peak, {content.unit}", "Time to peak, s", "Width at half peak, s")
    for edge, heading in zip(edges, headings, strict=True):
        sheet.text(edge, y + 2.4, heading, SMALL_PT, colour=MUTED, align="right")
    y += TABLE_HEAD_MM
    for curve in content.curves:
        sheet.area(x, y + 0.6, 2.4, 1.6, curve.colour)
        sheet.text(x + 3.4, y + 2.5, curve.name, bold=True)
        for edge, text in zip(edges, (curve.peak, curve.time_to_peak, curve.width), strict=True):
            sheet.text(edge, y + 2.5, text, bold=True, align="right")
        source = shorten(drawable(curve.source), ASIDE_MM - 3.4, SMALL_PT)
        sheet.text(x + 3.4, y + 5.7, source, SMALL_PT, colour=MUTED)
        y += TABLE_ROW_MM


def _draw_quality(sheet: Sheet, content: Content, plan: PagePlan) -> None:
    quality, box = plan.quality, plan.layout.quality
    x = _draw_heading(sheet, box.x, box.y, "Quality")
    sheet.text(x + 2.5, box.y + 3.0, content.quality_summary, colour=MUTED)
    bottom = box.y + HEADING_MM
    for k, column in enumerate(quality.columns):
        left, y = box.x + k * (COLUMN_MM + COLUMN_GAP_MM), box.y + HEADING_MM
        for entry in column:
            severity = rank(entry.flag)
            sheet.text(left, y + 2.4, SIGNS[severity], SMALL_PT, colour=SIGN_COLOURS[severity])
            for line in entry.lines:
                sheet.text(left + BULLET_MM, y + 2.4, line)
                y += LINE_MM
        bottom = max(bottom, y)
    if quality.n_left_out:
        sheet.text(box.x + BULLET_MM, bottom + 2.4, left_out_note(quality.n_left_out), bold=True)


def _draw_settings(sheet: Sheet, plan: PagePlan) -> None:
    box = plan.layout.settings
    _draw_heading(sheet, box.x, box.y, "Settings")
    y = box.y + HEADING_MM
    for line in plan.settings:
        for pair in line:
            sheet.text(box.x + pair.x, y + 2.4, pair.label, BODY_PT, colour=MUTED)
            sheet.text(box.x + pair.text_x, y + 2.4, pair.text, BODY_PT)
        y += LINE_MM
