"""The README's animation: ``python -m tools.animation [FILE]`` drags points of the running app.

Each frame is a picture of the real page after its map has been painted; only the pointer, which a headless browser
does not draw, is drawn over it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw
from playwright.sync_api import FloatRect, Page

from tests.support.app_server import FIND, browser, handle_centre, open_lab, server, settled
from tests.support.lab_page import reset_curve

FILE: Final = Path("docs/lab-drag.webp")
MAX_BYTES: Final = 3_000_000
FRAME_MS: Final = 90
HOLD_MS: Final = 900
QUALITY: Final = 80
POINTER: Final = ((0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12))
STEPS: Final = 14
SCENES: Final = {"tmax": (3, 17, 80.0), "cbf": (2, 20, 95.0)}
"""By map: notches of the wheel (how far neighbours follow), a sample, and how many points down it goes.

The rise, pressed down by so many points: an artery that seems late, so that delay is hidden. Then the peak,
pressed down: CBF rises everywhere, and the core does not see it.
"""

Frame = tuple[Image.Image, int]


def painted(page: Page) -> None:
    """Wait until the last edit is on the canvas."""
    page.wait_for_function(f"() => {{ {FIND} const d = find(document).dataset; return d.sent === d.painted; }}")


def picture(page: Page, x: float, y: float) -> Image.Image:
    """Maps, curve and numbers as they are now, with the pointer at a place on the page."""
    box = page.locator(".panels").bounding_box()
    assert box is not None
    clip: FloatRect = {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}
    image = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    outline = [(x - box["x"] + dx, y - box["y"] + dy) for dx, dy in POINTER]
    ImageDraw.Draw(image).polygon(outline, fill="white", outline="black")
    return image


def move(page: Page, start: tuple[float, float], end: tuple[float, float], steps: int) -> Iterator[Frame]:
    """Move the pointer as a hand does, slowly at both ends; a frame at each step."""
    for i in range(1, steps + 1):
        part = i / steps
        eased = part * part * (3 - 2 * part)
        x, y = (a + (b - a) * eased for a, b in zip(start, end, strict=True))
        page.mouse.move(x, y)
        painted(page)
        yield picture(page, x, y), FRAME_MS


def drag(page: Page, point: int, dy: float, rest: tuple[float, float]) -> Iterator[Frame]:
    """Come to a point, drag it and let go; the numbers of the volume follow."""
    here = handle_centre(page, point)
    there = here[0], here[1] + dy
    yield from move(page, rest, here, 5)
    page.mouse.down()
    yield from move(page, here, there, STEPS)
    page.mouse.up()
    settled(page)
    yield picture(page, *there), HOLD_MS


def film(page: Page) -> Iterator[Frame]:
    """Tmax with a curve that comes too late; then CBF with one that is too low."""
    box = page.locator("svg.editor").bounding_box()
    assert box is not None
    rest = box["x"] + 0.55 * box["width"], box["y"] + 0.3 * box["height"]
    for name, (notches, point, dy) in SCENES.items():
        reset_curve(page)
        page.locator(f'[data-map="{name}"]').click()
        page.mouse.move(*rest)
        for _ in range(abs(notches)):
            page.mouse.wheel(0, -100 if notches > 0 else 100)
        settled(page)
        page.wait_for_timeout(300)
        yield picture(page, *rest), HOLD_MS
        yield from drag(page, point, dy, rest)


def save(frames: list[Frame], file: Path) -> None:
    """Write frames as a WebP that begins again at its end: all colours of the scales, and small."""
    (first, *others), times = zip(*frames, strict=True)
    first.save(
        file, "WEBP", save_all=True, append_images=others, duration=list(times), loop=0, quality=QUALITY, method=4
    )


def main(file: Path) -> None:
    with server() as url, browser() as one:
        page = one.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
        open_lab(page, url)
        settled(page)
        frames = list(film(page))
    save(frames, file)
    size = file.stat().st_size
    print(f"{file}: {len(frames)} frames, {size / 1e6:.2f} MB")
    if size > MAX_BYTES:
        sys.exit(f"This is larger than {MAX_BYTES / 1e6:.0f} MB; take fewer steps or less quality.")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FILE)
