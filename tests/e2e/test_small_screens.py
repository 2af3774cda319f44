"""Small screens: the map stays in view, swipes scroll, targets are large enough, nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from playwright.sync_api import Browser, CDPSession, FloatRect, Locator, Page, ViewportSize, expect

from tests.support.app_server import drawn, eventually, handle_centre, isolated_page, lab_data, open_lab, settled
from tests.support.lab_page import canvas_box, editor_values
from tests.support.page_scenes import SCENES, at_rest, finetune
from tests.support.screens import SIZES, crowded, lift_finger, scrolls_sideways, small_targets, swipe, wait_none

pytestmark = pytest.mark.browser

PHONE = ViewportSize(width=390, height=844)
TABLET = ViewportSize(width=820, height=1180)
PHONE_ON_ITS_SIDE = ViewportSize(width=844, height=390)
SIDEBAR = '[data-testid="stSidebar"]'
EDITOR = 'svg[data-testid="aif-editor"]'
SCROLL_TOP = "() => document.querySelector('.stMain').scrollTop"
SHIFTS = """() => new Promise((done) => { let sum = 0;
  const add = (list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value;
    done(sum);
  };
  new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => done(sum))); })"""
OPACITY = "node => Number(getComputedStyle(node).opacity)"
MAX_SHIFT = 0.1  # cumulative; above it a page counts as unstable (web.dev/cls)
TOUCHED = (
    "lab", "finetune", "lessons", "lesson", "challenge", "cases", "compare", "cohort", "model", "how", "class",
)  # fmt: skip


@pytest.fixture(scope="module")
def phone(chromium: Browser, address: str) -> Iterator[Page]:
    """The Lab on a phone."""
    with isolated_page(chromium, one_map=False, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        open_lab(page, address)
        settled(page)
        yield page


@pytest.fixture
def finger(phone: Page) -> Iterator[CDPSession]:
    """A finger on the phone, whose page is at its top."""
    phone.set_viewport_size(PHONE)
    at_rest(phone)
    phone.evaluate("() => document.querySelector('.stMain').scrollTo(0, 0)")
    drawn(phone)
    session = phone.context.new_cdp_session(phone)
    yield session
    session.detach()


def scroll_top(page: Page) -> float:
    return float(page.evaluate(SCROLL_TOP))


def show_editor(page: Page) -> None:
    page.locator(EDITOR).evaluate("node => node.scrollIntoView({ block: 'end' })")
    drawn(page)


def in_view(page: Page, selector: str) -> bool:
    """Whether an element is whole within the window and is not covered in its middle."""
    box = page.locator(selector).bounding_box()
    size = page.viewport_size
    assert box and size
    return bool(
        box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= size["width"] + 1
        and box["y"] + box["height"] <= size["height"] + 1
    )


@pytest.mark.parametrize(
    ("width", "closed"), [(390, True), (820, True), (1024, True), (1280, False), (1920, False)]
)
def test_the_sidebar_is_closed_at_arrival_on_a_narrow_window(
    chromium: Browser, address: str, width: int, closed: bool
) -> None:
    w, h = SIZES[width]
    with isolated_page(chromium, viewport={"width": w, "height": h}) as page:
        page.goto(f"{address}/howitworks")
        page.locator(".katex-display").first.wait_for()
        expect(page.locator(SIDEBAR)).to_have_attribute("data-collapsed", str(closed).lower())


def test_a_sidebar_that_was_opened_is_closed_at_the_next_arrival(chromium: Browser, address: str) -> None:
    with isolated_page(chromium, viewport={"width": 1024, "height": 768}) as page:
        for _ in range(2):
            page.goto(f"{address}/howitworks")
            page.locator(".katex-display").first.wait_for()
            expect(page.locator(SIDEBAR)).to_have_attribute("data-collapsed", "true")
            width = page.get_by_test_id("stMain").evaluate("node => node.clientWidth")
            page.get_by_test_id("stExpandSidebarButton").click()
            expect(page.locator(SIDEBAR)).to_have_attribute("data-collapsed", "false")
            # It lies over the page, whose layout stays.
            assert page.get_by_test_id("stMain").evaluate("node => node.clientWidth") == width


def test_the_sidebar_closes_as_a_page_is_chosen_in_it(chromium: Browser, address: str) -> None:
    with isolated_page(chromium, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        page.goto(f"{address}/model")
        page.get_by_test_id("stExpandSidebarButton").tap()
        page.get_by_test_id("stSidebarNavLink").filter(has_text="How it works").tap()
        page.locator(".katex-display").first.wait_for()
        expect(page.locator(SIDEBAR)).to_have_attribute("data-collapsed", "true")
        page.get_by_test_id("stExpandSidebarButton").tap()
        expect(page.locator(SIDEBAR)).to_have_attribute("data-collapsed", "false")


def test_pages_are_reached_on_a_phone(phone: Page) -> None:
    phone.get_by_test_id("stExpandSidebarButton").click()
    links = phone.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(8)
    expect(links.first).to_be_in_viewport()
    phone.get_by_test_id("stSidebarCollapseButton").locator("button").click()
    expect(phone.locator(SIDEBAR)).to_have_attribute("data-collapsed", "true")


@pytest.mark.parametrize("size", [PHONE, TABLET], ids=["phone", "tablet"])
def test_the_map_is_in_view_while_a_point_is_dragged(phone: Page, finger: CDPSession, size: ViewportSize) -> None:
    phone.set_viewport_size(size)
    at_rest(phone)
    show_editor(phone)
    before, top = editor_values(phone), scroll_top(phone)
    at = int(before.argmax())
    x, y = handle_centre(phone, at)
    swipe(finger, (x + 9, y + 9), (0, 70), lift=False)  # a finger beside the handle takes it
    eventually(lambda: _less(editor_values(phone)[at], before[at]))
    assert in_view(phone, 'canvas[data-testid="map"]')
    assert in_view(phone, '[data-number="core_ml"]')
    assert in_view(phone, '[data-number="hypoperfused_ml"]')
    assert in_view(phone, '[data-number="mismatch_ml"]')
    assert in_view(phone, f'{EDITOR} [data-point="{at}"]')
    assert scroll_top(phone) == top
    lift_finger(finger)
    settled(phone)
    assert scroll_top(phone) == top


def _less(value: float, limit: float) -> None:
    assert value < limit


@pytest.mark.parametrize("size", [PHONE, TABLET], ids=["phone", "tablet"])
def test_two_maps_fill_the_picture(phone: Page, finger: CDPSession, size: ViewportSize) -> None:
    """Heads of a quarter of the window's height and more; the picture is not mostly background."""
    phone.set_viewport_size(size)
    settled(phone)
    drawn(phone)
    eventually(lambda: assert_large_maps(phone, size))


