"""Lecture mode in a real browser: one screen, large type, presenter keys, light or dark, QR code."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from pages.classroom.lecturer.quiz import QUIZ
from pages.session.share_link import unpack_curve
from tests.support.app_server import (
    VIEWPORT,
    drag,
    drawn,
    eventually,
    lab_data,
    open_lab,
    settled,
    wait_first_maps,
    wait_lab,
)  # fmt: skip
from tests.support.class_client import opened
from tests.support.lab_page import committed_curve
from tests.support.page_scenes import at_rest, challenge, class_room, compare, start_lecture
from tests.support.qr_code import assert_qr_code

pytestmark = pytest.mark.browser

SIZES = [(1280, 720), (1920, 1080)]
LESSON = "amplitude"
GROUND = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(14, 17, 23)"
LEFT_TO_SCROLL = """() => { const main = document.querySelector('[data-testid="stMain"]');
  return [main.scrollHeight - main.clientHeight, document.documentElement.scrollWidth - innerWidth]; }"""


def bar(page: Page) -> Locator:
    return page.get_by_test_id("app-bar")


def step(page: Page, name: str) -> Locator:
    return bar(page).locator(f'[data-step="{name}"][aria-current="step"]')


def turn(page: Page, key: str, name: str) -> None:
    page.keyboard.press(key)
    expect(step(page, name)).to_be_visible()


def carry_out(page: Page) -> None:
    """Let the remote carry out the task of an untouched step *Try*, which stays."""
    page.keyboard.press("PageDown")
    page.locator(".st-key-take_back button").wait_for()
    expect(step(page, "try")).to_be_visible()


def choose(page: Page, path: str) -> None:
    bar(page).get_by_label("Page", exact=True).select_option(path)
    page.wait_for_function("(path) => location.pathname === path", arg=f"/{path}")


def start_lesson(
    page: Page, address: str, size: tuple[int, int] = (VIEWPORT["width"], VIEWPORT["height"])
) -> None:
    """Open a lesson in lecture mode."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{address}/lessons")
    page.locator(f".st-key-open_{LESSON} button").click(timeout=60_000)
    page.locator(".st-key-record button").wait_for()
    start_lecture(page)
    expect(step(page, "predict")).to_be_visible()


def assert_one_screen(page: Page, *inside: str) -> None:
    """Check that nothing is left to scroll, and that elements lie wholly in the window."""

    def check() -> None:
        assert page.evaluate(LEFT_TO_SCROLL) == [0, 0]
        width, height = page.evaluate("[innerWidth, innerHeight]")
        for selector in inside:
            box = page.locator(selector).bounding_box()
            assert box is not None, selector
            assert box["x"] >= 0 and box["x"] + box["width"] <= width, selector
            assert box["y"] >= 0 and box["y"] + box["height"] <= height, selector

    at_rest(page)
    eventually(check)


def font_px(page: Page, selector: str) -> float:
    return float(page.locator(selector).evaluate("(node) => parseFloat(getComputedStyle(node).fontSize)"))


LAB = (
    'canvas[data-testid="map"]',
    'svg[data-testid="aif-editor"]',
    '[data-number="core_ml"]',
    '[data-number="dice"]',
    '[data-number="mismatch_ml"]',
    '[data-control="slice"]',
)
CLASS = (".st-key-class_room iframe", ".st-key-class_lead")
CLASS_CONTROLS = tuple(f".st-key-class_{name} button >> nth=0" for name in ("reveal", "again", "pause", "close"))


def expect_another_bar(page: Page, before: str) -> None:
    assert page.locator("canvas.bar").first.evaluate("c => c.toDataURL()") != before


def assert_large_figures(page: Page, height: int) -> None:
    def check() -> None:
        for name in ("core_ml", "hypoperfused_ml", "mismatch_ml"):
            assert font_px(page, f'[data-number="{name}"] b') >= 30 * height / 720
        assert font_px(page, 'svg[data-testid="aif-editor"] .axes text >> nth=0') >= 14 * height / 720

    eventually(check)


