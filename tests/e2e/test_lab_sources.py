"""Where the curve comes from: selectors, truth, files, and voxels clicked on the map."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page

from perfcore.aif.select import select
from perfcore.io.aif_csv import read_aif_csv
from perfcore.phantom.cases import make_demonstration
from perfcore.pipeline import analyse
from tests.support.app_server import drag, lab_data, open_lab, settled
from tests.support.lab_page import (
    automatic,
    canvas_box,
    editor_values,
    committed_curve,
    library_result,
    position_of,
    shown_number,
)

pytestmark = pytest.mark.browser

CSV = b"time_s,value\n0,0\n9,0\n13,180\n19,40\n27,12\n80,4\n"


def choose(page: Page, method: str) -> None:
    source = page.locator('[data-control="source"]')
    source.select_option(method)
    page.wait_for_function("(node) => !node.disabled", arg=source.element_handle())
    page.wait_for_timeout(300)
    settled(page)


@pytest.mark.parametrize("method", ["peruzzo", "mouridsen", "murase", "truth"])
def test_a_source_becomes_the_curve_and_the_start(page: Page, address: str, method: str) -> None:
    open_lab(page, address)
    choose(page, method)
    case = make_demonstration("m1-occlusion")
    aif = case.truth.aif if method == "truth" else select(automatic().prepared, method).aif
    np.testing.assert_allclose(editor_values(page), aif.value, atol=0.051)
    own = library_result(aif.value.astype(np.float32).astype(float)).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(own.core_ml, abs=0.02)
    assert shown_number(page, "auc") == pytest.approx(own.auc, abs=6e-4)
    assert page.locator('[data-number="core_ml"] em').inner_text() == "±0", "changes count from the new start"
    assert page.locator('[data-control="source"]').input_value() == method
    where = page.locator('[data-action="where"]')
    if aif.voxels:
        assert where.inner_text().startswith(f"{len(aif.voxels)} voxel")
        where.click()
        slice_now = int(page.locator('[data-out="slice"]').inner_text().split("/")[0]) - 1
        assert slice_now in {v[2] for v in aif.voxels}
    else:
        assert where.is_hidden()
    choose(page, "straka")
    np.testing.assert_allclose(editor_values(page), automatic().aif.value, atol=0.051)


def bring(page: Page, content: bytes) -> None:
    page.locator('[data-control="csv"]').set_input_files(
        {"name": "mine.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.locator(".notice").wait_for(state="visible")
    settled(page)


def test_a_file_on_another_grid_is_interpolated_and_says_so(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    bring(page, CSV)
    assert "interpolated" in page.locator(".notice").inner_text()
    page.wait_for_timeout(300)
    settled(page)
    aif = read_aif_csv(CSV, automatic().series.time_s)
    np.testing.assert_allclose(editor_values(page), aif.value, atol=0.051)
    own = analyse(automatic().series, aif).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(own.core_ml, abs=0.02)
    assert page.locator('[data-control="source"]').input_value() == "file 1"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (CSV.replace(b"80,4", b"40,4"), "covers 0 to 40 s"),
        (b"time_s,value\n0,0\n80,0\n", "no positive bolus"),
        (b"\x89PNG\r\n\x00\x00", "not a text table"),
        (b"", "empty"),
    ],
)
def test_a_wrong_file_gets_a_sentence_and_the_edit_stays(
    page: Page, address: str, content: bytes, part: str
) -> None:
    open_lab(page, address)
    drag(page, 14, -50)
    settled(page)
    curve, core = committed_curve(page), lab_data(page, "core-ml")
    bring(page, content)
    text = page.locator(".notice").inner_text()
    assert text.startswith("This curve cannot be used: ")
    assert part in text
    assert "mine" not in text
    np.testing.assert_allclose(editor_values(page), curve, atol=0.051)
    assert lab_data(page, "core-ml") == core
    assert page.locator('[data-control="source"]').input_value() == "straka"


def artery() -> list[tuple[int, int, int]]:
    """Three voxels of the vein in the first slice of the Lab's view: bright, so that they are easy to point at."""
    vof = automatic().vof
    assert vof is not None
    z = max({v[2] for v in vof.voxels}, key=lambda z: sum(v[2] == z for v in vof.voxels))
    return [v for v in vof.voxels if v[2] == z][:3]


