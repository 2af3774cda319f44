"""Lost connections and a restarted server: the Lab reconnects and keeps the curve."""

from __future__ import annotations

import io
import time

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.support.app_server import (
    FIND,
    drag,
    eventually,
    free_port,
    handle_centre,
    lab_data,
    open_lab,
    process,
    settled,
    wait_first_maps,
)
from tests.support.lab_page import automatic, committed_curve, library_result, shown_number
from tests.support.tcp_relay import Relay, relay

pytestmark = pytest.mark.browser
SOCKET = "/live/socket"
POINT = 14


def watch_status(page: Page) -> None:
    """Record every later status in ``window.statuses``."""
    page.evaluate(f"""() => {{ {FIND}
      const lab = find(document);
      window.statuses = [];
      new MutationObserver(() => {{
        if (window.statuses.at(-1) !== lab.dataset.status) window.statuses.push(lab.dataset.status);
      }}).observe(lab, {{ attributes: true, attributeFilter: ["data-status"] }});
    }}""")


def statuses(page: Page) -> list[str]:
    return list(page.evaluate("() => window.statuses"))


def wait_recorded(page: Page, status: str) -> None:
    """Wait for a status that passes by itself."""
    page.wait_for_function("(status) => window.statuses.includes(status)", arg=status)


def wait_status(page: Page, status: str) -> None:
    page.wait_for_selector(f'[data-testid="lab"][data-status="{status}"]')


def expect_refused(connection: Relay) -> None:
    assert connection.refused, "no attempt to reconnect"


def expect_point_at(page: Page, x: float, y: float) -> None:
    assert handle_centre(page, POINT) == pytest.approx((x, y), abs=1.5), "the point is under the pointer"


def exported_curve(page: Page) -> np.ndarray:
    """The curve that the server holds for this session."""
    page.get_by_text("Export: curve, maps").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="AIF (CSV)").click()
    return pd.read_csv(io.BytesIO(waiting.value.path().read_bytes()))["value"].to_numpy()


def assert_computed_with(page: Page, curve: np.ndarray) -> None:
    """The numbers shown are the library's for this curve, and the server holds this curve."""
    expected = library_result(curve).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(expected.core_ml, abs=0.02)
    assert shown_number(page, "reference_cbf") == pytest.approx(expected.reference_cbf, abs=0.051)
    np.testing.assert_allclose(exported_curve(page), curve, rtol=1e-6, atol=1e-6)


def test_a_socket_cut_during_a_drag_reconnects_and_the_drag_goes_on(page: Page, address: str) -> None:
    with relay(address) as connection:
        open_lab(page, connection.url)
        watch_status(page)
        x, y = handle_centre(page, POINT)
        page.mouse.move(x, y)
        page.mouse.down()
        for i in range(1, 11):
            page.mouse.move(x, y + 4 * i)
            time.sleep(0.02)
            if i == 5:
                assert connection.cut(SOCKET) == 1
                wait_recorded(page, "reconnecting")
        wait_status(page, "live")
        eventually(lambda: expect_point_at(page, x, y + 40))
        for i in range(11, 16):
            page.mouse.move(x, y + 4 * i)
            time.sleep(0.02)
        page.mouse.up()
        settled(page)
        assert statuses(page) == ["reconnecting", "live"]
        assert lab_data(page, "mounts") == "1"
        curve = committed_curve(page)
        assert curve[POINT] < automatic().aif.value[POINT] - 0.1 * automatic().aif.peak
        assert_computed_with(page, curve)


def test_an_edit_made_without_a_network_is_sent_after_it_returns(page: Page, address: str) -> None:
    with relay(address) as connection:
        open_lab(page, connection.url)
        watch_status(page)
        connection.blocked = True
        assert connection.cut() >= 2, "the live socket and Streamlit's own"
        wait_recorded(page, "reconnecting")
        drag(page, POINT, 60)
        curve = committed_curve(page)
        eventually(lambda: expect_refused(connection))
        connection.blocked = False
        wait_status(page, "live")
        settled(page)
        assert "reconnecting" in statuses(page)
        np.testing.assert_array_equal(committed_curve(page), curve)
        assert_computed_with(page, curve)


def test_after_a_long_loss_the_lab_returns_from_reruns_to_its_socket(page: Page, address: str) -> None:
    """After some failures the Lab sends its requests as reruns; it returns to the socket once one opens."""
    with relay(address) as connection:
        open_lab(page, connection.url)
        connection.blocked = True
        connection.cut(SOCKET)
        wait_status(page, "fallback")
        drag(page, POINT, 60)
        connection.blocked = False
        wait_status(page, "live")
        settled(page)
        assert_computed_with(page, committed_curve(page))


def test_a_restarted_server_gets_curve_and_snapshots_from_the_open_page(page: Page) -> None:
    port = free_port()
    with process(port) as one:
        open_lab(page, f"http://localhost:{port}")
        watch_status(page)
        drag(page, 20, -30)
        settled(page)
        page.get_by_placeholder("name (optional)").fill("before")
        page.get_by_role("button", name="Save snapshot", exact=True).last.click()
        page.locator('[data-snapshot="1"]').wait_for()
        one.kill()
        one.wait()
    wait_recorded(page, "reconnecting")
    drag(page, POINT, 60)
    curve = committed_curve(page)
    page.keyboard.press("k")
    with process(port):
        wait_status(page, "live")
        settled(page)
        assert lab_data(page, "mounts") == "1"
        np.testing.assert_array_equal(committed_curve(page), curve)
        assert_computed_with(page, curve)
        names = page.get_by_test_id("snapshots").locator("input.name")
        expect(names).to_have_count(2)
        assert names.first.input_value() == "before"
        page.keyboard.press("Control+z")
        settled(page)
        assert committed_curve(page)[20] > automatic().aif.value[20]
        page.keyboard.press("Control+Shift+z")
        settled(page)
        page.reload()
        wait_first_maps(page)
        settled(page)
        assert_computed_with(page, curve)
