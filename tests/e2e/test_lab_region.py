"""Region of interest in the Lab: drawn, mirrored, measured, moved, kept and saved as CSV."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from perfcore.analysis.region import Region, RegionStatistics, region_curve, region_statistics
from perfcore.display.colours import outline_rgb
from perfcore.map_info import MAPS
from perfcore.pipeline import Analysis
from tests.support.app_server import drawn, handle_centre, isolated_page, lab_data, open_lab, settled, wait_lab
from tests.support.lab_page import automatic, canvas, canvas_box, committed_curve, library_result

pytestmark = pytest.mark.browser

Points = Sequence[tuple[float, float]]
ANSWERED = "data.regionShown === data.regionSent"
STORED = "() => JSON.parse(sessionStorage.getItem('lab|regions') ?? '{}')"


def ring(page: Page, x: float, y: float, radius: float, n: int = 20) -> list[tuple[float, float]]:
    """Points of the page on a dented ring; place and radius in parts of the canvas."""
    box = canvas_box(page)
    angles = [2 * math.pi * i / n for i in range(n)]
    size = radius * box["height"]
    return [
        (
            box["x"] + x * box["width"] + size * (1 + 0.2 * math.cos(3 * a)) * math.cos(a),
            box["y"] + y * box["height"] + size * math.sin(a),
        )
        for a in angles
    ]


def stroke(page: Page, points: Points) -> None:
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def answered(page: Page) -> None:
    """Wait until the table shows the region that is drawn."""
    wait_lab(page, f"{ANSWERED} && Number(data.regionVoxels) > 0")
    drawn(page)


def region_tab(page: Page, url: str, tool: str | None = "lasso") -> None:
    open_lab(page, url)
    settled(page)
    page.locator('[data-tab="region"]').click()
    if tool:
        page.locator(f'[data-action="region-{tool}"]').click()


def shapes(page: Page, result: Analysis) -> dict[str, Region]:
    """The region that the browser keeps, and its mirror by perfcore."""
    ((kept),) = page.evaluate(STORED).values()
    region = Region(kept["region"]["slice"], kept["region"]["vertices"])
    mirror = region.mirrored(result.prepared.midplane, result.prepared.affine)
    assert mirror is not None
    return {"region": region, "mirror": mirror}


def measured(result: Analysis, voxels: np.ndarray) -> dict[str, RegionStatistics]:
    """perfcore's statistics of every map over voxels."""
    maps, prepared = result.maps, result.prepared
    volumes = {
        "rcbf": maps.rcbf, "cbf": maps.cbf, "cbv": maps.cbv, "mtt": maps.mtt, "tmax": maps.tmax, "ttp": maps.ttp,
        "core_probability": maps.core_probability, "baseline": prepared.baseline, "tmip": prepared.tmip,
    }  # fmt: skip
    assert set(volumes) == set(MAPS)
    return {name: region_statistics(volumes[name].reshape(-1)[voxels]) for name in MAPS}


def assert_table_equals_perfcore(page: Page, result: Analysis) -> None:
    found = {
        side: measured(result, one.voxels(result.prepared.mask)) for side, one in shapes(page, result).items()
    }
    for side, own in found.items():
        assert lab_data(page, f"{side}-voxels") == str(own["cbf"].n_voxels)
    for name, info in MAPS.items():
        cells = page.locator(f'[data-region-map="{name}"] td').all_inner_texts()
        region, mirror = found["region"][name], found["mirror"][name]
        rounding = 0.51 * 10.0**-info.digits + 1e-3
        for text, own in zip(cells, (region, mirror), strict=False):
            mean, sd = (float(part.replace("−", "-")) for part in text.split(" ± "))
            assert mean == pytest.approx(own.mean, abs=rounding), name
            assert sd == pytest.approx(own.sd, abs=rounding), name
        if abs(mirror.mean) > 0.1:
            ratio = region.mean / mirror.mean
            assert float(cells[2].replace("−", "-")) == pytest.approx(ratio, abs=0.0051 + 1e-3 * abs(ratio)), name


def saved(page: Page, action: str) -> pd.DataFrame:
    with page.expect_download() as download:
        page.locator(f'[data-action="{action}"]').click()
    return pd.read_csv(io.BytesIO(download.value.path().read_bytes()))


def near(picture: np.ndarray, colour: str) -> int:
    return int((np.abs(picture[..., :3].astype(int) - outline_rgb(colour)).max(-1) < 40).sum())


