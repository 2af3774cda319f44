"""Fine-tuning in a real browser."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pages.live.compute.case import LiveCase
from perfcore.settings import Settings
from tests.support.app_server import (
    FIND,
    drag,
    drawn,
    eventually,
    lab_data,
    open_lab,
    settled,
    wait_first_maps,
    wait_lab,
)
from tests.support.lab_page import (
    canvas,
    canvas_box,
    committed_curve,
    editor_values,
    hovered,
    readout_value,
    shown_number,
)
from tests.support.tuning_page import click, index_in, open_tuning, own_steps, steps

pytestmark = pytest.mark.browser


def shown_metric(page: Page, name: str) -> float:
    return float(page.locator(f'[data-figure="{name}"] b').inner_text().removeprefix("×"))


def test_tuning_steps_equal_perfcore(page: Page, address: str, case: LiveCase) -> None:
    open_tuning(page, address)
    steps(page, 4)
    own = own_steps(case, 4)[-1]
    np.testing.assert_allclose(editor_values(page), own.curve, atol=0.4)
    assert shown_metric(page, "dice") == shown_number(page, "dice")
    assert shown_metric(page, "distance") == pytest.approx(own.distance, abs=6e-3)
    assert shown_metric(page, "roughness") == pytest.approx(own.roughness, abs=6e-3)
    assert page.locator('[data-out="tune-step"]').inner_text() == "4 / 4"
    flow = case.volume_flow(own.curve, Settings())
    numbers = case.numbers(flow, Settings())
    assert numbers["core_ml"] is not None
    assert shown_number(page, "dice") == pytest.approx(numbers["dice"], abs=6e-4)
    assert shown_number(page, "core_ml") == pytest.approx(numbers["core_ml"], abs=0.15)
    assert shown_number(page, "hypoperfused_ml") == pytest.approx(numbers["hypoperfused_ml"], abs=0.5)
    box = canvas_box(page)
    text, voxel = hovered(page, box["x"] + 0.45 * box["width"], box["y"] + 0.4 * box["height"])
    place = index_in(case, voxel)
    assert readout_value(text) == pytest.approx(flow.cbf[place] / flow.reference_cbf, abs=0.02)


def test_one_press_makes_one_step(page: Page, address: str, case: LiveCase) -> None:
    open_tuning(page, address)
    start = editor_values(page)
    at = page.locator('[data-out="tune-step"]')
    click(page, "tune-step")
    expect(at).to_have_text("1 / 1")
    settled(page)
    np.testing.assert_allclose(editor_values(page), own_steps(case, 1)[-1].curve, atol=0.4)
    assert np.abs(editor_values(page) - start).max() > 1, "a step is a step"
    click(page, "tune-step")
    expect(at).to_have_text("2 / 2")
    click(page, "tune-stop")
    click(page, "tune-step")
    expect(at).to_have_text("1 / 1")


@pytest.mark.parametrize("form", ["softplus", "free", "network-all"])
def test_the_figures_of_the_start_are_those_of_step_0(page: Page, address: str, form: str) -> None:
    open_tuning(page, address)
    page.locator('[data-tune="form"]').select_option(form)
    steps(page, 2)
    page.locator('[data-control="tune-path"]').fill("0")
    settled(page)
    curve, figures = editor_values(page), page.locator(".pane .figures").inner_text()
    assert shown_metric(page, "distance") == 0
    assert shown_metric(page, "roughness") == 1
    assert shown_metric(page, "hypoperfused_dice") > 0
    peak = curve.max()
    assert shown_metric(page, "negative") == np.count_nonzero(curve < -1e-3 * peak)
    click(page, "tune-stop")
    settled(page)
    np.testing.assert_array_equal(editor_values(page), curve)
    expect(page.locator(".pane .figures")).to_have_text(figures, use_inner_text=True)


def expect_no_step(page: Page) -> None:
    """Steps that were under way when the run was paused may still come; then none does."""
    n = lab_data(page, "tune-steps")
    page.wait_for_timeout(1000)
    assert lab_data(page, "tune-steps") == n


def test_tuning_run_pause_rewind_and_stop(page: Page, address: str) -> None:
    open_tuning(page, address)
    start = editor_values(page)
    before = canvas(page)
    click(page, "tune-run")
    wait_lab(page, "Number(data.tuneSteps) >= 6")
    assert lab_data(page, "tune") == "running"
    assert shown_number(page, "hypoperfused_ml") > 0, "every number follows the run"
    click(page, "tune-run")
    wait_lab(page, "data.tune === 'paused'")
    settled(page)
    eventually(lambda: expect_no_step(page))
    n = int(lab_data(page, "tune-steps") or 0)
    end = editor_values(page)
    assert np.abs(end - start).max() > 2
    assert end.sum() == pytest.approx(start.sum(), rel=0.01), "the area is kept"
    assert (canvas(page) != before).any()
    assert shown_number(page, "hypoperfused_ml") > 0
    path = page.locator('[data-control="tune-path"]')
    path.fill("2")
    settled(page)
    middle = editor_values(page)
    assert 0 < np.abs(middle - start).max() < np.abs(end - start).max()
    assert page.locator('[data-out="tune-step"]').inner_text() == f"2 / {n - 1}"
    path.fill("0")
    settled(page)
    first = editor_values(page)
    np.testing.assert_allclose(first, np.maximum(start, 0), atol=0.25, err_msg="the start, as positive samples")
    path.fill(str(n - 1))
    settled(page)
    np.testing.assert_allclose(editor_values(page), end, atol=0.051)
    click(page, "tune-stop")
    settled(page)
    np.testing.assert_allclose(editor_values(page), first, atol=0.051)
    assert page.locator('[data-out="tune-step"]').inner_text() == f"start / {n - 1}"
    assert lab_data(page, "tune") == "idle"
    assert lab_data(page, "mounts") == "1"


def test_the_page_starts_from_the_vein_and_a_press_on_the_film_goes_back(
    page: Page, address: str, case: LiveCase
) -> None:
    page.goto(f"{address}/finetune")
    wait_first_maps(page, "tune")
    settled(page)
    assert case.vof is not None
    np.testing.assert_allclose(editor_values(page), case.vof.value, atol=0.051)
    late = shown_number(page, "hypoperfused_ml")
    click(page, "tune-run")
    wait_lab(page, "Number(data.tuneSteps) >= 12")
    click(page, "tune-run")
    wait_lab(page, "data.tune === 'paused'")
    settled(page)
    end = shown_number(page, "hypoperfused_ml")
    assert end > 2 * late, "the loss moves"
    film = page.locator("[data-film]")
    assert 4 <= film.count() <= 12
    for i, reach in ((1, film.nth(1).click), (2, lambda: page.keyboard.press("ArrowRight"))):
        reach()
        settled(page)
        step = film.nth(i).get_attribute("data-film")
        assert page.locator('[data-out="tune-step"]').inner_text().startswith(f"{step} / ")
        assert film.nth(i).get_attribute("aria-pressed") == "true"
        # With two digits, and of the preview.
        assert float(film.nth(i).locator("b").inner_text()) == pytest.approx(shown_number(page, "dice"), abs=7e-3)
        assert late < shown_number(page, "hypoperfused_ml") < end
    page.keyboard.press("Home")
    settled(page)
    assert page.locator('[data-out="tune-step"]').inner_text().startswith("0 / ")
    assert film.first.evaluate("frame => frame === frame.getRootNode().activeElement")
    page.locator('[data-tune="start"]').select_option("lab")
    settled(page)
    np.testing.assert_allclose(editor_values(page), case.offered.get("straka").value, atol=0.051)


def test_the_row_of_the_source_names_the_curve_that_tuning_starts_from(
    page: Page, address: str, case: LiveCase
) -> None:
    source, where = page.locator('[data-control="source"]'), page.locator('[data-action="where"]')
    start = page.locator('[data-tune="start"]')
    page.goto(f"{address}/finetune")
    wait_first_maps(page, "tune")
    settled(page)
    assert case.vof is not None
    expect(source).to_have_value("vein")
    expect(where).to_have_text(re.compile(rf"^{len(case.vof.voxels)} voxel"))
    source.select_option("straka")
    settled(page)
    np.testing.assert_allclose(editor_values(page), case.offered.get("straka").value, atol=0.051)
    expect(source).to_have_value("straka")
    expect(where).to_have_text(re.compile(rf"^{len(case.offered.get('straka').voxels)} voxel"))
    expect(start).to_have_value("lab")
    start.select_option("vein")
    settled(page)
    expect(source).to_have_value("vein")
    drag(page, 20, -30)
    settled(page)
    expect(source).to_have_value("straka")
    expect(start).to_have_value("lab")
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_first_maps(page)
    expect(source).to_have_value("straka")


def test_panel_and_numbers_agree_with_a_painted_target_and_a_learned_threshold(
    page: Page, address: str, case: LiveCase
) -> None:
    open_tuning(page, address)
    start = shown_number(page, "core_ml"), shown_number(page, "dice")
    page.locator('[data-tune="target"]').select_option("painted")
    page.locator('.pane [data-action="paint"]').click()
    box = canvas_box(page)
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.45 * box["height"])
    page.mouse.down()
    page.mouse.up()
    wait_lab(page, "Number(data.painted_voxels) > 0")
    page.keyboard.press("Escape")
    click(page, "tune-options")
    page.locator('[data-tune="learn_threshold"]').check()
    page.locator('[data-tune="rate"]').fill("0.5")
    click(page, "tune-options")
    steps(page, 3)
    threshold = shown_metric(page, "threshold")
    assert threshold != Settings().core_threshold
    learned = Settings(core_threshold=threshold)
    numbers = case.numbers(case.volume_flow(editor_values(page), learned), learned)
    assert shown_number(page, "core_ml") == pytest.approx(numbers["core_ml"], abs=0.4), "of the learned threshold"
    assert shown_metric(page, "truth_dice") == shown_number(page, "dice")
    assert shown_metric(page, "dice") < 0.5
    labels = [page.locator(f'[data-figure="{name}"] span').inner_text() for name in ("dice", "truth_dice")]
    assert labels == ["Dice, painted", "Dice, truth (not trained)"]
    click(page, "tune-stop")
    settled(page)
    assert (shown_number(page, "core_ml"), shown_number(page, "dice")) == start
    assert shown_metric(page, "truth_dice") == shown_number(page, "dice")
    assert shown_metric(page, "dice") < 0.5, "of the painted target, as at step 0"


def test_nothing_is_said_of_the_untouched_curve(page: Page, address: str) -> None:
    open_tuning(page, address)
    page.locator('[data-tune="form"]').select_option("network-all")
    click(page, "tune-run")
    wait_lab(page, "Number(data.tuneSteps) >= 3")
    tuned = page.locator('[data-out="tune"]')
    click(page, "tune-stop")
    settled(page)
    assert tuned.get_attribute("data-kind") == "note"
    assert shown_metric(page, "distance") == 0
    assert shown_metric(page, "dice") == shown_number(page, "dice")


def test_tuning_resumes_from_the_selected_step(page: Page, address: str, case: LiveCase) -> None:
    open_tuning(page, address)
    steps(page, 5)
    page.locator('[data-control="tune-path"]').fill("2")
    settled(page)
    middle = editor_values(page)
    click(page, "tune-step")
    wait_lab(page, "Number(data.tuneSteps) === 4")
    wait_lab(page, "Number(data.tuneStep) === 3")
    settled(page)
    assert page.locator('[data-out="tune-step"]').inner_text() == "3 / 3"
    assert np.abs(editor_values(page) - middle).max() > 1, "a step is a step"
    # The start is still the first run's.
    start = own_steps(case, 0)[0].curve
    change = np.sqrt(((editor_values(page) - start) ** 2).mean() / (start**2).mean())
    assert shown_metric(page, "distance") == pytest.approx(change, abs=8e-3)
    page.locator('[data-control="tune-path"]').fill("2")
    settled(page)
    np.testing.assert_allclose(editor_values(page), middle, atol=0.6)


def test_undo_stops_tuning_and_updates_the_maps(page: Page, address: str) -> None:
    open_tuning(page, address)
    core = shown_number(page, "core_ml")
    healthy = shown_number(page, "reference_cbf")
    drag(page, 18, -60)
    settled(page)
    assert shown_number(page, "reference_cbf") != healthy
    click(page, "tune-run")
    wait_lab(page, "Number(data.tuneSteps) >= 6")
    page.keyboard.press("Control+z")
    wait_lab(page, "data.tune === 'idle'")
    settled(page)
    assert (shown_number(page, "core_ml"), shown_number(page, "reference_cbf")) == (core, healthy)
    assert lab_data(page, "tune-steps") == "0"


def test_stop_takes_effect_at_once(page: Page, address: str) -> None:
    open_tuning(page, address)
    click(page, "tune-run")
    wait_lab(page, "Number(data.tuneSteps) >= 3")
    click(page, "tune-stop")
    n = lab_data(page, "tune-steps")
    page.wait_for_timeout(400)
    assert lab_data(page, "tune-steps") == n


def test_the_tuned_curve_is_used_in_the_lab_and_saved_as_a_snapshot(page: Page, address: str) -> None:
    open_tuning(page, address)
    steps(page, 3)
    tuned = editor_values(page)
    page.locator('.numbers [data-action="keep"]').click()
    row = page.locator('[data-testid="snapshots"] tr[data-snapshot="1"]')
    row.wait_for()
    click(page, "tune-use")
    settled(page)
    np.testing.assert_allclose(committed_curve(page), tuned, atol=0.051)
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_first_maps(page)
    settled(page)
    np.testing.assert_allclose(editor_values(page), tuned, atol=0.051)
    click(page, "undo")
    settled(page)
    assert np.abs(editor_values(page) - tuned).max() > 0.5


def test_tuning_path_survives_a_page_change_and_is_dropped_by_an_edit(page: Page, address: str) -> None:
    open_tuning(page, address)
    steps(page, 3)
    tuned = editor_values(page)
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_first_maps(page)
    settled(page)
    assert np.abs(editor_values(page) - tuned).max() > 0.5, "the Lab keeps its own curve"
    page.get_by_role("link", name="Fine-tune").click()
    wait_first_maps(page, "tune")
    wait_lab(page, "Number(data.tuneSteps) === 4")
    settled(page)
    np.testing.assert_allclose(editor_values(page), tuned, atol=0.051)
    drag(page, 20, -30)
    settled(page)
    assert lab_data(page, "tune-steps") == "0", "an edit ends the path"
    assert page.locator('[data-action="tune-stop"]').is_disabled()


def test_tuning_options_are_passed_to_perfcore(page: Page, address: str, case: LiveCase) -> None:
    open_tuning(page, address)
    click(page, "tune-options")
    page.locator('[data-tune="loss"]').select_option("cross-entropy")
    page.locator('[data-tune="rate"]').fill("0.3")
    page.locator('[data-tune="curvature"]').fill("20")
    page.locator('[data-tune="learn_threshold"]').check()
    page.locator('[data-tune="held_out"]').check()
    click(page, "tune-options")
    steps(page, 3)
    own = own_steps(case, 3, loss="cross-entropy", rate=0.3, curvature=20.0, learn_threshold=True)
    assert shown_metric(page, "threshold") != 0.38
    assert page.locator('[data-figure="held_out_dice"]').is_visible()
    assert 0.3 < shown_metric(page, "held_out_dice") <= 1
    # Held-out slices change the loss a little.
    np.testing.assert_allclose(editor_values(page), own[-1].curve, atol=0.12 * own[-1].curve.max())
    page.locator('[data-action="tune-options"]').click()
    page.locator('[data-tune="rate"]').fill("99")
    page.locator('[data-tune="rate"]').press("Enter")
    expect(page.locator(".notice")).to_contain_text("Rate lies between 0.0001 and 10")
    expect(page.locator('[data-tune="rate"]')).to_have_value("0.3")


def test_a_diverging_rate_is_reported_and_the_last_curve_stays(page: Page, address: str) -> None:
    open_tuning(page, address)
    page.locator('[data-tune="form"]').select_option("free")
    click(page, "tune-options")
    page.locator('[data-tune="loss"]').select_option("cross-entropy")
    page.locator('[data-tune="rate"]').fill("10")
    page.locator('[data-tune="curvature"]').fill("0")
    click(page, "tune-options")
    click(page, "tune-run")
    wait_lab(page, "data.tune === 'idle'")
    message = page.locator('[data-out="tune"]')
    expect(message).to_contain_text("lower the rate")
    expect(message).to_have_attribute("data-kind", "ended")
    assert np.isfinite(editor_values(page)).all()
    settled(page)
    assert int(lab_data(page, "tune-steps") or 0) >= 1


# A painted target


def test_a_painted_lesion_is_the_target(page: Page, address: str, case: LiveCase) -> None:
    open_tuning(page, address)
    page.locator('[data-tune="target"]').select_option("painted")
    click(page, "tune-step")
    wait_lab(page, "data.tune === 'idle'")
    expect(page.locator('[data-out="tune"]')).to_contain_text("The target is empty: paint a lesion")
    page.locator('.pane [data-action="paint"]').click()
    box = canvas_box(page)
    x, y = box["x"] + 0.3 * box["width"], box["y"] + 0.45 * box["height"]
    before = canvas(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y + 20, steps=6)
    page.mouse.up()
    wait_lab(page, "Number(data.painted_voxels) > 0")
    n = int(lab_data(page, "painted_voxels") or 0)
    area = n * case.prepared.spacing_mm[0] * case.prepared.spacing_mm[1]
    assert 200 < area < 2000, "a stroke with a brush of one centimetre"
    page.mouse.move(2, 2)
    drawn(page)
    painted = canvas(page).astype(int)
    orange = (np.abs(painted[..., :3] - (255, 163, 26)).max(-1) < 60) & (painted != before).any(-1)
    assert orange.sum() > 40, "its outline is orange"
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    page.keyboard.down("Alt")
    page.mouse.down()
    page.mouse.up()
    page.keyboard.up("Alt")
    wait_lab(page, f"Number(data.painted_voxels) < {n}")
    click(page, "paint-undo")
    wait_lab(page, f"Number(data.painted_voxels) === {n}")
    page.locator('[data-control="paint-from"]').select_option("truth")
    assert case.lesion is not None
    wait_lab(page, f"Number(data.painted_voxels) === {int(case.lesion.sum())}")
    page.keyboard.press("Escape")
    assert page.locator(".paint-bar").is_hidden()
    steps(page, 2)
    own = own_steps(case, 2)[-1]
    assert shown_metric(page, "dice") == pytest.approx(own.dice, abs=6e-4), "the target is the known lesion"


def test_an_overfit_is_named_and_marked_and_fits_the_page(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    open_tuning(page, address, "straka")
    page.locator('[data-tune="start"]').select_option("lab")
    click(page, "tune-options")
    page.locator('[data-tune="with_tmax"]').uncheck()
    click(page, "tune-options")
    page.locator('[data-tune="form"]').select_option("free")
    click(page, "tune-run")
    wait_lab(page, "Number(data.tuneSteps) >= 60")
    click(page, "tune-run")
    wait_lab(page, "data.tune === 'paused'")
    settled(page)
    sentence = page.locator('[data-out="tune"]')
    expect(sentence).to_have_attribute("data-kind", "overfit")
    assert re.search(
        r"After step \d+, Dice of Tmax, not trained, falls as the target's rises\.", sentence.inner_text()
    )
    mark = page.locator("svg.dice .turn")
    expect(mark).to_have_css("display", "inline")  # a vertical line has no width, and is not "visible"
    expect(page.locator("svg.dice path.low")).to_be_visible()
    eventually(lambda: assert_within_column(page))
    page.locator('[data-film="0"]').click()
    expect(sentence).to_have_attribute("data-kind", "note")
    expect(mark).to_have_css("display", "none")


def test_the_hint_of_the_lab_covers_nothing_here(new_page: Page, address: str) -> None:
    page = new_page
    page.add_init_script("localStorage.removeItem('aif-lab|hinted')")
    open_tuning(page, address)
    expect(page.locator(".first-hint")).to_be_hidden()
    open_lab(page, address)
    expect(page.locator(".first-hint")).to_be_visible()


def outside_column(page: Page, *, scrolls: bool = False) -> list[str]:
    """Controls beyond the column of the curve, or beyond what it scrolls to, and the maps if below the fold."""
    found: list[str] = page.evaluate(
        f"""() => {{ {FIND}
          const lab = find(document), card = lab.querySelector('.curve'), column = card.getBoundingClientRect();
          const end = {str(scrolls).lower()} ? column.top - card.scrollTop + card.scrollHeight : column.bottom;
          const parts = 'button, select, input, svg, .say';
          const seen = [...lab.querySelector('.curve').querySelectorAll(parts)]
            .filter((node) => node.checkVisibility());
          const out = seen.filter((node) => {{
            const b = node.getBoundingClientRect();
            return b.left < column.left || b.right > column.right + 1 || b.bottom > end + 1;
          }}).map((node) => node.outerHTML.slice(0, 80));
          if (lab.querySelector('.maps').getBoundingClientRect().bottom > innerHeight) out.push('maps');
          const editor = lab.querySelector('svg.editor').getBoundingClientRect();
          if (editor.height < 100) out.push(`editor of ${{editor.height}}`);
          return out;
        }}"""
    )
    return found


def assert_within_column(page: Page, *, scrolls: bool = False) -> None:
    assert outside_column(page, scrolls=scrolls) == []


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_panels_do_not_overflow(page: Page, address: str, size: tuple[int, int]) -> None:
    """Every control of every pane is within reach in the column of the curve, and the maps are above the fold."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_tuning(page, address)
    click(page, "sensitivity")
    page.locator('[data-tune="target"]').select_option("painted")
    for tab in ("tune", "voxel", "edits", "uncertainty"):
        page.locator(f'[data-tab="{tab}"]').click()
        for opened in (False, True) if tab == "tune" else (False,):
            if opened:
                click(page, "tune-options")
            drawn(page)
            eventually(lambda: assert_within_column(page, scrolls=True))
