"""How fast the Cases page answers: ``python -m tools.measure_cases [FOLDER]``; a table, and JSON last.

With a folder its cases are listed beside the demonstrations. Server, browser and driver share the machine.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from playwright.sync_api import Page

from tests.support.app_server import browser, server

FIND = """const find = (root) => root.querySelector('[data-testid="series-player"]')
  ?? [...root.querySelectorAll('*')].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);"""
SLICES = f"""async (wanted) => {{
  {FIND}
  const player = find(document), slider = player.querySelector('[data-control=slice]'), waits = [];
  for (const z of wanted) {{
    const start = performance.now();
    slider.value = z;
    slider.dispatchEvent(new Event('input'));
    const here = () => player.dataset.slice === String(z) && player.dataset.status === 'ready';
    while (!here()) await new Promise(requestAnimationFrame);
    waits.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 400));
  }}
  return waits;
}}"""
FIRST = """() => {
  const at = (part) => performance.getEntriesByType('resource').find((r) => r.name.includes(part));
  return at('live/series').responseEnd - at('player.js').startTime;
}"""


def frames_per_second(page: Page, rate: str) -> float:
    """Frames painted in a second of playing at a rate."""
    player = page.get_by_test_id("series-player")
    page.get_by_label("Speed").select_option(rate)
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(300)
    before, start = int(player.get_attribute("data-painted") or 0), time.perf_counter()
    page.wait_for_timeout(4000)
    painted = int(player.get_attribute("data-painted") or 0) - before
    seconds = time.perf_counter() - start
    page.get_by_role("button", name="Pause").click()
    return painted / seconds


def main(folder: str) -> None:
    with server(AIF_LAB_DATA=folder) as url, browser() as one:
        warm = one.new_page()
        warm.goto(f"{url}/cases")
        warm.wait_for_selector('[data-testid="series-player"][data-status="ready"]', timeout=60_000)
        warm.close()
        page = one.new_page(viewport={"width": 1280, "height": 800})
        start = time.perf_counter()
        page.goto(f"{url}/cases")
        page.wait_for_selector('[data-testid="series-player"][data-status="ready"]', timeout=60_000)
        result = {"page_to_first_picture_s": time.perf_counter() - start}
        page.wait_for_timeout(2000)
        result["player_to_first_picture_ms"] = page.evaluate(FIRST)
        result["slice_from_server_ms"] = float(np.median(page.evaluate(SLICES, [0, 6])))
        result["slice_again_ms"] = float(np.median(page.evaluate(SLICES, [0, 6, 0, 6])))
        for rate in ("20", "30"):
            result[f"playing_at_{rate}_per_s"] = frames_per_second(page, rate)
    for name, value in result.items():
        print(f"{name:<28} {value:>8.2f}")
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
