"""The Lab behind a link of 100 ms and 20 Mbit/s: first load, drag, reconnecting."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.support.app_server import (
    FIND,
    eventually,
    handle_centre,
    isolated_page,
    lab_data,
    open_lab,
    settled,
    wait_lab,
)
from tests.support.lab_page import committed_curve, library_result
from tests.support.tcp_relay import FAR, Relay, relay

pytestmark = pytest.mark.browser
POINT = 14
# What the Lab has said of its engine, and of its maps at that time.
RECORD = f"""() => {{
  {FIND}
  window.said = [];
  const look = () => {{
    const lab = find(document), text = lab?.querySelector("[data-out=engine]")?.textContent;
    if (text && window.said.at(-1)?.[0] !== text) window.said.push([text, "painted" in lab.dataset]);
    requestAnimationFrame(look);
  }};
  look();
}}"""


@pytest.fixture(scope="module")
def connection(address: str) -> Iterator[Relay]:
    with relay(address, FAR) as one:
        yield one


@pytest.fixture(scope="module")
def edits() -> list[bytes]:
    """Binary messages to the live socket: edits."""
    return []


@pytest.fixture(scope="module")
def page(chromium: Browser, connection: Relay, edits: list[bytes]) -> Iterator[Page]:
    """The Lab as loaded by a new user, with nothing in the caches; one for all tests here."""

    def listen(socket: WebSocket) -> None:
        if socket.url.endswith("/live/socket"):
            socket.on("framesent", lambda data: edits.append(data) if isinstance(data, bytes) else None)

    with isolated_page(chromium) as one:
        one.on("websocket", listen)
        one.add_init_script(f"({RECORD})()")
        open_lab(one, connection.url)
        one.wait_for_selector('[data-testid="lab"][data-engine="browser"]')
        settled(one)
        yield one


def expect_asked(page: Page, edits: list[bytes]) -> None:
    lab_data(page, "sent")  # Playwright reports what a socket has sent while it waits for an answer
    assert edits, "the server is asked at rest"


def assert_each_move_is_drawn(page: Page, start: tuple[float, float], offsets: range) -> None:
    x, y = start
    for dy in offsets:
        before = lab_data(page, "painted")
        page.mouse.move(x, y + dy)
        wait_lab(page, f"data.painted !== '{before}'")


def test_the_first_load_shows_maps_and_counts_the_slices_that_have_come(page: Page) -> None:
    expect(page.locator("[data-out=engine]")).to_have_text("maps: browser")
    wait_lab(page, "window.said.at(-1)[0] === 'maps: browser'")
    said = page.evaluate("() => window.said")
    loading = [(int(found[1]), int(found[2]), drawn) for text, drawn in said
               if (found := re.fullmatch(r"maps: loading (\d+)/(\d+)", text))]  # fmt: skip
    assert len(loading) >= 3, said
    assert all(early[0] < late[0] for early, late in itertools.pairwise(loading))
    assert {total for _, total, _ in loading} == {8}
    assert loading[-1][2], "the map is shown before all slices have come"


def test_a_drag_is_drawn_at_each_move_and_sends_nothing(page: Page, edits: list[bytes]) -> None:
    edits.clear()
    x, y = handle_centre(page, POINT)
    page.mouse.move(x, y)
    page.mouse.down()
    assert_each_move_is_drawn(page, (x, y), range(5, 45, 5))
    assert edits == [], "the server is not asked during the drag"
    page.mouse.up()
    settled(page)
    eventually(lambda: expect_asked(page, edits))
    expected = library_result(committed_curve(page)).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(expected.core_ml, abs=0.02)


def test_a_lost_network_is_shown_while_the_drag_goes_on_and_the_edit_is_sent_after_it(
    page: Page, connection: Relay
) -> None:
    status = page.locator("[data-out=status]")
    x, y = handle_centre(page, POINT)
    page.mouse.move(x, y)
    page.mouse.down()
    connection.blocked = True
    assert connection.cut() >= 2, "the live socket and Streamlit's own"
    expect(status).to_have_text(re.compile("reconnecting|no socket"))
    expect(status).to_be_visible()
    assert_each_move_is_drawn(page, (x, y), range(5, 45, 5))
    expect(status).to_have_text(re.compile("reconnecting|no socket"))
    expect(page.locator("[data-out=engine]")).to_have_text("maps: browser")
    page.mouse.up()
    connection.blocked = False
    expect(status).to_have_text("live")
    settled(page)
    expected = library_result(committed_curve(page)).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(expected.core_ml, abs=0.02)