def test_a_lasso_is_measured_as_perfcore_does_and_follows_the_curve(page: Page, address: str) -> None:
    region_tab(page, address)
    page.locator('[data-map="baseline"]').click()
    drawn(page)
    before = near(canvas(page), "region"), near(canvas(page), "mirror")
    stroke(page, ring(page, 0.3, 0.5, 0.1))
    answered(page)
    assert_table_equals_perfcore(page, automatic())
    after = near(canvas(page), "region"), near(canvas(page), "mirror")
    assert after[0] > before[0] + 100 and after[1] > before[1] + 60, "both outlines are drawn"

    # The table changes while a point of the curve is held, and is perfcore's once it rests.
    page.locator('[data-map="cbf"]').click()
    cell = page.locator('[data-region-map="cbf"] td').first
    at_start = cell.inner_text()
    sent = lab_data(page, "region-sent")
    x, y = handle_centre(page, 13)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 120, steps=6)
    expect(cell).not_to_have_text(at_start)
    assert lab_data(page, "moving") == "true"
    page.mouse.up()
    settled(page)
    drawn(page)
    assert lab_data(page, "region-sent") == sent, "the maps in the browser are measured without a call"
    result = library_result(committed_curve(page))
    assert_table_equals_perfcore(page, result)

    table = saved(page, "region-csv")
    assert list(table) == ["region", "map", "unit", "mean", "sd", "median", "voxels", "ml"]
    assert len(table) == 2 * len(MAPS)
    for side, one in shapes(page, result).items():
        voxels = one.voxels(result.prepared.mask)
        own = measured(result, voxels)
        rows = table[table["region"] == side].set_index("map")
        for name, info in MAPS.items():
            row, expected = rows.loc[name], own[name]
            assert (row["unit"] if isinstance(row["unit"], str) else "") == info.unit
            # Maps of the browser are float32, from CBF and Tmax that the server has computed in another order.
            scale = 1e-4 * max(abs(expected.mean), expected.sd)
            for column in ("mean", "sd", "median"):
                assert row[column] == pytest.approx(getattr(expected, column), abs=scale), (name, column)
            assert row["voxels"] == expected.n_voxels
            assert row["ml"] == pytest.approx(expected.n_voxels * result.prepared.voxel_ml, rel=1e-6)
    curves = saved(page, "region-curves")
    np.testing.assert_allclose(curves["time_s"], result.aif.time_s, rtol=1e-6)
    np.testing.assert_allclose(curves["aif"], result.aif.value, rtol=1e-5, atol=1e-4)
    for side, one in shapes(page, result).items():
        expected_curve = region_curve(result.prepared, one.voxels(result.prepared.mask))
        np.testing.assert_allclose(curves[side], expected_curve, rtol=1e-5, atol=1e-4)


