"""Every way to edit the curve in a real browser: the curve and its maps after each edit."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from pages.live.server import wire
from pages.live.server.messages import error_frame
from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.aif.fit import fit_gamma_variate
from tests.support.app_server import (
    drag,
    eventually,
    handle_centre,
    isolated_page,
    lab_data,
    new_maps,
    open_lab,
    settled,
    wait_lab,
)
from tests.support.lab_page import (
    automatic,
    choose_setting,
    committed_curve,
    editor_values,
    library_result,
    press_at_once,
    reset_curve,
    shown_number,
    start_curve,
)

pytestmark = pytest.mark.browser

HANDLES: dict[str, float] = {
    "amplitude": 0.5, "shift_s": 3.5, "width": 1.4, "dispersion_s": 2.5, "tail": 0.2, "cut_s": 15.0,
    "baseline": 6.0, "smooth_s": 1.7,
}  # fmt: skip


def open_handles(page: Page, address: str) -> None:
    open_lab(page, address)
    page.get_by_role("button", name="Whole curve").click()


@pytest.fixture(scope="module")
def handles(shared_page: Page, address: str) -> Page:
    """The Lab with the handles of the whole curve open; each test resets the curve at its end."""
    open_handles(shared_page, address)
    return shared_page


@pytest.mark.parametrize(("name", "value"), HANDLES.items())
def test_each_handles_field_edits_the_whole_curve(handles: Page, name: str, value: float) -> None:
    page = handles
    field = page.locator(f'[data-field="{name}"]')
    field.fill(str(value))
    field.press("Enter")
    settled(page)
    expected = edit_curve(start_curve(), 1.0, CurveEdit(**{name: value}))
    np.testing.assert_allclose(committed_curve(page), expected, atol=1e-4)
    own = library_result(committed_curve(page)).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(own.core_ml, abs=0.02)
    assert shown_number(page, "hypoperfused_ml") == pytest.approx(own.hypoperfused_ml, abs=0.051)
    assert page.locator('[data-out="effect"]').get_attribute("data-effect") == name
    reset_curve(page)
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), start_curve())
    assert float(page.locator(f'[data-handle="{name}"]').input_value()) != value, "the handle is reset too"


def test_amplitude_leaves_rcbf_core_and_tmax_with_a_hint(page: Page, address: str) -> None:
    open_handles(page, address)
    settled(page)
    cbf = shown_number(page, "reference_cbf")
    page.locator('[data-field="amplitude"]').fill("0.5")
    page.locator('[data-field="amplitude"]').press("Enter")
    settled(page)
    for name in ("core_ml", "hypoperfused_ml", "mismatch_ml", "dice", "auc"):
        assert page.locator(f'[data-number="{name}"] em').inner_text() == "±0", name
    assert shown_number(page, "reference_cbf") == pytest.approx(2 * cbf, abs=0.11)
    assert "rCBF, core and Tmax do not see amplitude" in page.locator('[data-out="effect"]').inner_text()


def test_a_shift_moves_tmax_and_not_the_core_with_a_hint_for_each_form(page: Page, address: str) -> None:
    open_handles(page, address)
    page.locator('[data-field="shift_s"]').fill("-3")
    page.locator('[data-field="shift_s"]').press("Enter")
    settled(page)
    assert "hardly see a shift" in page.locator('[data-out="effect"]').inner_text()
    start = automatic().numbers
    assert shown_number(page, "core_ml") == pytest.approx(start.core_ml, rel=0.05)
    assert shown_number(page, "hypoperfused_ml") > 1.5 * start.hypoperfused_ml
    with new_maps(page):
        choose_setting(page, "Deconvolution", "causal")
    page.locator('[data-field="shift_s"]').fill("3")
    page.locator('[data-field="shift_s"]').press("Enter")
    expect(page.locator('[data-out="effect"]')).to_contain_text("In the causal form a shift matters")


def test_the_maps_follow_a_dragged_slider_and_one_undo_reverts_it(page: Page, address: str) -> None:
    open_handles(page, address)
    settled(page)
    start = editor_values(page)
    box = page.locator('[data-handle="width"]').bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(12):
        before = lab_data(page, "painted")
        page.mouse.move(box["x"] + box["width"] * (0.3 + 0.04 * step), box["y"] + box["height"] / 2)
        if step:
            wait_lab(page, f"data.painted !== '{before}'")  # maps of the drag, before the release
    page.mouse.up()
    settled(page)
    value = float(page.locator('[data-handle="width"]').input_value())
    assert value > 1.2
    expected = edit_curve(start_curve(), 1.0, CurveEdit(width=value))
    np.testing.assert_allclose(committed_curve(page), expected, atol=1e-4)
    page.locator('[data-handle="width"]').press("Control+z")
    settled(page)
    np.testing.assert_array_equal(editor_values(page), start)
    assert float(page.locator('[data-handle="width"]').input_value()) == 1
    page.get_by_role("button", name="Redo").click()
    settled(page)
    assert float(page.locator('[data-handle="width"]').input_value()) == value, "the handle is restored too"


def test_handles_combine_and_act_on_a_dragged_curve(page: Page, address: str) -> None:
    open_handles(page, address)
    drag(page, 14, -40)
    settled(page)
    drawn = committed_curve(page)
    for name, value in (("shift_s", 2.0), ("amplitude", 1.5)):
        page.locator(f'[data-field="{name}"]').fill(str(value))
        page.locator(f'[data-field="{name}"]').press("Enter")
    settled(page)
    expected = edit_curve(drawn, 1.0, CurveEdit(shift_s=2.0, amplitude=1.5))
    np.testing.assert_allclose(committed_curve(page), expected, atol=1e-3)
    page.get_by_role("button", name="Reset handles").click()
    settled(page)
    np.testing.assert_allclose(committed_curve(page), drawn, atol=1e-4)


def scale_of(page: Page) -> tuple[np.ndarray, np.ndarray]:
    """Linear maps from page position to time [s] and to value, two coefficients each, fitted to the points."""
    values = editor_values(page)
    top = int(values.argmax())
    (x0, y0), (x1, y1) = handle_centre(page, 0), handle_centre(page, top)
    return np.polyfit([x0, x1], [0, top], 1), np.polyfit([y0, y1], [values[0], values[top]], 1)


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    """Draw through (time, value) pairs with the mouse."""
    time, value = scale_of(page)
    spots = [((t - time[1]) / time[0], (v - value[1]) / value[0]) for t, v in points]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=8)
    page.mouse.up()


def test_freehand_drawing_becomes_the_curve(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    page.get_by_role("radio", name="Draw").click()
    line = [(8.0, 0.0), (14.0, 220.0), (22.0, 40.0), (50.0, 10.0)]
    before = start_curve()
    draw(page, line)
    settled(page)
    curve = committed_curve(page)
    drawn = np.arange(9, 50)
    np.testing.assert_allclose(curve[drawn], np.interp(drawn, *np.transpose(line)), atol=4.0)
    np.testing.assert_array_equal(curve[:7], before[:7])
    np.testing.assert_array_equal(curve[52:], before[52:])
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(library_result(curve).numbers.core_ml, abs=0.02)
    page.keyboard.press("Control+z")
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), before)


def test_a_drawing_without_a_bolus_is_refused_and_the_last_curve_stays(page: Page, address: str) -> None:
    open_lab(page, address)
    drag(page, 14, -40)
    settled(page)
    good, core = committed_curve(page), lab_data(page, "core-ml")
    page.keyboard.press("d")
    assert page.get_by_role("radio", name="Draw").get_attribute("aria-checked") == "true"
    for level in (0.0, -6.0):
        time, value = scale_of(page)
        y = (level - value[1]) / value[0]
        page.mouse.move(-time[1] / time[0] - 15, y)
        page.mouse.down()
        page.mouse.move((59.6 - time[1]) / time[0], y, steps=20)
        page.mouse.up()
        expect(page.locator(".notice")).to_have_text(re.compile("no positive bolus|not positive"))
        # Not a curve of the drawing. The sentence is read at once: it goes after some seconds.
        expect(page.locator(".notice")).to_contain_text("the last good curve stays")
        settled(page)
        np.testing.assert_array_equal(committed_curve(page), good)
        np.testing.assert_allclose(editor_values(page), good, atol=0.051)
        assert lab_data(page, "core-ml") == core


def test_a_curve_that_the_server_refuses_is_reverted(new_page: Page, address: str) -> None:
    page = new_page
    refusing = [False]

    def on_socket(browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if refusing[0] and isinstance(message, bytes) and wire.unpack_edit(message).at_rest:
                refusing[0] = False
                browser.send(error_frame(wire.unpack_edit(message), "This AIF does not explain the tissue."))
            else:
                server.send(message)

        browser.on_message(pass_on)

    page.route_web_socket("**/live/socket", on_socket)
    open_lab(page, address)
    drag(page, 14, -40)
    settled(page)
    good, core = committed_curve(page), lab_data(page, "core-ml")
    refusing[0] = True
    drag(page, 20, -40)
    page.locator(".notice").get_by_text("does not explain").wait_for()
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), good)
    assert lab_data(page, "core-ml") == core
    page.keyboard.press("Control+z")
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), start_curve(), "a refused edit is no step of undo")


def test_fit_equals_perfcore_gamma_variate(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    page.get_by_role("button", name="Fit").click()
    page.locator(".notice").get_by_text("Gamma variate").wait_for()
    shown = page.locator(".notice").inner_text()  # it goes after some seconds
    settled(page)
    fit = fit_gamma_variate(start_curve(), 1.0)
    np.testing.assert_allclose(committed_curve(page), fit.curve(np.arange(60.0)), atol=1e-3)
    assert f"α {fit.alpha:.2f}" in shown
    assert f"arrival {fit.onset_s:.1f} s" in shown


def _less(value: float, limit: float) -> None:
    assert value < limit


def test_escape_cancels_a_drag(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    start = editor_values(page)
    x, y = handle_centre(page, 12)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=4)
    eventually(lambda: _less(editor_values(page)[12], start[12] - 20))
    page.keyboard.press("Escape")
    page.mouse.up()
    settled(page)
    np.testing.assert_array_equal(editor_values(page), start)
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_undo_reset_and_a_drag_right_after_arrow_keys_commit_their_edit_first(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    drag(page, 15, -40)
    settled(page)
    dragged = editor_values(page)
    page.locator('[data-point="20"]').focus()

    def at_once(key: str) -> None:
        press_at_once(page, "ArrowUp", "ArrowUp", key)
        settled(page)

    at_once("Control+z")
    np.testing.assert_array_equal(editor_values(page), dragged)
    assert page.get_by_role("button", name="Redo").is_enabled()
    page.keyboard.press("Control+Shift+z")
    settled(page)
    assert editor_values(page)[20] > dragged[20]
    at_once("r")
    np.testing.assert_allclose(editor_values(page), start_curve(), atol=0.051)
    # Two edits by different means are two steps back.
    page.locator('[data-point="20"]').focus()
    page.keyboard.press("ArrowUp")
    nudged = editor_values(page)
    x, y = handle_centre(page, 15)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 30, steps=3)
    page.wait_for_timeout(600)  # longer than the rest after which arrow keys commit
    page.mouse.up()
    settled(page)
    page.keyboard.press("Control+z")
    settled(page)
    np.testing.assert_array_equal(editor_values(page), nudged)


def test_touch_moves_a_point(chromium: Browser, address: str) -> None:
    with isolated_page(chromium, viewport={"width": 1024, "height": 768}, has_touch=True) as page:
        open_lab(page, address)
        settled(page)
        start = editor_values(page)
        x, y = handle_centre(page, 12)
        touch = page.context.new_cdp_session(page)
        for kind, dy in [("touchStart", 0), *(("touchMove", 8 * i) for i in range(1, 9))]:
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y + dy}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        settled(page)
        curve = committed_curve(page)
        assert curve[12] < start[12] - 30
        core_ml = library_result(curve).numbers.core_ml
        assert float(lab_data(page, "core-ml") or 0) == pytest.approx(core_ml, abs=0.02)


def test_the_keyboard_alone_reaches_every_tool(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    page.locator('[data-point="0"]').focus()
    page.keyboard.press("w")
    field = page.locator('[data-handle="amplitude"]')
    assert field.is_visible()
    stops = []
    page.get_by_role("radio", name="Drag").focus()
    for _ in range(30):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate(
                """() => {
              let node = document.activeElement;
              while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
              return JSON.stringify({ ...node.dataset });
            }"""
            )
        )
    focused = " ".join(stops)
    for name in ("fit", "pick", "whole", "amplitude", "smooth_s"):
        assert re.search(rf'"{name}"', focused), name
    assert '"point"' in focused
    field.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    settled(page)
    assert float(field.input_value()) == pytest.approx(1.1)
    np.testing.assert_allclose(committed_curve(page), 1.1 * start_curve(), rtol=1e-5, atol=1e-4)
    reset_curve(page)
    settled(page)
    field.evaluate(
        """(node) => {
          for (let i = 0; i < 5; i++) {
            node.stepUp();
            for (const type of ["input", "change"]) node.dispatchEvent(new Event(type, { bubbles: true }));
          }
        }"""
    )
    settled(page)
    np.testing.assert_allclose(committed_curve(page), 1.1 * start_curve(), rtol=1e-5, atol=1e-4)
    page.keyboard.press("Control+z")
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), start_curve(), "quick steps of one handle are one undo")
