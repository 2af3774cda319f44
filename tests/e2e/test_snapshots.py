"""Snapshots, their comparison, share links and downloads in a real browser, against perfcore's results."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Download, Page, expect

from pages.session.share_link import unpack_curve
from perfcore.display.slice_layout import Layout
from perfcore.map_info import MAPS
from perfcore.pipeline import Analysis
from perfcore.settings import Settings
from tests.support.app_server import (
    drag,
    drawn,
    eventually,
    isolated_page,
    lab_data,
    new_maps,
    open_lab,
    settled,
    wait_first_maps,
    wait_lab,
)
from tests.support.lab_page import (
    automatic,
    change_text,
    choose_setting,
    committed_curve,
    library_result,
    voxel_in,
)

pytestmark = pytest.mark.browser


def stored(page: Page, key: str) -> object:
    return json.loads(page.evaluate("(key) => sessionStorage.getItem(key)", key) or "null")


def assert_stored(page: Page, key: str, expected: object) -> None:
    assert stored(page, key) == expected


def snapshot_curve(page: Page, at: int) -> np.ndarray:
    rows = stored(page, "lab|shelf")
    assert isinstance(rows, list)
    return unpack_curve(parse_qs(rows[at]["link"])["curve"][0])


def save_snapshot(page: Page, name: str, number: int) -> None:
    page.locator('[data-control="keep-name"]').fill(name)
    page.keyboard.press("Enter")
    page.locator(f'[data-snapshot="{number}"]').wait_for()


def save_one_of_two_edits(page: Page, address: str) -> tuple[Analysis, Analysis]:
    """Save an edit as a snapshot, make another edit; returns perfcore's results of both."""
    open_lab(page, address)
    drag(page, 16, -70)
    settled(page)
    save_snapshot(page, "raised rise", 1)
    drag(page, 12, 110)
    settled(page)
    return library_result(snapshot_curve(page, 0)), library_result(committed_curve(page))


def compare(page: Page, mode: str = "wipe") -> None:
    page.emulate_media(reduced_motion="reduce")  # the page scrolls to the map at once
    page.locator('[data-snapshot="1"] [data-side="a"]').click()
    wait_lab(page, "data.compare === 'wipe'")
    page.locator(f'[data-way="{mode}"]').click()
    wait_lab(page, f"data.compare === '{mode}'")
    page.mouse.move(2, 2)
    drawn(page)


def canvas(page: Page) -> np.ndarray:
    url = page.locator('canvas[data-testid="map"]').evaluate("c => c.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")).astype(int)


def read_out(page: Page, x: float, y: float) -> tuple[tuple[int, int, int], list[float]] | None:
    """Hover over the map; returns the voxel and A, B and B − A, or None outside the brain."""
    page.mouse.move(x, y)
    drawn(page)
    where = page.locator('[data-out="readout"]').first.inner_text()
    words = page.locator('[data-out="compared"]').inner_text().replace("−", "-").split()
    if not words:
        return None
    return voxel_in(where), [float(words[1]), float(words[3]), float(words[7])]


def points(page: Page, n: int) -> list[tuple[float, float]]:
    box = page.locator('canvas[data-testid="map"]').bounding_box()
    assert box is not None
    spread = np.random.default_rng(7).uniform((0.25, 0.25), (0.75, 0.75), (n, 2))
    return [(box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in spread]


def test_a_snapshot_is_restored_and_restoring_is_undone(page: Page, address: str) -> None:
    first, _ = save_one_of_two_edits(page, address)
    edited, core = committed_curve(page), lab_data(page, "core-ml")
    page.locator('[data-snapshot="1"]').get_by_role("button", name="Restore").click()
    wait_lab(page, "data.granted === '1'")
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), snapshot_curve(page, 0))
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(first.numbers.core_ml, rel=1e-6)
    assert lab_data(page, "mounts") == "1"
    page.locator('[data-action="undo"]').click()
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), edited)
    assert lab_data(page, "core-ml") == core