def assert_large_maps(page: Page, size: ViewportSize) -> None:
    assert canvas_box(page)["height"] > size["height"] / 4
    share = page.locator('canvas[data-testid="map"]').evaluate("""canvas => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let shown = 0;
      for (let i = 0; i < data.length; i += 4) shown += data[i] + data[i + 1] + data[i + 2] > 60;
      return shown / (canvas.width * canvas.height); }""")
    assert share > 0.45


@pytest.mark.parametrize("place", ["map", "curve"])
def test_a_swipe_scrolls_and_edits_nothing(phone: Page, finger: CDPSession, place: str) -> None:
    curve, sent = editor_values(phone), lab_data(phone, "sent")
    box = phone.locator('canvas[data-testid="map"]' if place == "map" else EDITOR).bounding_box()
    assert box
    # On the curve: its upper right corner, far from every handle.
    x = box["x"] + box["width"] * (0.3 if place == "map" else 0.9)
    swipe(finger, (x, box["y"] + 40), (0, -30 - 120))
    eventually(lambda: _less(60, scroll_top(phone)))
    assert np.array_equal(editor_values(phone), curve)
    assert lab_data(phone, "sent") == sent


def _in_the_middle(page: Page, node: Locator) -> FloatRect:
    """Scroll an element into the middle of the window; its place there."""
    node.evaluate("node => node.scrollIntoView({ block: 'center' })")
    drawn(page)
    box = node.bounding_box()
    assert box
    return box


