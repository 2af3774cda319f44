"""The participants' page of a class by touch: what it shows, and what the room gets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from pages.classroom import case_route, socket
from pages.classroom.answers import curve_numbers
from pages.classroom.questions import ChoiceItem, NumberItem
from pages.classroom.registry import ROOMS, RoomRegistry
from pages.classroom.room import Room
from pages.classroom.tasks import Answer, Task, TaskKind
from perfcore.types import Voxel
from tests.e2e.test_accessibility import violations
from tests.support.app_server import drawn, eventually
from tests.support.class_phone import finger, join, phone, position_of, screen_voxels, sent, touch, wait_case
from tests.support.class_server import class_server, task_case
from tests.support.tcp_relay import relay

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("join")]
ITEMS = (
    ChoiceItem("The amplitude of the AIF doubles: what does CBF?", ("It doubles", "It halves", "It stays"), 1),
    NumberItem("How large will the core be?", 0, 150, 5, "ml", 40.0, 5.0),
)
ENGINE_ML = 0.25
"""Largest difference between the engine's core and perfcore's, as of the Lab in one file."""
ROUNDED_ML = 0.05 + 1e-9
SIZES = ((390, 844), (844, 390), (820, 1180), (1280, 800))
SMALL_TARGETS = """() => [...document.querySelectorAll('button, input, select, a[href], summary')]
  .map((node) => [node, node.getBoundingClientRect()])
  .filter(([node, box]) => node.checkVisibility() && (box.width < 43.5 || box.height < 43.5))
  .map(([node, box]) => `${node.outerHTML.slice(0, 80)}: ${box.width} x ${box.height}`)"""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with class_server() as url:
        yield url


@pytest.fixture
def room() -> Iterator[Room]:
    one = ROOMS.open()
    yield one
    ROOMS.end(one)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with phone(chromium) as one:
        yield one


def task_of(kind: TaskKind) -> Task:
    if kind in ("predict", "quiz"):
        return Task(kind, "Predict", "Answer before the result is shown.", items=ITEMS)
    titles = {"artery": "Click the artery", "curve": "Draw the AIF", "paint": "Paint the core"}
    return Task(kind, titles[kind], "Do it on this slice.", task_case())


def own_answer(room: Room) -> Answer:
    """The answer of the first participant to the current task."""
    current = room.current
    assert current is not None
    answer = room.answer_of(room.participants[0], current.number)
    assert answer is not None
    return answer


def vessels(n: int) -> list[Voxel]:
    """The brightest voxels of the first slice that lie apart."""
    of = task_case()
    z = of.slice_index
    peak = np.where(of.case.prepared.mask[..., z], of.case.prepared.enhancement[:, :, z].max(-1), 0)
    found: list[Voxel] = []
    for flat in np.argsort(peak, axis=None)[::-1]:
        x, y = (int(v) for v in np.unravel_index(flat, peak.shape))
        if all(abs(x - a) + abs(y - b) > 6 for a, b, _ in found):
            found.append((x, y, z))
        if len(found) == n:
            return found
    raise AssertionError


def shown_core(page: Page) -> float:
    return float(page.locator('[data-number="core_ml"]').inner_text())


def description(field: Locator) -> str:
    """Text of the element that describes a field."""
    return str(
        field.evaluate("node => document.getElementById(node.getAttribute('aria-describedby')).textContent")
    )


def test_a_code_is_typed_and_a_wrong_one_is_refused_beside_its_field(page: Page, site: str, room: Room) -> None:
    page.goto(f"{site}/join")
    code, submit = page.get_by_label("Code of the class"), page.get_by_role("button", name="Join", exact=True)
    submit.click()
    expect(code).to_be_focused()
    eventually(lambda: _in("Type the code", description(code)))
    code.fill("zzzzzz")
    page.get_by_label("Pseudonym", exact=True).fill("Ada")
    submit.click()
    eventually(lambda: _in("no class with this code", description(code)))
    expect(page.get_by_label("Pseudonym", exact=True)).to_have_value("Ada")
    code.fill(f" {room.code[:3].lower()}-{room.code[3:].lower()} ")
    submit.click()
    page.wait_for_selector('[data-screen="waiting"]')
    assert [one.name for one in room.participants] == ["Ada"]
    page.reload()
    page.wait_for_selector('[data-screen="waiting"]')
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector('[data-screen="waiting"]')
    assert [one.name for one in room.participants] == ["Ada"], "a reload and a second tab are the same participant"
    room.open(task_of("predict"))
    for tab in (page, other):
        tab.wait_for_selector('[data-kind="predict"]')


def _shown(page: Page, core_ml: float) -> None:
    assert abs(shown_core(page) - core_ml) <= ROUNDED_ML


def _in(part: str, text: str) -> None:
    assert part in text


def test_a_link_joins_with_its_key_which_leaves_the_address(page: Page, site: str, room: Room) -> None:
    page.goto(f"{site}/join?room={room.code}#k={room.key}")
    page.get_by_role("button", name="Join", exact=True).click()
    page.wait_for_selector('[data-screen="waiting"]')
    name = room.participants[0].name
    assert name, "an empty pseudonym is drawn"
    expect(page.locator(".who b")).to_have_text(name)
    assert room.key not in page.url
    assert room.key not in page.evaluate("JSON.stringify([localStorage, sessionStorage, history.state])")


def test_touched_voxels_are_the_room_s_answer(page: Page, site: str, room: Room) -> None:
    of, voxels = task_case(), vessels(3)
    join(page, site, room)
    room.open(task_of("artery"))
    wait_case(page, of)
    page.wait_for_selector(f'[data-curves~="{of.slice_index}"]')
    for i, voxel in enumerate(voxels):
        x, y = position_of(page, of, voxel)
        with finger(page, [(x + 30, y + 25), (x + 10, y), (x, y)]):
            expect(page.get_by_test_id("loupe")).to_be_visible()
            expect(page.get_by_test_id("voxel-curve")).to_have_attribute("data-live", "true")
            assert page.locator(".task").get_attribute("data-picks") == str(i), (
                "a voxel is added when the finger lifts"
            )
        expect(page.locator(".task")).to_have_attribute("data-picks", str(i + 1))
    expect(page.get_by_test_id("loupe")).to_be_hidden()
    assert page.evaluate("scrollY") == 0
    eventually(lambda: _equal(own_answer(room).voxels, tuple(voxels)))
    sent(page)
    answer = own_answer(room)
    mean = np.mean([of.case.prepared.enhancement[v] for v in voxels], axis=0, dtype=np.float64)
    np.testing.assert_allclose(answer.curve, mean, rtol=1e-6, atol=1e-4)
    core = curve_numbers(of, mean)["core_ml"]
    assert core is not None
    eventually(lambda: _shown(page, core))
    eventually(lambda: _close(page, core))
    page.get_by_role("radio", name="Tmax").check()
    touch(page, position_of(page, of, voxels[0]))
    page.get_by_role("button", name="Undo").click()
    eventually(lambda: _equal(own_answer(room).voxels, tuple(voxels[:2])))


def _equal(a: object, b: object) -> None:
    assert a == b


def _close(page: Page, core_ml: float) -> None:
    """The engine's core in the page against the server's."""
    found = page.locator(".task").get_attribute("data-engine-core")
    assert found is not None
    assert abs(float(found) - core_ml) <= ENGINE_ML


def test_keys_click_a_voxel(page: Page, site: str, room: Room) -> None:
    join(page, site, room)
    room.open(task_of("artery"))
    wait_case(page, task_case())
    page.get_by_test_id("map").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    sent(page)
    header, _ = task_case().case.static
    head = header["head"]
    column, row = head["x"] + head["w"] // 2 + 1, head["y"] + head["h"] // 2 - 8
    assert own_answer(room).voxels == ((*screen_voxels(task_case())[row, column], task_case().slice_index),)
    page.get_by_role("button", name="Remove voxel 1").click()
    expect(page.locator(".task")).to_have_attribute("data-picks", "0")


def test_a_finger_near_the_curve_drags_its_nearest_point(page: Page, site: str, room: Room) -> None:
    of = task_case()
    join(page, site, room)
    room.open(task_of("curve"))
    wait_case(page, of)
    box = page.locator('[data-point="30"]').bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] - 25
    touch(page, *[(x + 1, y - 5 * i) for i in range(9)])
    sent(page)
    answer = own_answer(room)
    assert answer.curve is not None
    change = answer.curve - of.start.value
    assert np.argmax(change) == 30
    assert change[30] > 0
    assert abs(change[:10]).max() < 1e-3, "what lies far from the point stays"
    assert page.evaluate("scrollY") == 0
    core = answer.numbers["core_ml"]
    assert core is not None
    eventually(lambda: _shown(page, core))
    eventually(lambda: _close(page, core))
    room.set_phase("paused")
    page.wait_for_selector('[data-phase="paused"]')
    line = page.locator("svg .aif").get_attribute("d")
    held = page.locator('[data-point="20"]').bounding_box()
    assert held is not None
    touch(page, (held["x"], held["y"]), (held["x"], held["y"] - 40))
    drawn(page)
    assert page.locator("svg .aif").get_attribute("d") == line, "the curve stays while the task is paused"
    room.set_phase("open")
    page.wait_for_selector('[data-phase="open"]')
    page.reload()
    wait_case(page, of)
    eventually(lambda: _close(page, core))
    assert own_answer(room) is answer, "a pause takes no answers, and a reload sends none"
    page.get_by_role("button", name="Reset").click()
    eventually(lambda: np.testing.assert_allclose(own_answer(room).curve, of.start.value, atol=1e-3))


def test_a_browser_without_the_engine_gets_its_numbers_from_the_server(page: Page, site: str, room: Room) -> None:
    page.route("**/*.wasm", lambda route: route.abort())
    join(page, site, room)
    room.open(task_of("curve"))
    expect(page.locator(".error")).to_contain_text("cannot compute maps")
    page.locator('[data-point="20"]').focus()
    page.keyboard.press("ArrowUp")
    sent(page)
    core = own_answer(room).numbers["core_ml"]
    assert core is not None
    eventually(lambda: _shown(page, core))


def test_questions_have_no_answer_before_they_are_touched(page: Page, site: str, room: Room) -> None:
    join(page, site, room)
    room.open(task_of("predict"))
    button = page.locator(".send button")
    expect(button).to_have_text("Send (2 to answer)")
    expect(button).to_be_disabled()
    page.get_by_role("radio", name="It doubles").check()
    page.get_by_role("button", name="more").click()
    button.click()
    sent(page)
    assert own_answer(room).values == (0, 80)
    page.get_by_role("radio", name="It halves").check()
    page.get_by_role("slider").fill("40")
    button.click()
    eventually(lambda: _equal(own_answer(room).values, (1, 40)))
    room.set_phase("closed")
    expect(page.get_by_role("radio", name="It halves")).to_be_disabled()
    assert page.get_by_test_id("reveal").count() == 0
    room.set_revealed(True)
    expect(page.get_by_test_id("reveal")).to_contain_text("right answer, your answer")
    expect(page.get_by_test_id("reveal")).to_contain_text("1 of 1 right")
    expect(page.get_by_test_id("reveal")).to_contain_text("you 40 ml · right answer 40 ml")


def test_a_painted_disc_is_the_room_s_answer(page: Page, site: str, room: Room) -> None:
    of, z = task_case(), task_case().slice_index
    join(page, site, room)
    room.open(task_of("paint"))
    wait_case(page, of)
    voxel: Voxel = (100, 120, z)
    touch(page, position_of(page, of, voxel))
    sent(page)
    flags = own_answer(room).painted
    assert flags is not None
    x, y, slices = np.unravel_index(of.case.prepared.index, of.case.prepared.grid)
    x, y = x[slices == z], y[slices == z]
    spacing = of.case.prepared.spacing_mm[0]
    wanted = {(a, b) for a, b in zip(x, y, strict=True) if np.hypot(a - 100, b - 120) * spacing <= 4.0}
    starts = of.case.starts[z : z + 2]
    pixels = of.case.static[1]["pixel"][starts[0] : starts[1]][flags]
    assert {tuple(v) for v in screen_voxels(of).reshape(-1, 2)[pixels]} == wanted
    expect(page.get_by_test_id("painted")).to_contain_text(f"{len(wanted) * of.case.prepared.voxel_ml:.1f} ml")
    page.get_by_role("radio", name="Erase").check()
    touch(page, position_of(page, of, voxel))
    eventually(lambda: _equal(_n_painted(room), 0))
    page.get_by_role("button", name="Undo").click()
    eventually(lambda: _equal(_n_painted(room), len(wanted)))


def _n_painted(room: Room) -> int:
    painted = own_answer(room).painted
    assert painted is not None
    return int(painted.sum())


def test_a_paused_task_takes_nothing_and_keeps_the_own_maps(page: Page, site: str, room: Room) -> None:
    of, voxels = task_case(), vessels(2)
    join(page, site, room)
    room.open(task_of("artery"))
    wait_case(page, of)
    touch(page, position_of(page, of, voxels[0]))
    sent(page)
    for phase, text in (("paused", "Paused by the lecturer"), ("closed", "Closed")):
        room.set_phase(phase)  # type: ignore[arg-type]
        expect(page.locator(".phase")).to_contain_text(text)
        touch(page, position_of(page, of, voxels[1]))
        drawn(page)
        assert page.locator(".task").get_attribute("data-picks") == "1"
        page.get_by_role("radio", name="rCBF").check()
        expect(page.locator(".picture")).to_have_attribute("data-map", "rcbf")
        page.get_by_role("radio", name="Vessels").check()
        expect(page.locator(".picture")).to_have_attribute("data-map", "tmip")
    room.set_phase("open")
    expect(page.locator(".phase")).to_be_hidden()
    touch(page, position_of(page, of, voxels[1]))
    eventually(lambda: _equal(own_answer(room).voxels, tuple(voxels)))


def test_who_leaves_is_removed_with_the_answers(page: Page, site: str, room: Room) -> None:
    join(page, site, room)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Leave and remove my answers").click()
    page.get_by_role("button", name="Stay").click()
    assert len(room.participants) == 1
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Leave and remove my answers").click()
    page.get_by_role("button", name="Leave", exact=True).click()
    page.wait_for_selector('[data-screen="left"]')
    eventually(lambda: _equal(room.participants, []))
    page.reload()
    page.wait_for_selector('[data-screen="form"]')
    assert not room.participants


def test_a_cut_connection_returns_with_the_name_and_the_unsent_answer(page: Page, site: str, room: Room) -> None:
    with relay(site) as line:
        join(page, line.url, room, "Grace")
        room.open(task_of("predict"))
        page.get_by_role("radio", name="It halves").check()
        page.get_by_role("slider").fill("40")
        line.blocked = True
        line.cut()
        page.wait_for_selector('[data-connection="reconnecting"]')
        page.locator(".send button").click()
        expect(page.locator("#root")).to_have_attribute("data-sent", "waiting")
        line.blocked = False
        page.wait_for_selector('[data-connection="live"]')
        sent(page)
    assert [one.name for one in room.participants] == ["Grace"]
    assert own_answer(room).values == (1, 40)
    expect(page.get_by_role("radio", name="It halves")).to_be_checked()


def test_after_a_restart_of_the_server_the_page_says_what_to_do(
    page: Page, site: str, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay(site) as line:
        join(page, line.url, room, "Grace")
        new = RoomRegistry()
        for module in (socket, case_route):
            monkeypatch.setattr(module, "ROOMS", new)
        line.cut()
        expect(page.locator(".notice")).to_contain_text("join again with the code")
        expect(page.get_by_label("Pseudonym", exact=True)).to_have_value("Grace")
        other = new.open()
        page.get_by_label("Code of the class").fill(other.code)
        page.get_by_role("button", name="Join", exact=True).click()
        page.wait_for_selector('[data-screen="waiting"]')
        assert [one.name for one in other.participants] == ["Grace"]
        new.end(other)
        page.wait_for_selector('[data-screen="ended"]')
        page.get_by_role("button", name="Join another class").click()
        expect(page.get_by_label("Code of the class")).to_have_value("")


def check_state(page: Page, name: str) -> None:
    """No serious violation in both themes; at every size no horizontal scrolling, and targets of 44 pixels."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        drawn(page)
        assert not violations(page), (name, scheme)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        drawn(page)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, (name, width)
        assert not page.evaluate(SMALL_TARGETS), (name, width)
    page.set_viewport_size({"width": 390, "height": 844})