def go_to_slice(page: Page, z: int) -> None:
    page.locator('[data-control="slice"]').fill(str(z + 1))


def pick(page: Page, voxel: tuple[int, int, int]) -> None:
    page.mouse.click(*position_of(page, voxel))
    page.wait_for_timeout(150)
    settled(page)


def test_voxels_clicked_on_the_map_make_the_curve(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    start = editor_values(page)
    voxels = artery()
    go_to_slice(page, voxels[0][2])
    page.get_by_role("button", name="Pick").click()
    enhancement = automatic().prepared.enhancement
    for n, voxel in enumerate(voxels, start=1):
        pick(page, voxel)
        curves = np.array([enhancement[v] for v in voxels[:n]], float)
        assert lab_data(page, "voxels") == str(n)
        np.testing.assert_allclose(committed_curve(page), curves.mean(0), rtol=1e-5, atol=1e-4)
    own = library_result(committed_curve(page)).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(own.core_ml, abs=0.02)

    # The band is the standard deviation: at the peak its upper edge is mean + sd, in the editor's own scale.
    band = page.locator("svg.editor .band").get_attribute("d") or ""
    corners = np.array([[float(n) for n in p.split()] for p in band.strip("MZ").split("L")])
    mean, sd = curves.mean(0), curves.std(0, ddof=1)
    assert len(corners) == 2 * len(mean)
    line = np.array([
        [float(n) for n in p.split()]
        for p in (page.locator("svg.editor .aif").get_attribute("d") or "").strip("M").split("L")
    ])  # fmt: skip
    per_hu = np.polyfit(mean, line[:, 1], 1)[0]
    np.testing.assert_allclose(corners[: len(mean), 1] - line[:, 1], per_hu * sd, atol=0.16)
    np.testing.assert_allclose(corners[: len(mean) - 1 : -1, 1] - line[:, 1], -per_hu * sd, atol=0.16)

    page.reload()
    page.wait_for_selector('[data-testid="lab"][data-painted][data-core-ml]')
    settled(page)
    assert lab_data(page, "voxels") == "3"
    np.testing.assert_allclose(committed_curve(page), mean, rtol=1e-5, atol=1e-4)
    go_to_slice(page, voxels[0][2])
    page.get_by_role("button", name="Pick").click()
    pick(page, voxels[1])
    two = np.array([enhancement[voxels[0]], enhancement[voxels[2]]], float).mean(0)
    np.testing.assert_allclose(committed_curve(page), two, rtol=1e-5, atol=1e-4)
    page.keyboard.press("Control+z")
    settled(page)
    assert lab_data(page, "voxels") == "3"
    np.testing.assert_allclose(committed_curve(page), mean, rtol=1e-5, atol=1e-4)
    page.get_by_role("button", name="clear").click()
    settled(page)
    np.testing.assert_allclose(editor_values(page), start, atol=1e-9)
    assert lab_data(page, "voxels") == "0"


def test_a_click_outside_the_brain_gets_a_sentence_and_nothing_changes(page: Page, address: str) -> None:
    open_lab(page, address)
    drag(page, 14, -50)
    settled(page)
    curve, core, sent = committed_curve(page), lab_data(page, "core-ml"), lab_data(page, "sent")
    page.get_by_role("button", name="Pick").click()
    box = canvas_box(page)
    page.mouse.click(box["x"] + 0.09 * box["width"], box["y"] + 0.09 * box["height"])
    page.locator(".notice").get_by_text("outside the brain").wait_for()
    page.mouse.click(box["x"] + 2, box["y"] + 2)
    page.locator(".notice").get_by_text("outside the image").wait_for()
    np.testing.assert_array_equal(committed_curve(page), curve)
    assert (lab_data(page, "core-ml"), lab_data(page, "sent"), lab_data(page, "voxels")) == (core, sent, "0")


def test_a_voxel_is_picked_with_the_keyboard_alone(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    page.locator('canvas[data-testid="map"]').focus()
    page.keyboard.press("p")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(200)
    text = page.locator('[data-out="probed"]').inner_text()
    voxel = tuple(int(n) for n in text.removeprefix("voxel (").rstrip(")").split(","))
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    settled(page)
    assert lab_data(page, "voxels") == "1"
    np.testing.assert_allclose(committed_curve(page), automatic().prepared.enhancement[voxel], rtol=1e-5, atol=1e-4)