def test_a_swipe_over_the_players_curves_leaves_its_frame(chromium: Browser, address: str) -> None:
    with isolated_page(chromium, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        SCENES["cases"](page, address)
        frame = page.locator('[data-control="frame"]')
        chart = page.locator('[data-chart="voxel"]')
        box = _in_the_middle(page, chart)
        x, y = box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.5
        finger = page.context.new_cdp_session(page)
        before = scroll_top(page)
        swipe(finger, (x, y), (0, 150))
        eventually(lambda: _less(scroll_top(page), before - 60))
        expect(frame).to_have_value("13")
        box = _in_the_middle(page, chart)
        x, y = box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.5
        swipe(finger, (x, y), (-box["width"] * 0.5, 0))
        eventually(lambda: _less(float(frame.input_value()), 13))
        dragged = float(frame.input_value())
        swipe(finger, (x, y), (0, 0), steps=0)
        eventually(lambda: _less(dragged, float(frame.input_value())))


def test_handles_and_numbers_are_uncovered_on_a_tablet_on_its_side(chromium: Browser, address: str) -> None:
    size = ViewportSize(width=1180, height=820)
    with isolated_page(chromium, one_map=False, viewport=size, has_touch=True, is_mobile=True) as page:
        open_lab(page, address)
        settled(page)
        page.locator('[data-action="whole"]').tap()
        expect(page.locator(".whole")).to_be_visible()
        wait_none(page, crowded)
        page.locator(".panels > .numbers").scroll_into_view_if_needed()
        drawn(page)
        maps, numbers = (page.locator(f".panels > {name}").bounding_box() for name in (".maps", ".numbers"))
        assert maps and numbers
        assert maps["x"] + maps["width"] <= numbers["x"]


PROBED = '[data-out="probed"]'


def test_a_tap_on_the_map_shows_the_voxel_and_a_swipe_does_not(phone: Page, finger: CDPSession) -> None:
    canvas = 'canvas[data-testid="map"]'
    readout = phone.locator('[data-out="readout"]')  # written at once, before the voxel's curves come
    box = canvas_box(phone)
    x, y = box["x"] + box["width"] * 0.15, box["y"] + box["height"] * 0.5
    before = phone.locator(PROBED).text_content() or ""
    swipe(finger, (x, y), (0, 0), steps=0)
    expect(phone.locator(PROBED)).not_to_have_text(before)
    expect(readout).to_contain_text("slice")
    tapped = readout.text_content() or ""
    phone.locator(canvas).evaluate("node => node.blur()")
    # Upwards, which scrolls the page; and across, which does not.
    swipe(finger, (x + box["width"] * 0.2, y), (0, -150))
    eventually(lambda: _less(60, scroll_top(phone)))
    swipe(finger, (x + box["width"] * 0.2, y - 60), (60, 0))
    assert readout.text_content() == tapped
    assert not phone.locator(canvas).evaluate("node => node.matches(':focus')")


def test_a_stroke_in_draw_mode_draws_and_does_not_scroll(phone: Page, finger: CDPSession) -> None:
    phone.locator('[data-mode="draw"]').click()
    show_editor(phone)
    before, top = editor_values(phone), scroll_top(phone)
    box = phone.locator(EDITOR).bounding_box()
    assert box
    swipe(finger, (box["x"] + box["width"] * 0.8, box["y"] + 40), (20, 100))
    eventually(lambda: _less(0, float(np.abs(editor_values(phone) - before).max())))
    settled(phone)
    assert scroll_top(phone) == top
    phone.locator('[data-mode="points"]').click()


def test_map_and_curve_are_beside_each_other_on_a_phone_on_its_side(phone: Page, finger: CDPSession) -> None:
    phone.set_viewport_size(PHONE_ON_ITS_SIDE)
    eventually(lambda: assert_beside(phone))


def assert_beside(page: Page) -> None:
    assert in_view(page, 'canvas[data-testid="map"]')
    assert in_view(page, EDITOR)
    picture, editor = canvas_box(page), page.locator(EDITOR).bounding_box()
    assert editor
    assert picture["x"] + picture["width"] <= editor["x"]
    assert min(picture["height"], editor["height"]) > 190


def test_ratio_and_decision_stand_below_the_volumes(phone: Page, finger: CDPSession) -> None:
    for selector in ('[data-number="core_ml"] b', '[data-number="mismatch_ratio"] b', ".decision"):
        expect(phone.locator(f".lesions {selector}")).to_be_in_viewport(ratio=0.99)


@pytest.mark.parametrize("size", [PHONE, PHONE_ON_ITS_SIDE])
def test_the_bars_buttons_are_level_with_the_header_and_cover_nothing(
    phone: Page, finger: CDPSession, size: ViewportSize
) -> None:
    phone.set_viewport_size(size)

    def check() -> None:
        header, bar = (phone.get_by_test_id(name).bounding_box() for name in ("stHeader", "app-bar"))
        assert header and bar
        assert bar["y"] + bar["height"] / 2 == pytest.approx(header["y"] + header["height"] / 2, abs=1)
        in_header = ':is(a, button, [data-testid="stTopNavSection"]):visible'
        nodes = phone.get_by_test_id("stToolbar").locator(in_header).all()
        boxes = [box for node in nodes if (box := node.bounding_box())]
        assert boxes and max(box["x"] + box["width"] for box in boxes) <= bar["x"]

    eventually(check)


def test_handles_are_apart_enough_for_fingers(phone: Page, finger: CDPSession) -> None:
    shown = [one for one in phone.locator(f"{EDITOR} [data-point]").all() if one.evaluate(OPACITY) > 0]
    boxes = [one.bounding_box() for one in shown]
    places = np.array([(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2) for b in boxes if b])
    distance = np.hypot(*(places[:, None] - places[None]).T)
    np.fill_diagonal(distance, np.inf)
    assert len(places) >= 8
    assert distance.min() >= 20


@pytest.mark.parametrize("width", [1024, 1280])
@pytest.mark.parametrize("name", ["lab", "tools", "finetune"])
def test_nothing_is_cut_or_covered(chromium: Browser, address: str, name: str, width: int) -> None:
    w, h = SIZES[width]
    scene = partial(finetune, n_steps=2) if name == "finetune" else SCENES[name]
    with isolated_page(chromium, one_map=False, viewport={"width": w, "height": h}) as page:
        scene(page, address)
        if name != "tools":  # with all tools open the curve's column scrolls
            wait_none(page, crowded)
        assert page.locator(".curve").evaluate("node => node.scrollWidth <= node.clientWidth")
        expect(page.locator(".panels > .numbers")).to_be_in_viewport(ratio=0.9)
        first, second = (page.locator(selector).bounding_box() for selector in (".stage", EDITOR))
        assert first and second
        assert first["x"] + first["width"] <= second["x"]


def test_the_names_of_tabs_are_whole_on_a_phone(chromium: Browser, address: str) -> None:
    with isolated_page(chromium, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        SCENES["model"](page, address)
        tabs = page.get_by_test_id("stTab")
        expect(tabs.first).to_be_visible()
        for tab in tabs.all():
            assert tab.evaluate("node => node.scrollWidth <= node.offsetWidth"), tab.inner_text()


def test_arrival_on_a_phone_moves_little(chromium: Browser, address: str) -> None:
    with isolated_page(chromium, one_map=False, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        open_lab(page, address)
        settled(page)
        assert page.evaluate(SHIFTS) <= MAX_SHIFT


@pytest.mark.parametrize("name", TOUCHED)
def test_targets_are_large_enough_for_fingers(chromium: Browser, address: str, name: str) -> None:
    scene = partial(finetune, n_steps=2) if name == "finetune" else SCENES[name]
    with isolated_page(chromium, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        scene(page, address)
        for width in (390, 820, 1024):
            w, h = SIZES[width]
            page.set_viewport_size({"width": w, "height": h})
            at_rest(page)
            wait_none(page, small_targets)
            wait_none(page, scrolls_sideways)
