"""A participant's phone: the page of a class in Chromium with a touch screen, and where its voxels are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from playwright.sync_api import Browser, Page, expect

from pages.classroom.room import Room
from pages.classroom.tasks import TaskCase
from perfcore.types import Voxel
from tests.support.app_server import isolated_page

Point = tuple[float, float]


@contextmanager
def phone(browser: Browser, *, scheme: str = "dark", width: int = 390, height: int = 844) -> Iterator[Page]:
    """Open a page with a touch screen; an uncaught error on it fails the test."""
    with isolated_page(
        browser, viewport={"width": width, "height": height}, has_touch=True, is_mobile=True, color_scheme=scheme
    ) as page:
        found: list[str] = []
        page.on("pageerror", lambda error: found.append(str(error)))
        yield page
        assert not found


def join(page: Page, site: str, room: Room, name: str = "") -> None:
    """Join a room by its code; returns once the lecturer's task, or the waiting screen, is shown."""
    page.goto(f"{site}/join?room={room.code}")
    page.get_by_label("Pseudonym", exact=True).fill(name)
    page.get_by_role("button", name="Join", exact=True).click()
    page.wait_for_selector('[data-screen="waiting"], [data-screen="task"]')


def wait_case(page: Page, of: TaskCase) -> None:
    """Wait until the case of the task is whole, in the page and in its engine."""
    page.wait_for_selector(f'.task[data-engine="browser"] .picture[data-loaded="{of.case.prepared.grid[2]}"]')


def sent(page: Page) -> None:
    """Wait until the server has confirmed the last answer."""
    expect(page.locator("#root")).to_have_attribute("data-sent", "sent")


def screen_voxels(of: TaskCase) -> np.ndarray:
    """x and y of the voxel at each pixel of the screen's layout, shape ``(rows, columns, 2)``."""
    grid = of.case.prepared.grid
    x, y = np.meshgrid(np.arange(grid[0]), np.arange(grid[1]), indexing="ij")
    return np.stack([of.case.layout.apply(x), of.case.layout.apply(y)], axis=-1)


def position_of(page: Page, of: TaskCase, voxel: Voxel) -> Point:
    """Position on the page of the centre of a voxel of the slice in view."""
    header, _ = of.case.static
    head, (width_mm, height_mm) = header["head"], header["pixelMm"]
    ((row, column),) = np.argwhere((screen_voxels(of) == voxel[:2]).all(-1))
    box = page.get_by_test_id("map").bounding_box()
    assert box is not None
    scale = min(box["width"] / (head["w"] * width_mm), box["height"] / (head["h"] * height_mm))
    left = box["x"] + (box["width"] - head["w"] * width_mm * scale) / 2
    top = box["y"] + (box["height"] - head["h"] * height_mm * scale) / 2
    return (
        left + (column + 0.5 - head["x"]) * width_mm * scale,
        top + (row + 0.5 - head["y"]) * height_mm * scale,
    )


@contextmanager
def finger(page: Page, path: Sequence[Point]) -> Iterator[None]:
    """Put a finger down and move it along a path; it is lifted after the block."""
    session = page.context.new_cdp_session(page)
    for i, (x, y) in enumerate(path):
        kind = "touchMove" if i else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    yield
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def touch(page: Page, *path: Point) -> None:
    """Move a finger along a path and lift it."""
    with finger(page, path):
        pass
