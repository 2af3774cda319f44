"""The engine against the server's way, near and far: ``python -m tools.measure_engine``; JSON is printed last.

Real input in headless Chromium; server, browser and driver share the machine. *Far* is a relay that adds a round
trip of 100 ms and lets 20 Mbit/s through each way. The same drags are done with the maps of a drag computed in the
page (``AIF_LAB_ENGINE=browser``) and by the server (``server``), in one run: compare the ratios.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from playwright.sync_api import Browser, Page

from tests.support.app_server import VIEWPORT, browser, open_lab, server, settled
from tests.support.tcp_relay import FAR, Link, relay
from tools.measure_lab import drags

ENGINES: Final = ("browser", "server")
LINKS: Final = {"near": Link(), "far": FAR}
TO_REACH: Final = {"slice": (20, 34), "all": (60, 90)}
"""Median and 95th percentile of the engine near the server, milliseconds, on two quiet cores; far within 10 %."""
CASE_TO_REACH_S: Final = {"first_slice": 1.0, "all_slices": 6.0}

# Seconds from the engine's first request to the status that counts the first slice, and to the one of all slices.
WATCH_CASE: Final = """() => {
  const asked = () => performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/live/case"));
  const find = (root) => root.querySelector("[data-testid=lab]")
    ?? [...root.querySelectorAll("*")].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);
  window.loaded = {};
  const look = () => {
    const lab = find(document), now = performance.now();
    const count = Number(lab?.querySelector("[data-out=engine]")?.textContent.match(/(\\d+)\\/\\d+/)?.[1]);
    const isWhole = lab?.dataset.engine === "browser";
    if (lab?.dataset.painted) window.loaded.first_map ??= now;
    if (count > 0 || isWhole) window.loaded.first_slice ??= now;
    if (!isWhole || !window.loaded.first_map) { setTimeout(look, 5); return; }
    window.loaded.all_slices = now;
    for (const name of ["first_slice", "all_slices"]) window.loaded[name] -= asked().startTime;
  };
  look();
}"""


@contextmanager
def lab_page(one: Browser, url: str, link: Link) -> Iterator[tuple[Page, str]]:
    """Open a page of a new user, and the address of the server behind a link."""
    with relay(url, link) as connection:
        context = one.new_context(viewport=VIEWPORT)
        page = context.new_page()
        page.set_default_timeout(120_000)
        yield page, connection.url
        context.close()


def case_times(page: Page, url: str) -> dict[str, float]:
    """Seconds from opening the page to the first map, and from the first request for the case to its slices."""
    page.add_init_script(f"({WATCH_CASE})()")
    page.goto(url)
    page.wait_for_function("() => window.loaded.all_slices")
    found: dict[str, float] = page.evaluate("() => window.loaded")
    return {name: ms / 1000 for name, ms in found.items()}


def drag_times(page: Page) -> dict[str, list[float]]:
    """Milliseconds from input to pixels in one slice, and in all slices with their numbers."""
    found = {}
    for name, layout in (("slice", "one"), ("all", "all")):
        page.locator(f'[data-layout="{layout}"]').click()
        settled(page)
        drags(page, 2)
        found[name] = drags(page)
    return found


def measured(one: Browser, engine: str) -> tuple[dict[str, list[float]], dict[str, dict[str, float]]]:
    """Return times of drags and of loading a case, by link."""
    drag: dict[str, list[float]] = {}
    case: dict[str, dict[str, float]] = {}
    with server(AIF_LAB_ENGINE=engine) as url:
        with lab_page(one, url, Link()) as (page, address):
            open_lab(page, address)  # the server has the case from now on
            settled(page)
        for place, link in LINKS.items():
            with lab_page(one, url, link) as (page, address):
                if engine == "browser":
                    case[place] = case_times(page, address)
                else:
                    open_lab(page, address)
                settled(page)
                drag |= {f"{name}_{place}": waits for name, waits in drag_times(page).items()}
    return drag, case


def main() -> None:
    with browser() as one:
        (engine, case), (plain, _) = (measured(one, name) for name in ENGINES)
    result = {f"case_{place}_{name}_s": value for place, times in case.items() for name, value in times.items()}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; input to pixels, median / 95 %, ms")
    print(f"{'':<12}{'engine':>16}{'server':>16}{'ratio':>8}{'far/near':>10}   to reach")
    for name, waits in engine.items():
        kind, place = name.split("_")
        rows = {"engine": waits, "server": plain[name]}
        cells = []
        for way, found in rows.items():
            median, high = (float(np.percentile(found, q)) for q in (50, 95))
            result |= {f"{way}_{name}_median_ms": median, f"{way}_{name}_p95_ms": high}
            cells.append(f"{median:.1f} / {high:.1f}")
        ratio, to_near = (
            np.median(waits) / np.median(plain[name]),
            np.median(waits) / np.median(engine[f"{kind}_near"]),
        )
        result |= {f"engine/server_{name}": float(ratio), f"{name}/near": float(to_near)}
        goal = "{} / {}".format(*TO_REACH[kind]) if place == "near" else "0.9 to 1.1 of near"
        print(f"{name:<12}{cells[0]:>16}{cells[1]:>16}{ratio:>8.2f}{to_near:>10.2f}   {goal}")
    for place, times in case.items():
        print(f"{place}: " + ", ".join(f"{name.replace('_', ' ')} {value:.2f} s" for name, value in times.items())
              + (f" (to reach: {CASE_TO_REACH_S['first_slice']:.0f} and {CASE_TO_REACH_S['all_slices']:.0f} s)"
                 if place == "far" else ""))  # fmt: skip
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


if __name__ == "__main__":
    main()
