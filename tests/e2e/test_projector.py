"""The projector page: every state of a room, its figures against numpy, legibility at 1280 × 720."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pages.classroom.join_link import join_link
from pages.classroom.registry import ROOMS
from pages.classroom.room import Room
from pages.classroom.round import Round
from pages.classroom.tasks import Task
from perfcore.teaching.class_statistics import PUBLISHED
from tests.e2e.test_accessibility import violations
from tests.support import app_server as live
from tests.support import class_scenes as scenes
from tests.support.class_server import class_server, task_case
from tests.support.qr_code import assert_qr_code

pytestmark = pytest.mark.browser

SIZE = {"width": 1280, "height": 720}
SMALL_TEXT = """() => [...document.querySelectorAll('#root :is(text, b, strong, p, li, span, output, h1, h2)')]
  .filter((one) => !one.closest('small, .source, button, .dots, .figure-head small') && one.checkVisibility()
    && [...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
  .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 20)
  .map((one) => `${one.className.baseVal ?? one.className}: ${one.textContent}`)"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with class_server() as address:
        yield address


@pytest.fixture(scope="module")
def screens(chromium: Browser) -> Iterator[BrowserContext]:
    one = chromium.new_context(viewport=SIZE, color_scheme="dark")
    one.set_default_timeout(live.TIMEOUT_MS)
    yield one
    one.close()


@pytest.fixture
def room() -> Iterator[Room]:
    one = ROOMS.open()
    yield one
    ROOMS.end(one)


@pytest.fixture
def projector(screens: BrowserContext, url: str, room: Room) -> Iterator[Page]:
    one = screens.new_page()
    failures: list[str] = []
    one.on("pageerror", lambda error: failures.append(str(error)))
    one.goto(f"{url}/projector#host={room.host_token}&room={room.code}")
    yield one
    one.close()
    assert not failures


def stage(page: Page, name: str, **data: object) -> None:
    """Wait for a stage of the room, and for other data of the root."""
    rest = "".join(f'[data-{key}="{value}"]' for key, value in data.items())
    page.wait_for_selector(f'#root[data-stage="{name}"]{rest}')
    live.drawn(page)


def check_screen(page: Page) -> None:
    """No scrolling, no small text, and no serious violation of accessibility in either theme."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_selector(f'html[data-theme="{theme}"]', state="attached")
        live.drawn(page)
        assert not violations(page), theme
    root = page.evaluate(
        "() => [document.documentElement, window].flatMap((one) => "
        "[one.scrollWidth ?? one.innerWidth, one.scrollHeight ?? one.innerHeight])"
    )
    assert root[:2] == root[2:]
    clipped = page.evaluate(
        "() => [...document.querySelectorAll('main *')].filter((e) => e.scrollHeight > e.clientHeight + 2"
        " && getComputedStyle(e).overflowY !== 'visible' && !e.matches('svg, svg *, .chips, .item-text'))"
        ".map((e) => e.className)"
    )
    assert not clipped
    assert not page.evaluate(SMALL_TEXT)


def font_size(page: Page, selector: str) -> float:
    return float(page.locator(selector).first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)"))


def numbers(one: Round, metric: str) -> np.ndarray:
    return np.array([answer.numbers[metric] for answer, _ in one.answers.values()], float)


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %" if fraction < 0.0995 else f"{100 * fraction:.0f} %"


def cv_text(values: np.ndarray) -> str:
    return percent(values.std(ddof=1) / values.mean())


def spread_text(values: np.ndarray) -> str:
    mean, sd = values.mean(), values.std(ddof=1)
    digits = 1 if min(mean, 10 * sd) < 10 else 0
    return f"{mean:.{digits}f} ± {sd:.{digits}f} ml"


def revealed_artery(room: Room, n: int = 12) -> Round:
    who = scenes.people(room, n + 1)
    one = room.open(scenes.artery_task(task_case()))
    scenes.answer_artery(room, one, who[:n], np.random.default_rng(5))
    room.set_revealed(True)
    return one


def test_the_lobby_shows_code_link_qr_code_and_people(projector: Page, room: Room, url: str) -> None:
    shown, hidden = room.join("Amber Fox"), room.join("Calm Owl")
    room.hide_name(hidden.number)
    stage(projector, "lobby")
    assert projector.url == f"{url}/projector"
    expect(projector.get_by_test_id("code")).to_have_text(f"{room.code[:3]} {room.code[3:]}")
    expect(projector.get_by_test_id("link")).to_have_text(f"{url.removeprefix('http://')}/join")
    expect(projector.get_by_test_id("joined")).to_have_text("2 people have joined")
    expect(projector.locator(".chips li")).to_have_text(["hidden", shown.name])
    assert_qr_code(projector, join_link(room, url))
    check_screen(projector)
    room.set_public_address("https://lab.example.org/aif")
    expect(projector.get_by_test_id("link")).to_have_text("lab.example.org/aif/join")
    room.set_names_hidden(True)
    expect(projector.locator(".chips")).to_be_hidden()
    room.leave(hidden)
    expect(projector.get_by_test_id("joined")).to_have_text("1 person has joined")


def test_an_open_task_shows_how_many_have_answered_but_no_answer(projector: Page, room: Room) -> None:
    who = scenes.people(room, 3)
    one = room.open(Task("predict", "Predict", "Answer first.", items=scenes.PREDICT_OPTIONS))
    stage(projector, "open")
    expect(projector.get_by_test_id("answered")).to_have_text("0 of 3 answered")
    scenes.give(room, one, who[0], {"values": [2]})
    expect(projector.get_by_test_id("answered")).to_have_text("1 of 3 answered")
    assert projector.locator("[data-option], [data-person], .right").count() == 0
    room.set_phase("paused")
    expect(projector.locator(".phase")).to_have_text("Paused")
    check_screen(projector)
    assert font_size(projector, ".answered strong") >= 44


def test_clicks_curves_and_volumes_are_those_of_the_answers(projector: Page, room: Room) -> None:
    one = revealed_artery(room)
    stage(projector, "revealed", answers=12)
    for metric in ("core_ml", "hypoperfused_ml"):
        figure, values = projector.locator(f'[data-figure="{metric}"]'), numbers(one, metric)
        expect(figure.locator(".mean:not(circle)")).to_have_text(spread_text(values))
        expect(figure.locator("strong")).to_have_text(cv_text(values))
        expect(figure.locator("rect.cell")).to_have_count(values.size)
        for published in (entry for entry in PUBLISHED if entry.metric == metric):
            expect(figure.locator("small")).to_contain_text(f"{published.label} {percent(published.cv)}")
    core, low = numbers(one, "core_ml"), numbers(one, "hypoperfused_ml")
    for name, count in (("smallCore", (core < 70).sum()), ("ratio", ((low >= 1.8 * core) & (low > 0)).sum())):
        expect(projector.locator(f'[data-decision="{name}"] strong')).to_have_text(str(count))
    slices = [voxel[2] for answer, _ in one.answers.values() for voxel in answer.voxels]
    expect(projector.locator(".class-map")).to_have_attribute("data-slice", str(np.bincount(slices).argmax()))
    here = [
        number for number, (answer, _) in one.answers.items()
        if any(v[2] == np.bincount(slices).argmax() for v in answer.voxels)
    ]  # fmt: skip
    dots = projector.locator("[data-people]").evaluate_all(
        "all => all.flatMap((e) => e.dataset.people.split(' '))"
    )
    assert {int(number) for number in dots} == set(here)
    expect(projector.locator("path.person")).to_have_count(12)
    expect(projector.locator('path[data-reference="truth"]')).to_have_attribute("stroke", "#8b95a1")
    expect(projector.locator(".labels")).to_contain_text("True AIF")
    check_screen(projector)
    assert (
        projector.locator(".figure strong").first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 44
    )


def test_the_arrow_keys_show_one_person_with_name_numbers_and_map(projector: Page, room: Room) -> None:
    one = revealed_artery(room)
    stage(projector, "revealed", answers=12)
    lowest = min(one.answers, key=lambda number: (one.answers[number][0].numbers["core_ml"], number))
    person = next(who for who in room.participants if who.number == lowest)
    projector.keyboard.press("ArrowRight")
    core = one.answers[lowest][0].numbers["core_ml"]
    expect(projector.get_by_test_id("person")).to_contain_text(person.name)
    expect(projector.get_by_test_id("person")).to_contain_text(
        f"core {core:.0f}" if core >= 10 else f"core {core:.1f}"
    )
    expect(projector.locator(f'path[data-shown="{lowest}"]')).to_have_count(1)
    projector.wait_for_selector('.class-map[data-mode="rcbf"][data-shown="maps"]')
    check_screen(projector)
    room.hide_name(lowest)
    expect(projector.get_by_test_id("person")).to_contain_text("Answer 1 of 12")
    projector.keyboard.press("Escape")
    projector.wait_for_selector('.class-map[data-mode="clicks"]')
    bar = projector.locator('[data-figure="core_ml"] rect.cell').last
    bar.click()
    expect(projector.locator("path[data-shown]")).to_have_attribute(
        "data-shown", str(bar.get_attribute("data-person"))
    )


def test_hidden_names_are_nowhere(projector: Page, room: Room) -> None:
    revealed_artery(room)
    room.set_names_hidden(True)
    stage(projector, "revealed", answers=12)
    for _ in range(3):
        projector.keyboard.press("ArrowRight")
    expect(projector.get_by_test_id("person")).to_contain_text("Answer 3 of 12")
    page = projector.content()
    assert not [who.name for who in room.participants if who.name in page]


def test_a_frozen_screen_stays_also_after_a_reload(projector: Page, room: Room) -> None:
    who = scenes.people(room, 3)
    one = room.open(Task("predict", "Predict", "", items=scenes.PREDICT_OPTIONS))
    scenes.give(room, one, who[0], {"values": [2]})
    room.set_revealed(True)
    count = projector.locator('[data-option="1"] [data-count]')
    expect(projector.locator('[data-option="2"] [data-count]')).to_have_attribute("data-count", "1")
    room.set_frozen(True)
    expect(projector.locator(".badge")).to_have_text("Frozen")
    scenes.give(room, one, who[1], {"values": [1]})
    room.join("Late Comer")  # a message that comes after an answer would have come
    projector.reload()
    expect(projector.locator(".header-count")).to_have_text("1 of 4 answered")
    expect(count).to_have_attribute("data-count", "0")
    room.set_frozen(False)
    expect(count).to_have_attribute("data-count", "1")
    expect(projector.locator(".badge")).to_have_count(0)


def test_two_rounds_are_compared(projector: Page, room: Room) -> None:
    one = revealed_artery(room)
    two = room.repeat(one.number)
    scenes.answer_artery(room, two, room.participants[:10], np.random.default_rng(8), errors=0)
    room.set_revealed(True)
    stage(projector, "revealed", round=two.number, compare=one.number)
    for metric in ("core_ml", "hypoperfused_ml"):
        figure = projector.locator(f'[data-figure="{metric}"]')
        before, after = cv_text(numbers(one, metric)), cv_text(numbers(two, metric))
        expect(figure.locator("strong")).to_have_text(f"{before.removesuffix(' %')} → {after}")
        expect(figure.locator("rect.now")).to_have_count(10)
        expect(figure.locator("rect.before")).to_have_count(12)
    expect(projector.locator("path[data-median]")).to_have_count(2)
    check_screen(projector)
    room.set_compare(None)
    expect(projector.locator("rect.before")).to_have_count(0)


def test_the_share_of_right_answers_before_and_after(projector: Page, room: Room) -> None:
    who, rng = scenes.people(room, 9), np.random.default_rng(2)
    one = room.open(Task("quiz", "Five questions", "", items=scenes.QUIZ))
    scenes.answer_items(room, one, who, rng, 0.2)
    two = room.repeat(one.number)
    scenes.answer_items(room, two, who[:7], rng, 0.8)
    room.set_revealed(True)
    stage(projector, "revealed", round=two.number, compare=one.number, answers=7)
    for place, item in enumerate(scenes.QUIZ):
        shares = [
            100 * np.mean([item.is_right(answer.values[place]) for answer, _ in each.answers.values()])
            for each in (one, two)
        ]
        row = projector.locator(f'[data-item="{place}"] strong')
        expect(row).to_have_text(" → ".join(f"{int(share + 0.5)}" for share in shares) + " %")
    check_screen(projector)
    projector.locator('[data-item="3"]').click()
    expect(projector.locator('[data-figure="number"]')).to_contain_text("within")
    check_screen(projector)


def test_options_are_counted_and_the_right_one_is_marked(projector: Page, room: Room) -> None:
    who = scenes.people(room, 8)
    one = room.open(Task("predict", "Predict", "", items=scenes.PREDICT_OPTIONS))
    scenes.answer_items(room, one, who, np.random.default_rng(1), 0.3)
    room.set_revealed(True)
    stage(projector, "revealed", answers=8)
    found = np.bincount([int(answer.values[0]) for answer, _ in one.answers.values()], minlength=3)
    for option, count in enumerate(found):
        expect(projector.locator(f'[data-option="{option}"] strong')).to_have_text(str(count))
    expect(projector.locator("li.right")).to_contain_text("stays the same")
    check_screen(projector)


def test_a_predicted_number_has_its_median_and_the_right_value(projector: Page, room: Room) -> None:
    who = scenes.people(room, 11)
    one = room.open(Task("predict", "Predict", "", items=scenes.PREDICT_NUMBER))
    scenes.answer_items(room, one, who, np.random.default_rng(1), 0.3)
    room.set_revealed(True)
    stage(projector, "revealed", answers=11)
    values = np.array([answer.values[0] for answer, _ in one.answers.values()])
    expect(projector.locator('[data-figure="number"] strong')).to_have_text(f"{np.median(values):.0f} ml")
    near = int((np.abs(values - 44.1) <= 10).sum())
    expect(projector.locator('[data-figure="number"] b')).to_have_text(f"{near} of 11 within ± 10 ml")
    expect(projector.locator("text.marks")).to_contain_text("right: 44 ml")
    check_screen(projector)


def test_painted_cores_overlap_on_the_slice(projector: Page, room: Room) -> None:
    who = scenes.people(room, 6)
    one = room.open(Task("paint", "Paint the core", "", task_case()))
    scenes.answer_paint(room, one, who, np.random.default_rng(4))
    room.set_revealed(True)
    stage(projector, "revealed", answers=6)
    expect(projector.locator('[data-figure="painted_ml"] strong')).to_have_text(
        cv_text(numbers(one, "painted_ml"))
    )
    expect(projector.locator('[data-figure="dice"] strong')).to_have_text(f"{numbers(one, 'dice').mean():.2f}")
    projector.wait_for_selector('.class-map[data-shown="painted"]')
    expect(projector.locator(".map-title")).to_have_text("Painted by 6 people")
    projector.keyboard.press("ArrowRight")
    expect(projector.locator(".map-key")).to_contain_text("Painted")
    check_screen(projector)


def test_drawn_curves_without_clicks_start_with_the_map_of_the_median(projector: Page, room: Room) -> None:
    who = scenes.people(room, 5)
    one = room.open(Task("curve", "Draw the AIF", "", task_case()))
    scenes.answer_curve(room, one, who, np.random.default_rng(4))
    room.set_revealed(True)
    stage(projector, "revealed", answers=5)
    projector.wait_for_selector('.class-map[data-mode="rcbf"][data-shown="maps"]')
    expect(projector.locator(".map-title")).to_have_text("rCBF, median curve")
    assert projector.locator('[data-mode="clicks"]').count() == 0
    check_screen(projector)


def test_the_screen_says_that_the_room_has_ended(projector: Page, room: Room) -> None:
    stage(projector, "lobby")
    ROOMS.end(room)
    stage(projector, "ended")
    expect(projector.locator("main")).to_have_text("This class has ended.")
    check_screen(projector)


def test_a_screen_without_a_token_says_where_to_get_one(screens: BrowserContext, url: str) -> None:
    page = screens.new_page()
    page.goto(f"{url}/projector")
    expect(page.locator("main")).to_have_text("Open the projector from the page Class.")
    page.goto(f"{url}/projector#host=wrong&room=ABC234")
    expect(page.locator("main")).to_contain_text("This class has ended")
    page.close()


def test_a_lost_connection_returns_by_itself(screens: BrowserContext, room: Room) -> None:
    port, page = live.free_port(), screens.new_page()
    with ExitStack() as first:
        url = first.enter_context(class_server(port))
        page.goto(f"{url}/projector#host={room.host_token}&room={room.code}")
        stage(page, "lobby", status="live")
    expect(page.locator(".badge")).to_have_text("Reconnecting")
    room.join("Amber Fox")
    with class_server(port):
        expect(page.locator(".chips")).to_contain_text("Amber Fox")
        expect(page.locator(".badge")).to_have_count(0)
        page.close()


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 800), (1100, 620)])
def test_the_slide_fits_other_windows(projector: Page, room: Room, size: tuple[int, int]) -> None:
    revealed_artery(room, 4)
    projector.set_viewport_size({"width": size[0], "height": size[1]})
    stage(projector, "revealed", answers=4)
    expect(projector.locator("path.person")).to_have_count(4)
    projector.wait_for_function(
        "() => [...document.querySelectorAll('main section, main svg, header > *')].every((e) => {"
        " const b = e.getBoundingClientRect(); return b.right <= innerWidth + 1 && b.bottom <= innerHeight + 1; })"
    )
