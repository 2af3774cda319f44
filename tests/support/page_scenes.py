"""States of every page of the dashboard, for screenshots and accessibility tests."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Final

import nibabel as nib
import numpy as np
from playwright.sync_api import Page, expect
from scipy import ndimage

from tests.support.app_server import drag, drawn, eventually, open_lab, settled, wait_first_maps, wait_lab
from tests.support.lab_page import automatic

Scene = Callable[[Page, str], None]
PLOT: Final = ".js-plotly-plot .main-svg"
ANIMATIONS_END: Final = """() => Promise.all(document.getAnimations()
  .filter(({ playState }) => playState === "running")
  .filter(({ effect }) => Number.isFinite(effect.getComputedTiming().endTime))
  .map((one) => one.finished.catch(() => {})))"""


def at_rest(page: Page) -> None:
    """Wait until Streamlit has run and drawn the page, and its images are loaded.

    The status widget and the marks of stale elements appear late in a run; the state of the script does not.
    """
    page.wait_for_function(
        """([busy, idle]) => document.querySelector(idle) && !document.querySelector(busy)
          && [...document.images].every((image) => image.complete)""",
        arg=[
            '[data-testid="stStatusWidget"], [data-testid="stSkeleton"], [data-stale="true"]',
            '[data-testid="stApp"][data-test-script-state="notRunning"]',
        ],
        timeout=60_000,
    )
    drawn(page)


def lab(page: Page, url: str) -> None:
    open_lab(page, url)
    drag(page, 23, -40)
    settled(page)
    page.mouse.move(2, 2)


def montage(page: Page, url: str) -> None:
    lab(page, url)
    page.locator('[data-layout="all"]').click()
    page.locator('[data-map="tmax"]').click()
    settled(page)


def tools(page: Page, url: str) -> None:
    """The Lab with every tool open: handles, gradient bars, compared snapshots."""
    lab(page, url)
    page.keyboard.press("k")
    page.locator('[data-snapshot="1"]').wait_for()
    drag(page, 20, -30)
    settled(page)
    page.locator('[data-action="whole"]').click()
    page.locator('[data-action="sensitivity"]').click()
    page.locator('[data-snapshot="1"] [data-side="a"]').click()
    page.locator(".divider").wait_for()
    settled(page)


def shelf(page: Page, url: str) -> None:
    tools(page, url)
    page.get_by_test_id("snapshots").evaluate("node => node.scrollIntoView({ block: 'end' })")


def noise(page: Page, url: str) -> None:
    lab(page, url)
    page.locator('[data-tab="uncertainty"]').click()
    page.locator('[data-action="uncertainty"]').click()
    page.wait_for_selector('[data-testid="lab"][data-draws="200"]', timeout=60_000)


def tornado(page: Page, url: str) -> None:
    lab(page, url)
    page.locator('[data-tab="edits"]').click()
    page.locator('[data-action="tornado"]').click()
    wait_lab(page, "Number(data.tornado) > 0")


def region(page: Page, url: str) -> None:
    """A region drawn around the lesion, with its mirror."""
    lab(page, url)
    page.locator('[data-tab="region"]').click()
    page.locator('[data-action="region-lasso"]').click()
    box = page.locator('canvas[data-testid="map"]').bounding_box()
    assert box is not None
    middle = box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"]
    across, down = 0.11 * box["height"], 0.15 * box["height"]
    for i in range(25):
        angle = 2 * math.pi * i / 24
        bulge = 1 + 0.12 * math.sin(3 * angle)
        page.mouse.move(
            middle[0] + 0.21 * box["height"] + across * bulge * math.cos(angle),
            middle[1] - 0.08 * box["height"] + down * bulge * math.sin(angle),
        )
        if not i:
            page.mouse.down()
    page.mouse.up()
    page.mouse.move(2, 2)
    wait_lab(page, "data.regionShown === data.regionSent && Number(data.mirrorVoxels) > 0")
    drawn(page)


def finetune(page: Page, url: str, n_steps: int = 20) -> None:
    page.goto(f"{url}/finetune?start=vein")
    wait_first_maps(page, "tune")
    settled(page)
    page.locator('[data-action="tune-run"]').click()
    wait_lab(page, f"Number(data.tuneStep) > {n_steps}")
    page.locator('[data-action="tune-run"]').click()
    wait_lab(page, "data.tune === 'paused'")
    settled(page)


def lessons(page: Page, url: str) -> None:
    page.goto(f"{url}/lessons")
    page.locator(".st-key-open_amplitude button").wait_for(timeout=60_000)
    at_rest(page)


def lesson(page: Page, url: str) -> None:
    """A lesson's question."""
    page.goto(f"{url}/lessons?lesson=amplitude")
    page.locator(".st-key-record button").wait_for(timeout=60_000)
    at_rest(page)


