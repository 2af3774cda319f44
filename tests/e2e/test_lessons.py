"""Lessons in a real browser: address, pictures, the task and what it watches."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from pages.teaching.lesson import Lesson, SliderQuestion
from pages.teaching.lesson_pictures import pair_of_maps
from pages.teaching.lessons import LESSONS
from perfcore.map_info import MAPS
from perfcore.metrics import METRICS
from tests.support.app_server import eventually, lab_data, new_maps, settled, wait_first_maps, wait_lab
from tests.support.lesson_case import results_of
from tests.support.page_scenes import at_rest

pytestmark = pytest.mark.browser
PICTURES = "[data-testid=before-after]"


def open_lessons(page: Page, address: str) -> None:
    page.goto(f"{address}/lessons")
    page.locator(".st-key-open_amplitude button").wait_for(timeout=60_000)


def open_lesson(page: Page, address: str, lesson_id: str) -> Lesson:
    page.goto(f"{address}/lessons?lesson={lesson_id}")
    page.locator(".st-key-record button").wait_for()
    return LESSONS[lesson_id]


def record(page: Page, lesson: Lesson) -> None:
    """Give any prediction."""
    button = page.locator(".st-key-record button")
    expect(button).to_be_disabled()  # a slider that was not moved is no prediction
    if isinstance(lesson.question, SliderQuestion):
        page.locator(f".st-key-answer_{lesson.id} input").press("ArrowRight")
    else:
        page.locator(f".st-key-answer_{lesson.id} label").filter(has_text=lesson.question.options[0]).click()
    expect(button).to_be_enabled()
    button.click()


def try_lesson(page: Page, address: str, lesson_id: str) -> Lesson:
    """Open the Lab of a lesson."""
    lesson = open_lesson(page, address, lesson_id)
    record(page, lesson)
    wait_first_maps(page, "tune" if lesson.view.opens == "tuning" else "lab")
    settled(page)
    return lesson


def test_the_tissue_curve_of_a_lesson_is_within_the_axes(page: Page, address: str) -> None:
    try_lesson(page, address, "amplitude")

    def within() -> None:
        path, axes = page.locator("svg.editor path.tissue-on-aif"), page.locator("svg.editor clipPath rect").first
        top, height = path.evaluate("path => { const { y, height } = path.getBBox(); return [y, height]; }")
        assert height > 20, "it is drawn"
        assert top + height <= sum(float(axes.get_attribute(name) or 0) for name in ("y", "height"))

    eventually(within, timeout_s=20)


def open_step(page: Page, step: str) -> None:
    page.locator(f".st-key-step_{step} button").click()
    expect(page.locator(f".st-key-step_{step} button[data-testid=stBaseButton-primary]")).to_be_visible()


def wait_kept(page: Page, condition: str) -> None:
    """Wait for a condition on ``kept``, the progress in the browser's storage, which a component writes."""
    page.wait_for_function(
        f"""() => {{
          const kept = JSON.parse(localStorage.getItem("aif-lab|lessons") ?? '{{"attempts": {{}}}}');
          return {condition};
        }}"""
    )


def number(page: Page, metric: str) -> Locator:
    return page.locator(f"[data-number={metric}] b")


# The address


def test_back_returns_from_a_lesson_to_the_list_and_forward_to_the_lesson(page: Page, address: str) -> None:
    open_lessons(page, address)
    page.locator(".st-key-open_amplitude button").click()
    title = page.get_by_role("heading", name="1. Amplitude and partial volume")
    expect(title).to_be_visible()
    expect(page).to_have_url(re.compile(r"/lessons\?lesson=amplitude$"))
    page.go_back()
    expect(page.locator(".st-key-open_amplitude button")).to_be_visible()
    expect(title).to_be_hidden()
    expect(page).not_to_have_url(re.compile("lesson="))
    page.go_forward()
    expect(title).to_be_visible()
    expect(page).to_have_url(re.compile("lesson=amplitude"))


def test_the_address_has_the_step_and_a_reload_keeps_the_lesson(page: Page, address: str) -> None:
    lesson = try_lesson(page, address, "tail")
    expect(page).to_have_url(re.compile("lesson=tail&step=try$"))
    open_step(page, "why")
    expect(page).to_have_url(re.compile("lesson=tail&step=why$"))
    page.go_back()
    expect(page.locator(".st-key-step_try button[data-testid=stBaseButton-primary]")).to_be_visible()
    wait_first_maps(page)
    page.go_back()
    expect(page.locator(".st-key-step_predict button[data-testid=stBaseButton-primary]")).to_be_visible()
    expect(page).to_have_url(re.compile("lesson=tail$"))
    wait_kept(page, "kept.attempts.tail")
    page.reload()
    expect(page.get_by_role("heading", name=lesson.title)).to_be_visible()
    expect(page.locator(".st-key-step_predict button[data-testid=stBaseButton-primary]")).to_be_visible()
    expect(page.get_by_text("Your prediction:")).to_be_visible()


