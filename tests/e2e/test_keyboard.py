"""The Lab by keyboard alone: focus order, visible focus, and an edit made, compared and saved."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from perfcore.aif.variants import VARIANTS
from tests.support.app_server import eventually, lab_data, new_maps, open_lab, settled
from tests.support.lab_page import committed_curve, editor_values, library_result, start_curve

pytestmark = pytest.mark.browser

FOCUSED = """() => {
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  const shown = node.closest?.(".toggle") ?? node;
  const { x, y, width, height } = shown.getBoundingClientRect();
  const inside = Boolean(node.getRootNode().host);
  return { ...node.dataset, inside, name: node.className, box: [x, y, width, height] };
}"""
BLURRED = """(again) => {
  if (again) { window.left.focus({ preventScroll: true }); return; }
  let node = document.activeElement;
  while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  window.left = node;
  node.blur();
}"""
MAX_STOPS = 64
"""From the top of the page to the map, and from there to the end of the snapshots."""


def focused(page: Page) -> dict[str, Any]:
    return dict(page.evaluate(FOCUSED))


def expect_focus(page: Page, **wanted: str) -> None:
    assert wanted.items() <= focused(page).items()


def tab_to(page: Page, back: bool = False, **wanted: str) -> None:
    """Press Tab until a control with that data attribute has the focus."""
    for _ in range(MAX_STOPS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if wanted.items() <= focused(page).items():
            return
    raise AssertionError(f"{wanted} is not reached")


def press_while_enabled(page: Page, key: str, action: str) -> None:
    """Press a key until its button is disabled."""
    while page.locator(f'[data-action="{action}"]').is_enabled():
        page.keyboard.press(key)
        settled(page)


def picture(page: Page, box: list[float]) -> np.ndarray:
    x, y, width, height = box
    clip = {"x": max(x - 5, 0), "y": max(y - 5, 0), "width": width + 10, "height": height + 10}
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")).astype(int)


def test_tab_reaches_every_control_once_and_the_focus_is_seen(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    tab_to(page, map="rcbf")
    stops = [focused(page)]
    unseen = []
    while stops[-1]["inside"] and len(stops) <= MAX_STOPS:
        with_focus = picture(page, stops[-1]["box"])
        page.evaluate(BLURRED, False)
        without = picture(page, stops[-1]["box"])
        page.evaluate(BLURRED, True)
        # A ring of 2 points, or a point of the curve that fills: at least some twenty pixels that differ clearly.
        if (np.abs(with_focus - without).max(-1) > 60).sum() < 20:
            unseen.append(stops[-1])
        page.keyboard.press("Tab")
        stops.append(focused(page))
    assert not stops[-1]["inside"], "Tab leaves the Lab"
    assert not unseen
    names = [
        next((f"{key} {stop[key]}" for key in ("map", "testid", "window", "control", "layout", "outline", "action",
              "mode", "variant", "point", "tab", "out") if key in stop), stop["name"])
        for stop in stops[:-1]
    ]  # fmt: skip
    assert names == [
        "map rcbf", "testid map", "window high", "window low", "control slice", "layout one", "control scale",
        *(f"outline {kind}" for kind in ("core", "hypoperfused", "truth", "aif", "vof")),
        "control source", "action where", "mode points", "action fit", "action pick", "action whole",
        *(f"variant {info.id}" for info in VARIANTS), "testid aif-quality", "point 0", "tab voxel",
        "action sensitivity",
        "control reference", "action keep", "action help", "control keep-name", "solid", "action link",
        "action figure", "control figure-scale",
    ]  # fmt: skip


def test_arrow_keys_move_slice_and_voxel_and_are_announced(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    tab_to(page, testid="map")
    first = int(page.locator('[data-out="slice"]').inner_text().split()[0])
    page.keyboard.press("ArrowUp")
    page.keyboard.press("5")
    assert page.locator('[data-out="slice"]').inner_text() == f"{first + 1} / 8"
    assert page.locator('[data-map="tmax"]').get_attribute("aria-checked") == "true"
    expect(page.locator('[data-out="heard"]')).to_have_text(f"Tmax, slice {first + 1} of 8")
    probed = page.locator('[data-out="probed"]')
    voxel = probed.inner_text()
    page.keyboard.press("Shift+ArrowLeft")
    expect(probed).not_to_have_text(voxel)
    expect(page.locator('[data-out="heard"]')).to_have_text(re.compile(r"^Tmax .* at \("))


def test_an_edit_is_made_compared_and_saved_by_keys_alone(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    tab_to(page, point="0")
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    point = page.locator('[data-point="15"]')
    assert focused(page)["point"] == "15"
    low, high, now = (float(point.get_attribute(f"aria-value{end}") or "nan") for end in ("min", "max", "now"))
    assert low < now < high
    for key in ("]", "ArrowUp", "ArrowUp", "ArrowUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    settled(page)
    weight = np.exp(-0.5 * ((np.arange(60) - 15) / (1.5 * 1.25)) ** 2)
    expected = start_curve() + 0.08 * (high - low) * np.where(weight < 0.003, 0, weight)
    curve = committed_curve(page)
    np.testing.assert_allclose(curve, expected, atol=0.01)  # the axis is given to 0.1 HU
    own = library_result(curve).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(own.core_ml, abs=0.02)
    text = re.compile(rf"^Core {own.core_ml:.1f} ml.*Hypoperfused")
    expect(page.locator('[data-out="heard"]')).to_have_text(text)

    # Keys that lie apart on a busy machine are steps of their own.
    press_while_enabled(page, "Control+z", "undo")
    np.testing.assert_array_equal(committed_curve(page), start_curve())
    press_while_enabled(page, "Control+Shift+Z", "redo")
    np.testing.assert_array_equal(committed_curve(page), curve)

    tab_to(page, control="keep-name")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    row = page.locator('[data-snapshot="1"]')
    row.wait_for()
    expect(row.locator("input.name")).to_have_value("by keys")
    assert float(row.locator("td.figure b").first.inner_text()) == pytest.approx(own.core_ml, abs=0.051)
    tab_to(page, side="b")  # of the curve in the Lab; the snapshot's is next
    tab_to(page, side="a")
    page.keyboard.press("Enter")
    page.locator(".divider").wait_for()
    eventually(lambda: expect_focus(page, side="a"))  # the row is drawn again, and the focus stays
    tab_to(page, back=True, action="uncompare")
    page.keyboard.press("Tab")
    divider = page.locator(".divider")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "44"
    assert divider.get_attribute("aria-valuetext") == "A on 44 % of the slice"
    page.keyboard.press("Escape")
    assert divider.is_hidden()


def test_focus_moves_on_from_a_disabled_or_replaced_control(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    tab_to(page, control="source")
    with new_maps(page):
        page.keyboard.press("ArrowDown")
    source = page.locator('[data-control="source"]')
    expect(source).to_be_enabled()
    chosen = source.input_value()
    assert chosen != "straka"
    eventually(lambda: expect_focus(page, control="source"))  # the list was disabled meanwhile
    tab_to(page, point="0")
    page.keyboard.press("End")
    before = editor_values(page)
    page.keyboard.press("ArrowUp")
    settled(page)
    tab_to(page, back=True, action="undo")
    page.keyboard.press("Enter")
    settled(page)
    assert page.get_by_role("button", name="Undo").is_disabled()
    assert focused(page).get("action") == "redo"
    page.keyboard.press("Enter")
    settled(page)
    assert editor_values(page)[-1] > before[-1] + 1
    page.keyboard.press("k")
    page.locator('[data-snapshot="1"]').wait_for()
    page.locator('[data-snapshot="1"] [data-act="delete"]').focus()
    page.keyboard.press("Enter")
    page.locator('[data-snapshot="1"]').wait_for(state="detached")
    eventually(lambda: expect_focus(page, control="keep-name"))


def test_with_reduced_motion_the_page_scrolls_at_once(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    page.evaluate(
        """() => {
          window.moved = [];
          Element.prototype.scrollIntoView = function (how) { window.moved.push(how?.behavior); };
        }"""
    )
    page.locator('[data-point="0"]').focus()
    page.keyboard.press("k")
    side = page.locator('[data-snapshot="1"] [data-side="a"]')
    for motion in ("no-preference", "reduce"):
        page.emulate_media(reduced_motion=motion)
        side.press("Enter")
        page.locator(".divider").wait_for()
        side.press("Enter")
        page.locator(".divider").wait_for(state="hidden")
    moved = json.loads(page.evaluate("() => JSON.stringify(window.moved.filter(Boolean))"))
    assert set(moved) == {"smooth", "auto"}
    assert moved[-1] == "auto"
