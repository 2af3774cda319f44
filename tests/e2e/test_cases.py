"""The Cases page in a real browser: the series player, its curves and selectors, and opening cases."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from pages.library.table import _COLUMNS
from perfcore.aif.select import SELECTORS, select
from perfcore.aif.select.selection import Selection
from perfcore.display.colours import outline_rgb
from perfcore.phantom.cases import make_demonstration
from perfcore.preprocess import Prepared
from perfcore.types import PerfusionSeries
from tests.pages.library.test_cases_page import GOOD
from tests.perfcore.io.datasets.test_case_folders import save
from tests.support.app_server import choose_series, drawn, eventually, isolated_page, server
from tests.support.lab_page import automatic
from tests.support.page_scenes import at_rest

pytestmark = pytest.mark.browser

MARK_PX = 33
"""Width of the column that marks the selected case."""


def series() -> PerfusionSeries:
    return automatic().series


def prepared() -> Prepared:
    return automatic().prepared


@cache
def selection(name: str) -> Selection:
    return select(prepared(), name)


def player(page: Page) -> Locator:
    return page.get_by_test_id("series-player")


def open_cases(page: Page, url: str, case: str = "demo-m1-occlusion") -> None:
    """Open the page and wait for the player's first slice."""
    page.goto(f"{url}/cases?case={case}")
    ready(page, case)


def ready(page: Page, case: str) -> None:
    page.wait_for_selector(
        f'[data-testid="series-player"][data-status="ready"][data-case="{case}"]', timeout=60_000
    )


def wait_selectors(page: Page) -> None:
    """Wait for the result of every selector."""
    expect(page.locator(".selector[data-found]")).to_have_count(len(SELECTORS), timeout=60_000)


def player_data(page: Page, name: str) -> str:
    return player(page).get_attribute(f"data-{name}") or ""


def image(page: Page) -> Locator:
    return page.get_by_test_id("series-image")


def pixels(page: Page) -> np.ndarray:
    """Grey levels of the picture, a pixel a voxel, ``(rows, columns)``."""
    url = image(page).evaluate("c => c.toDataURL('image/png')")
    rgba = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))
    np.testing.assert_array_equal(rgba[..., 0], rgba[..., 2])
    return rgba[..., 0]


def assert_pixels(page: Page, expected: np.ndarray) -> None:
    """Wait until the picture is as expected."""
    eventually(lambda: np.testing.assert_array_equal(pixels(page), expected))


def assert_nearly(page: Page, expected: np.ndarray, what: str = "") -> None:
    """Wait until the picture is as expected; a baseline is a mean: half a grey level may fall to either side."""

    def check() -> None:
        wrong = np.abs(pixels(page).astype(int) - expected)
        assert wrong.max() <= 1, what
        assert (wrong > 0).mean() < 1e-3, what

    eventually(check)