def test_a_reload_keeps_step_and_prediction(page: Page, address: str) -> None:
    try_lesson(page, address, "tail")
    open_step(page, "see")
    open_step(page, "why")
    expect(page).to_have_url(re.compile("lesson=tail&step=why$"))
    wait_kept(page, "kept.attempts.tail.seen.includes('why')")
    page.reload()
    expect(page.locator(".st-key-step_why button[data-testid=stBaseButton-primary]")).to_be_visible()
    expect(page).to_have_url(re.compile("lesson=tail&step=why$"))
    open_step(page, "predict")
    expect(page.get_by_text(f"Your prediction: {LESSONS['tail'].question.options[0]}")).to_be_visible()
    page.locator(".st-key-to_list button").click()
    expect(page.get_by_text(re.compile(r"min · done, predicted (right|wrong)"))).to_be_visible()
    expect(page.get_by_text(f"1 of {len(LESSONS)} done")).to_be_visible()
    page.reload()  # the list, in a third session
    expect(page.get_by_text(f"1 of {len(LESSONS)} done")).to_be_visible()
    page.get_by_role("button", name="Start again").click()
    page.locator(".st-key-clear_progress button").click()
    expect(page.get_by_text(f"0 of {len(LESSONS)} done")).to_be_visible()
    wait_kept(page, "!Object.keys(kept.attempts).length")
    page.reload()
    expect(page.get_by_text(f"0 of {len(LESSONS)} done")).to_be_visible()
    at_rest(page)
    expect(page.get_by_text(re.compile("min · done"))).to_have_count(0)


def test_back_returns_from_another_page_to_the_lesson(page: Page, address: str) -> None:
    lesson = open_lesson(page, address, "vein")
    page.get_by_role("link", name="Cases").click()
    expect(page).to_have_url(re.compile("/cases"))
    page.go_back()
    expect(page.get_by_role("heading", name=lesson.title)).to_be_visible()
    expect(page).to_have_url(re.compile("lesson=vein"))


def test_the_challenge_has_an_address(page: Page, address: str) -> None:
    page.goto(f"{address}/lessons?lesson=challenge")
    expect(page.get_by_role("heading", name="Challenge")).to_be_visible()
    page.locator(".st-key-to_list button").click()
    expect(page.locator(".st-key-open_amplitude button")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Challenge")).to_be_visible()


def test_the_path_lab_opens_the_lab_with_the_parameters_of_a_link(page: Page, address: str) -> None:
    page.goto(f"{address}/lab?case=demo-noisy")
    wait_first_maps(page)
    expect(page).to_have_url(f"{address}/?case=demo-noisy")
    expect(page.get_by_text("Page not found")).to_have_count(0)


# The pictures


def test_the_divider_of_the_pictures_is_moved_by_keys_and_by_the_mouse(page: Page, address: str) -> None:
    lesson = open_lesson(page, address, "vein")
    pictures = page.locator(PICTURES)
    before, after = (pictures.locator(f"img.{side}") for side in ("before", "after"))
    expect(before).to_be_visible()
    expect(after).to_be_hidden()  # the outcome is not shown before the prediction
    record(page, lesson)
    wait_first_maps(page)
    open_step(page, "see")
    expect(after).to_be_visible()
    for image in (before, after):
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("(node) => node.naturalWidth") > 100
    slider = pictures.get_by_role("slider", name="Divider between before and after")
    expect(pictures).to_have_attribute("data-divider", re.compile("."))  # it begins over the difference
    at, divider = int(slider.input_value()), pair_of_maps(results_of(lesson)).divider
    assert at == 50 or (at > 50) == (divider > 0.5)
    assert 15 <= at <= 85
    clip = "(node) => getComputedStyle(node).clipPath"
    start = before.evaluate(clip)
    slider.press("ArrowLeft")
    expect(slider).to_have_value(str(at - 1))
    expect(slider).to_have_attribute("aria-valuetext", f"{at - 1} % artery, the rest vein")
    assert before.evaluate(clip) != start
    box = before.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + (at - 1) / 100 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], middle, steps=4)
    page.mouse.up()
    assert abs(int(slider.input_value()) - 20) <= 2
    results = results_of(lesson)
    for side in ("before", "after"):
        name = getattr(lesson.picture, side)
        shown = pictures.locator(f"[data-out={side}]")
        expect(shown).to_contain_text(lesson.experiments[name].label)
        share = 100 * results[name].leading
        expect(shown).to_contain_text(f"{share:.1f}" if share else "0")


# The task


