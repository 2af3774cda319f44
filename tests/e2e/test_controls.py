"""One look for controls and one meaning for each colour; open tools and notices that cover nothing."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from perfcore.map_info import MAPS
from perfcore.metric_info import LIVE, METRICS
from tests.support.app_server import FIND, drawn, open_lab, settled, wait_first_maps, wait_lab
from tests.support.page_scenes import at_rest

pytestmark = pytest.mark.browser
BACKGROUND = "node => getComputedStyle(node).backgroundColor"
IN_COLUMN = f"""() => {{ {FIND}
  const column = find(document).querySelector('.curve');
  const seen = [...column.querySelectorAll(':scope > *, .pane:not([hidden]) > *')].filter((node) =>
    node.checkVisibility() && node.getBoundingClientRect().height > 0
    && getComputedStyle(node).position !== 'sticky');
  const name = (node) => node.getAttribute('class') ?? node.tagName;
  const found = [];
  for (const node of seen) {{
    const box = node.getBoundingClientRect();
    const after = seen.find((other) => other.parentElement === node.parentElement && other !== node
      && node.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (after && after.getBoundingClientRect().top < box.bottom - 0.5) {{
      found.push(`${{name(node)}} over ${{name(after)}}`);
    }}
    if (node.scrollHeight > node.clientHeight + 1 && !(node instanceof SVGElement)) {{
      found.push(`${{name(node)}} is cut`);
    }}
  }}
  const charts = [...column.querySelectorAll('svg[viewBox]')];
  for (const chart of charts.filter((node) => node.checkVisibility() && !node.closest('button'))) {{
    const scale = chart.getBoundingClientRect().height / chart.viewBox.baseVal.height;
    if (Math.abs(scale - 1) > 0.02) found.push(`${{name(chart)}} is drawn at ${{scale.toFixed(2)}}`);
  }}
  const end = seen.at(-1).getBoundingClientRect().bottom - column.getBoundingClientRect().top + column.scrollTop;
  if (end > column.scrollHeight + 1) found.push('the end cannot be reached');
  return found;
}}"""
"""Parts of the curve's card that lie over another, are cut, drawn at another scale, or out of reach."""


def red(page: Page) -> str:
    """Colour of the AIF's main action."""
    return str(page.locator(".snapshots .solid").evaluate(BACKGROUND))


def test_a_selection_has_one_colour_and_it_is_not_that_of_the_main_action(page: Page, address: str) -> None:
    open_lab(page, address)
    page.keyboard.press("k")
    page.locator('[data-snapshot="1"] [data-side="a"]').click()
    page.locator('[data-action="whole"]').click()
    page.locator('[data-action="sensitivity"]').click()
    page.locator('[data-variant="half"]').click()
    for pressed in ('[data-variant="half"]', '[data-snapshot="1"] [data-side="a"]'):
        expect(page.locator(pressed)).to_have_attribute("aria-pressed", "true")
    wait_lab(page, "data.compare === 'wipe'")
    settled(page)
    selected = (
        '[data-map="rcbf"]', '[data-layout="one"]', 'button[data-mode="points"]', '[data-tab="voxel"]',
        '[data-way="wipe"]', '[data-action="whole"]', '[data-action="sensitivity"]', '[data-variant="half"]',
        '[data-snapshot="1"] [data-side="a"]',
    )  # fmt: skip
    colours = {css: page.locator(css).evaluate(BACKGROUND) for css in selected}
    assert len(set(colours.values())) == 1, colours
    assert red(page) not in colours.values()
    changes = page.locator(".number.changed em, .snapshots td em, .where")
    assert {node.evaluate("node => getComputedStyle(node).color") for node in changes.all()}.isdisjoint(
        {red(page)}
    )


def test_pages_select_as_the_lab_does(page: Page, address: str) -> None:
    page.goto(f"{address}/model")
    tab = page.get_by_role("tab", name="On this case")
    tab.wait_for()
    at_rest(page)
    colours = {"tab": tab.evaluate(BACKGROUND), "segment": chosen(page, "segmented_control").evaluate(BACKGROUND)}
    page.goto(f"{address}/compare")
    chosen(page, "pills").wait_for()
    colours["pill"] = chosen(page, "pills").evaluate(BACKGROUND)
    tag = page.locator("[data-tag]").first.evaluate(BACKGROUND)
    primary = page.evaluate(
        "() => getComputedStyle(document.documentElement).getPropertyValue('--aif-fill').trim()"
    )
    assert len(set(colours.values())) == 1, colours
    reds = {primary, "rgb({}, {}, {})".format(*bytes.fromhex(primary[1:]))}
    assert reds.isdisjoint({*colours.values(), tag})


def chosen(page: Page, variant: str) -> Locator:
    return page.locator(f'button[data-variant="{variant}"][data-selected]').first


@pytest.mark.parametrize("size", [(1280, 720), (1280, 800), (1920, 1080)])
def test_open_tools_neither_shrink_nor_cover_each_other(page: Page, address: str, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_lab(page, address)
    page.locator('[data-layout="two"]').click()  # the variants need two lines
    page.locator('[data-action="whole"]').click()
    page.locator('[data-action="sensitivity"]').click()
    settled(page)
    for tab in ("voxel", "uncertainty", "edits", "region"):
        page.locator(f'[data-tab="{tab}"]').click()
        if tab == "uncertainty":
            page.locator('[data-action="uncertainty"]').click()
            wait_lab(page, "data.draws === '200'")
        drawn(page)
        assert page.evaluate(IN_COLUMN) == [], tab


def test_options_leave_the_plots_of_fine_tuning(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{address}/finetune")
    wait_first_maps(page, "tune")
    page.locator('[data-action="tune-options"]').click()
    for chart in ("svg.loss", "svg.dice"):
        expect(page.locator(chart)).to_be_visible()
    drawn(page)
    assert page.evaluate(IN_COLUMN) == []


def test_the_band_of_the_draws_is_shown_with_its_key_alone(page: Page, address: str) -> None:
    open_lab(page, address)
    page.locator('[data-tab="uncertainty"]').click()
    key, band = page.locator(".key.uncertainty-band"), page.locator("path.uncertainty-band")
    expect(key).to_be_hidden()
    page.locator('[data-action="uncertainty"]').click()
    wait_lab(page, "data.draws === '200'")
    expect(key).to_be_visible()
    expect(band).to_be_visible()
    page.locator('[data-tab="voxel"]').click()
    expect(band).to_be_hidden()


def test_metrics_have_the_names_of_their_registry(page: Page, address: str) -> None:
    open_lab(page, address)
    page.keyboard.press("k")
    page.locator('[data-snapshot="1"]').wait_for()
    heads = " ".join(page.locator(".snapshots th.figure").all_inner_texts())
    for name in LIVE:
        label = METRICS[name].label
        shown = MAPS["tmax"].label if name == "hypoperfused_ml" else label  # under the map by its rule
        assert page.locator(f'[data-number="{name}"] span').inner_text().startswith(shown)
        assert name == "auc" or label in heads


def test_values_and_names_of_snapshots_are_aligned(page: Page, address: str) -> None:
    open_lab(page, address)
    page.keyboard.press("k")
    page.locator('[data-snapshot="1"]').wait_for()
    page.locator('[data-variant="vein"]').click()
    expect(page.locator('[data-variant="vein"]')).to_have_attribute("aria-pressed", "true")  # after an animation
    settled(page)
    page.keyboard.press("k")
    page.locator('[data-snapshot="2"]').wait_for()
    edges = page.evaluate(f"""() => {{ {FIND}
      const rows = [...find(document).querySelectorAll('.snapshots tbody tr')];
      const text = (cell) => {{
        const field = cell.querySelector('input');
        if (field) return field.getBoundingClientRect().left + parseFloat(getComputedStyle(field).paddingLeft) + 1;
        const range = document.createRange(); range.selectNodeContents(cell);
        return range.getBoundingClientRect().left;
      }};
      return {{ names: rows.map((row) => text(row.children[2])),
        values: rows.map((row) =>
          [...row.querySelectorAll('.figure b')].map((b) => b.getBoundingClientRect().right)) }};
    }}""")
    assert max(edges["names"]) - min(edges["names"]) <= 1
    assert len(edges["values"]) == 3
    for column in zip(*edges["values"], strict=True):
        assert max(column) - min(column) <= 1
    now, second = (page.locator(f'[data-snapshot="{row}"] .figure em') for row in ("now", "2"))
    assert now.all_inner_texts() == second.all_inner_texts(), "the curve in the Lab is that of the second snapshot"
    assert any(now.all_inner_texts())


BOXES = """(nodes) => nodes.filter((node) => node.checkVisibility({ visibilityProperty: true })).map((node) => {
  const { x, y, width, height } = node.getBoundingClientRect();
  return { x, y, width, height, is_notice: node.matches(".notice") };
}).filter((box) => box.width && box.height)"""


def boxes(page: Page, css: str) -> list[dict[str, Any]]:
    """Return the boxes of the visible elements, all of one moment."""
    found: list[dict[str, Any]] = page.locator(css).evaluate_all(BOXES)
    return found


def overlaps(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(
        a[at] < b[at] + b[size] and b[at] < a[at] + a[size] for at, size in (("x", "width"), ("y", "height"))
    )


def test_a_notice_covers_nothing_and_goes_with_its_cause(page: Page, address: str) -> None:
    open_lab(page, address)
    settled(page)
    at_rest(page)
    before = boxes(page, "svg.editor")
    page.locator('[data-action="fit"]').click()
    notice = page.locator(".notice")
    expect(notice).to_contain_text("Gamma variate")
    found = boxes(page, ".notice, .legend, button, select, input, svg.editor, svg.probe")
    (shown,) = (box for box in found if box["is_notice"])  # a notice goes after some seconds
    assert [box for box in found if box is not shown and overlaps(shown, box)] == []
    assert boxes(page, "svg.editor") == before, "the curve stays where it is"
    page.locator('[data-action="undo"]').click()
    expect(notice).to_be_hidden()


def test_a_source_is_named_while_its_curve_is_found(page: Page, address: str) -> None:
    open_lab(page, address)
    page.evaluate(f"""() => {{ {FIND} const node = find(document).querySelector('.notice'); window.said = [];
      new MutationObserver(() => window.said.push(node.hidden ? '' : node.textContent)).observe(node,
        {{ attributes: true, childList: true, characterData: true, subtree: true }}); }}""")
    page.locator('[data-control="source"]').select_option("cnn-regression")
    sentence = "Finding the curve: Network, regression …"
    wait_lab(page, f"window.said.includes('{sentence}') && window.said.at(-1) === ''")
    expect(page.locator('[data-control="source"]')).to_be_enabled()


def test_the_names_of_a_comparison_lie_beside_its_controls(page: Page, address: str) -> None:
    open_lab(page, address)
    page.keyboard.press("k")
    page.locator('[data-snapshot="1"] [data-side="a"]').click()
    wait_lab(page, "data.compare === 'wipe'")
    expect(page.locator(".compare .names").first).to_be_visible()
    names = boxes(page, ".compare .names")[0]
    assert not any(overlaps(names, box) for box in boxes(page, ".compare button"))


def test_live_turns_into_no_answer_and_back(new_page: Page, address: str) -> None:
    held: list[str | bytes] = []
    routes: list[WebSocketRoute] = []
    holding = False

    def intercept(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        routes.append(route)
        server.on_message(lambda message: held.append(message) if holding else route.send(message))

    new_page.route_web_socket(lambda url: "_stcore" not in url, intercept)
    open_lab(new_page, address)
    settled(new_page)
    dot, word = new_page.locator(".status i"), new_page.locator('[data-out="status"]')
    expect(word).to_have_text("live")
    live = dot.evaluate(BACKGROUND)
    holding = True
    new_page.locator('[data-variant="half"]').click()
    expect(word).to_have_text("no answer")
    assert dot.evaluate(BACKGROUND) != live
    while held:  # in their order: one that comes meanwhile waits behind them
        routes[-1].send(held.pop(0))
    holding = False
    expect(word).to_have_text("live")
    assert dot.evaluate(BACKGROUND) == live