def test_restoring_a_snapshot_restores_its_settings_and_its_case(page: Page, address: str) -> None:
    open_lab(page, address)
    with new_maps(page):
        choose_setting(page, "Preset", "vendor")
    drag(page, 14, -50)
    settled(page)
    core = lab_data(page, "core-ml")
    save_snapshot(page, "vendor's", 1)
    choose_setting(page, "Case", "No stroke")
    wait_lab(page, f"data.coreMl !== '{core}'")
    settled(page)
    with new_maps(page):
        choose_setting(page, "Preset", "paper")
    # Another case has no maps to compare.
    expect(page.locator('[data-snapshot="1"] [data-side="a"]')).to_be_disabled()
    page.locator('[data-snapshot="1"]').get_by_role("button", name="Restore").click()
    wait_lab(page, f"data.coreMl === '{core}'")
    settled(page)
    np.testing.assert_array_equal(snapshot_curve(page, 0), np.array(stored(page, "aif|demo-m1-occlusion|straka")))
    expected = library_result(snapshot_curve(page, 0), Settings.preset("vendor"))
    assert float(core or 0) == pytest.approx(expected.numbers.core_ml, abs=0.02)
    expect(page).to_have_url(re.compile("preset=vendor"))


def test_the_snapshot_table_shows_numbers_and_changes_and_is_downloaded(page: Page, address: str) -> None:
    first, second = save_one_of_two_edits(page, address)
    save_snapshot(page, '=low, "onset"', 2)
    page.locator("[data-control=reference]").select_option("snapshot:1")
    cell = page.locator('[data-snapshot="2"] td.figure').nth(1)
    change = second.numbers.hypoperfused_ml - first.numbers.hypoperfused_ml
    assert abs(change) > 1
    assert cell.locator("b").inner_text() == f"{second.numbers.hypoperfused_ml:.1f}"
    shown = change_text(second.numbers.hypoperfused_ml, first.numbers.hypoperfused_ml, 1)
    assert cell.locator("em").inner_text() == shown
    row = page.locator('[data-snapshot="now"] td.figure').nth(1)
    assert row.locator("em").inner_text() == cell.locator("em").inner_text(), "counted from one reference"
    page.locator('[data-snapshot="2"] input.name').fill("low onset")
    page.keyboard.press("Enter")
    wait_lab(page, "JSON.parse(sessionStorage.getItem('lab|shelf'))[1].name === 'low onset'")
    rows = list(csv.DictReader(io.StringIO(Path(download(page, "Snapshots (CSV)").path()).read_text())))
    assert [r["name"] for r in rows] == ["raised rise", "low onset"]
    for row, result in zip(rows, (first, second), strict=True):
        for name in ("core_ml", "hypoperfused_ml", "mismatch_ratio", "reference_cbf", "dice"):
            assert float(row[name]) == pytest.approx(getattr(result.numbers, name), rel=1e-4), name
    assert float(rows[1]["hypoperfused_ml_change"]) == pytest.approx(change, rel=1e-3)
    page.locator('[data-snapshot="1"]').get_by_role("button", name="Delete").click()
    page.locator('[data-snapshot="1"]').wait_for(state="detached")
    expect(page.locator("[data-snapshot]")).to_have_count(2)  # the other snapshot, and the curve in the Lab


def download(page: Page, label: str) -> Download:
    button = page.get_by_role("button", name=label)
    if not button.is_visible():
        page.get_by_text("Export: curve, maps").click()
    button.wait_for()
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    with page.expect_download() as waiting:
        button.click()
    return waiting.value


def assert_alike(a: np.ndarray, b: np.ndarray, what: str) -> None:
    assert np.abs(a - b).max() <= 5, what


def test_wipe_comparison_shows_one_snapshot_on_each_side(page: Page, address: str) -> None:
    first, second = save_one_of_two_edits(page, address)
    page.get_by_role("radio", name="CBF", exact=True).click()
    drawn(page)
    alone = canvas(page)
    compare(page)
    middle = canvas(page)
    divider = page.get_by_role("slider", name="Divider")
    divider.focus()
    page.keyboard.press("Home")
    drawn(page)
    right = canvas(page)
    page.keyboard.press("End")
    drawn(page)
    left = canvas(page)
    # Chromium rounds a clipped picture's smoothed colours otherwise, by up to 5 of 255.
    assert_alike(right, alone, "at the left end all is B: the Lab as it is")
    half = middle.shape[1] // 2
    for part in (np.s_[:, : half - 2], np.s_[:, half + 2 :]):
        assert (np.abs(left - right)[part].max(axis=2) > 12).mean() > 0.005, "the sides can be told apart"
    assert_alike(middle[:, : half - 2], left[:, : half - 2], "A lies left")
    assert_alike(middle[:, half + 2 :], right[:, half + 2 :], "B lies right")
    page.locator('[data-snapshot="1"]').get_by_role("button", name="Restore").click()
    wait_lab(page, "data.granted === '1'")
    settled(page)
    page.locator('[data-action="uncompare"]').click()
    wait_lab(page, "data.compare === ''")
    page.mouse.move(2, 2)
    drawn(page)
    assert_alike(canvas(page), left, "at the right end all is A: as when A is restored")
    assert first.numbers != second.numbers


