"""Sensitivity, tornado and AIF uncertainty in a real browser."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pages.live.compute.case import LiveCase
from pages.live.handlers.lesion_target import target_of
from perfcore.analysis import sensitivity
from perfcore.analysis.aif_posterior import posterior_aifs
from perfcore.analysis.aif_uncertainty import bootstrap_aifs
from perfcore.settings import Settings
from tests.support.app_server import drag, eventually, open_lab, settled, wait_lab
from tests.support.lab_page import canvas_box, committed_curve, voxel_in
from tests.support.tuning_page import click, index_in, open_tuning, own_steps, steps

pytestmark = pytest.mark.browser


def overlaid(page: Page, x: float, y: float) -> tuple[str, tuple[int, int, int]]:
    """Hover over a part of the map under an overlay; returns the overlay's readout and the voxel."""
    box = canvas_box(page)
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    voxel = voxel_in(page.locator('[data-out="readout"]').text_content() or "")
    return page.locator('[data-out="overlaid"]').inner_text(), voxel


def assert_overlaid(page: Page, text: str) -> None:
    assert text in overlaid(page, 0.41, 0.4)[0]


def bars(page: Page) -> np.ndarray:
    rects = page.locator('[data-testid="sensitivity"] rect')
    return np.array(rects.evaluate_all("all => all.map((rect) => Number(rect.dataset.value))"))


def assert_bars(page: Page, expected: np.ndarray, tolerance: float = 2e-3) -> None:
    np.testing.assert_allclose(bars(page), expected, atol=tolerance * np.abs(expected).max())


# Sensitivity


@pytest.mark.parametrize("where", ["", "finetune"])
def test_the_bars_are_the_gradient_at_the_curve_shown(
    page: Page, address: str, case: LiveCase, where: str
) -> None:
    if where:
        open_tuning(page, address, "straka")
    else:
        open_lab(page, address)
    settled(page)
    click(page, "sensitivity")
    page.locator('[data-testid="sensitivity"] rect').first.wait_for(state="attached")
    drag(page, 14, -40)
    settled(page)
    curve = committed_curve(page)
    assert case.lesion is not None
    target = target_of(case, case.lesion)
    own = sensitivity.aif_gradient(curve, target, Settings(), "core_ml", voxel_ml=case.prepared.voxel_ml).by_sample
    eventually(lambda: assert_bars(page, own))
    page.locator('[data-sensitivity="quantity"]').select_option("tmax")
    page.locator('[data-sensitivity="region"]').select_option("healthy")
    own = sensitivity.aif_gradient(curve, target, Settings(), "tmax", region=case.reference.numpy()).by_sample
    eventually(lambda: assert_bars(page, own))
    handle = page.locator('svg[data-testid="aif-editor"] [data-point="30"]').bounding_box()
    bar = page.locator('[data-testid="sensitivity"] rect').nth(30).bounding_box()
    assert handle is not None
    assert bar is not None
    middles = [one["x"] + one["width"] / 2 for one in (handle, bar)]
    assert middles[0] == pytest.approx(middles[1], abs=1.0), "one time axis"


def test_loss_gradient_is_shown_during_tuning(page: Page, address: str, case: LiveCase) -> None:
    open_tuning(page, address)
    click(page, "sensitivity")
    page.locator('[data-sensitivity="quantity"]').select_option("loss")
    steps(page, 2)
    own = own_steps(case, 2)[-1]
    eventually(lambda: assert_bars(page, own.gradient, 0.02))


def test_sensitivity_map_of_an_edit(page: Page, address: str, case: LiveCase) -> None:
    open_lab(page, address)
    settled(page)
    click(page, "sensitivity")
    page.locator('[data-sensitivity="direction"]').select_option("width")
    wait_lab(page, "data.overlay === 'sensitivity-map'")
    text, voxel = overlaid(page, 0.4, 0.4)
    start = next(iter(case.sources.values())).value.astype(np.float32).astype(float)
    along = sensitivity.edit_direction(start, case.prepared.dt_s, "width")
    empty = np.zeros(case.tiles.n_voxels, bool)
    own = np.abs(sensitivity.sensitivity_map(start, along, target_of(case, empty), Settings()))
    place = index_in(case, voxel)
    value = re.search(r"([\d.]+) per", text)
    assert value is not None
    assert float(value[1]) == pytest.approx(own[place], abs=2e-4)
    page.locator('[data-sensitivity="direction"]').select_option("amplitude")
    page.get_by_text("rCBF does not depend on the height").wait_for()
    eventually(lambda: assert_overlaid(page, " 0.0000 "))
    page.keyboard.press("Escape")
    wait_lab(page, "data.overlay === ''")
    assert page.locator('[data-sensitivity="direction"]').input_value() == ""


