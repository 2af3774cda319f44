"""Values read from the Lab in the browser, and the library's results to compare them with."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from perfcore.phantom.cases import PhantomCase, make_demonstration
from perfcore.pipeline import Analysis, analyse
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.support.app_server import eventually

Voxel = tuple[int, int, int]


@cache
def demonstration() -> PhantomCase:
    """The case that the dashboard opens first."""
    return make_demonstration("m1-occlusion")


@cache
def automatic() -> Analysis:
    return analyse(demonstration().series)


def library_result(curve: np.ndarray, settings: Settings | None = None) -> Analysis:
    """What the library computes with a curve; the default settings share one preparation of the series."""
    start = automatic()
    prepared = start.prepared if settings is None else None
    return analyse(start.series, Aif(start.aif.time_s, curve), settings, prepared=prepared)


def start_curve() -> np.ndarray:
    """The start AIF as the browser has it: values of float32."""
    return automatic().aif.value.astype(np.float32).astype(float)


def committed_curve(page: Page) -> np.ndarray:
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


def voxel_in(readout: str) -> Voxel:
    """The voxel that the text of the readout names."""
    found = re.search(r"at \((\d+), (\d+)\), slice (\d+)", readout)
    assert found, f"no voxel: {readout!r}"
    x, y, slice_number = (int(v) for v in found.groups())
    return x, y, slice_number - 1


def hovered(page: Page, x: float, y: float) -> tuple[str, Voxel]:
    """Move the mouse there; returns the text of the readout, and its voxel."""
    page.mouse.move(x, y)
    text = page.locator('[data-out="readout"]').inner_text()
    return text, voxel_in(text)


def position_of(page: Page, voxel: Voxel) -> tuple[float, float]:
    """Position on the page of a voxel of the slice in view, found by hovering."""
    return position_by(lambda x, y: hovered(page, x, y)[1], canvas_box(page), voxel)


def position_by(
    hover: Callable[[float, float], Voxel], box: dict[str, float], voxel: Voxel
) -> tuple[float, float]:
    """Position of a voxel by a function that hovers and returns the voxel there; ``box`` is the canvas's."""
    spots = [(box["x"] + f * box["width"], box["y"] + f * box["height"]) for f in (0.3, 0.7)]
    (x0, y0), (x1, y1) = spots
    a, b = (hover(*spot) for spot in spots)
    sx, sy = (x1 - x0) / (b[0] - a[0]), (y1 - y0) / (b[1] - a[1])
    x, y = x0 + (voxel[0] - a[0]) * sx, y0 + (voxel[1] - a[1]) * sy
    for _ in range(12):
        now = hover(x, y)
        if now == voxel:
            return x, y
        x, y = x + 0.6 * (voxel[0] - now[0]) * sx, y + 0.6 * (voxel[1] - now[1]) * sy
    raise AssertionError(f"voxel {voxel} is not in view: {now}")


def readout_value(text: str) -> float:
    """The number in a readout like ``rCBF 0.83 of healthy  at (88, 141), slice 5``."""
    found = re.match(r"\S+ (-?[\d.]+)", text)
    assert found, text
    return float(found[1])


def change_text(value: float, before: float, digits: int) -> str:
    """A change as the row of numbers shows it: of the rounded values."""
    change = float(f"{value:.{digits}f}") - float(f"{before:.{digits}f}")
    text = f"{abs(change):.{digits}f}"
    return "±0" if float(text) == 0 else f"{'−' if change < 0 else '+'}{text}"


def choose_setting(page: Page, setting: str, option: str) -> None:
    """Choose an option of a setting in the sidebar; a rerun at this moment closes the list without a choice."""
    field = page.get_by_test_id("stSidebar").get_by_role("combobox", name=setting, exact=True)

    def choose() -> None:
        if field.input_value() != option:
            field.click()
            listed = page.get_by_role("option", name=option)
            expect(listed).to_be_visible(timeout=5_000)
            listed.click(timeout=5_000)
        expect(field).to_have_value(option, timeout=5_000)

    eventually(choose)


def press_at_once(page: Page, *keys: str) -> None:
    """Press keys on the focused element within one task of the page, e.g. ``Shift+ArrowUp``.

    Keys that are pressed one by one lie apart as the machine has time for them.
    """
    page.evaluate(
        """(keys) => {
          for (const key of keys) {
            let node = document.activeElement;
            while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
            const held = key.split("+");
            node.dispatchEvent(new KeyboardEvent("keydown", {
              key: held.pop(), shiftKey: held.includes("Shift"), ctrlKey: held.includes("Control"),
              bubbles: true, composed: true, cancelable: true,
            }));
          }
        }""",
        list(keys),
    )


def shown_number(page: Page, name: str) -> float:
    """A value in the row of numbers."""
    return float(page.locator(f'[data-number="{name}"] b').inner_text())


def reset_curve(page: Page) -> None:
    """Reset to the start curve, if it was edited."""
    reset = page.get_by_role("button", name="Reset", exact=True)
    if reset.is_enabled():
        reset.click()