def test_wipe_divider_can_be_dragged(page: Page, address: str) -> None:
    save_one_of_two_edits(page, address)
    page.get_by_role("radio", name="CBF", exact=True).click()
    compare(page)
    before = canvas(page)
    divider = page.get_by_role("slider", name="Divider")
    box = divider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 90, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    drawn(page)
    now = int(divider.get_attribute("aria-valuenow") or 0)
    assert 10 < now < 45
    columns = np.flatnonzero((np.abs(canvas(page) - before) > 3).any(axis=(0, 2)))
    half = before.shape[1] // 2
    assert columns.size > 40
    assert half - 95 <= columns.min()
    assert columns.max() <= half + 1, "only what lies between the two places has changed sides"


@pytest.fixture(scope="module")
def compared(shared_page: Page, address: str) -> tuple[Page, Analysis, Analysis]:
    """A page that shows the difference of two edits, and perfcore's results of both."""
    first, second = save_one_of_two_edits(shared_page, address)
    compare(shared_page, "difference")
    return shared_page, first, second


@pytest.mark.parametrize("name", ["rCBF", "CBF", "CBV", "MTT", "Tmax"])
def test_difference_map_equals_perfcore(compared: tuple[Page, Analysis, Analysis], name: str) -> None:
    page, first, second = compared
    page.get_by_role("radio", name=name, exact=True).click()
    drawn(page)
    ours = {key: getattr(result.maps, name.lower()) for key, result in (("a", first), ("b", second))}
    change = ours["b"] - ours["a"]
    seen = [found for x, y in points(page, 30) if (found := read_out(page, x, y))]
    assert len(seen) >= 15
    for voxel, (a, b, difference) in seen:
        assert a == pytest.approx(float(ours["a"][voxel]), abs=0.0051 + 2e-4 * abs(a)), voxel
        assert b == pytest.approx(float(ours["b"][voxel]), abs=0.0051 + 2e-4 * abs(b)), voxel
        assert difference == pytest.approx(float(change[voxel]), abs=0.0051 + 2e-4 * abs(b)), voxel
    usual = np.nanquantile(np.abs(change), 0.98)
    span = float(page.locator('[data-control="difference-span"]').input_value())
    low, high = MAPS[name.lower()].window
    floor = (high - low) / 50
    assert 0.9 * max(usual, floor) <= span <= 2.6 * max(usual, floor), "a round number that holds 98 %"


def test_difference_map_has_a_diverging_scale(page: Page, address: str) -> None:
    first, second = save_one_of_two_edits(page, address)
    compare(page, "difference")
    page.locator('[data-control="difference-span"]').fill("0.1")
    page.keyboard.press("Enter")
    for outline in page.locator("[data-outline]").all():
        outline.uncheck(force=True)
    page.mouse.move(2, 2)
    drawn(page)
    picture = canvas(page)
    slice_index = int(page.locator('[data-out="slice"]').inner_text().split()[0]) - 1
    change = Layout.of(first.series.affine).apply((second.maps.rcbf - first.maps.rcbf)[:, :, slice_index])
    # Red minus blue follows the difference; only shares are compared, since the picture is scaled.
    tint = (picture[..., 0] - picture[..., 2]).astype(float)
    rows, columns = np.nonzero(np.isfinite(change))
    ink = np.ptp(picture, axis=2) > 8
    assert ink.mean() > 0.05
    share = np.sign(change[rows, columns])
    assert np.sign(tint[ink]).mean() == pytest.approx(share.mean(), abs=0.35)
    assert set(np.unique(np.sign(tint[ink]))) == {-1.0, 1.0}


