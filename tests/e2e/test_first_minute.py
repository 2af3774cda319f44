"""The Lab at a first visit: two maps, variants of the curve, a pinned reference, keys, help."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from perfcore.aif.variants import VARIANTS, variant_curve
from tests.support.app_server import isolated_page, open_lab, settled, wait_lab
from tests.support.lab_page import automatic, canvas, demonstration, library_result, shown_number

pytestmark = pytest.mark.browser
DIGITS = {"core_ml": 1, "hypoperfused_ml": 1, "mismatch_ml": 1, "mismatch_ratio": 2}


@pytest.fixture
def guest(chromium: Browser, address: str) -> Iterator[Page]:
    """A page of a new visitor."""
    with isolated_page(chromium, one_map=False, reduced_motion="reduce") as one:
        yield one


def variant(name: str) -> np.ndarray:
    start = automatic()
    vof = start.vof
    info = next(one for one in VARIANTS if one.id == name)
    found = variant_curve(info, start.aif.value, start.aif.dt_s, None if vof is None else vof.value)
    assert found is not None
    return found.astype(np.float32).astype(float)


def test_opens_on_two_maps_with_the_lesions_and_the_decision(guest: Page, address: str) -> None:
    open_lab(guest, address)
    expect(guest.locator('[data-layout="two"]')).to_have_attribute("aria-checked", "true")
    expect(guest.locator('[data-out="first-map"]')).to_have_text("rCBF")
    expect(guest.locator('[data-control="second"]')).to_have_value("tmax")
    pixels = canvas(guest)
    left, right = np.array_split(pixels, 2, axis=1)
    assert left[..., :3].any()
    assert right[..., :3].any()
    assert not np.array_equal(left, right[:, : left.shape[1]]), "two maps of one slice differ in colour"
    expected = automatic().numbers
    for name, digits in DIGITS.items():
        assert shown_number(guest, name) == pytest.approx(getattr(expected, name), abs=0.51 * 10**-digits)
    expect(guest.locator('[data-out="decision"]')).to_have_text(
        "target mismatch" if expected.target_mismatch else "no target mismatch"
    )


def test_one_click_shows_what_a_vein_does_and_one_key_undoes_it(guest: Page, address: str) -> None:
    open_lab(guest, address)
    expect(guest.locator(".first-hint")).to_be_visible()
    guest.locator('[data-variant="vein"]').click()
    settled(guest)
    expected = library_result(variant("vein")).numbers
    assert shown_number(guest, "hypoperfused_ml") == pytest.approx(expected.hypoperfused_ml, abs=0.06)
    assert shown_number(guest, "core_ml") == pytest.approx(expected.core_ml, abs=0.06)
    expect(guest.locator('[data-variant="vein"]')).to_have_attribute("aria-pressed", "true")
    expect(guest.locator(".first-hint")).to_be_hidden()
    guest.keyboard.press("z")
    settled(guest)
    assert shown_number(guest, "hypoperfused_ml") == pytest.approx(automatic().numbers.hypoperfused_ml, abs=0.06)
    expect(guest.locator('[data-action="undo"]')).to_be_disabled()


def test_a_morph_with_animation_is_one_edit(page: Page, address: str) -> None:
    open_lab(page, address)
    page.locator('[data-variant="late"]').click()
    expect(page.locator('[data-variant="late"]')).to_have_attribute("aria-pressed", "true")
    settled(page)
    expected = library_result(variant("late")).numbers
    assert shown_number(page, "hypoperfused_ml") == pytest.approx(expected.hypoperfused_ml, abs=0.06)
    page.locator('[data-action="undo"]').click()
    expect(page.locator('[data-action="undo"]')).to_be_disabled()


def test_the_reference_stays_when_another_artery_is_chosen(page: Page, address: str) -> None:
    open_lab(page, address)
    first = automatic().numbers
    page.locator('[data-control="source"]').select_option("truth")
    chosen = "lab.querySelector('[data-control=source]')"
    wait_lab(page, f"lab && {chosen}.value === 'truth' && !{chosen}.disabled")
    settled(page)
    curve = demonstration().truth.aif.value.astype(np.float32).astype(float)
    change = library_result(curve).numbers.hypoperfused_ml - first.hypoperfused_ml
    shown = page.locator('[data-number="hypoperfused_ml"] em').inner_text().replace("−", "-")
    assert abs(change) > 0.1
    assert float(shown) == pytest.approx(change, abs=0.11)
    page.locator('[data-control="reference"]').select_option("now")
    expect(page.locator('[data-number="hypoperfused_ml"] em')).to_have_text("±0")
    page.locator('[data-control="reference"]').select_option("first")
    expect(page.locator('[data-number="hypoperfused_ml"] em')).not_to_have_text("±0")


def test_the_known_artery_can_be_the_reference(page: Page, address: str) -> None:
    open_lab(page, address)
    page.locator('[data-control="reference"]').select_option("truth")
    expect(page.locator('[data-number="hypoperfused_ml"] em')).not_to_have_text("±0")
    page.locator('[data-control="source"]').select_option("truth")
    expect(page.locator('[data-number="hypoperfused_ml"] em')).to_have_text("±0")


def test_keys_work_at_arrival(page: Page, address: str) -> None:
    open_lab(page, address)
    before = int(page.locator('[data-control="slice"]').input_value())
    page.keyboard.press("5")
    expect(page.locator('[data-map="tmax"]')).to_have_attribute("aria-checked", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator('[data-control="slice"]')).to_have_value(str(before - 1))
    page.locator('[data-layout="all"]').click()
    page.keyboard.press("1")
    expect(page.locator('[data-map="rcbf"]')).to_have_attribute("aria-checked", "true")
    page.keyboard.press("w")
    expect(page.locator('[data-panel="whole"]')).to_be_visible()


def test_help_lists_the_shortcuts_and_leads_through_the_lab(page: Page, address: str) -> None:
    open_lab(page, address)
    page.keyboard.press("?")
    help_box = page.locator("dialog.help")
    expect(help_box).to_be_visible()
    expect(help_box).to_contain_text("gamma-variate fit")
    expect(help_box).to_contain_text("The arterial input function (AIF) is the contrast in a feeding artery")
    for term in ("CBF", "Tmax", "VOF", "k(t)"):
        expect(help_box.locator(".terms dt", has_text=term)).to_be_visible()
    page.get_by_role("button", name="Two-minute tour").click()
    tour = page.get_by_role("dialog", name="Tour")
    expect(tour).to_be_visible()
    expect(page.locator(".first-hint")).to_be_hidden()
    for _ in range(20):
        if not tour.is_visible():
            break
        page.locator('[data-help="next"]').click()
    expect(tour).to_be_hidden()


def test_an_edit_without_an_answer_is_said(guest: Page, address: str) -> None:
    open_lab(guest, address)
    session = guest.context.new_cdp_session(guest)
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", offline)
    guest.locator('[data-variant="half"]').click()
    wait_lab(guest, "data.late === 'true' || data.status !== 'live'")
    expect(guest.locator('[data-out="status"]')).not_to_have_text("live")
    session.send("Network.emulateNetworkConditions", offline | {"offline": False})
    wait_lab(guest, "data.status === 'live' && data.late !== 'true'")


def test_arrival_moves_nothing(guest: Page, address: str) -> None:
    guest.add_init_script("""window.shift = 0; new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });""")
    open_lab(guest, address)
    assert guest.evaluate("window.shift") <= 0.1
    assert guest.title() == "AIF Lab"
    expect(guest.locator("#skeleton")).to_have_count(0)
    expect(guest.get_by_test_id("lab")).to_have_attribute("data-status", "live")
