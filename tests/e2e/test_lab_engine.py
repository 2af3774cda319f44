"""The engine computes the maps of a drag in the page; the server confirms at rest."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, WebSocket, expect

from pages.live.server import wire
from tests.support.app_server import (
    FIND,
    drag,
    handle_centre,
    lab_data,
    new_maps,
    open_lab,
    settled,
    wait_first_maps,
    wait_lab,
)
from tests.support.lab_page import committed_curve, library_result, shown_number
from tests.support.tcp_relay import relay
from tests.support.wire_frames import read

pytestmark = pytest.mark.browser
POINT = 14
MAX_MEAN_ERROR = 3e-4
"""Of CBF in the page against the server's, relative: the temporal basis and 16 bits."""
SHOWN = f"""() => {{ {FIND} return find(document).dataset.painted; }}"""


def wait_engine(page: Page) -> None:
    page.wait_for_selector('[data-testid="lab"][data-engine="browser"]')


@pytest.mark.parametrize("layout", ["one", "all"])
def test_a_drag_is_computed_in_the_page_and_confirmed_at_rest(new_page: Page, address: str, layout: str) -> None:
    page = new_page
    edits: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        if socket.url.endswith("/live/socket"):
            socket.on("framesent", lambda data: edits.append(data) if isinstance(data, bytes) else None)

    page.on("websocket", listen)
    open_lab(page, address)
    wait_engine(page)
    with new_maps(page):
        page.click(f"[data-layout={layout}]")
        drag(page, POINT, 10)
    edits.clear()
    x, y = handle_centre(page, POINT)
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(1, 9):
        before = page.evaluate(SHOWN)
        page.mouse.move(x, y + 5 * i)
        wait_lab(page, f"data.painted !== '{before}'")
    assert edits == [], "the server is not asked during the drag"
    page.mouse.up()
    settled(page)
    assert edits, "the server is asked at rest"
    error = float(lab_data(page, "engine-error") or "nan")
    assert 0 < error <= MAX_MEAN_ERROR
    expected = library_result(committed_curve(page)).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(expected.core_ml, abs=0.02)


def test_numbers_of_all_slices_follow_a_drag(page: Page, address: str) -> None:
    open_lab(page, address)
    wait_engine(page)
    x, y = handle_centre(page, POINT)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 30)
    core = lab_data(page, "core-ml")
    page.mouse.move(x, y + 60)
    wait_lab(page, f"data.coreMl !== '{core}' && data.moving === 'true'")
    page.mouse.up()
    settled(page)


def test_a_drag_goes_on_while_the_server_is_away(page: Page, address: str) -> None:
    with relay(address) as connection:
        open_lab(page, connection.url)
        wait_engine(page)
        x, y = handle_centre(page, POINT)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y + 8)
        connection.blocked = True
        connection.cut("/live/socket")
        page.wait_for_selector('[data-testid="lab"][data-status="reconnecting"]')
        for i in range(2, 8):
            before = page.evaluate(SHOWN)
            page.mouse.move(x, y + 8 * i)
            wait_lab(page, f"data.painted !== '{before}'")
        # After some failures the requests would go as reruns, which the drag does not wait for either.
        expect(page.locator("[data-out=status]")).to_have_text(re.compile("reconnecting|no socket"))
        expect(page.locator("[data-out=engine]")).to_have_text("maps: browser")
        page.mouse.up()
        connection.blocked = False
        page.wait_for_selector('[data-testid="lab"][data-status="live"]')
        settled(page)
        curve = committed_curve(page)
    assert shown_number(page, "core_ml") == pytest.approx(library_result(curve).numbers.core_ml, abs=0.06)


def test_a_case_that_disagrees_with_the_server_is_left_to_it(new_page: Page, address: str) -> None:
    page = new_page

    def spoil(route: Route) -> None:
        answer = route.fetch()
        body = answer.body()
        if '"coefficients"' in (route.request.post_data or ""):  # another flow of some voxels
            header, arrays = read(body)
            values = arrays["coefficients"].copy()
            values[values.size // 2 :] //= 2
            body = wire.pack("coefficients", {"z": header["z"]}, {"coefficients": values})
        headers = {name: value for name, value in answer.headers.items() if name != "content-encoding"}
        route.fulfill(response=answer, headers=headers, body=body)

    page.route(re.compile("/live/case$"), spoil)
    open_lab(page, address)
    expect(page.locator(".notice")).to_contain_text("differ from the server's")
    wait_lab(page, "data.engine === 'server'")
    settled(page)
    with new_maps(page):
        drag(page, POINT, 20)
    expected = library_result(committed_curve(page)).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(expected.core_ml, abs=0.02)


def test_settings_that_the_engine_does_not_have_are_computed_by_the_server(page: Page, address: str) -> None:
    page.goto(f"{address}/?regularization=oscillation")
    wait_first_maps(page)
    wait_lab(page, "data.engine === 'server'")
    with new_maps(page):
        drag(page, POINT, 20)
    assert lab_data(page, "engine") == "server"
