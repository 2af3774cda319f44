"""PDF report: one page, its text, and nothing outside the page or over other text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from perfcore.pipeline import Analysis
from perfcore.report.content import DISCLAIMER
from perfcore.report.page_layout import MARGIN_MM, PAGE_MM
from perfcore.report.page_pdf import draw_page, make_pdf
from perfcore.report.typography import SMALL_PT
from tests.support.pdf_text import read_pdf
from tests.support.report_case import parts, with_flags, with_slices, without_core

LONG = "Überaus langer Name eines Falles, der in keine Zeile passt und darum gekürzt wird, " * 2
VARIANTS: dict[str, Callable[[Analysis], Analysis]] = {
    "one slice": lambda one: with_slices(one, 1),
    "two slices": lambda one: with_slices(one, 2),
    "three slices": lambda one: one,
    "eight slices": lambda one: with_slices(one, 8),
    "22 slices": lambda one: with_slices(one, 22),
    "no core, no vein": without_core,
    "12 long flags": with_flags,
    "12 long flags, eight slices": lambda one: with_flags(with_slices(one, 8)),
    "40 very long flags": lambda one: with_flags(with_slices(one, 8), 24, 300),
    "a long name": lambda one: replace(one, series=replace(one.series, case=LONG)),
}
MM_PER_INCH = 25.4


def boxes(analysis: Analysis) -> list[tuple[str, Bbox, float]]:
    """Every text of the page with its extent in mm and its size."""
    sheet = draw_page(*parts(analysis))
    with mpl.rc_context({"text.hinting": "none"}):
        canvas = FigureCanvasAgg(sheet.figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        scale = MM_PER_INCH / sheet.figure.dpi
        found = []
        for text in sheet.axes.texts:
            extent = text.get_window_extent(renderer)
            found.append((text.get_text(), Bbox(np.asarray(extent.get_points()) * scale), text.get_fontsize()))
    return found


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_text_stays_on_the_page_and_clear_of_other_text(analysis: Analysis, variant: str) -> None:
    texts = boxes(VARIANTS[variant](analysis))
    width, height = PAGE_MM
    for text, box, size_pt in texts:
        assert size_pt >= SMALL_PT, text
        assert box.x0 >= MARGIN_MM - 0.5 and box.x1 <= width - MARGIN_MM + 0.5, text
        assert box.y0 >= MARGIN_MM - 1.5 and box.y1 <= height - MARGIN_MM + 0.5, text
    for (one, first, _), (other, second, _) in combinations(texts, 2):
        over_x = min(first.x1, second.x1) - max(first.x0, second.x0)
        over_y = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert over_x <= 0.1 or over_y <= 0.9, (one, other)  # extents hold ascenders and descenders


@pytest.mark.parametrize("variant", ["eight slices", "no core, no vein", "12 long flags", "a long name"])
def test_one_page_with_its_text(analysis: Analysis, variant: str) -> None:
    one = VARIANTS[variant](analysis)
    content, pictures, plan = parts(one)
    read = read_pdf(make_pdf(content, pictures, plan))
    assert read.n_pages == 1
    assert read.text.count(DISCLAIMER) == 2
    figures = (*content.volumes, *content.delays, *content.findings, *content.agreement)
    for item in figures:
        assert item.label in read.pieces and item.text in read.pieces, item.id
    for words in (content.made.isoformat(), content.version, content.quality_summary, content.curves[0].peak,
                  *(text for _, text in content.settings)):  # fmt: skip
        assert words in read.text, words
    n_pictures = len(plan.blocks) * len(pictures.slices) + len(pictures.vessels)
    assert read.pieces.count("R") == read.pieces.count("L") == n_pictures
    assert (content.case in read.text) == (variant != "a long name")


def test_flags_that_do_not_fit_are_counted(analysis: Analysis) -> None:
    content, pictures, plan = parts(VARIANTS["40 very long flags"](analysis))
    read = read_pdf(make_pdf(content, pictures, plan))
    assert 0 < plan.quality.shown < len(content.quality)
    assert f"{len(content.quality) - plan.quality.shown} more in summary.json." in read.text
    shown = [flag.sentence.split(":")[0] for flag in content.quality[: plan.quality.shown]]
    assert all(words in read.text for words in shown)


def test_twelve_flags_of_two_lines_all_fit(analysis: Analysis) -> None:
    flagged = with_flags(with_slices(analysis, 8), 12, 20)
    content, pictures, plan = parts(flagged)
    assert plan.quality.n_left_out == 0
    text = read_pdf(make_pdf(content, pictures, plan)).text
    assert all(flag.sentence.split()[-1] in text for flag in content.quality)


def test_mathematics_and_other_scripts_in_a_name_are_plain_text(analysis: Analysis) -> None:
    content, pictures, plan = parts(replace(analysis, series=replace(analysis.series, case="$x^2$ \\alpha 脑 é")))
    assert "$x^2$ \\alpha ? é" in read_pdf(make_pdf(content, pictures, plan)).pieces
