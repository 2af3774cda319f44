"""Light of the AIF quality in the Lab: the verdict of the library, live during a drag, and the whole VOF."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from perfcore.aif.quality import negative_share
from tests.support.app_server import handle_centre, new_maps, open_lab, settled
from tests.support.lab_page import automatic, library_result

pytestmark = pytest.mark.browser

WEAK_CSV = b"time_s,value\n0,0\n12,0\n20,40\n30,12\n59,8\n"


@pytest.fixture(scope="module")
def lab(shared_page: Page, address: str) -> Page:
    open_lab(shared_page, address)
    settled(shared_page)
    return shared_page


def choose(page: Page, method: str) -> None:
    source = page.locator('[data-control="source"]')
    with new_maps(page):
        source.select_option(method)
    expect(source).to_be_enabled()
    settled(page)


def test_the_light_follows_a_drag_before_the_release(lab: Page) -> None:
    page = lab
    light = page.get_by_test_id("aif-quality")
    assert automatic().aif_quality.verdict == "good"
    expect(light).to_have_attribute("data-verdict", "good")
    expect(light).to_contain_text("Good")
    x, y = handle_centre(page, 4)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 120, steps=4)
    expect(light).to_have_attribute("data-verdict", "bad")
    expect(light).to_contain_text("contrast before the bolus")
    page.mouse.move(x, y, steps=4)
    expect(light).to_have_attribute("data-verdict", "good")
    page.mouse.up()


def test_a_vein_is_bad_with_the_librarys_share_of_negative_tmax(lab: Page) -> None:
    page = lab
    choose(page, "vein")
    light = page.get_by_test_id("aif-quality")
    expect(light).to_have_attribute("data-verdict", "bad")
    expect(light).to_contain_text("Bad")
    vof = automatic().vof
    assert vof is not None
    analysis = library_result(vof.value.astype("float32").astype(float))
    share = negative_share(analysis.maps.tmax[analysis.prepared.mask])
    assert share is not None and share > 0.5
    light.click()
    row = page.locator(".measure", has_text="share of the brain with Tmax < 0")
    expect(row).to_have_attribute("data-verdict", "bad")
    expect(row.locator("b")).to_have_text(f"{100 * share:.2g} %")
    page.keyboard.press("Escape")
    expect(page.locator(".measures")).to_be_hidden()
    choose(page, "straka")


def test_the_whole_vof_is_on_the_chart_of_a_low_aif(lab: Page) -> None:
    page = lab
    with new_maps(page):
        page.locator('[data-control="csv"]').set_input_files(
            {"name": "weak.csv", "mimeType": "text/csv", "buffer": WEAK_CSV}
        )
    settled(page)
    expect(page.locator(".legend .key.vof")).to_have_text("VOF ÷2")
    path = page.locator('svg[data-testid="aif-editor"] path.vof').get_attribute("d") or ""
    heights = [float(y) for y in re.findall(r"[ML]\S+ (\S+?)(?=[LZ]|$)", path)]
    assert len(heights) == automatic().aif.value.size
    assert min(heights) > 14, "above this the chart is cut off"
    aif = page.locator('svg[data-testid="aif-editor"] path.aif').get_attribute("d") or ""
    tops = [float(y) for y in re.findall(r"[ML]\S+ (\S+?)(?=[LZ]|$)", aif)]
    assert max(tops) - min(tops) > 0.3 * (max(heights) - min(heights)), "and the AIF keeps a third of it"
    expect(page.get_by_test_id("aif-quality")).to_have_attribute("data-verdict", "doubtful")