def _answered(page: Page, url: str) -> None:
    lesson(page, url)
    page.locator(".st-key-answer_amplitude input").press("ArrowRight")
    page.locator(".st-key-record button:enabled").click()
    wait_first_maps(page)
    at_rest(page)


def lesson_try(page: Page, url: str) -> None:
    _answered(page, url)
    settled(page)


def lesson_see(page: Page, url: str) -> None:
    _answered(page, url)
    page.locator(".st-key-step_see button").click()
    page.locator("[data-testid=before-after] img.after").wait_for(timeout=60_000)
    at_rest(page)


def lesson_why(page: Page, url: str) -> None:
    _answered(page, url)
    page.locator(".st-key-step_why button").click()
    page.locator(PLOT).first.wait_for(timeout=60_000)
    at_rest(page)


def start_lecture(page: Page) -> None:
    """Switch lecture mode on."""
    page.locator('[data-act="lecture"]').click()
    page.locator('[data-testid="app-bar"][data-lecture="true"]').wait_for()
    page.get_by_test_id("stHeader").wait_for(state="hidden")


def lecture(page: Page, url: str) -> None:
    lesson_why(page, url)
    start_lecture(page)
    at_rest(page)
    page.evaluate(ANIMATIONS_END)


def challenge(page: Page, url: str) -> None:
    lessons(page, url)
    page.locator(".st-key-open_challenge button").click()
    page.locator(".st-key-draw button").wait_for()
    page.get_by_test_id("stNumberInputField").fill("7")
    page.get_by_test_id("stNumberInputField").press("Enter")
    at_rest(page)
    page.locator(".st-key-draw button").click()
    wait_first_maps(page)
    at_rest(page)
    settled(page)


def score(page: Page, url: str) -> None:
    challenge(page, url)
    page.locator(".st-key-submit button").click()
    page.locator(PLOT).first.wait_for(timeout=60_000)
    at_rest(page)


def cases(page: Page, url: str) -> None:
    page.goto(f"{url}/cases")
    page.wait_for_selector('[data-testid="series-player"][data-status="ready"]', timeout=60_000)
    page.get_by_role("radio", name="Vessels").click()
    page.locator('[data-control="frame"]').fill("13")
    page.wait_for_selector('[data-testid="series-player"] [data-selector="murase"][data-found]', timeout=60_000)
    page.locator('[data-testid="stDataFrame"]').first.scroll_into_view_if_needed()
    page.get_by_test_id("stMain").evaluate("node => node.scrollTo(0, 0)")
    at_rest(page)


def keys(page: Page, url: str) -> None:
    cases(page, url)
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()


def player(page: Page, url: str) -> None:
    cases(page, url)
    page.get_by_test_id("series-player").evaluate("node => node.scrollIntoView({ block: 'end' })")


def compare(page: Page, url: str) -> None:
    page.goto(f"{url}/compare")
    page.wait_for_function(
        "() => document.querySelectorAll('[data-testid=stImage] img').length >= 20", timeout=90_000
    )
    page.locator(PLOT).first.wait_for()
    at_rest(page)


def compare_maps(page: Page, url: str) -> None:
    compare(page, url)
    page.get_by_test_id("stImage").last.evaluate("node => node.scrollIntoView({ block: 'end' })")


def foreign(page: Page, url: str) -> None:
    """Tmax and CBF as another package might give them: noisier, on another scale and on coarser voxels."""
    compare(page, url)
    for kind, content in foreign_volumes().items():
        add_foreign_map(page, kind, content)
    page.get_by_text("Maps of another package beside ours").evaluate(
        "node => node.scrollIntoView({ block: 'start' })"
    )
    at_rest(page)


@cache
def foreign_volumes() -> dict[str, bytes]:
    """Two maps as NIfTI files on another grid, by the labels of their kinds."""
    result = automatic()
    noise = np.random.default_rng(0)
    found: dict[str, bytes] = {}
    for label, values in (("Tmax", 1.1 * result.maps.tmax + 0.4), ("CBF", 2.4 * result.maps.cbf)):
        smooth = ndimage.gaussian_filter(np.nan_to_num(values), (1.2, 1.2, 0))
        smooth *= 1 + 0.05 * noise.normal(size=smooth.shape)
        inside = ndimage.binary_erosion(result.prepared.mask, np.ones((5, 5, 1)))
        coarse = np.where(inside, smooth, 0)[::2, ::2]
        affine = result.prepared.affine @ np.diag([2.0, 2, 1, 1])
        found[label] = nib.Nifti1Image(coarse.astype(np.float32), affine).to_bytes()
    return found