def test_every_screen_without_a_task_is_accessible(page: Page, site: str, room: Room) -> None:
    page.goto(f"{site}/join")
    check_state(page, "form")
    page.get_by_role("button", name="Join", exact=True).click()
    check_state(page, "error")
    join(page, site, room, "W" * 24)
    check_state(page, "waiting")
    page.get_by_role("button", name="Menu").click()
    check_state(page, "menu")
    page.get_by_role("button", name="Leave and remove my answers").click()
    check_state(page, "confirmation")
    page.get_by_role("button", name="Stay").click()
    ROOMS.end(room)
    page.wait_for_selector('[data-screen="ended"]')
    check_state(page, "ended")


@pytest.mark.parametrize("kind", ["artery", "curve", "predict", "paint"])
def test_every_state_of_a_task_is_accessible(page: Page, site: str, room: Room, kind: TaskKind) -> None:
    of = task_case()
    join(page, site, room)
    room.open(task_of(kind))
    page.wait_for_selector(f'[data-kind="{kind}"]')
    if kind != "predict":
        wait_case(page, of)
    check_state(page, f"{kind}, open")
    if kind == "artery":
        for voxel in vessels(8):
            touch(page, position_of(page, of, voxel))
        page.wait_for_selector('[data-picks="8"]')
    elif kind == "curve":
        page.locator('[data-point="20"]').focus()
        page.keyboard.press("ArrowUp")
    elif kind == "paint":
        touch(page, position_of(page, of, (100, 120, of.slice_index)))
    else:
        page.get_by_role("radio", name="It halves").check()
        page.get_by_role("slider").fill("40")
        page.locator(".send button").click()
    sent(page)
    check_state(page, f"{kind}, answered")
    room.set_phase("paused")
    page.wait_for_selector('[data-phase="paused"]')
    room.set_revealed(True)
    page.get_by_test_id("reveal").wait_for()
    check_state(page, f"{kind}, revealed")
