"""Compare in a real browser: columns of one case, a cohort's chart, and the Lab opened from a point of it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from perfcore.aif.network.weights import network_names
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import source_label
from perfcore.evaluation.run import evaluate_cases
from perfcore.io.cohort import find_cohort
from perfcore.phantom.demonstrations import DEMONSTRATIONS
from tests.support.app_server import eventually, server, wait_first_maps, wait_lab
from tests.support.page_scenes import add_foreign_map, at_rest, foreign_volumes
from tests.support.tiny_cohort import write_tiny_cohort

pytestmark = pytest.mark.browser
FULL_SIZE = DEMONSTRATIONS["m1-occlusion"].title
"""Evaluating this case takes longer than pressing a button."""
FIND_CHART = """(title) => [...document.querySelectorAll(".js-plotly-plot")]
  .find((chart) => chart.layout.yaxis.title.text === title)"""


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    cohort, out = tmp_path_factory.mktemp("cohort"), tmp_path_factory.mktemp("evaluation")
    write_tiny_cohort(cohort, 2)
    evaluate_cases(find_cohort(cohort), out, workers=1)
    return cohort, out


@pytest.fixture(scope="module")
def url(evaluated: tuple[Path, Path]) -> Iterator[str]:
    cohort, out = evaluated
    with server(AIF_LAB_DATA=str(cohort), AIF_LAB_EVALUATION=str(out)) as address:
        yield address


def view(page: Page, name: str) -> None:
    page.get_by_test_id("stButtonGroup").first.get_by_text(name, exact=True).click()


def pictures(page: Page) -> list[np.ndarray]:
    found = page.get_by_test_id("stImage").locator("img")
    return [
        np.asarray(Image.open(io.BytesIO(page.request.get(found.nth(i).evaluate("img => img.src")).body())))
        for i in range(found.count())
    ]


def test_columns_cohort_chart_and_a_case_opened_from_it(
    page: Page, url: str, evaluated: tuple[Path, Path]
) -> None:
    page.goto(f"{url}/compare")
    page.get_by_text("True AIF", exact=True).nth(1).wait_for(timeout=60_000)
    # Columns of two maps, and under all but the first the differences.
    methods = [source_label(name) for name in ("truth", *SELECTORS, *network_names()[:2])]
    per_map = 2 * len(methods) - 1
    count = "(n) => document.querySelectorAll('[data-testid=stImage] img').length === n"
    page.wait_for_function(count, arg=2 * per_map)
    at_rest(page)
    shown = pictures(page)
    assert len({picture.shape for picture in shown}) == 1
    assert all(len(np.unique(picture.reshape(-1, 3), axis=0)) > 50 for picture in shown[:5])
    page.wait_for_function(f"() => !!({FIND_CHART})('Enhancement, HU')")
    lines = page.evaluate(f"() => ({FIND_CHART})('Enhancement, HU').data.map((line) => line.name)")
    assert lines == methods
    page.get_by_test_id("stButtonGroup").get_by_text("Tmax", exact=True).click()
    page.wait_for_function(count, arg=per_map)

    view(page, "Cohort")
    page.wait_for_function(f"() => !!({FIND_CHART})('Predicted − known core, ml')")
    drawn = page.evaluate(f"() => ({FIND_CHART})('Predicted − known core, ml').data[0].customdata.map(([c]) => c)")
    rows = pd.read_csv(evaluated[1] / "cases.csv")
    assert sorted(drawn) == sorted(set(rows["case"]))
    chart = page.locator(".js-plotly-plot", has_text="Predicted − known core, ml")
    chart.scroll_into_view_if_needed()
    at_rest(page)
    point = chart.locator(".scatterlayer .point").nth(drawn.index("case_2"))

    def hover() -> None:
        box = point.bounding_box()
        assert box is not None
        page.mouse.move(box["x"], box["y"] - 40)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(chart.locator(".hovertext", has_text="case_2")).to_be_visible(timeout=1_000)

    eventually(hover)  # the point moves while the page is laid out
    page.mouse.down()
    page.mouse.up()

    page.wait_for_selector('[data-testid="lab"][data-core-ml]', timeout=60_000)
    page.wait_for_url("**case=folder-case_2**")
    drawn_by = network_names()[0]
    mine = rows[(rows["case"] == "case_2") & (rows["method"] == drawn_by)].iloc[0]
    expect(page.locator("[data-control=source]")).to_have_value(drawn_by)
    wait_lab(page, f"Math.abs(Number(data.coreMl) - {mine['core_ml']}) < 1e-3")  # as the evaluation measured

    page.get_by_role("link", name="Compare").click()
    page.wait_for_function(f"() => !!({FIND_CHART})('Predicted − known core, ml')")
    opened = f"/compare?case=folder-case_2&start={drawn_by}"
    expect(page).to_have_url(re.compile(f"{re.escape(opened)}$"))
    at_rest(page)
    assert page.url.endswith(opened), "the clicked point does not open its case again"


def test_a_map_of_another_package_is_laid_beside_ours_in_this_session_alone(page: Page, url: str) -> None:
    page.goto(f"{url}/compare")
    page.wait_for_function("() => document.querySelectorAll('[data-testid=stImage] img').length >= 20")
    at_rest(page)
    n_before = len(pictures(page))
    add_foreign_map(page, "Tmax", foreign_volumes()["Tmax"])
    shown = pictures(page)
    assert len(shown) == n_before + 3
    ours, theirs, difference = shown[-3:]
    assert ours.shape == theirs.shape == difference.shape
    # One colour scale: theirs is 10 % and 0.4 s later, so brighter, and the difference above 0 nearly everywhere.
    brain = (theirs != ours).any(-1)
    assert theirs[brain].mean() > ours[brain].mean()
    red = (difference[..., 0].astype(int) - difference[..., 2])[brain]
    assert (red > 0).mean() > 0.8
    table = page.locator("table", has_text="Mean difference")
    expect(table).to_contain_text("Tmax > 6 s: other")
    text = table.inner_text()
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_first_maps(page)
    page.get_by_role("link", name="Compare").click()
    expect(table).to_have_text(text, use_inner_text=True)
    page.reload()
    page.wait_for_function("() => document.querySelectorAll('[data-testid=stImage] img').length >= 20")
    at_rest(page)
    expect(table).to_have_count(0)


def test_an_evaluation_is_started_and_cancelled(page: Page, url: str) -> None:
    page.goto(f"{url}/compare")
    page.get_by_test_id("stButtonGroup").first.wait_for(timeout=60_000)
    view(page, "Evaluate")
    evaluate = page.get_by_role("button", name="Evaluate")
    evaluate.wait_for()
    at_rest(page)

    def choose_case() -> None:
        """Choose a case; a rerun at this moment closes the list without a choice."""
        if not page.locator('[data-baseweb="tag"]', has_text=FULL_SIZE).is_visible():
            page.get_by_role("combobox", name="Cases").click()
            page.get_by_role("option", name=FULL_SIZE).click()
            page.keyboard.press("Escape")
        expect(evaluate).to_be_enabled(timeout=5_000)

    eventually(choose_case)
    evaluate.click()
    page.get_by_text("0 of 1 cases evaluated").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("0 of 1 cases evaluated").wait_for(state="detached")
    expect(page.get_by_role("button", name="Evaluate")).to_be_enabled()  # with the cases that were chosen


def test_links_open_every_page_and_formulas_are_rendered(page: Page, url: str) -> None:
    page.goto(f"{url}/howitworks")
    page.locator(".katex-display").first.wait_for(timeout=60_000)
    assert page.locator(".katex-error").count() == 0, "every formula is rendered"
    assert page.locator(".katex-display").count() >= 10
    page.get_by_text("Code: flow_and_delay").click()
    page.get_by_text("def flow_and_delay").first.wait_for()
    for title in ("Model", "Compare", "Lab"):
        page.get_by_role("link", name=title, exact=True).click()
        page.wait_for_url(f"**/{title.lower()}**" if title != "Lab" else f"{url}/**")
    page.wait_for_selector('[data-testid="lab"][data-core-ml]', timeout=60_000)
