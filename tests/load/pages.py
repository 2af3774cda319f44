"""Pages of a real browser that drag a point and release it: ``python -m tests.load.pages URL PAGES SECONDS``.

Prints ``ready`` when all pages show a map, waits for a line on stdin, drags, and prints JSON: milliseconds from
each edit to its pixels, by page.
"""

from __future__ import annotations

import json
import sys
import time

from playwright.sync_api import Page

from tests.support.app_server import browser, handle_centre, lab_data, open_lab
from tools.measure_lab import MARKS

EDITS_PER_S = 5
EDITS_PER_DRAG = 30


def main(url: str, n_pages: int, seconds: float) -> None:
    with browser() as one:
        pages: list[Page] = []
        for _ in range(n_pages):
            page = one.new_page(viewport={"width": 1280, "height": 800})
            open_lab(page, url)
            pages.append(page)
        print("ready", flush=True)
        sys.stdin.readline()
        places = []
        for page in pages:
            page.evaluate("() => performance.clearMarks()")
            places.append(handle_centre(page, 14))
        begun, turn = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            for page, (x, y) in zip(pages, places, strict=True):
                if turn % EDITS_PER_DRAG == 0:
                    page.mouse.up()
                    page.mouse.move(*handle_centre(page, 14))
                    page.mouse.down()
                page.mouse.move(x, y + 40 * ((turn % 8) - 4) / 4)
            turn += 1
            time.sleep(max(begun + turn / EDITS_PER_S - time.perf_counter(), 0))
        for page in pages:
            page.mouse.up()
        found = {
            "pixels_ms": [page.evaluate(MARKS, ["edit", "painted"]) for page in pages],
            "status": [lab_data(page, "status") for page in pages],
        }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
