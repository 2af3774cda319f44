"""The help on keys: `?` and its button on every page, one dialog at a time."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.app_server import open_lab
from tests.support.page_scenes import at_rest, cases, start_lecture

pytestmark = pytest.mark.browser


def keys(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Keys")


@pytest.mark.parametrize("path", ["compare", "model", "lessons", "class", "howitworks"])
def test_a_question_mark_lists_the_keys_of_the_bar(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}/{path}")
    page.get_by_test_id("app-bar").locator("[data-act=help]").wait_for()
    at_rest(page)
    page.keyboard.press("?")
    expect(keys(page)).to_be_visible()
    expect(keys(page).locator("dt")).to_have_text(["F", "Page ↑ ↓", "Esc", "?"])
    page.keyboard.press("f")  # goes to the dialog
    page.keyboard.press("Escape")
    expect(keys(page)).to_be_hidden()
    expect(page.get_by_test_id("app-bar")).to_have_attribute("data-lecture", "false")


def test_cases_list_the_keys_of_the_series_too(page: Page, address: str) -> None:
    cases(page, address)
    page.get_by_test_id("app-bar").get_by_role("button", name="Keys").click()
    expect(keys(page)).to_contain_text("temporal maximum")
    expect(keys(page)).to_contain_text("lecture mode")
    keys(page).get_by_role("button", name="Close").click()
    expect(keys(page)).to_be_hidden()
    start_lecture(page)
    page.keyboard.press("?")
    expect(keys(page)).to_be_visible()
    page.keyboard.press("Escape")  # closes the dialog alone
    expect(keys(page)).to_be_hidden()
    expect(page.get_by_test_id("app-bar")).to_have_attribute("data-lecture", "true")


def test_a_question_mark_in_a_text_field_is_text(page: Page, address: str) -> None:
    cases(page, address)
    field = page.get_by_test_id("series-player").locator('[data-control="centre"]')
    field.press("?")
    expect(keys(page)).to_have_count(0)


def test_the_lab_has_its_own_help_alone(page: Page, address: str) -> None:
    open_lab(page, address)
    own = page.get_by_role("dialog", name="Help")
    page.keyboard.press("?")
    expect(own).to_contain_text("Every page")
    own.get_by_role("button", name="Close").click()
    expect(own).to_be_hidden()
    page.get_by_test_id("app-bar").get_by_role("button", name="Keys").click()
    expect(own).to_be_visible()
    expect(keys(page)).to_have_count(0)