def test_a_share_link_opens_case_settings_curve_and_view(page: Page, address: str, chromium: Browser) -> None:
    open_lab(page, address)
    with new_maps(page):
        choose_setting(page, "Deconvolution", "causal")
    drag(page, 13, -60)
    settled(page)
    page.get_by_role("radio", name="Tmax", exact=True).click()
    page.locator('canvas[data-testid="map"]').press("ArrowUp")
    page.locator('[data-action="link"]').click()
    field = page.locator('[data-out="link"]')
    field.wait_for()
    link = field.input_value()
    words = parse_qs(urlsplit(link).query)
    assert {k: v[0] for k, v in words.items() if k != "curve"} == {
        "case": "demo-m1-occlusion",
        "deconvolution": "causal",
        "map": "tmax",
        "slice": page.locator('[data-out="slice"]').inner_text().split()[0],
    }
    np.testing.assert_array_equal(unpack_curve(words["curve"][0]), committed_curve(page))
    with isolated_page(chromium) as guest:
        open_lab(guest, link)
        assert_same_view(page, guest)
        assert_edits_replace_the_link(guest)


def assert_same_view(page: Page, guest: Page) -> None:
    wait_lab(guest, "data.granted === '1'")
    settled(guest)
    np.testing.assert_array_equal(committed_curve(guest), committed_curve(page))
    for name in ("core_ml", "hypoperfused_ml", "reference_cbf"):
        here, there = (p.locator(f'[data-number="{name}"] b').inner_text() for p in (page, guest))
        assert here == there
    assert guest.locator('[data-map="tmax"]').get_attribute("aria-checked") == "true"
    assert guest.locator('[data-out="slice"]').inner_text() == page.locator('[data-out="slice"]').inner_text()
    expect(guest).not_to_have_url(re.compile("curve="))  # a reload would open the link again


def assert_edits_replace_the_link(guest: Page) -> None:
    """After an edit, a page change and a reload the edited curve is there, not the link's."""
    drag(guest, 20, -30)
    settled(guest)
    curve, slice_shown = committed_curve(guest), guest.locator('[data-out="slice"]').inner_text()
    guest.get_by_role("link", name="Cases").click()
    guest.get_by_role("button", name="Open in the Lab").wait_for()
    expect(guest).to_have_url(re.compile("deconvolution=causal"))
    guest.get_by_role("link", name="Lab").click()
    wait_first_maps(guest)
    settled(guest)
    np.testing.assert_array_equal(committed_curve(guest), curve)
    expect(guest).to_have_url(re.compile("deconvolution=causal"))  # written after the page is drawn
    guest.reload()
    wait_first_maps(guest)
    settled(guest)
    np.testing.assert_array_equal(committed_curve(guest), curve)
    expect(guest.locator('[data-out="slice"]')).to_have_text(slice_shown)
    form = guest.get_by_test_id("stSidebar").get_by_role("combobox", name="Deconvolution")
    expect(form).to_have_value(re.compile("causal"))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("curve=1.AAAA%00", "Its curve is damaged"),
        ("case=upload-1", "its case is not on this server"),
        ("lambda-rel=1e999&map=rcbf", "must lie between"),
        ("deconvolution=<script>alert(1)</script>", "must be one of circulant, causal"),
    ],
)
def test_a_wrong_link_is_reported_and_opens_the_first_case(
    page: Page, address: str, query: str, sentence: str
) -> None:
    page.goto(f"{address}/?{query}")
    page.get_by_text(sentence).wait_for()  # before the case is whole: it is shown for some seconds
    wait_first_maps(page)
    settled(page)
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(automatic().numbers.core_ml, rel=1e-6)
    assert page.get_by_test_id("stException").count() == 0
    expect(page).to_have_url(re.compile(r"^[^?]*$"))


def test_a_links_curve_of_another_length_is_reported_and_ignored(page: Page, address: str) -> None:
    short = "1." + base64.urlsafe_b64encode(np.arange(20, dtype="<f4").tobytes()).decode().rstrip("=")
    page.goto(f"{address}/?curve={short}")
    page.get_by_text("The link's curve has 20 points, the series 60").wait_for()
    wait_first_maps(page)
    settled(page)
    assert float(lab_data(page, "core-ml") or 0) == pytest.approx(automatic().numbers.core_ml, rel=1e-6)


def test_snapshots_survive_a_page_change_and_a_reload(page: Page, address: str) -> None:
    save_one_of_two_edits(page, address)
    before = stored(page, "lab|shelf")
    page.get_by_role("link", name="Cases").click()
    page.get_by_role("button", name="Open in the Lab").wait_for()
    page.get_by_role("link", name="Lab").click()
    page.locator('[data-snapshot="1"]').wait_for()
    page.reload()
    page.locator('[data-snapshot="1"]').wait_for()
    expect(page.locator('[data-snapshot="1"] input.name')).to_have_value("raised rise")
    eventually(lambda: assert_stored(page, "lab|shelf", before))


