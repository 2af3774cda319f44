"""Every page checked with axe-core in both themes and at five widths: no serious or critical violation."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.support.app_server import open_lab
from tests.support.page_scenes import ANIMATIONS_END, SCENES, at_rest, finetune
from tests.support.screens import SIZES, scrolls_sideways, wait_none

pytestmark = pytest.mark.browser

PAGES = (
    "tools", "region", "finetune", "lessons", "lesson", "try", "see", "lecture", "challenge", "cases", "keys",
    "compare", "foreign", "cohort", "evaluate", "model", "card", "how", "quickstart", "class",
)  # fmt: skip
GROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(14, 17, 23)"}


def violations(page: Page) -> list[str]:
    """Serious and critical violations, a line for each element; open shadow roots are searched too."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations"
    )
    return [
        f"{violation['id']}: {node['target'][-1]}: {node['any'] and node['any'][0]['message']}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_violation_and_fits(page: Page, address: str, name: str) -> None:
    page.emulate_media(color_scheme="light")
    scene = partial(finetune, n_steps=2) if name == "finetune" else SCENES[name]
    scene(page, address)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            "(colour) => getComputedStyle(document.querySelector('.stApp')).backgroundColor === colour",
            arg=GROUND[theme],
        )
        at_rest(page)
        page.evaluate(ANIMATIONS_END)  # colours that change
        assert not violations(page), theme
    for width, (w, h) in SIZES.items():
        page.set_viewport_size({"width": w, "height": h})
        at_rest(page)
        wait_none(page, scrolls_sideways)
        assert not violations(page), width


def test_violations_in_the_live_component_are_found(page: Page, address: str) -> None:
    """The tests above would prove nothing about the Lab if axe stopped at the shadow root."""
    open_lab(page, address)
    page.locator('[data-control="source"]').evaluate(
        "node => { node.removeAttribute('aria-label'); node.removeAttribute('title'); }"
    )
    page.locator('[data-number="core_ml"] b').evaluate("node => { node.style.color = '#30343c'; }")
    found = violations(page)
    assert any(line.startswith("select-name") and "source" in line for line in found), found
    assert any(line.startswith("color-contrast") and "core_ml" in line for line in found), found
