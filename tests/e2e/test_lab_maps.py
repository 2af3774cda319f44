"""Viewing the maps: values, windows, colour scales, outlines and zoom, none of which sends a request."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from perfcore.display.colours import LUTS
from perfcore.map_info import MAPS
from tests.support.app_server import (
    drag,
    drawn,
    handle_centre,
    isolated_page,
    lab_data,
    open_lab,
    settled,
    wait_first_maps,
    wait_lab,
)
from tests.support.lab_page import (
    automatic,
    canvas,
    canvas_box,
    committed_curve,
    hovered,
    library_result,
    position_of,
    readout_value,
)

pytestmark = pytest.mark.browser

MAGENTA, GREEN = (0xFF, 0x4F, 0xD8), (0x3F, 0xD0, 0x7A)


def middle(page: Page) -> tuple[float, float]:
    box = canvas_box(page)
    return box["x"] + 0.45 * box["width"], box["y"] + 0.62 * box["height"]


def window(page: Page) -> tuple[float, float]:
    low, high = (float(page.locator(f'[data-window="{end}"]').input_value()) for end in ("low", "high"))
    return low, high


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture[..., :3].astype(int) - colour).max(-1) < 40).sum())


@pytest.fixture(scope="module")
def lab(shared_page: Page, address: str) -> Page:
    """The Lab on a page that tests share; each of them sets what it reads and changes no curve."""
    open_lab(shared_page, address)
    settled(shared_page)
    return shared_page


def test_readout_equals_perfcore_value_in_every_map(page: Page, address: str) -> None:
    open_lab(page, address)
    drag(page, 14, -30)
    settled(page)
    result = library_result(committed_curve(page))
    maps = result.maps
    prepared = result.prepared
    volumes = {
        "rcbf": maps.rcbf, "cbf": maps.cbf, "cbv": maps.cbv, "mtt": maps.mtt, "tmax": maps.tmax, "ttp": maps.ttp,
        "core_probability": maps.core_probability, "baseline": prepared.baseline, "tmip": prepared.tmip,
    }  # fmt: skip
    digits = {"rcbf": 2, "cbf": 1, "cbv": 2, "mtt": 1, "tmax": 1, "ttp": 1, "core_probability": 2, "baseline": 0,
              "tmip": 0}  # fmt: skip
    box = canvas_box(page)
    spots = [(box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in
             [(0.45, 0.62), (0.3, 0.4), (0.75, 0.4), (0.6, 0.75)]]  # fmt: skip
    for name, volume in volumes.items():
        page.locator(f'[data-map="{name}"]').click()
        for spot in spots:
            text, voxel = hovered(page, *spot)
            assert np.isfinite(volume[voxel]), "the spots lie in the brain"
            rounding = 0.51 * 10.0 ** -digits[name] + 1e-3
            assert readout_value(text) == pytest.approx(volume[voxel], abs=rounding), name
            assert f" {MAPS[name].unit} " in text, name


def test_a_right_drag_sets_width_and_level_without_a_call(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    before, sent = canvas(page), lab_data(page, "sent")
    assert window(page) == (0, 1.5)
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    page.mouse.move(x + 60, y, steps=5)
    low, high = window(page)
    assert high - low > 1.7, "to the right: wider"
    assert low + high == pytest.approx(1.5, abs=0.02), "the level stays"
    page.mouse.move(x + 60, y + 60, steps=5)
    moved = window(page)
    assert sum(moved) > 1.7, "down: higher"
    page.mouse.up(button="right")
    drawn(page)
    assert (canvas(page) != before).mean() > 0.05
    page.get_by_role("button", name="Usual window and colours").click()
    page.mouse.move(2, 2)
    drawn(page)
    assert window(page) == (0, 1.5)
    assert lab_data(page, "sent") == sent


def test_window_fields_set_the_window_and_refuse_invalid_values(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    high = page.locator('[data-window="high"]')
    high.fill("0.8")
    high.press("Enter")
    drawn(page)
    assert window(page) == (0, 0.8)
    bright = canvas(page)
    high.fill("-3")
    high.press("Enter")
    drawn(page)
    assert "lower and a higher value" in page.locator(".notice").inner_text()
    assert window(page) == (0, 0.8)
    np.testing.assert_array_equal(canvas(page), bright)
    page.locator('[data-map="tmax"]').click()
    assert window(page) == (0, 12), "each map has its own"
    page.locator('[data-map="rcbf"]').click()
    assert window(page) == (0, 0.8)


@pytest.mark.parametrize("scale", list(LUTS))
def test_a_colour_scale_colours_the_map(lab: Page, scale: str) -> None:
    page = lab
    page.locator('[data-map="rcbf"]').click()
    sent = lab_data(page, "sent")
    for label in ("core", "Tmax", "truth", "AIF voxels", "VOF voxels"):
        page.locator(".outlines label", has_text=label).locator("input").uncheck(force=True)
    page.locator('[data-control="scale"]').select_option(scale)
    # Magnified until a voxel has sharp edges, the pixel under the pointer is exactly the scale's colour.
    x, y = middle(page)
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    for _ in range(12):
        page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    drawn(page)
    text, voxel = hovered(page, x, y)
    box = canvas_box(page)
    across, down = int(x - box["x"]), int(y - box["y"])
    around = canvas(page)[down - 4 : down + 5, across - 4 : across + 5, :3].reshape(-1, 3).astype(int)
    value = float(automatic().maps.rcbf[voxel])
    assert readout_value(text) == pytest.approx(value, abs=0.0051)
    level = min(max(int(value / 1.5 * 255), 0), 255)
    lut = LUTS[scale].reshape(256, 3)
    step = np.abs(np.diff(lut.astype(int), axis=0)).max()
    # Some pixels of the voxel lie under the lines of the cross that marks it.
    assert np.abs(around - lut[level]).max(-1).min() <= 1 + step
    assert lab_data(page, "sent") == sent
    page.locator('[data-action="whole-head"]').click()


@pytest.mark.parametrize(("label", "colour"), [("core", MAGENTA), ("Tmax", GREEN)])
def test_each_outline_has_its_own_toggle(lab: Page, label: str, colour: tuple[int, int, int]) -> None:
    page = lab
    for box in page.locator(".outlines input").all():
        box.check(force=True)
    page.locator('[data-map="baseline"]').click()
    drawn(page)
    assert near(canvas(page), colour) > 100
    box = page.locator(".outlines label", has_text=label).locator("input")
    box.focus()
    page.keyboard.press("Space")
    drawn(page)
    assert near(canvas(page), colour) == 0
    page.keyboard.press("Space")
    drawn(page)
    assert near(canvas(page), colour) > 100


def test_zoom_keeps_the_voxel_under_the_pointer_and_pan_moves_it(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    page.mouse.move(2, 2)
    drawn(page)
    whole = canvas(page)
    x, y = middle(page)
    _, voxel = hovered(page, x, y)
    page.keyboard.down("Control")
    for _ in range(6):
        page.mouse.wheel(0, -100)
        drawn(page)
    page.keyboard.up("Control")
    _, now = hovered(page, x, y)
    assert np.abs(np.subtract(now, voxel)).max() <= 1
    zoom = float(page.locator('[data-action="whole-head"]').inner_text().removeprefix("×"))
    assert zoom > 3
    (_, left), (_, right) = hovered(page, x - 60, y), hovered(page, x + 60, y)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=6)
    page.mouse.up()
    _, panned = hovered(page, x + 60, y)
    assert np.abs(np.subtract(panned, now)).max() <= 1, "the voxel follows the pointer"
    assert abs(left[0] - right[0]) == pytest.approx(120 / zoom / (398 / 210), rel=0.5)
    page.mouse.dblclick(x, y)
    page.mouse.move(2, 2)
    drawn(page)
    assert page.locator('[data-action="whole-head"]').is_hidden()
    other = (canvas(page) != whole).any(-1)
    assert other.mean() < 2e-3, "all but the cross at the hovered voxel"


def test_pinch_zooms(chromium: Browser, address: str) -> None:
    with isolated_page(chromium, viewport={"width": 1024, "height": 768}, has_touch=True) as page:
        open_lab(page, address)
        settled(page)
        x, y = middle(page)
        touch = page.context.new_cdp_session(page)
        for kind, apart in [("touchStart", 40), *(("touchMove", 40 + 10 * i) for i in range(1, 9))]:
            points = [{"x": x - apart / 2, "y": y, "id": 0}, {"x": x + apart / 2, "y": y, "id": 1}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        drawn(page)
        zoom = float(page.locator('[data-action="whole-head"]').inner_text().removeprefix("×"))
        assert zoom == pytest.approx(3.0, rel=0.15)


def test_map_keyboard_shortcuts(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    sent = lab_data(page, "sent")
    page.locator('canvas[data-testid="map"]').focus()
    page.keyboard.press("5")
    assert page.locator('[data-map="tmax"]').get_attribute("aria-checked") == "true"
    at = page.locator('[data-out="slice"]').inner_text()
    page.keyboard.press("ArrowUp")
    assert page.locator('[data-out="slice"]').inner_text() != at
    page.keyboard.press("ArrowDown")
    assert page.locator('[data-out="slice"]').inner_text() == at
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert page.locator('[data-action="whole-head"]').inner_text() == "×1.6"
    page.keyboard.press("0")
    assert page.locator('[data-action="whole-head"]').is_hidden()
    probed = page.locator('[data-out="probed"]')
    first = probed.inner_text()
    page.keyboard.press("Shift+ArrowDown")
    expect(probed).not_to_have_text(first)
    page.locator('[data-map="tmax"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.locator('[data-map="ttp"]').get_attribute("aria-checked") == "true"
    assert lab_data(page, "sent") == sent


def test_montage_updates_during_a_drag_and_is_exact_at_rest(page: Page, address: str) -> None:
    open_lab(page, address)
    page.locator('[data-layout="all"]').click()
    page.locator('[data-map="cbf"]').click()
    settled(page)
    start = canvas(page)
    x, y = handle_centre(page, 13)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 150, steps=10)
    drawn(page)  # the page has handled every move
    wait_lab(page, "data.sent === data.painted")
    held = canvas(page)
    page.mouse.up()
    settled(page)
    drawn(page)
    rest = canvas(page)
    left = np.abs(held[..., :3].astype(int) - rest[..., :3]).mean()
    changed = np.abs(start[..., :3].astype(int) - rest[..., :3]).mean()
    assert left < 0.1 * changed, "the preview is near the exact maps"
    # At rest every voxel is the library's own.
    page.locator('[data-layout="one"]').click()
    page.locator('[data-map="rcbf"]').click()
    settled(page)
    result = library_result(committed_curve(page))
    box = canvas_box(page)
    for fx, fy in [(0.3, 0.4), (0.31, 0.41), (0.75, 0.42), (0.6, 0.75)]:
        text, voxel = hovered(page, box["x"] + fx * box["width"], box["y"] + fy * box["height"])
        assert readout_value(text) == pytest.approx(result.maps.rcbf[voxel], abs=0.0051)


def test_chosen_map_and_colour_scale_survive_a_reload(page: Page, address: str) -> None:
    open_lab(page, address)
    page.locator('[data-map="mtt"]').click()
    page.locator('[data-control="scale"]').select_option("rainbow")
    page.reload()
    wait_first_maps(page)
    assert page.locator('[data-map="mtt"]').get_attribute("aria-checked") == "true"
    assert page.locator('[data-control="scale"]').input_value() == "rainbow"


def test_hover_readout_is_exact(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    result = automatic()
    z = int(page.locator('[data-out="slice"]').inner_text().split("/")[0]) - 1
    inside = np.argwhere(result.prepared.mask[..., z])
    voxel = (int(inside[len(inside) // 3, 0]), int(inside[len(inside) // 3, 1]), z)
    text, now = hovered(page, *position_of(page, voxel))
    assert now == voxel
    assert readout_value(text) == pytest.approx(result.maps.rcbf[voxel], abs=0.0051)
    expect(page.locator('[data-out="probed"]')).to_have_text(f"voxel ({voxel[0]}, {voxel[1]}), slice {z + 1}")