def test_the_downloaded_figure_shows_title_map_and_color_bar(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    map_shown = canvas(page)
    page.locator('[data-control="figure-scale"]').select_option("1")
    with page.expect_download() as waiting:
        page.locator('[data-action="figure"]').click()
    assert re.fullmatch(r"aif-lab-rcbf-slice-\d+\.png", waiting.value.suggested_filename)
    picture = np.asarray(Image.open(waiting.value.path()).convert("RGB")).astype(int)
    bar = page.locator("canvas.bar").first.evaluate("c => [c.width, c.height]")
    height, width = map_shown.shape[:2]
    assert picture.shape[:2] == (height + 26 + 64 + 24, width + bar[0] + 36)
    part = picture[38 : 38 + height, 12 : 12 + width]
    shown = map_shown.max(axis=2) > 0
    assert (np.abs(part - map_shown).max(axis=2)[shown] <= 2).mean() > 0.98, "the map is in it as shown"
    right = picture[38 : 38 + height, 24 + width : 24 + width + 12]
    assert len(np.unique(right.reshape(-1, 3), axis=0)) > 150, "the colour bar stands beside it"
    head = picture[12:38]
    assert (np.abs(head - head[0, 0]).max(axis=2) > 60).mean() > 0.01, "the title stands above it"
    page.locator('[data-control="figure-scale"]').select_option("3")
    with page.expect_download() as waiting:
        page.locator('[data-action="figure"]').click()
    large = np.asarray(Image.open(waiting.value.path()).convert("RGB")).astype(int)
    # The map's size on the screen is no whole number of pixels.
    np.testing.assert_allclose(large.shape[:2], 3 * np.array(picture.shape[:2]), atol=3)
    inside = large[3 * 38 : 3 * (38 + height) : 3, 3 * 12 : 3 * (12 + width) : 3]
    assert (np.abs(inside - part).max(axis=2)[shown] <= 40).mean() > 0.9, "the same map"
    np.testing.assert_array_equal(canvas(page), map_shown, err_msg="the screen is as it was")
    legend = large[3 * (38 + height + 10) : 3 * (38 + height + 32)]
    white = np.pad((legend > 200).all(axis=2), ((0, 0), (1, 1))).astype(int)
    ends = [np.flatnonzero(np.diff(row)) for row in white]
    longest = max(int(np.diff(row)[::2].max(initial=0)) for row in ends)
    assert longest < 3 * 10, "the known lesion is dashed there too"
    volumes = picture[38 + height + 32 : 38 + height + 50]
    assert (np.abs(volumes - volumes[0, 0]).max(axis=2) > 60).mean() > 0.01, "the volumes stand below the legend"


def test_a_figure_of_two_maps_is_named_after_both(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    page.locator('[data-layout="two"]').click()
    settled(page)
    with page.expect_download() as waiting:
        page.locator('[data-action="figure"]').click()
    assert waiting.value.suggested_filename.startswith("aif-lab-rcbf-tmax-slice-")


def test_maps_and_curve_are_downloaded_as_perfcore_makes_them(page: Page, address: str) -> None:
    open_lab(page, address)
    drag(page, 12, 110)
    settled(page)
    expected = library_result(committed_curve(page))
    text = Path(download(page, "AIF (CSV)").path()).read_text().splitlines()
    assert text[0] == "time_s,value"
    values = np.array([float(line.split(",")[1]) for line in text[1:]])
    np.testing.assert_array_equal(values.astype(np.float32), committed_curve(page).astype(np.float32))
    with zipfile.ZipFile(download(page, "Maps (NIfTI, zip)").path()) as archive:
        for name in ("cbf", "tmax", "rcbf"):
            image = nib.Nifti1Image.from_bytes(gzip.decompress(archive.read(f"{name}.nii.gz")))
            volume = np.where(expected.prepared.mask, getattr(expected.maps, name), 0)
            np.testing.assert_allclose(np.asarray(image.dataobj), volume, rtol=1e-5, atol=1e-5)
    settings = json.loads(Path(download(page, "Settings (JSON)").path()).read_text())
    assert Settings(**settings["settings"]) == expected.settings
    assert settings["aif"]["edited"] is True
