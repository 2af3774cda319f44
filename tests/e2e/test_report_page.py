"""The HTML report in Chromium: nothing beyond the window, one printed page, light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from perfcore.pipeline import Analysis
from perfcore.report.page_html import make_html
from tests.support.report_case import parts, stroke, with_flags, with_slices, without_core

LONG = "Überaus langer Name eines Falles, der in keine Zeile passt und darum gekürzt wird, " * 2
VARIANTS: dict[str, Callable[[Analysis], Analysis]] = {
    "two slices": lambda one: with_slices(one, 2),
    "no core, no vein": without_core,
    "12 long flags": lambda one: with_flags(with_slices(one, 8)),
    "40 very long flags": lambda one: with_flags(with_slices(one, 8), 24, 300),
    "a long name": lambda one: replace(one, series=replace(one.series, case=LONG)),
}
OVERFLOW = """() => [...document.querySelectorAll('.report *')].filter((node) => {
  if (!node.children.length && node.textContent.trim() && node.offsetParent) {
    const box = node.getBoundingClientRect();
    return box.right > innerWidth + 1 || box.left < -1;
  }
}).map((node) => node.textContent)"""


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return stroke()


@pytest.mark.browser
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_report_fits_screen_and_paper(chromium: Browser, analysis: Analysis, variant: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(make_html(*parts(VARIANTS[variant](analysis))), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    try:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(OVERFLOW) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
        assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
        printed = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 1055, "height": 726})  # A4 landscape without its margins, in CSS pixels
        assert page.locator(".report").evaluate("one => one.scrollHeight <= one.clientHeight + 1"), (
            "nothing is cut"
        )
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    finally:
        page.close()


@pytest.mark.browser
def test_report_follows_the_dark_scheme_on_a_screen_alone(
    chromium: Browser, analysis: Analysis, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(make_html(*parts(analysis)), encoding="utf-8")
    page = chromium.new_page(color_scheme="dark")
    try:
        page.goto(path.as_uri())
        colours = []
        for media in ("screen", "print"):
            page.emulate_media(media=media, color_scheme="dark")  # type: ignore[arg-type]
            colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert colours == ["rgb(13, 17, 23)", "rgb(255, 255, 255)"]
    finally:
        page.close()
