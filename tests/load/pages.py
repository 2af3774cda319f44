"""Pages of a real browser that drag a point: ``python -m tests.load.pages URL PAGES SECONDS EDITS_PER_S``.

Prints ``ready`` when all pages show a map, waits for a line on stdin, drags, and prints JSON: milliseconds from
each edit to its answer and to its pixels, by page.
"""

from __future__ import annotations

import json
import sys
import time

from playwright.sync_api import Page

from tests.support.app_server import browser, handle_centre, lab_data, open_lab
from tools.measure_lab import MARKS

# Records when an edit is sent and when its map arrives.
WATCH = """() => {
  const Original = window.WebSocket, sent = new Map();
  window.answers = [];
  window.WebSocket = class extends Original {
    constructor(...args) {
      super(...args);
      if (!String(args[0]).endsWith("/live/socket")) return;
      this.addEventListener("message", ({ data }) => {
        if (!(data instanceof ArrayBuffer)) return;
        const [, size] = new Uint32Array(data, 0, 2);
        const frame = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 16, size)));
        if (frame.arrays.cbf && sent.has(frame.seq)) window.answers.push(performance.now() - sent.get(frame.seq));
        sent.delete(frame.seq);
      });
    }
    send(data) {
      if (data instanceof ArrayBuffer) sent.set(new Uint32Array(data, 4, 1)[0], performance.now());
      super.send(data);
    }
  };
}"""


def main(url: str, n_pages: int, seconds: float, edits_per_s: float) -> None:
    with browser() as one:
        pages: list[Page] = []
        for _ in range(n_pages):
            page = one.new_page(viewport={"width": 1280, "height": 800})
            page.add_init_script(f"({WATCH})()")
            open_lab(page, url)
            pages.append(page)
        print("ready", flush=True)
        sys.stdin.readline()
        places = []
        for page in pages:
            page.evaluate("() => { window.answers = []; performance.clearMarks(); }")
            x, y = handle_centre(page, 14)
            page.mouse.move(x, y)
            page.mouse.down()
            places.append((x, y))
        begun, turn = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            turn += 1
            for page, (x, y) in zip(pages, places, strict=True):
                page.mouse.move(x, y + 40 * ((turn % 8) - 4) / 4)
            time.sleep(max(begun + turn / edits_per_s - time.perf_counter(), 0))
        for page in pages:
            page.mouse.up()
        found = {
            "answers_ms": [page.evaluate("() => window.answers") for page in pages],
            "pixels_ms": [page.evaluate(MARKS, ["edit", "painted"]) for page in pages],
            "status": [lab_data(page, "status") for page in pages],
        }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
