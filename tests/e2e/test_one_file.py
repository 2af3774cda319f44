"""The Lab as one file, opened from a disk without a network: edits, numbers, k(t), snapshots, undo."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from pages.library.catalog import demonstrations, open_case
from pages.one_file.about import Words
from pages.one_file.page import make_page
from perfcore.settings import Settings
from tests.support import other_browsers
from tests.support.app_server import drag, isolated_page, lab_data, new_maps, settled, wait_first_maps, wait_lab
from tests.support.lab_page import canvas, editor_values, library_result, shown_number, start_curve
from tests.support.other_browsers import OTHER_BROWSERS, OtherPage

pytestmark = pytest.mark.browser
POINT = 14
TEXT = "First <b>paragraph</b>.\n\nSecond paragraph."
CORE_ML, LATE_ML = 0.25, 0.5
"""Largest differences of volumes from perfcore's: the temporal basis and 16 bits move voxels at the thresholds."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    case = open_case(demonstrations()[0], Settings())
    path = tmp_path_factory.mktemp("Ordner 例") / "page of a case.html"
    start, *others = case.sources.values()
    words = Words("What the artery decides", TEXT, "amplitude")
    path.write_bytes(make_page(case, Settings(), start, words, described="Phantom: M1", others=others))
    return path


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    """A page without a network, whose errors and requests fail the test."""
    with isolated_page(chromium, offline=True) as one:
        found: list[str] = []
        one.on("pageerror", lambda error: found.append(str(error)))
        one.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
        one.on(
            "request", lambda sent: found.append(sent.url) if not sent.url.startswith(("data:", "blob:")) else None
        )
        one.goto(file.as_uri())
        wait_first_maps(one)
        settled(one)
        yield one
        assert set(found) == {file.as_uri()}


def shown_curve(page: Page) -> np.ndarray:
    """The curve in the editor."""
    saved = page.evaluate("() => Object.entries(sessionStorage).find(([k]) => k.startsWith('aif|'))?.[1]")
    return np.array(json.loads(saved)) if saved else start_curve()


def check_numbers(page: Page) -> None:
    expected = library_result(shown_curve(page)).numbers
    assert shown_number(page, "core_ml") == pytest.approx(expected.core_ml, abs=CORE_ML)
    assert expected.hypoperfused_ml is not None
    assert shown_number(page, "hypoperfused_ml") == pytest.approx(expected.hypoperfused_ml, abs=LATE_ML)


def test_numbers_follow_the_curve_and_undo_brings_them_back(page: Page) -> None:
    check_numbers(page)
    before, core = canvas(page), shown_number(page, "core_ml")
    with new_maps(page):
        drag(page, POINT, 60)
    assert (canvas(page) != before).any()
    assert shown_number(page, "core_ml") != core
    check_numbers(page)
    with new_maps(page):
        page.get_by_role("button", name="Undo").click()
    assert shown_number(page, "core_ml") == core
    np.testing.assert_allclose(editor_values(page), start_curve(), atol=0.06)


def test_the_light_of_the_aif_quality_is_in_the_file(page: Page) -> None:
    light = page.get_by_test_id("aif-quality")
    expect(light).to_have_attribute("data-verdict", "good")
    with new_maps(page):
        drag(page, 3, -120)
    expect(light).to_have_attribute("data-verdict", "bad")


def test_residue_of_the_voxel_follows_the_curve(page: Page) -> None:
    drawn = page.locator("svg.probe.residue path.smooth")
    expect(drawn).to_have_count(1)
    before = drawn.get_attribute("d")
    assert before is not None
    with new_maps(page):
        drag(page, POINT, 60)
    expect(drawn).not_to_have_attribute("d", before)


def test_snapshots_are_compared_and_kept_over_a_reload(page: Page) -> None:
    page.get_by_role("button", name="Save snapshot").click()
    rows = page.locator(".snapshots tbody tr:not(.now)")
    expect(rows).to_have_count(1)
    page.evaluate("scrollTo(0, 0)")
    with new_maps(page):
        drag(page, POINT, 60)
    page.get_by_role("button", name="Save snapshot").click()
    expect(rows).to_have_count(2)
    rows.nth(0).locator(".side-choice").nth(0).click()
    rows.nth(1).locator(".side-choice").nth(1).click()
    expect(page.locator(".compare")).to_be_visible()
    page.reload()
    wait_first_maps(page)
    expect(rows).to_have_count(2)


def test_another_source_changes_the_start(page: Page) -> None:
    with new_maps(page):
        page.locator("[data-control=source]").select_option("truth")
    truth = open_case(demonstrations()[0], Settings()).sources["truth"].value
    np.testing.assert_allclose(editor_values(page), truth, atol=0.06)
    expected = library_result(truth).numbers
    assert shown_number(page, "core_ml") == pytest.approx(expected.core_ml, abs=CORE_ML)


def test_texts_lesson_and_what_the_file_is_are_shown(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("What the artery decides")
    expect(page.locator(".author")).to_have_text(["First <b>paragraph</b>.", "Second paragraph."])
    expect(page.locator("footer")).to_contain_text("not for clinical use")
    expect(page.locator("footer")).to_contain_text("Phantom: M1")
    lesson = page.get_by_test_id("lesson")
    for _ in range(3):
        lesson.get_by_role("button", name="Next").click()
    expect(lesson).to_contain_text("2.00 times")


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_lies_beyond_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    wait_lab(page, f"document.documentElement.scrollWidth <= {width}")


def test_the_whole_head_follows_a_drag(page: Page) -> None:
    with new_maps(page):
        page.click("[data-layout=all]")
        drag(page, POINT, 40)
    check_numbers(page)
    assert lab_data(page, "engine") == "browser"


@pytest.mark.parametrize("name", list(OTHER_BROWSERS))
def test_it_opens_in_other_browsers(name: str, file: Path) -> None:
    other_browsers.require(name)
    opened: Callable[[], AbstractContextManager[OtherPage]] = OTHER_BROWSERS[name]
    with opened() as page:
        page.goto(file.as_uri())
        page.wait_for("lab && data.painted && data.numbers === data.sent && data.moving !== 'true'")
        core = float(page.evaluate("() => document.querySelector('[data-testid=lab]').dataset.coreMl"))
        expected = library_result(start_curve()).numbers
        assert core == pytest.approx(expected.core_ml, abs=CORE_ML)
        sent = page.evaluate("() => Number(document.querySelector('[data-testid=lab]').dataset.sent)")
        x, y = page.centre(f'svg[data-testid="aif-editor"] [data-point="{POINT}"]')
        page.move(x, y)
        page.down()
        page.move(x, y + 30)
        page.move(x, y + 60)
        page.up()
        page.wait_for(f"Number(data.sent) > {sent} && data.numbers === data.sent && data.moving !== 'true'")
        assert float(page.evaluate("() => document.querySelector('[data-testid=lab]').dataset.coreMl")) != core
