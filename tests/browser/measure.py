"""How fast the Lab follows the hand: ``python -m tests.browser.measure`` prints a table, and JSON last.

Real mouse drags in headless Chromium; server, browser and driver share the machine. From the input event to the
frame that has the map on the canvas, as the page's own User Timing marks have it.
"""

from __future__ import annotations

import json
import tempfile
import time

import numpy as np
from playwright.sync_api import Browser, Page

from tests.browser.server import browser, drag, handle_centre, lab_data, open_lab, server, settled

MARKS = """() => {
  const edits = {}, waits = [];
  for (const mark of performance.getEntriesByType('mark')) {
    const [, kind, seq] = mark.name.split(':');
    if (kind === 'edit') edits[seq] = mark.startTime;
    if (kind === 'painted' && edits[seq] !== undefined) waits.push(mark.startTime - edits[seq]);
  }
  return waits;
}"""


def first_paint(one: Browser, url: str) -> float:
    """Seconds from asking for the page to the first map on the canvas."""
    page = one.new_page(viewport={"width": 1280, "height": 800})
    start = time.perf_counter()
    page.goto(url)
    page.wait_for_selector('[data-testid="lab"][data-painted]', timeout=60_000)
    seconds = time.perf_counter() - start
    page.close()
    return seconds


def drags(page: Page, repeats: int = 6) -> list[float]:
    """Milliseconds from input to pixels over several drags up and down."""
    page.evaluate("() => performance.clearMarks()")
    for turn in range(repeats):
        drag(page, 12 + turn, -60 if turn % 2 else 60, steps=30, pause_s=0.016)
        settled(page)
    waits: list[float] = page.evaluate(MARKS)
    return waits


def main() -> None:
    with tempfile.TemporaryDirectory() as empty, browser() as one, server(XDG_CACHE_HOME=empty) as url:
        result: dict[str, float] = {"first_paint_cold_s": first_paint(one, url)}
        result["first_paint_warm_s"] = first_paint(one, url)
        page = one.new_page(viewport={"width": 1280, "height": 800})
        open_lab(page, url)
        settled(page)
        handle_centre(page, 12)
        drags(page, 2)
        one_slice = drags(page)
        page.locator('[data-layout="all"]').click()
        settled(page)
        montage = drags(page)
        for name, waits in (("slice", one_slice), ("montage", montage)):
            result[f"drag_{name}_median_ms"] = float(np.median(waits))
            result[f"drag_{name}_p95_ms"] = float(np.percentile(waits, 95))
            result[f"drag_{name}_edits"] = len(waits)
        assert lab_data(page, "mounts") == "1"
    for name, value in result.items():
        print(f"{name:<28} {value:>8.2f}")
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


if __name__ == "__main__":
    main()
