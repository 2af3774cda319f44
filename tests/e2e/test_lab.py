"""The Lab in a real browser: an edit of the curve and the maps and numbers after it."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocket, expect

from perfcore.pipeline import analyse
from tests.support.app_server import (
    choose_series,
    drag,
    drawn,
    lab_data,
    new_maps,
    open_lab,
    settled,
    wait_first_maps,
)
from tests.support.lab_page import (
    automatic,
    canvas,
    choose_setting,
    committed_curve,
    editor_values,
    library_result,
)
from tests.support.page_scenes import at_rest

pytestmark = pytest.mark.browser


def test_the_first_view_shows_the_automatic_result(page: Page, address: str) -> None:
    open_lab(page, address)
    expect(page.get_by_test_id("lab")).to_have_attribute("data-status", "live")
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(automatic().numbers.core_ml, rel=1e-6)
    np.testing.assert_allclose(editor_values(page), automatic().aif.value, atol=0.051)
    assert len(np.unique(canvas(page).reshape(-1, 4), axis=0)) > 100


def test_dragging_a_point_moves_curve_map_and_core(page: Page, address: str) -> None:
    open_lab(page, address)
    before, core_before, curve_before = canvas(page), lab_data(page, "core-ml"), editor_values(page)
    aif = automatic().aif
    top = int(aif.value.argmax())
    drag(page, top, 120, steps=12)
    settled(page)
    curve = committed_curve(page)
    assert lab_data(page, "mounts") == "1"
    assert curve[top] < curve_before[top] - 0.2 * aif.peak, "the point follows the pointer"
    assert curve[top - 1] < curve_before[top - 1], "its neighbour follows"
    np.testing.assert_allclose(curve[top + 12 :], aif.value[top + 12 :], atol=1e-4)
    assert (canvas(page) != before).mean() > 0.01
    assert lab_data(page, "core-ml") != core_before
    expected = library_result(curve)
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(expected.numbers.core_ml, abs=0.02)
    shown = page.locator('[data-number="reference_cbf"] b').inner_text()
    assert float(shown) == pytest.approx(expected.numbers.reference_cbf, abs=0.051)


def test_undo_redo_and_reset_restore_curves_exactly(page: Page, address: str) -> None:
    open_lab(page, address)
    start = editor_values(page)
    core_start = lab_data(page, "core-ml")
    drag(page, 15, -60)
    settled(page)
    edited, core_edited = committed_curve(page), lab_data(page, "core-ml")
    page.keyboard.press("Control+z")
    settled(page)
    np.testing.assert_array_equal(editor_values(page), start)
    assert lab_data(page, "core-ml") == core_start
    page.get_by_role("button", name="Redo").click()
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), edited)
    assert lab_data(page, "core-ml") == core_edited
    page.get_by_role("button", name="Reset", exact=True).click()
    settled(page)
    np.testing.assert_array_equal(editor_values(page), start)


def test_the_keyboard_alone_moves_a_point(page: Page, address: str) -> None:
    open_lab(page, address)
    start = editor_values(page)
    page.locator('[data-point="0"]').focus()
    for _ in range(11):
        page.keyboard.press("ArrowRight")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowUp")
    settled(page)
    moved = committed_curve(page) - start
    assert int(moved.argmax()) == 11
    assert moved[11] > 0.2 * automatic().aif.peak
    assert lab_data(page, "mounts") == "1"


def test_an_edit_survives_a_page_change_and_a_reload(page: Page, address: str) -> None:
    open_lab(page, address)
    drag(page, 14, -50)
    settled(page)
    curve = editor_values(page)
    page.get_by_role("link", name="Cases").click()
    page.get_by_test_id("stFileUploader").filter(has_text="Series:").wait_for()
    page.get_by_role("link", name="Lab").click()
    wait_first_maps(page)
    np.testing.assert_array_equal(editor_values(page), curve)
    page.reload()
    wait_first_maps(page)
    np.testing.assert_array_equal(editor_values(page), curve)


def test_an_edit_causes_no_rerun_and_reaches_other_pages(new_page: Page, address: str) -> None:
    page = new_page
    sent: list[str | bytes] = []

    def listen(ws: WebSocket) -> None:
        if "_stcore/stream" in ws.url:
            ws.on("framesent", lambda message: sent.append(message))  # noqa: PLW0108 (Playwright marks what it calls)

    page.on("websocket", listen)
    open_lab(page, address)
    settled(page)
    at_rest(page)
    sent.clear()
    drag(page, 14, -50)
    settled(page)
    curve = editor_values(page)
    page.wait_for_timeout(1000)  # longer than the debounce of a commit by rerun
    assert not sent
    # Other pages have the edit all the same: it was sent by the Lab's own socket.
    page.get_by_role("link", name="Compare").click()
    page.get_by_text("Your edit").first.wait_for()
    assert sent
    page.get_by_role("link", name="Lab").click()
    wait_first_maps(page)
    np.testing.assert_array_equal(editor_values(page), curve)


def test_a_sidebar_setting_reaches_the_maps(page: Page, address: str) -> None:
    open_lab(page, address)
    with new_maps(page):
        choose_setting(page, "Deconvolution", "causal")
    settings = automatic().settings.replace(deconvolution="causal")
    expected = analyse(automatic().series, automatic().aif, settings)
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(expected.numbers.core_ml, abs=0.02)
    assert lab_data(page, "mounts") == "1"


def test_another_map_or_slice_sends_no_edit(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    sent = lab_data(page, "sent")
    pictures = set()
    for name in ("CBF", "MTT", "Tmax", "CT", "rCBF"):
        page.get_by_role("radio", name=name, exact=True).click()
        drawn(page)
        pictures.add(canvas(page).tobytes())
    assert len(pictures) == 5
    page.locator('canvas[data-testid="map"]').hover()
    before = page.locator('[data-out="slice"]').inner_text()
    page.mouse.wheel(0, 100)
    expect(page.locator('[data-out="slice"]')).not_to_have_text(before)
    drawn(page)
    assert canvas(page).tobytes() not in pictures
    assert lab_data(page, "sent") == sent


def test_without_a_socket_the_lab_works_by_reruns(new_page: Page, address: str) -> None:
    page = new_page
    page.route_web_socket("**/live/socket", lambda ws: ws.close())
    page.goto(address)
    page.wait_for_selector('[data-testid="lab"][data-status="fallback"]')
    page.wait_for_selector('[data-testid="lab"][data-core-ml]')
    core = lab_data(page, "core-ml")
    drag(page, 12, 120)
    settled(page)
    assert lab_data(page, "core-ml") != core


def test_every_request_is_same_origin(new_page: Page, address: str) -> None:
    page = new_page
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    open_lab(page, address)
    page.get_by_role("link", name="Cases").click()
    page.get_by_test_id("stFileUploader").filter(has_text="Series:").wait_for()
    outside = [u for u in requested if not u.startswith((address, "data:", "blob:"))]
    assert len(requested) > 10
    assert outside == []


def test_invalid_aif_file_gives_one_error_and_keeps_the_edit(page: Page, address: str) -> None:
    open_lab(page, address)
    drag(page, 14, -50)
    settled(page)
    curve = editor_values(page)
    page.get_by_role("link", name="Cases").click()
    page.get_by_test_id("stFileUploader").filter(has_text="Series:").wait_for()
    choose_series(page, ("bad.nii", b"not a series at all" * 40))
    page.get_by_role("button", name="Open this case").click()
    alert = page.get_by_test_id("stAlert")
    alert.wait_for()
    text = alert.inner_text()
    assert text.startswith("This series cannot be opened: ")
    assert "Traceback" not in text
    assert "bad.nii" not in text
    page.get_by_role("link", name="Lab").click()
    wait_first_maps(page)
    np.testing.assert_array_equal(editor_values(page), curve)
