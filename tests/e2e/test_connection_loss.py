"""What goes wrong while somebody works: afterwards the state is clear, and the curve is still theirs."""

from __future__ import annotations

import io
import time

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.support.app_server import drag, free_port, handle_centre, lab_data, open_lab, process, settled
from tests.support.lab_page import FIND, automatic, kept_curve, own_result, shown_number
from tests.support.tcp_relay import relay

pytestmark = pytest.mark.browser
SOCKET = "/live/socket"
POINT = 14


def watch_status(page: Page) -> None:
    """Note every status from now on in ``window.statuses``."""
    page.evaluate(f"""() => {{ {FIND}
      const lab = find(document);
      window.statuses = [];
      new MutationObserver(() => {{
        if (window.statuses.at(-1) !== lab.dataset.status) window.statuses.push(lab.dataset.status);
      }}).observe(lab, {{ attributes: true, attributeFilter: ["data-status"] }});
    }}""")


def statuses(page: Page) -> list[str]:
    return list(page.evaluate("() => window.statuses"))


def wait_status(page: Page, status: str) -> None:
    page.wait_for_selector(f'[data-testid="lab"][data-status="{status}"]', timeout=60_000)


def exported_curve(page: Page) -> np.ndarray:
    """The curve as the server has it for this person."""
    page.get_by_text("Export: curve, maps, settings, command line").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="AIF (CSV)").click()
    return pd.read_csv(io.BytesIO(waiting.value.path().read_bytes()))["value"].to_numpy()


def assert_computed_with(page: Page, curve: np.ndarray) -> None:
    """The figures shown are the library's for this curve, and the server's own curve is this one."""
    expected = own_result(curve).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(expected.core_ml, abs=0.02)
    assert shown_number(page, "reference_cbf") == pytest.approx(expected.reference_cbf, abs=0.051)
    np.testing.assert_allclose(exported_curve(page), curve, rtol=1e-6, atol=1e-6)


def test_a_socket_cut_in_mid_drag_comes_back_under_the_hand(page: Page, address: str) -> None:
    with relay(address) as road:
        open_lab(page, road.url)
        watch_status(page)
        x, y = handle_centre(page, POINT)
        page.mouse.move(x, y)
        page.mouse.down()
        for i in range(1, 11):
            page.mouse.move(x, y + 4 * i)
            time.sleep(0.02)
            if i == 5:
                assert road.cut(SOCKET) == 1
                wait_status(page, "reconnecting")
        wait_status(page, "live")
        assert handle_centre(page, POINT) == pytest.approx((x, y + 40), abs=1.5), "the point is under the hand"
        for i in range(11, 16):
            page.mouse.move(x, y + 4 * i)
            time.sleep(0.02)
        page.mouse.up()
        settled(page)
        assert statuses(page) == ["reconnecting", "live"]
        assert lab_data(page, "mounts") == "1"
        curve = kept_curve(page)
        assert curve[POINT] < automatic().aif.value[POINT] - 0.1 * automatic().aif.peak
        assert_computed_with(page, curve)


def test_a_network_away_while_the_hand_lets_go_loses_nothing(page: Page, address: str) -> None:
    with relay(address) as road:
        open_lab(page, road.url)
        watch_status(page)
        road.blocked = True
        assert road.cut() >= 2, "the live socket and Streamlit's own"
        wait_status(page, "reconnecting")
        drag(page, POINT, 60)
        curve = kept_curve(page)
        page.wait_for_timeout(1500)
        road.blocked = False
        wait_status(page, "live")
        settled(page)
        assert "reconnecting" in statuses(page)
        np.testing.assert_array_equal(kept_curve(page), curve)
        assert_computed_with(page, curve)


def test_a_network_away_for_long_comes_back_live(page: Page, address: str) -> None:
    """After some failures the Lab goes by Streamlit itself; it returns to its socket when there is one."""
    with relay(address) as road:
        open_lab(page, road.url)
        road.blocked = True
        road.cut(SOCKET)
        wait_status(page, "fallback")
        drag(page, POINT, 60)
        road.blocked = False
        wait_status(page, "live")
        settled(page)
        assert_computed_with(page, kept_curve(page))


def test_a_server_restarted_under_an_open_page(page: Page) -> None:
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
    wait_status(page, "reconnecting")
    drag(page, POINT, 60)
    curve = kept_curve(page)
    page.keyboard.press("k")
    page.wait_for_timeout(2000)
    with process(port):
        wait_status(page, "live")
        settled(page)
        assert lab_data(page, "mounts") == "1"
        np.testing.assert_array_equal(kept_curve(page), curve)
        assert_computed_with(page, curve)
        names = page.get_by_test_id("snapshots").locator("input.name")
        expect(names).to_have_count(2)
        assert names.first.input_value() == "before"
        page.keyboard.press("Control+z")
        settled(page)
        assert kept_curve(page)[20] > automatic().aif.value[20]
        page.keyboard.press("Control+Shift+z")
        settled(page)
        page.reload()
        page.wait_for_selector('[data-testid="lab"][data-painted][data-core-ml]')
        settled(page)
        assert_computed_with(page, curve)