@pytest.mark.parametrize("size", SIZES)
def test_the_lab_fits_one_screen(page: Page, address: str, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_lab(page, address)
    small = font_px(page, 'svg[data-testid="aif-editor"] .axes text >> nth=0')
    bar_before = page.locator("canvas.bar").first.evaluate("c => c.toDataURL()")
    start_lecture(page)
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.locator(".st-key-export")).to_have_count(0)
    assert_one_screen(page, *LAB)
    assert_large_figures(page, size[1])
    assert font_px(page, 'svg[data-testid="aif-editor"] .axes text >> nth=0') > 1.25 * small
    eventually(lambda: expect_another_bar(page, bar_before))
    page.keyboard.press("w")
    expect(page.locator('[data-panel="whole"]')).to_be_visible()
    assert_one_screen(page, *LAB, '[data-panel="whole"]')
    drag(page, 20, -30)
    settled(page)
    assert_one_screen(page, *LAB)


@pytest.mark.parametrize("size", SIZES)
def test_fine_tuning_fits_one_screen(page: Page, address: str, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{address}/finetune")
    wait_first_maps(page, "tune")
    start_lecture(page)
    pane = ('[data-action="tune-run"]', "svg.dice", ".pane .foot")
    assert_one_screen(page, *LAB, *pane)
    assert_large_figures(page, size[1])
    page.locator('[data-action="tune-run"]').click()
    wait_lab(page, "Number(data.tuneSteps) > 2")
    page.locator('[data-action="tune-run"]').click()
    wait_lab(page, "data.tune === 'paused'")
    assert_one_screen(page, *LAB, *pane)


@pytest.mark.parametrize("size", SIZES)
def test_each_step_of_a_lesson_fits_one_screen_without_a_prediction(
    page: Page, address: str, size: tuple[int, int]
) -> None:
    start_lesson(page, address, size)
    assert_one_screen(page, ".st-key-record button")
    turn(page, "PageDown", "try")
    wait_first_maps(page)
    assert_one_screen(page, *LAB)
    assert_large_figures(page, size[1])
    carry_out(page)
    assert_one_screen(page, *LAB)
    for name in ("see", "why", "read"):
        turn(page, "PageDown", name)
        assert_one_screen(page)
    page.keyboard.press("Escape")  # the step stays; no attempt was recorded
    expect(page.locator(".st-key-step_read button")).to_have_attribute("kind", "primary")
    page.locator(".st-key-step_predict button").click()
    expect(page.locator(".st-key-record button")).to_be_visible()


@pytest.mark.parametrize("size", SIZES)
def test_a_class_fits_one_screen_with_code_question_and_answers(
    page: Page, address: str, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    class_room(page, address)
    start_lecture(page)
    screen = page.frame_locator(".st-key-class_room iframe")
    expect(screen.get_by_test_id("projector")).to_have_attribute("data-stage", "lobby")
    expect(screen.locator("svg.qr")).to_be_visible()
    code = screen.get_by_test_id("code").inner_text()
    assert_one_screen(page, *CLASS)
    expect(page.locator(".st-key-class_address")).to_have_count(0)  # a setting before the lecture
    page.locator(".st-key-class_lead").get_by_role("button", name="Next task").click()
    page.get_by_role("radio", name="Five questions").click()
    expect(page.get_by_role("radio", name="Five questions")).to_be_checked()
    at_rest(page)
    page.locator(".st-key-class_start button").click()
    expect(page.locator(".st-key-class_start")).to_be_hidden()
    expect(screen.get_by_test_id("answered")).to_have_text("0 of 0 answered")
    with opened(address) as client:
        client.send("join", code="".join(code.split()))
        number = client.state()["task"]["round"]
        client.send("answer", round=number, seq=1, value={"values": [0] * len(QUIZ)})
        client.read("answered")
        expect(screen.get_by_test_id("answered")).to_have_text("1 of 1 answered")
        assert_one_screen(page, *CLASS, *CLASS_CONTROLS)
        page.locator(".st-key-class_reveal button").first.click()
        expect(screen.locator("[data-option]").first).to_be_visible()
        assert_one_screen(page, *CLASS, *CLASS_CONTROLS)
    bar(page).get_by_label("Light background").click()  # the frame follows the page around it
    expect(screen.locator("html")).to_have_attribute("data-theme", "light")
    expect(screen.locator("button.theme")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator(".st-key-class_address")).to_be_visible()
    page.get_by_role("button", name="End the class").click()
    page.locator(".st-key-class_end button").click()
    page.locator(".st-key-class_open button").wait_for()


@pytest.mark.parametrize("size", SIZES)
def test_compare_shows_every_method_on_the_first_screen(page: Page, address: str, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    compare(page, address)
    start_lecture(page)
    at_rest(page)
    table = page.get_by_test_id("stDataFrame").first
    legend = page.locator(".js-plotly-plot .legendtext").first

    def check() -> None:
        box = table.bounding_box()
        assert box is not None
        assert box["y"] >= 0 and box["y"] + box["height"] <= size[1]
        assert table.locator(".dvn-scroller").evaluate("node => node.scrollHeight - node.clientHeight") == 0

    eventually(check)
    assert legend.evaluate("node => parseFloat(getComputedStyle(node).fontSize)") >= 14 * size[1] / 720


def test_the_challenge_has_its_title_in_the_bar_and_its_scores_on_one_screen(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    challenge(page, address)
    start_lecture(page)
    expect(bar(page).get_by_role("heading")).to_have_text("Challenge: patient 7")
    expect(page.locator(".st-key-to_list")).to_have_count(0)
    assert_one_screen(page, 'canvas[data-testid="map"]', 'svg[data-testid="aif-editor"]', ".st-key-submit button")
    page.locator(".st-key-submit button").click()
    table = page.get_by_test_id("stDataFrame")
    again = page.locator(".st-key-another button")

    def check() -> None:
        for part in (table, again, page.locator(".js-plotly-plot")):
            box = part.bounding_box()
            assert box is not None
            assert box["y"] >= 0 and box["y"] + box["height"] <= 720
        assert table.locator(".dvn-scroller").evaluate("node => node.scrollHeight - node.clientHeight") == 0

    expect(again).to_be_visible()
    at_rest(page)
    eventually(check)


def test_presenter_keys_lead_through_lessons_wherever_the_focus_is(page: Page, address: str) -> None:
    start_lesson(page, address)
    turn(page, "PageDown", "try")
    wait_first_maps(page)
    page.locator('[data-control="slice"]').focus()  # a slider, which would take the key
    carry_out(page)
    turn(page, "PageDown", "see")
    turn(page, "PageUp", "try")
    wait_first_maps(page)
    page.locator('canvas[data-testid="map"]').click()
    for name in ("see", "why", "read"):
        turn(page, "PageDown", name)
    first = bar(page).get_by_role("heading").inner_text()
    turn(page, "PageDown", "predict")
    expect(bar(page).get_by_role("heading")).not_to_have_text(first)
    turn(page, "PageUp", "read")
    expect(bar(page).get_by_role("heading")).to_have_text(first)
    bar(page).get_by_role("button", name="Try", exact=True).click()
    expect(step(page, "try")).to_be_visible()
    bar(page).get_by_label("All lessons").click()
    page.locator(f".st-key-open_{LESSON} button").wait_for()
    turn(page, "PageDown", "predict")  # the first lesson


def test_page_keys_scroll_pages_without_steps(page: Page, address: str) -> None:
    page.goto(f"{address}/howitworks")
    page.locator(".katex-display").first.wait_for(timeout=60_000)
    start_lecture(page)
    page.get_by_test_id("stMain").focus()
    page.keyboard.press("PageDown")
    page.wait_for_function("document.querySelector('[data-testid=\"stMain\"]').scrollTop > 100")
    assert page.url == f"{address}/howitworks"


def test_keys_switch_lecture_mode_but_not_from_a_text_field(page: Page, address: str) -> None:
    open_lab(page, address)
    page.locator('[data-window="high"]').focus()
    page.keyboard.press("f")
    page.locator('canvas[data-testid="map"]').click()
    page.keyboard.press("f")
    expect(bar(page)).to_have_attribute("data-lecture", "true")
    wait_lab(page, "data.lecture === 'true'")
    page.keyboard.press("f")
    expect(bar(page)).to_have_attribute("data-lecture", "false")
    page.locator('canvas[data-testid="map"]').click()
    page.keyboard.press("f")
    expect(bar(page)).to_have_attribute("data-lecture", "true")
    page.locator('[data-action="quality"]').click()
    expect(page.locator(".measures")).to_be_visible()
    page.keyboard.press("Escape")  # what is open closes first
    expect(page.locator(".measures")).to_be_hidden()
    bar(page).get_by_label("QR code").click()
    expect(page.get_by_test_id("qr")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("qr")).to_be_hidden()
    expect(bar(page)).to_have_attribute("data-lecture", "true")
    page.keyboard.press("Escape")
    expect(bar(page)).to_have_attribute("data-lecture", "false")
    expect(page.get_by_test_id("stHeader")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    expect(page.locator('[data-number="dice"]')).to_be_visible()
    expect(page.locator(".numbers [data-number=dice], .numbers .versus, .lesions .decision")).to_have_count(3)


def test_the_theme_switch_keeps_the_session_and_is_remembered(page: Page, address: str) -> None:
    """Streamlit follows matchMedia: pages/server/colour_scheme.py answers it."""
    open_lab(page, address)
    drag(page, 20, -30)
    settled(page)
    edited, mounts = committed_curve(page), lab_data(page, "mounts")
    assert page.evaluate(GROUND) == DARK
    page.evaluate("window.isThisDocument = true")
    bar(page).get_by_label("Light background").click()
    page.wait_for_function(f"{GROUND} === '{LIGHT}'")
    drawn(page)
    assert page.evaluate("window.isThisDocument")
    np.testing.assert_array_equal(committed_curve(page), edited)
    assert lab_data(page, "mounts") == mounts
    settled(page)
    expect(page.locator(".lab section.maps")).to_have_css("background-color", "rgb(242, 244, 247)")
    start_lecture(page)
    choose(page, "lessons")
    assert page.evaluate(GROUND) == LIGHT
    page.reload()
    page.wait_for_function(f"document.querySelector('.stApp') && {GROUND} === '{LIGHT}'")
    bar(page).get_by_label("Dark background").click()
    page.wait_for_function(f"{GROUND} === '{DARK}'")


def test_the_system_chooses_light_or_dark_until_the_switch_does(page: Page, address: str) -> None:
    open_lab(page, address)
    for scheme, ground in (("light", LIGHT), ("dark", DARK)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(f"{GROUND} === '{ground}'")
    bar(page).get_by_label("Light background").click()
    page.wait_for_function(f"{GROUND} === '{LIGHT}'")
    page.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    drawn(page)
    assert page.evaluate(GROUND) == LIGHT


def test_the_qr_code_is_the_link_to_the_edited_curve(page: Page, address: str) -> None:
    open_lab(page, address)
    drag(page, 20, -30)
    settled(page)
    start_lecture(page)
    bar(page).get_by_label("QR code").click()
    expect(page.get_by_test_id("qr")).to_be_visible()
    link = page.locator("dialog .link").get_attribute("title")
    assert link is not None
    assert link.startswith(f"{address}/?")
    assert_qr_code(page, link)
    query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    np.testing.assert_array_equal(unpack_curve(query.pop("curve")), committed_curve(page))
    assert query["case"] == "demo-m1-occlusion"
    expect(page.locator("dialog .problem")).to_contain_text("Phones cannot reach this address")
    box = page.get_by_test_id("qr").bounding_box()
    assert box is not None
    assert box["height"] > 0.7 * VIEWPORT["height"]


def test_the_qr_code_of_a_lesson_opens_the_lesson(page: Page, address: str) -> None:
    start_lesson(page, address)
    bar(page).get_by_label("QR code").click()
    expect(page.get_by_test_id("qr")).to_be_visible()
    assert_qr_code(page, f"{address}/lessons?lesson={LESSON}")


@pytest.mark.parametrize("path", ["class", "cases", "compare", "model", "howitworks", "lessons"])
def test_every_page_has_lecture_mode(page: Page, address: str, path: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{address}/{path}")
    bar(page).get_by_label("Lecture mode").click(timeout=60_000)
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(bar(page).get_by_label("Page", exact=True)).to_have_value(path)
    at_rest(page)
    page.wait_for_function(f"({LEFT_TO_SCROLL})()[1] === 0")
    page.wait_for_function("parseFloat(getComputedStyle(document.documentElement).fontSize) > 19")
    bar(page).get_by_label("Previous page").click()
    expect(bar(page).get_by_label("Page", exact=True)).not_to_have_value(path)
    page.wait_for_function("(path) => location.pathname !== path", arg=f"/{path}")
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
