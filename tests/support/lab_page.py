"""What a test reads off the Lab, and what the library says it should be."""

from __future__ import annotations

import base64
import io
import json
import re
from functools import cache

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from perfcore.phantom.cases import make_demonstration
from perfcore.pipeline import Analysis, analyse
from perfcore.types import Aif

FIND = """const find = (root) => root.querySelector('[data-testid="lab"]')
  ?? [...root.querySelectorAll('*')].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);"""


@cache
def automatic() -> Analysis:
    return analyse(make_demonstration("m1-occlusion").series)


def own_result(curve: np.ndarray) -> Analysis:
    start = automatic()
    return analyse(start.series, Aif(start.aif.time_s, curve))


def kept_curve(page: Page) -> np.ndarray:
    """The curve that the browser has committed, as float32 values."""
    stored = page.evaluate("() => Object.entries(sessionStorage).find(([k]) => k.startsWith('aif|'))?.[1]")
    return np.array(json.loads(stored))


def canvas(page: Page) -> np.ndarray:
    """The map's pixels, ``(height, width, 4)``."""
    url = page.locator('canvas[data-testid="map"]').evaluate("c => c.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def editor_values(page: Page) -> np.ndarray:
    handles = page.locator('svg[data-testid="aif-editor"] [data-point]')
    return np.array([float(h.get_attribute("aria-valuenow") or "nan") for h in handles.all()])


def canvas_box(page: Page) -> dict[str, float]:
    box = page.locator('canvas[data-testid="map"]').bounding_box()
    assert box is not None
    return dict(box)


def hovered(page: Page, x: float, y: float) -> tuple[str, tuple[int, int, int]]:
    """Point at the page; returns what the readout says there, and its voxel."""
    page.mouse.move(x, y)
    text = page.locator('[data-out="readout"]').inner_text()
    found = re.search(r"at \((\d+), (\d+), (\d+)\)", text)
    assert found, f"no voxel at ({x:.0f}, {y:.0f}): {text!r}"
    a, b, c = (int(v) for v in found.groups())
    return text, (a, b, c)


def place_of(page: Page, voxel: tuple[int, int, int]) -> tuple[float, float]:
    """Where a voxel of the slice in view is on the page, found by pointing."""
    box = canvas_box(page)
    spots = [(box["x"] + f * box["width"], box["y"] + f * box["height"]) for f in (0.3, 0.7)]
    (x0, y0), (x1, y1) = spots
    (_, a), (_, b) = (hovered(page, *spot) for spot in spots)
    sx, sy = (x1 - x0) / (b[0] - a[0]), (y1 - y0) / (b[1] - a[1])
    x, y = x0 + (voxel[0] - a[0]) * sx, y0 + (voxel[1] - a[1]) * sy
    for _ in range(12):
        _, now = hovered(page, x, y)
        if now == voxel:
            return x, y
        x, y = x + 0.6 * (voxel[0] - now[0]) * sx, y + 0.6 * (voxel[1] - now[1]) * sy
    raise AssertionError(f"voxel {voxel} is not in view: {now}")


def readout_value(text: str) -> float:
    """The number in a readout like ``rCBF 0.83 of healthy  at (88, 141, 4)``."""
    found = re.match(r"\S+ (-?[\d.]+)", text)
    assert found, text
    return float(found[1])


def shown_number(page: Page, name: str) -> float:
    """A figure in the row of numbers."""
    return float(page.locator(f'[data-number="{name}"] b').inner_text())


def start_over(page: Page) -> None:
    """Back to the start curve, if it is not there already."""
    reset = page.get_by_role("button", name="Reset", exact=True)
    if reset.is_enabled():
        reset.click()