def windowed(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.rint(255 * np.clip((values - low) / (high - low), 0, 1)).astype(np.uint8)


def on_screen(plane: np.ndarray) -> np.ndarray:
    """A slice ``(nx, ny)`` of the demonstration (RAS) as the screen shows it, cropped to the head."""
    head = (prepared().baseline > -200).any(axis=2)[::-1, ::-1].T
    rows, columns = np.flatnonzero(head.any(1)), np.flatnonzero(head.any(0))
    pad = 2
    part = slice(max(rows[0] - pad, 0), rows[-1] + pad + 1), slice(max(columns[0] - pad, 0), columns[-1] + pad + 1)
    return plane[::-1, ::-1].T[part]


def curve(page: Page, chart: str, line: str) -> np.ndarray:
    """A curve read off its chart: from the path's pixels to values by the labels of the axis."""
    node = page.locator(f'[data-chart="{chart}"] [data-line="{line}"]')
    node.wait_for(state="attached")
    points = np.array([[float(v) for v in p.split()] for p in node.get_attribute("d")[1:].split("L")])
    labels = page.locator(f'[data-chart="{chart}"] .axes text').evaluate_all(
        "all => all.filter(t => t.getAttribute('text-anchor') === 'end' && !t.classList.contains('unit'))"
        ".map(t => [Number(t.textContent), Number(t.getAttribute('y')) - 4])"
    )
    values, heights = np.array(labels).T
    return np.polyval(np.polyfit(heights, values, 1), points[:, 1])


def assert_curve(page: Page, chart: str, line: str, expected: np.ndarray, atol: float) -> None:
    np.testing.assert_allclose(curve(page, chart, line), expected, atol=atol)


def place(page: Page, voxel: tuple[int, int, int]) -> dict[str, float]:
    """Centre of a voxel on the canvas: the demonstration is RAS, the screen shows right to left."""
    box = image(page).bounding_box()
    full = on_screen(np.arange(256 * 256).reshape(256, 256))
    (row,), (column,) = np.nonzero(full == voxel[0] * 256 + voxel[1])
    return {
        "x": (column + 0.5) * box["width"] / full.shape[1],
        "y": (row + 0.5) * box["height"] / full.shape[0],
    }


def test_the_first_picture_is_the_largest_lesion_in_the_brain_window(page: Page, address: str) -> None:
    open_cases(page, address)
    z = int((series().lesion & prepared().mask).sum((0, 1)).argmax())
    assert (player_data(page, "slice"), player_data(page, "frame")) == (str(z), "0")
    assert_pixels(page, windowed(on_screen(series().data[:, :, z, 0]), 0, 80))


def test_each_window_and_the_maximum_show_the_frames_own_values(page: Page, address: str) -> None:
    open_cases(page, address)
    z, t = int(player_data(page, "slice")), 13
    page.get_by_label("Frame", exact=True).fill(str(t))
    expect(player(page)).to_have_attribute("data-frame", str(t))
    data, baseline = series().data[:, :, z], prepared().baseline[:, :, z]
    for name, values, low, high in [
        ("Stroke", data[..., t], 17.5, 52.5),
        ("Bone", data[..., t], -500, 1500),
        ("Vessels", data[..., t] - baseline, 0, 150),
        ("Brain", data[..., t], 0, 80),
    ]:
        page.get_by_role("radio", name=name).click()
        assert_nearly(page, windowed(on_screen(values), low, high), name)
    page.get_by_role("switch", name="tMIP").click()
    assert_pixels(page, windowed(on_screen(data.max(-1)), 0, 80))
    page.get_by_role("radio", name="Vessels").click()
    assert_nearly(page, windowed(on_screen(prepared().tmip[:, :, z]), 0, 150))


RECORD_FRAMES = """(player) => {
  window.shownFrames = [];
  new MutationObserver(() => window.shownFrames.push(Number(player.dataset.frame)))
    .observe(player, { attributes: true, attributeFilter: ["data-frame"] });
}"""
"""Record the frames that the player shows."""


def test_playing_needs_no_request(new_page: Page, address: str) -> None:
    page = new_page
    open_cases(page, address)
    n_answers = len(SELECTORS) + 4  # a slice, its two neighbours and a voxel
    page.wait_for_function(
        """(n) => performance.getEntriesByType("resource")
          .filter(({ name }) => name.endsWith("live/series")).length >= n""",
        arg=n_answers,
    )
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    player(page).evaluate(RECORD_FRAMES)
    page.get_by_label("Speed").select_option("20")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => window.shownFrames.length >= 12")
    page.get_by_role("button", name="Pause").click()
    seen = page.evaluate("() => window.shownFrames")[:12]
    assert sum(b > a for a, b in itertools.pairwise(seen)) >= 10, "forwards, and once from the last to the first"
    stopped = player_data(page, "frame")
    z = int(player_data(page, "slice"))
    assert_pixels(page, windowed(on_screen(series().data[:, :, z, int(stopped)]), 0, 80))
    page.wait_for_timeout(200)
    assert player_data(page, "frame") == stopped
    assert [url for url in requested if "live/series" in url] == []


def test_a_click_shows_the_voxels_own_curve(page: Page, address: str) -> None:
    open_cases(page, address)
    z = int(player_data(page, "slice"))
    p = prepared()
    flat = p.index[p.index % p.grid[2] == z]
    voxel = tuple(int(v) for v in np.unravel_index(flat[len(flat) // 3], p.grid))
    image(page).click(position=place(page, voxel))
    expect(player(page)).to_have_attribute("data-voxel", ",".join(map(str, voxel)))
    counted = page.locator('[data-out="slice"]').inner_text().split(" / ")[0]
    expect(page.locator('[data-out="voxel"]')).to_have_text(f"({voxel[0]}, {voxel[1]}), slice {counted}")
    own = series().data[voxel]
    measured = own - own[: p.n_baseline].mean()
    step = 0.1 * np.ptp(measured) / 60  # a tenth of a screen pixel
    eventually(lambda: assert_curve(page, "voxel", "measured", measured, 2 * step + 0.05))
    smoothed = p.tissue[int(np.searchsorted(p.index, np.ravel_multi_index(voxel, p.grid)))]
    eventually(lambda: assert_curve(page, "voxel", "smoothed", smoothed, 2 * step + 0.05))
    page.get_by_label("Frame", exact=True).fill("20")
    rule = float(page.locator('[data-chart="voxel"] .now line').get_attribute("x1"))
    xs = [float(p.split()[0]) for p in
          page.locator('[data-line="measured"]').get_attribute("d")[1:].split("L")]  # fmt: skip
    assert rule == pytest.approx(xs[20], abs=0.1)


def test_names_and_columns_are_whole_on_a_laptop(page: Page, address: str) -> None:
    open_cases(page, address)
    for node in page.locator('[data-testid="stSidebar"] [data-testid="stSelectbox"] input').all():
        assert node.evaluate("node => node.scrollWidth <= node.clientWidth"), node.input_value()
    centre, width = (page.locator(f'[data-control="{name}"]').bounding_box() for name in ("centre", "width"))
    assert centre and width and centre["y"] == width["y"]
    table = page.get_by_test_id("stDataFrame").first.bounding_box()
    shown = sum(_COLUMNS[name]["width"] for name in ("picture", "case", "flags"))
    assert table and table["width"] >= MARK_PX + shown


def test_each_selectors_voxels_lie_where_perfcore_puts_them(page: Page, address: str) -> None:
    open_cases(page, address)
    wait_selectors(page)
    for name in SELECTORS:
        row = page.locator(f'[data-selector="{name}"]')
        found = selection(name)
        assert found.why in row.locator("[data-out=why]").inner_text()
        light = row.locator("[data-out=quality]")
        assert light.get_attribute("data-verdict") == "good"
        expect(light).to_have_text("● Good")
        if not row.get_by_role("checkbox").is_checked():
            row.get_by_role("checkbox").check(force=True)
        row.get_by_role("button").click()
        z = int(np.bincount([v[2] for v in found.aif.voxels]).argmax())
        expect(player(page)).to_have_attribute("data-slice", str(z))
        box = image(page).bounding_box()
        for kind, aif in (("aif", found.aif), ("vof", found.vof)):
            here = {v for v in aif.voxels if v[2] == z}
            squares = page.locator(f'[data-annotation="{name}:{kind}"]')
            expect(squares).to_have_count(len(here))
            if here:
                colour = outline_rgb("vof") if kind == "vof" else bytes.fromhex(SELECTORS[name].colour[1:])
                red, green, blue = colour
                expect(squares.first).to_have_css("stroke", f"rgb({red}, {green}, {blue})")
            drawn = squares.evaluate_all(
                "all => all.map(n => { const b = n.getBoundingClientRect();"
                " return [n.dataset.voxel, b.x + b.width / 2, b.y + b.height / 2]; })"
            )
            assert {tuple(map(int, voxel.split(","))) for voxel, _, _ in drawn} == here
            for voxel, x, y in drawn:
                at = place(page, tuple(map(int, voxel.split(","))))
                assert (x - box["x"], y - box["y"]) == pytest.approx((at["x"], at["y"]), abs=0.6)
        atol = 0.006 * selection("peruzzo").aif.peak
        eventually(partial(assert_curve, page, "vessels", f"{name}:aif", found.aif.value, atol))
        row.get_by_role("checkbox").uncheck(force=True)
        expect(page.locator(f'[data-annotation^="{name}:"]')).to_have_count(0)


def test_the_keyboard_alone_plays_steps_and_picks(page: Page, address: str) -> None:
    open_cases(page, address)
    z = int(player_data(page, "slice"))
    image(page).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(player(page)).to_have_attribute("data-frame", "2")
    page.keyboard.press("ArrowLeft")
    expect(player(page)).to_have_attribute("data-frame", "1")
    page.keyboard.press("End")
    expect(player(page)).to_have_attribute("data-frame", str(series().n_time - 1))
    page.keyboard.press("ArrowRight")
    expect(player(page)).to_have_attribute("data-frame", "0")
    page.keyboard.press("ArrowUp")
    expect(player(page)).to_have_attribute("data-slice", str(z + 1))
    page.keyboard.press("PageDown")
    expect(player(page)).to_have_attribute("data-slice", str(z))
    before = tuple(map(int, player_data(page, "voxel").split(",")))
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    # To the right on the screen is to the patient's left, down is to the back: both lower in RAS.
    expect(player(page)).to_have_attribute("data-voxel", f"{before[0] - 1},{before[1] - 1},{before[2]}")
    page.keyboard.press("2")
    assert_pixels(page, windowed(on_screen(series().data[:, :, z, 0]), 17.5, 52.5))
    page.keyboard.press("m")
    assert_pixels(page, windowed(on_screen(series().data[:, :, z].max(-1)), 17.5, 52.5))
    page.keyboard.press("Space")
    expect(player(page)).to_have_attribute("data-playing", "true")
    page.keyboard.press("Space")
    expect(player(page)).to_have_attribute("data-playing", "false")
    assert player_data(page, "mounts") == "1"


def assert_darker(page: Page, mean: float) -> None:
    assert pixels(page).mean() < mean


def test_a_drag_changes_the_window_and_a_double_click_resets_it(page: Page, address: str) -> None:
    open_cases(page, address)
    z, box = int(player_data(page, "slice")), image(page).bounding_box()
    voxel = player_data(page, "voxel")
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 100 + box["width"] / 4, box["y"] + 100, steps=4)
    page.mouse.up()
    width = float(page.get_by_label("W", exact=True).input_value())
    assert width == pytest.approx(100, abs=1), "a quarter of the picture is a quarter of the window"
    low, high = 40 - width / 2, 40 + width / 2
    wrong = pixels(page).astype(int) - windowed(on_screen(series().data[:, :, z, 0]), low, high)
    assert np.abs(wrong).max() <= 2, "the field is rounded"
    assert player_data(page, "voxel") == voxel, "a drag picks no voxel"
    page.get_by_label("C", exact=True).fill("60")
    page.keyboard.press("Enter")
    mean = windowed(on_screen(series().data[:, :, z, 0]), low, high).mean()
    eventually(lambda: assert_darker(page, mean))
    image(page).dblclick()
    assert_pixels(page, windowed(on_screen(series().data[:, :, z, 0]), 0, 80))


def test_the_wheel_goes_through_the_slices_and_stops_at_the_ends(page: Page, address: str) -> None:
    open_cases(page, address)
    image(page).hover()
    for _ in range(10):
        page.mouse.wheel(0, -100)
    expect(player(page)).to_have_attribute("data-slice", "7")
    expect(player(page)).to_have_attribute("data-status", "ready")
    assert_pixels(page, windowed(on_screen(series().data[:, :, 7, 0]), 0, 80))


def test_touch_picks_a_voxel_and_plays(chromium: Browser, address: str) -> None:
    with isolated_page(chromium, viewport={"width": 900, "height": 1200}, has_touch=True) as page:
        open_cases(page, address)
        before = player_data(page, "voxel")
        image(page).tap(position={"x": 120, "y": 120})
        expect(player(page)).not_to_have_attribute("data-voxel", before)
        page.get_by_role("button", name="Play").tap()
        expect(player(page)).to_have_attribute("data-playing", "true")


def click_row(page: Page, row: int) -> None:
    """Click a row of the table, in the column of the names."""
    at_rest(page)
    drawn(page)
    box = page.get_by_test_id("stDataFrame").bounding_box()
    page.mouse.click(box["x"] + 180, box["y"] + 37 + 50 * row + 25)


def search(page: Page, text: str) -> None:
    page.get_by_placeholder("Name, flag").fill(text)
    page.keyboard.press("Enter")


def test_a_clicked_row_opens_its_case_in_the_player_and_the_lab(page: Page, address: str) -> None:
    open_cases(page, address)
    click_row(page, 1)
    ready(page, "demo-small-core")
    expect(page).to_have_url(re.compile("case=demo-small-core"))
    assert player_data(page, "mounts") == "1"
    small = make_demonstration("small-core").series
    assert player_data(page, "slice") == str(int(small.lesion.sum((0, 1)).argmax()))
    click_row(page, 0)
    ready(page, "demo-m1-occlusion")
    click_row(page, 1)
    ready(page, "demo-small-core")
    page.get_by_role("button", name="Open in the Lab").click()
    page.wait_for_selector('[data-testid="lab"][data-painted]')
    expect(page).to_have_url(re.compile("case=demo-small-core"))


def test_slice_frame_and_window_survive_a_page_change(page: Page, address: str) -> None:
    open_cases(page, address)
    page.get_by_role("radio", name="Stroke").click()
    page.get_by_label("Frame", exact=True).fill("17")
    page.get_by_label("Slice", exact=True).fill("1")
    expect(player(page)).to_have_attribute("data-slice", "1")
    ready(page, "demo-m1-occlusion")  # the slice has come
    before = pixels(page)
    page.get_by_role("link", name="Lab").click()
    page.wait_for_selector('[data-testid="lab"]')
    page.get_by_role("link", name="Cases").click()
    ready(page, "demo-m1-occlusion")
    expect(player(page)).to_have_attribute("data-slice", "1")
    expect(player(page)).to_have_attribute("data-frame", "17")
    assert_pixels(page, before)


def test_a_new_server_names_the_damaged_case_of_its_folder_and_opens_the_other(page: Page, tmp_path: Path) -> None:
    (tmp_path / "whole.nii").write_bytes(GOOD)
    save(np.zeros((4, 4, 2, 5), np.int16), tmp_path / "few.nii")
    with server(AIF_LAB_DATA=str(tmp_path)) as url:
        open_cases(page, url)  # the first request to this server
        assert page.get_by_test_id("stSidebar").get_by_role("combobox", name="Preset").count() == 1
        page.get_by_text("One case of the folder cannot be opened").click()
        page.get_by_text("expected 10 or more").wait_for()
        search(page, "few")
        page.get_by_text("1 of 8 cases").wait_for()
        click_row(page, 0)
        page.get_by_test_id("stAlert").get_by_text("few cannot be opened").wait_for()
        assert player_data(page, "case") == "demo-m1-occlusion"
        search(page, "")
        page.get_by_text("1 of 8 cases").wait_for(state="detached")
        search(page, "whole")
        page.get_by_text("1 of 8 cases").wait_for()
        click_row(page, 0)
        ready(page, "folder-whole")
        assert str(tmp_path) not in page.content()


def test_valid_uploads_open_beside_an_invalid_one(page: Page, address: str) -> None:
    open_cases(page, address)
    choose_series(page, ("Mustermann.nii", GOOD), ("bad.nii", b"not a series" * 40), ("other.nii", GOOD))
    page.get_by_role("button", name="Open these 3 cases").click()
    ready(page, "upload-1")
    alert = page.get_by_test_id("stAlert")
    alert.wait_for()
    assert alert.inner_text().startswith("File 2 of 3 cannot be opened: ")
    assert "case=" not in page.url
    assert "Mustermann" not in page.content()
    page.get_by_role("button", name="Remove").click()
    ready(page, "demo-m1-occlusion")
    expect(page.get_by_role("button", name="Remove")).to_have_count(0)
    page.get_by_text("7 cases").wait_for()
    click_row(page, 0)
    ready(page, "upload-2")
    page.get_by_label("Name of this upload").fill("Second patient")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Case")).to_have_value("Second patient")


def test_a_slice_is_refused_without_the_sessions_token(new_page: Page, address: str) -> None:
    page = new_page
    requested: list[str] = []
    page.on("request", lambda r: requested.append(r.post_data or "") if r.url.endswith("/live/series") else None)
    open_cases(page, address)
    body = json.loads(next(text for text in requested if "slice" in text))
    assert all(body["token"] not in url for url in (page.url, page.content()))
    status = page.evaluate(
        """async (body) => (await fetch(new URL("live/series", document.baseURI),
             { method: "POST", body: JSON.stringify(body) })).status""",
        {**body, "token": "x" * len(body["token"])},
    )
    assert status == 403