# Tornado and AIF uncertainty


def test_tornado_equals_perfcore(page: Page, address: str, case: LiveCase) -> None:
    open_lab(page, address)
    settled(page)
    page.locator('[data-tab="edits"]').click()
    click(page, "tornado")
    wait_lab(page, f"Number(data.tornado) === {len(sensitivity.tornado_handles())}")
    start = next(iter(case.sources.values())).value.astype(np.float32).astype(float)

    def numbers(curve: np.ndarray) -> dict[str, float | None]:
        return case.numbers(case.volume_flow(curve, Settings()), Settings())

    here = numbers(start)
    for swing in sensitivity.tornado(start, case.prepared.dt_s, numbers):
        for side in ("low", "high"):
            moved = getattr(swing, side)
            for name in ("core_ml", "hypoperfused_ml", "reference_cbf"):
                which = f'[data-handle="{swing.handle}"][data-figure="{name}"][data-side="{side}"]'
                bar = page.locator(f'[data-testid="tornado"] {which}')
                change = float(bar.get_attribute("data-change") or "nan")
                assert change == pytest.approx(moved[name] - here[name], rel=1e-3, abs=2e-3)
    drag(page, 14, -40)
    settled(page)
    expect(page.locator('[data-out="tornado"]')).to_contain_text("compute again")


def lesion_text(page: Page) -> re.Match[str]:
    """Start the draws and return core and interval of the panel's text after the last one."""
    click(page, "uncertainty")
    wait_lab(page, "Number(data.draws) >= 5")
    wait_lab(page, "Number(data.draws) === 200")
    text = page.locator('[data-out="uncertainty"]').inner_text()
    found = re.search(
        r"Of 200 draws of [^:]+: core ([\d.]+) ml, 80 % interval: ([\d.]+) to ([\d.]+) ml\. "
        r"Core ≥ 70 ml in (\d+) % of the draws\. Mismatch ratio ≥ 1\.8 in (\d+) % of the draws\. "
        r"Target mismatch in \d+ % of the draws\.",
        text,
    )
    assert found is not None, text
    assert float(found[2]) <= float(found[1]) <= float(found[3])
    return found


def test_aif_posterior_is_the_default_and_survives_an_edit(page: Page, address: str, case: LiveCase) -> None:
    open_lab(page, address)
    settled(page)
    page.locator('[data-tab="uncertainty"]').click()
    found = lesion_text(page)
    curves = posterior_aifs(case.prepared, next(iter(case.sources.values())), case.vof, 200)
    cores = [
        (flow.cbf < 0.38 * flow.reference_cbf).sum() * case.prepared.voxel_ml
        for flow in (case.volume_flow(curve, Settings()) for curve in curves[::8])
    ]
    assert float(found[1]) == pytest.approx(np.median(cores), abs=0.4 * np.ptp(cores) + 0.1)
    drag(page, 14, -40)
    settled(page)
    expect(page.locator('[data-out="uncertainty"]')).to_contain_text(found[0])
    expect(page.locator('[data-out="uncertainty"]')).to_contain_text("not your curve")


def test_bootstrap_draws(page: Page, address: str, case: LiveCase) -> None:
    open_lab(page, address)
    settled(page)
    page.locator('[data-tab="uncertainty"]').click()
    page.locator('[data-control="uncertainty-map"]').check()
    page.locator('[data-control="uncertainty-way"]').select_option("voxels")
    found = lesion_text(page)
    start = next(iter(case.sources.values()))
    curves = bootstrap_aifs(case.prepared, start, 200)
    cores = []
    fraction = np.zeros(case.tiles.n_voxels)
    for curve in curves[::8]:
        flow = case.volume_flow(curve, Settings())
        core = flow.cbf < 0.38 * flow.reference_cbf
        fraction += core
        cores.append(core.sum() * case.prepared.voxel_ml)
    assert float(found[1]) == pytest.approx(np.median(cores), abs=0.4 * np.ptp(cores) + 0.1)
    wait_lab(page, "data.overlay === 'uncertainty'")
    for x in (0.35, 0.75):
        text, voxel = overlaid(page, x, 0.4)
        place = index_in(case, voxel)
        shown = re.search(r"draws ([\d.]+)", text)
        assert shown is not None
        assert float(shown[1]) == pytest.approx(fraction[place] / 25, abs=0.15)
    page.locator('[data-control="uncertainty-map"]').uncheck()
    wait_lab(page, "data.overlay === ''")
