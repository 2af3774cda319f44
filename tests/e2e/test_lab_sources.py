"""Sources of the AIF: selectors, the known AIF, CSV files, and voxels clicked on the map."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from perfcore.aif.select import select
from perfcore.io.aif_csv import read_aif_csv
from perfcore.pipeline import analyse
from tests.support.app_server import drag, lab_data, new_maps, open_lab, settled, wait_first_maps
from tests.support.lab_page import (
    automatic,
    canvas_box,
    change_text,
    committed_curve,
    demonstration,
    editor_values,
    library_result,
    position_of,
    reset_curve,
    shown_number,
    voxel_in,
)

pytestmark = pytest.mark.browser

CSV = b"time_s,value\n0,0\n9,0\n13,180\n19,40\n27,12\n80,4\n"


def choose(page: Page, method: str) -> None:
    source = page.locator('[data-control="source"]')
    with new_maps(page):
        source.select_option(method)
    expect(source).to_be_enabled()


@pytest.fixture(scope="module")
def lab(shared_page: Page, address: str) -> Page:
    """The Lab on a page that tests share; each of them restores the start curve of Straka's selector."""
    open_lab(shared_page, address)
    settled(shared_page)
    return shared_page


@pytest.mark.parametrize("method", ["peruzzo", "mouridsen", "murase", "truth"])
def test_a_source_becomes_the_curve_and_the_start(lab: Page, method: str) -> None:
    page = lab
    choose(page, method)
    aif = demonstration().truth.aif if method == "truth" else select(automatic().prepared, method).corrected()
    np.testing.assert_allclose(editor_values(page), aif.value, atol=0.051)
    own = library_result(aif.value.astype(np.float32).astype(float)).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(own.core_ml, abs=0.02)
    assert shown_number(page, "auc") == pytest.approx(own.auc, abs=6e-4)
    change = change_text(own.core_ml, automatic().numbers.core_ml, 1)
    assert page.locator('[data-number="core_ml"] em').inner_text() == change, "from the first curve"
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


def upload_csv(page: Page, content: bytes) -> None:
    page.locator('[data-control="csv"]').set_input_files(
        {"name": "mine.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.locator(".notice").wait_for(state="visible")


def test_a_file_on_another_grid_is_interpolated_with_a_notice(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    with new_maps(page):
        upload_csv(page, CSV)
    expect(page.locator(".notice")).to_contain_text("interpolated")
    aif = read_aif_csv(CSV, automatic().series.time_s)
    np.testing.assert_allclose(editor_values(page), aif.value, atol=0.051)
    own = analyse(automatic().series, aif).numbers
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(own.core_ml, abs=0.02)
    assert page.locator('[data-control="source"]').input_value() == "file-1"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (CSV.replace(b"80,4", b"40,4"), "covers 0 to 40 s"),
        (b"time_s,value\n0,0\n80,0\n", "no positive bolus"),
        (b"\x89PNG\r\n\x00\x00", "not a text table"),
        (b"", "empty"),
    ],
)
def test_a_wrong_file_is_refused_and_the_edit_stays(lab: Page, content: bytes, part: str) -> None:
    page = lab
    drag(page, 14, -50)
    settled(page)
    curve, core = committed_curve(page), lab_data(page, "core-ml")
    upload_csv(page, content)
    expect(page.locator(".notice")).to_contain_text("This curve cannot be used: ")
    text = page.locator(".notice").inner_text()
    assert part in text
    assert "mine" not in text
    np.testing.assert_allclose(editor_values(page), curve, atol=0.051)
    assert lab_data(page, "core-ml") == core
    assert page.locator('[data-control="source"]').input_value() == "straka"
    reset_curve(page)
    settled(page)


def vessel_voxels() -> list[tuple[int, int, int]]:
    """Three voxels of the vein in one slice: bright, and near each other."""
    vof = automatic().vof
    assert vof is not None
    z = max({v[2] for v in vof.voxels}, key=lambda z: sum(v[2] == z for v in vof.voxels))
    return [v for v in vof.voxels if v[2] == z][:3]


def go_to_slice(page: Page, z: int) -> None:
    page.locator('[data-control="slice"]').fill(str(z + 1))


def pick(page: Page, voxel: tuple[int, int, int]) -> None:
    position = position_of(page, voxel)
    with new_maps(page):
        page.mouse.click(*position)


def test_voxels_clicked_on_the_map_make_the_curve(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    start = editor_values(page)
    voxels = vessel_voxels()
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
    wait_first_maps(page)
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


def test_a_click_outside_the_brain_is_refused_and_changes_nothing(page: Page, address: str) -> None:
    open_lab(page, address)
    drag(page, 14, -50)
    settled(page)
    curve, core, sent = committed_curve(page), lab_data(page, "core-ml"), lab_data(page, "sent")
    page.get_by_role("button", name="Pick").click()
    box = canvas_box(page)
    page.mouse.click(box["x"] + 0.16 * box["width"], box["y"] + 0.06 * box["height"])
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
    probed = page.locator('[data-out="probed"]')
    before = probed.inner_text()
    page.keyboard.press("Shift+ArrowRight")
    expect(probed).not_to_have_text(before)
    voxel = voxel_in(f"at {probed.inner_text().removeprefix('voxel ')}")
    with new_maps(page):
        page.keyboard.press("Enter")
    assert lab_data(page, "voxels") == "1"
    np.testing.assert_allclose(
        committed_curve(page), automatic().prepared.enhancement[voxel], rtol=1e-5, atol=1e-4
    )
