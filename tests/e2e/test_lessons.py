"""Lessons in a real browser: the presentation mode."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def open_lessons(page: Page, address: str) -> None:
    page.goto(f"{address}/lessons")
    page.locator(".st-key-open_amplitude button").wait_for(timeout=60_000)


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_presentation_mode_enlarges_the_text_and_hides_the_sidebar(
    page: Page, address: str, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_lessons(page, address)
    page.locator(".st-key-open_amplitude button").click()
    question = page.get_by_text("The artery fills half of its voxels", exact=False)
    question.wait_for()
    font = "(node) => parseFloat(getComputedStyle(node).fontSize)"
    small = question.evaluate(font)
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    page.locator(".st-key-presenting label").click()
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    assert question.evaluate(font) > 1.15 * small
    record = page.locator(".st-key-record button").bounding_box()
    assert record is not None
    assert record["y"] + record["height"] < size[1]  # the question fits the screen without scrolling
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".st-key-presenting label").click()
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
