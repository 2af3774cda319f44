"""The README's animation of the Lab: ``python -m tools.animation [FILE]``.

A click on *vein* morphs the curve: Tmax collapses and the core stands still. It is undone, and then points are
dragged. Each frame is a picture of the real page after its maps have been painted; only the pointer, which a
headless browser does not draw, is drawn over it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page

from tests.support.app_server import FIND, browser, handle_centre, open_lab, server, settled

FILE: Final = Path("docs/lab-drag.webp")
MAX_BYTES: Final = 1_500_000
SIZE: Final = (1280, 720)
FRAME_MS: Final = 80
HOLD_MS: Final = 900
QUALITIES: Final = (80, 70, 60, 50)
"""The first that makes a file of at most `MAX_BYTES` is taken."""
POINTER: Final = ((0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12))
MORPH_MS: Final = 600
"""At least the time that the page takes to morph a curve."""
N_MORPH: Final = 12
BRUSH: Final = 3
"""Notches of the wheel: how far neighbours follow a dragged point."""
DRAGS: Final = ((17, 0.24), (26, -0.22))
"""Samples, and how far down they go, as a part of the editor's height.

The rise of the bolus, pressed down, makes the artery late, so that delay is hidden; then the fall is lifted.
"""
DRAG_STEPS: Final = 14
STEP_BY_STEP = """() => {
  // A callback that takes the time is an animation: while `morphAt` is a time, it waits for it.
  const request = window.requestAnimationFrame.bind(window), waiting = [];
  window.morphFrom = null;
  window.requestAnimationFrame = (f) => (f.length && window.morphFrom !== null ? waiting.push(f) : request(f));
  window.morphTo = (ms) => waiting.splice(0).forEach((f) => f(window.morphFrom + ms));
}"""
WITHOUT_HINT = "try { localStorage.setItem('aif-lab|hinted', '1'); } catch { /* a page without storage */ }"

Place = tuple[float, float]
Frame = tuple[Image.Image, int]


def painted(page: Page) -> None:
    """Wait until the last edit is on the canvas."""
    page.wait_for_function(f"() => {{ {FIND} const d = find(document).dataset; return d.sent === d.painted; }}")


def picture(page: Page, at: Place) -> Image.Image:
    """Return the page as it is now, with the pointer at a place."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    ImageDraw.Draw(image).polygon([(at[0] + dx, at[1] + dy) for dx, dy in POINTER], fill="white", outline="black")
    return image


def move(page: Page, start: Place, end: Place, steps: int) -> Iterator[Frame]:
    """Move the pointer as a hand does, slowly at both ends; a frame at each step."""
    for i in range(1, steps + 1):
        part = i / steps
        eased = part * part * (3 - 2 * part)
        x, y = (a + (b - a) * eased for a, b in zip(start, end, strict=True))
        page.mouse.move(x, y)
        painted(page)
        yield picture(page, (x, y)), FRAME_MS


def middle(part: Locator) -> Place:
    """Return the middle of a part of the page."""
    box = part.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def morph(page: Page, at: Place) -> Iterator[Frame]:
    """Press the button under the pointer and follow the curve step by step; the numbers of the volume follow."""
    page.evaluate("() => { window.morphFrom = performance.now(); }")
    page.mouse.click(*at)
    for i in range(1, N_MORPH):
        page.evaluate("(ms) => window.morphTo(ms)", MORPH_MS * i / N_MORPH)
        painted(page)
        yield picture(page, at), FRAME_MS
    page.evaluate("(ms) => { window.morphTo(ms); window.morphFrom = null; }", 2 * MORPH_MS)
    settled(page)
    yield picture(page, at), 2 * HOLD_MS


def drag(page: Page, point: int, down: float, rest: Place) -> Iterator[Frame]:
    """Come to a point, drag it and let go; the numbers of the volume follow."""
    box = page.locator("svg.editor").bounding_box()
    assert box is not None
    here = handle_centre(page, point)
    there = here[0], here[1] + down * box["height"]
    yield from move(page, rest, here, 5)
    page.mouse.down()
    yield from move(page, here, there, DRAG_STEPS)
    page.mouse.up()
    settled(page)
    yield picture(page, there), HOLD_MS


def film(page: Page) -> Iterator[Frame]:
    """The vein in place of the artery, back, and two drags."""
    rest = middle(page.locator("svg.editor"))
    page.mouse.move(*rest)
    for _ in range(BRUSH):
        page.mouse.wheel(0, -100)
    settled(page)
    yield picture(page, rest), HOLD_MS
    for button, act in (('[data-variant="vein"]', morph), ('[data-action="undo"]', undo)):
        there = middle(page.locator(button))
        yield from move(page, rest, there, 6)
        yield from act(page, there)
        rest = there
    for point, down in DRAGS:
        yield from drag(page, point, down, rest)
        rest = middle(page.locator(f'svg[data-testid="aif-editor"] [data-point="{point}"]'))


def undo(page: Page, at: Place) -> Iterator[Frame]:
    """Press the button under the pointer."""
    page.mouse.click(*at)
    settled(page)
    yield picture(page, at), HOLD_MS


def encoded(frames: list[Frame], quality: int) -> bytes:
    """Return frames as a WebP that begins again at its end."""
    (first, *others), times = zip(*frames, strict=True)
    out = io.BytesIO()
    first.save(
        out, "WEBP", save_all=True, append_images=others, duration=list(times), loop=0, quality=quality, method=4
    )
    return out.getvalue()


def main(file: Path) -> None:
    with server() as url, browser() as one:
        page = one.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="dark")
        page.add_init_script(WITHOUT_HINT)
        open_lab(page, url)
        settled(page)
        page.evaluate(STEP_BY_STEP)
        frames = list(film(page))
    data = next((data for q in QUALITIES if len(data := encoded(frames, q)) <= MAX_BYTES), None)
    if data is None:
        sys.exit(f"This is larger than {MAX_BYTES / 1e6:.1f} MB in every quality; take fewer steps.")
    file.write_bytes(data)
    seconds = sum(ms for _, ms in frames) / 1e3
    print(f"{file}: {len(frames)} frames, {seconds:.1f} s, {len(data) / 1e6:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FILE)