@pytest.mark.parametrize("size", [(1280, 800), (1280, 720)])
@pytest.mark.parametrize("lesson_id", ["distal", "lambda", "gradient"])
def test_maps_numbers_and_task_are_in_view_together(
    page: Page, address: str, lesson_id: str, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    lesson = try_lesson(page, address, lesson_id)
    watched = page.locator("[data-number].watched")
    expect(watched).to_have_count(1)
    expect(watched).to_have_attribute("data-number", lesson.view.watch)
    expect(page.locator("[data-map][aria-checked=true]")).to_have_text(MAPS[lesson.view.maps[0]].label)
    pair = pair_of_maps(results_of(lesson))
    expect(page.locator("[data-out=slice]")).to_have_text(f"{pair.slice_index + 1} / {pair.n_slices}")
    expect(page.locator("[data-panel=whole]")).to_be_visible(visible=lesson.view.opens == "handles")
    run = page.locator("[data-action=tune-run]")
    expect(run).to_be_visible(visible=lesson.view.opens == "tuning")
    in_view = [
        watched,
        number(page, "core_ml"),
        number(page, "hypoperfused_ml"),
        page.locator("canvas[data-testid=map]"),
    ]
    in_view += [page.get_by_test_id("aif-editor"), page.locator(".st-key-solve"), page.locator(".st-key-next")]
    in_view += [run] if lesson.view.opens == "tuning" else []
    for node in in_view:
        expect(node).to_be_in_viewport(ratio=1)
    expect(page.locator("section.numbers")).to_be_in_viewport(ratio=1)


def test_do_it_for_me_moves_curve_maps_and_numbers_and_is_undone(page: Page, address: str) -> None:
    lesson = try_lesson(page, address, "amplitude")
    results, reference = results_of(lesson), METRICS["reference_cbf"]
    start = f"{results.whole.healthy.cbf:.{reference.digits}f}"
    expect(number(page, "reference_cbf")).to_have_text(start)
    with new_maps(page):
        page.locator(".st-key-solve button").click()
        page.locator(".st-key-take_back button").wait_for()
        wait_lab(page, "data.granted")
    expect(number(page, "reference_cbf")).to_have_text(f"{results.half.healthy.cbf:.{reference.digits}f}")
    assert float(lab_data(page, "core-ml") or "nan") == pytest.approx(results.half.core_ml, abs=0.05)
    expect(page.locator("[data-field=amplitude]")).to_have_value("0.5")  # the handle that one would have moved
    with new_maps(page):
        page.locator("[data-action=undo]").click()
    expect(number(page, "reference_cbf")).to_have_text(start)
    expect(page.locator("[data-field=amplitude]")).to_have_value("1")


def test_do_it_for_me_sets_the_settings_too_and_takes_them_back(page: Page, address: str) -> None:
    lesson = try_lesson(page, address, "delay")
    results = results_of(lesson)
    page.locator(".st-key-solve button").click()
    expect(number(page, "core_ml")).to_have_text(f"{results.causal_late.core_ml:.1f}")
    page.locator(".st-key-take_back button").click()
    expect(number(page, "core_ml")).to_have_text(f"{results.circulant.core_ml:.1f}")
    expect(number(page, "hypoperfused_ml")).to_have_text(f"{results.circulant.hypoperfused_ml:.1f}")


def test_the_changes_of_a_lesson_are_counted_from_its_start(page: Page, address: str) -> None:
    page.goto(address)  # the Lab, with another curve of the same case
    wait_first_maps(page)
    maps = page.locator("[data-map][aria-checked=true]").inner_text()
    page.get_by_role("link", name="Lessons").click()
    page.locator(".st-key-open_vein button").click()
    record(page, LESSONS["vein"])
    wait_first_maps(page)
    settled(page)
    expect(page.locator("[data-number=core_ml] em")).to_have_text("±0")
    expect(page.locator("[data-map][aria-checked=true]")).to_have_text("Tmax")
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_first_maps(page)
    expect(page.locator("[data-map][aria-checked=true]")).to_have_text(maps)  # the Lab is as it was left


def test_an_attempt_has_a_bar_of_its_own(page: Page, address: str) -> None:
    lesson = try_lesson(page, address, "tail")
    with new_maps(page):
        field = page.locator("[data-field=tail]")
        field.fill("0")
        field.press("Enter")
    open_step(page, "see")
    chart = page.get_by_role("table", name="healthy CBV")
    expect(chart.get_by_text("your attempt")).to_be_visible()
    cbv = f"{results_of(lesson).first.healthy.cbv:.2f}"
    assert np.array_equal(results_of(lesson)[lesson.solution].curve, results_of(lesson).first.curve)
    expect(chart.get_by_text(cbv)).to_have_count(2)  # "first pass alone", and the attempt that is the same


def test_a_large_screen_has_large_pictures_and_lines_that_can_be_read(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    lesson = open_lesson(page, address, "amplitude")
    picture = page.locator(f"{PICTURES} img:visible").first
    words = page.locator(".stMain p").first
    for step in ("predict", "see", "why", "read"):
        if step == "see":
            record(page, lesson)
        if step != "predict":
            open_step(page, step)
        at_rest(page)

        def check(step: str = step) -> None:
            drawn, line = picture.bounding_box(), words.bounding_box()
            assert drawn is not None and line is not None
            assert drawn["height"] > 0.5 * 1080, step
            font = float(words.evaluate("node => parseFloat(getComputedStyle(node).fontSize)"))
            assert line["width"] < 50 * font, step
            left = page.get_by_test_id("stMain").evaluate("node => node.scrollHeight - node.clientHeight")
            assert left == 0, step

        eventually(check)
