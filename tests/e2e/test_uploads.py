"""Uploads in a real browser: waiting for the file, progress, files dropped anywhere, and a reload."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.test_cases import open_cases, player_data, ready
from tests.pages.library.test_cases_page import GOOD, HEAD, nifti
from tests.support.app_server import (
    choose_series,
    drag,
    eventually,
    isolated_page,
    lab_data,
    settled,
    wait_first_maps,
)
from tests.support.lab_page import committed_curve

pytestmark = pytest.mark.browser
OTHER = nifti(np.rint(HEAD.series.data).astype(np.int16) + 1)
"""Another series of the same size."""
PUT = "**/_stcore/upload_file/**"
DROP = """([name, packed, type, selector]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(packed), (c) => c.charCodeAt(0))], name));
  const target = document.querySelector(selector);
  target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def let_go(page: Page, held: list[Route]) -> None:
    """Let an upload go on that a route holds, once the browser has begun it."""

    def check() -> None:
        page.evaluate("0")  # Playwright calls the route while it waits for an answer
        assert held, "no upload has begun"

    eventually(check)
    held.pop().continue_()


def drag_over(page: Page, dropped: list[str]) -> None:
    """Drag a file over the page; before the page listens, nothing comes of it."""
    page.evaluate(DROP, [*dropped, "dragover", "[data-testid=stDataFrame]"])
    expect(page.get_by_text("Drop a perfusion series")).to_be_visible(timeout=1_000)


def open_button(page: Page):
    return page.locator(".st-key-open_upload button")


def test_open_waits_for_the_file_and_says_so(chromium: Browser, address: str) -> None:
    with isolated_page(chromium) as page:
        open_cases(page, address)
        expect(open_button(page)).to_be_disabled()
        held: list[Route] = []
        page.route(PUT, lambda route: held.append(route) if route.request.method == "PUT" else route.continue_())
        chooser = page.get_by_test_id("stFileUploader").filter(has_text="Series:")
        file = {"name": "a.nii", "mimeType": "application/octet-stream", "buffer": GOOD}
        chooser.locator('input[type="file"]').set_input_files([file])
        progress = page.get_by_test_id("upload-progress")
        expect(progress).to_contain_text("Uploading")
        expect(progress).to_contain_text("MB; ")
        expect(open_button(page)).to_be_disabled()
        let_go(page, held)
        expect(progress).to_be_hidden()
        expect(open_button(page)).to_be_enabled()
        # One file has arrived, a second is under way: pressing now must not open the first and lose the second.
        chooser.locator('input[type="file"]').set_input_files([{**file, "name": "b.nii"}])
        expect(progress).to_be_visible()
        expect(page.locator(".st-key-open_upload")).to_have_js_property("inert", True)
        let_go(page, held)
        page.get_by_role("button", name="Open these 2 cases").click()
        ready(page, "upload-1")
        expect(page.get_by_label("Name of this upload")).to_have_value("Upload 1")


def test_a_file_dropped_anywhere_is_taken(page: Page, address: str) -> None:
    open_cases(page, address)
    dropped = ["case.nii", base64.b64encode(GOOD).decode()]
    overlay = page.get_by_text("Drop a perfusion series")
    eventually(lambda: drag_over(page, dropped))
    page.evaluate(DROP, [*dropped, "drop", "[data-testid=stDataFrame]"])
    expect(overlay).to_be_hidden()
    open_button(page).click()
    ready(page, "upload-1")


def test_a_reload_asks_for_the_upload_and_keeps_its_curve(page: Page, address: str) -> None:
    open_cases(page, address)
    choose_series(page, ("Mustermann.nii", GOOD))
    open_button(page).click()
    ready(page, "upload-1")
    page.get_by_role("button", name="Open in the Lab").click()
    wait_first_maps(page)
    drag(page, 12, -40)
    settled(page)
    curve, core = committed_curve(page), lab_data(page, "core-ml")
    page.wait_for_url("**?*upload=1.*")  # the address is written after the page is drawn
    assert "case=" not in page.url
    page.reload()
    page.get_by_text("Upload 1 is no longer on the server").wait_for()
    assert page.locator('[data-testid="lab"]').count() == 0, "no other patient is shown"
    page.get_by_role("link", name="Cases").click()
    page.wait_for_url("**/cases*")  # the text is on the page that is left, too
    page.get_by_text("Upload 1 is no longer on the server").wait_for()
    page.wait_for_url("**/cases?*upload=*")  # the address is written after the page is drawn
    page.reload()
    page.get_by_text("Upload 1 is no longer on the server").wait_for()
    choose_series(page, ("Mustermann.nii", GOOD))
    open_button(page).click()
    ready(page, "upload-1")
    page.get_by_role("button", name="Open in the Lab").click()
    wait_first_maps(page)
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), curve)
    assert lab_data(page, "core-ml") == core


def test_another_series_than_the_lost_one_gets_no_curve_of_it(page: Page, address: str) -> None:
    open_cases(page, address)
    choose_series(page, ("a.nii", GOOD))
    open_button(page).click()
    ready(page, "upload-1")
    page.wait_for_url("**?*upload=1.*")
    page.reload()
    page.get_by_text("Upload 1 is no longer on the server").wait_for()
    choose_series(page, ("b.nii", OTHER))
    open_button(page).click()
    ready(page, "upload-2")
    page.wait_for_url("**?*upload=2.*")
    page.reload()
    page.get_by_role("button", name="Open the demonstration").click()
    ready(page, "demo-m1-occlusion")
    expect(page).not_to_have_url(re.compile("upload="))
    assert player_data(page, "case") == "demo-m1-occlusion"