def add_foreign_map(page: Page, kind: str, content: bytes) -> None:
    """Add a map of another package on the Compare page; ``kind`` is its label."""
    form = page.get_by_test_id("stExpander").filter(has_text="Add a map of another package")
    if form.locator("details:not([open])").count():
        form.get_by_text("Add a map of another package").click()
        page.evaluate(ANIMATIONS_END)
    choice = form.get_by_role("combobox", name="It is a map of")
    label = re.compile(f"^{kind}, ")  # with its unit

    def choose() -> None:
        """Choose the kind; a rerun at this moment closes the list without a choice."""
        if not label.match(choice.input_value()):
            choice.click()
            choice.fill(kind)
            option = page.get_by_role("option", name=label)
            expect(option).to_be_visible(timeout=5_000)
            option.click()
        expect(choice).to_have_value(label, timeout=5_000)

    eventually(choose)
    at_rest(page)
    zero = form.get_by_role("checkbox", name="0 is a value")
    if zero.is_checked():  # the volumes have 0 outside the brain alone
        form.get_by_text("0 is a value").click()
        expect(zero).not_to_be_checked()
        at_rest(page)
    chooser = form.get_by_test_id("stFileUploader").locator('input[type="file"]')
    chooser.set_input_files([{"name": "map.nii", "mimeType": "application/octet-stream", "buffer": content}])
    form.get_by_text("map.nii").first.wait_for()
    at_rest(page)
    form.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name=f"Remove {kind}").wait_for()
    at_rest(page)


def _view(page: Page, name: str) -> None:
    page.get_by_test_id("stButtonGroup").first.get_by_text(name, exact=True).click()


def cohort(page: Page, url: str) -> None:
    page.goto(f"{url}/compare")
    page.get_by_test_id("stButtonGroup").first.wait_for(timeout=60_000)
    _view(page, "Cohort")
    page.locator(".js-plotly-plot", has_text="known core, ml").first.wait_for(timeout=60_000)
    at_rest(page)


def evaluate(page: Page, url: str) -> None:
    page.goto(f"{url}/compare")
    page.get_by_test_id("stButtonGroup").first.wait_for(timeout=60_000)
    _view(page, "Evaluate")
    page.get_by_role("button", name="Evaluate").wait_for()
    at_rest(page)


def model(page: Page, url: str) -> None:
    page.goto(f"{url}/model")
    page.get_by_text("Where the network looked").wait_for(timeout=60_000)
    page.locator(PLOT).first.wait_for(timeout=60_000)
    at_rest(page)


def _tab(name: str) -> Scene:
    def scene(page: Page, url: str) -> None:
        page.goto(f"{url}/model")
        page.get_by_role("tab", name=name).click()
        at_rest(page)
        page.evaluate(ANIMATIONS_END)

    return scene


def how(page: Page, url: str) -> None:
    page.goto(f"{url}/howitworks")
    page.locator(".katex-display").first.wait_for(timeout=60_000)
    at_rest(page)


def quickstart(page: Page, url: str) -> None:
    how(page, url)
    page.get_by_test_id("stButtonGroup").get_by_text("Python", exact=True).click()
    page.locator(".katex-display").first.wait_for(state="detached")
    at_rest(page)


def class_room(page: Page, url: str) -> None:
    """An open room, before its first task."""
    page.goto(f"{url}/class")
    page.locator(".st-key-class_open button").first.click()
    page.locator(".st-key-class_room iframe").wait_for(timeout=60_000)
    at_rest(page)


SCENES: Final[dict[str, Scene]] = {
    "lab": lab, "montage": montage, "tools": tools, "shelf": shelf, "noise": noise, "tornado": tornado,
    "region": region,
    "finetune": finetune, "lessons": lessons, "lesson": lesson, "try": lesson_try, "see": lesson_see,
    "why": lesson_why, "lecture": lecture, "challenge": challenge, "score": score, "cases": cases, "keys": keys,
    "player": player, "compare": compare, "compare-maps": compare_maps, "foreign": foreign,
    "cohort": cohort, "evaluate": evaluate,
    "model": model, "metrics": _tab("Metrics"), "learning": _tab("Learning"),
    "architecture": _tab("Architecture"), "card": _tab("Model card"), "how": how, "quickstart": quickstart,
    "class": class_room,
}  # fmt: skip