def test_curves_are_drawn_beside_the_aif_in_their_tab(page: Page, address: str) -> None:
    region_tab(page, address, "ellipse")
    box = canvas_box(page)
    stroke(page, [(box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in
                  ((0.28, 0.42), (0.34, 0.47), (0.4, 0.55))])  # fmt: skip
    answered(page)
    result = automatic()
    region = shapes(page, result)["region"]
    curve = region_curve(result.prepared, region.voxels(result.prepared.mask))
    key = page.locator(".key.region-on-aif")
    expect(key).to_have_text(re.compile(r"^Region ×\d+$"))
    factor = float(key.inner_text().partition("×")[2])
    path = page.locator("path.region-on-aif").get_attribute("d") or ""
    heights = np.array([float(y) for y in re.findall(r"[ML][\d.]+ (-?[\d.]+)", path)])
    points = page.locator('svg[data-testid="aif-editor"] [data-point]')
    aif = np.array([float(p.get_attribute("cy") or "nan") for p in points.all()])
    values = result.aif.value
    slope, zero = np.polyfit(values, aif, 1)  # the axis of the AIF: its points are drawn at it
    np.testing.assert_allclose(heights, zero + slope * factor * curve, atol=0.35)
    page.locator('[data-tab="voxel"]').click()
    expect(key).to_be_hidden()
    assert page.locator("path.region-on-aif").get_attribute("d") == ""
    assert page.locator('[data-action="region-ellipse"]').get_attribute("aria-pressed") == "false"


def test_a_region_is_moved_hidden_and_removed(page: Page, address: str) -> None:
    region_tab(page, address)
    points = ring(page, 0.32, 0.55, 0.07)
    stroke(page, points)
    answered(page)
    result = automatic()
    first = shapes(page, result)["region"]
    x, y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    stroke(page, [(x, y), (x + 20, y - 15), (x + 60, y - 60)])
    answered(page)
    moved = shapes(page, result)["region"]
    shift = moved.vertices - first.vertices
    np.testing.assert_allclose(shift, np.tile(shift[:1], (len(shift), 1)), atol=0.002)
    assert np.abs(shift[0]).min() > 10, "in both directions"
    assert_table_equals_perfcore(page, result)

    page.locator('[data-map="baseline"]').click()
    page.mouse.move(2, 2)
    drawn(page)
    shown = near(canvas(page), "region")
    toggle = page.locator(".outlines label", has_text="region").locator("input")
    toggle.uncheck(force=True)
    drawn(page)
    assert near(canvas(page), "region") < 0.2 * shown
    toggle.check(force=True)
    drawn(page)
    assert near(canvas(page), "region") == shown

    # Escape drops what is being drawn; a second one removes the region and ends drawing.
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(points[0][0], points[0][1] + 90, steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()
    answered(page)
    np.testing.assert_array_equal(shapes(page, result)["region"].vertices, moved.vertices)
    page.keyboard.press("Escape")
    wait_lab(page, f"{ANSWERED} && data.regionVoxels === undefined")
    drawn(page)
    assert page.evaluate(STORED) == {}
    assert near(canvas(page), "region") < 0.2 * shown
    assert page.get_by_test_id("region-table").is_hidden()
    assert page.locator('[data-action="region-lasso"]').get_attribute("aria-pressed") == "false"
    assert page.locator(".outlines label", has_text="region").count() == 0


def test_a_circle_is_placed_by_keys_and_survives_slices_pages_and_a_reload(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    page.locator('canvas[data-testid="map"]').focus()
    page.keyboard.press("l")
    assert lab_data(page, "pane") == "region"
    page.keyboard.press("Shift+ArrowLeft")
    for _ in range(2):
        page.keyboard.press("]")
    page.keyboard.press("Enter")
    answered(page)
    result = automatic()
    region = shapes(page, result)["region"]
    spacing = np.array(result.prepared.spacing_mm[:2])
    centre = region.vertices.mean(0)
    np.testing.assert_allclose(np.linalg.norm((region.vertices - centre) * spacing, axis=1), 12, atol=0.01)
    np.testing.assert_allclose(centre, centre.round(), atol=0.01)
    assert_table_equals_perfcore(page, result)
    voxels = lab_data(page, "region-voxels")
    page.keyboard.press("ArrowUp")
    assert_table_equals_perfcore(page, result)

    page.get_by_role("link", name="Compare").click()
    page.get_by_test_id("lab").wait_for(state="detached")
    page.get_by_role("link", name="Lab", exact=True).click()
    answered(page)
    assert lab_data(page, "region-voxels") == voxels
    page.reload()
    answered(page)
    assert lab_data(page, "region-voxels") == voxels
    settled(page)
    assert_table_equals_perfcore(page, result)
    page.locator('[data-action="region-delete"]').click()
    wait_lab(page, f"{ANSWERED} && data.regionVoxels === undefined")


def test_a_region_is_drawn_in_the_montage(page: Page, address: str) -> None:
    region_tab(page, address)
    page.locator('[data-layout="all"]').click()
    settled(page)
    stroke(page, ring(page, 0.2, 0.16, 0.03))
    answered(page)
    result = automatic()
    assert (
        shapes(page, result)["region"].slice_index != int(page.locator('[data-control="slice"]').input_value()) - 1
    )
    assert_table_equals_perfcore(page, result)


@pytest.mark.parametrize("pointer", ["touch", "pen"])
def test_a_region_is_drawn_by_touch_and_pen(chromium: Browser, address: str, pointer: str) -> None:
    with isolated_page(chromium, viewport={"width": 1024, "height": 768}, has_touch=True) as page:
        region_tab(page, address)
        device = page.context.new_cdp_session(page)
        points = ring(page, 0.35, 0.5, 0.08)
        names = ["touchStart", *["touchMove"] * (len(points) - 1)]
        pens = ["mousePressed", *["mouseMoved"] * (len(points) - 1)]
        for touch_kind, pen_kind, (x, y) in zip(names, pens, points, strict=True):
            if pointer == "touch":
                place = {"type": touch_kind, "touchPoints": [{"x": x, "y": y, "id": 0}]}
                device.send("Input.dispatchTouchEvent", place)
            else:
                event = {"type": pen_kind, "x": x, "y": y, "button": "left", "buttons": 1, "pointerType": "pen"}
                device.send("Input.dispatchMouseEvent", {**event, "clickCount": 1})
        if pointer == "touch":
            device.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        else:
            x, y = points[-1]
            up = {"type": "mouseReleased", "x": x, "y": y, "button": "left", "pointerType": "pen", "clickCount": 1}
            device.send("Input.dispatchMouseEvent", up)
        answered(page)
        assert_table_equals_perfcore(page, automatic())
        assert json.loads(lab_data(page, "region-voxels") or "0") > 200
