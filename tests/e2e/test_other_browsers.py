"""The Lab in Firefox and WebKit: drag, pick, snapshot, page change; Chromium has all the other tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from tests.support.app_server import SETTLED
from tests.support.lab_page import Voxel, automatic, library_result, position_by, voxel_in
from tests.support.other_browsers import OTHER_BROWSERS, OtherPage, require

pytestmark = pytest.mark.browser
POINT = 14
MAX_MEAN_ERROR = 3e-4
"""Of CBF in the page against the server's, relative: the temporal basis and 16 bits."""
PIXELS = """async () => {
  const canvas = find(document).querySelector("canvas[data-testid=map]");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return [...digest].join();
}"""
"""A checksum of the map's pixels."""
BOX = """() => {
  const box = lab.querySelector("canvas[data-testid=map]").getBoundingClientRect();
  return [box.x, box.y, box.width, box.height];
}"""


@pytest.fixture(scope="module", params=list(OTHER_BROWSERS))
def other(request: pytest.FixtureRequest) -> Iterator[OtherPage]:
    require(request.param)
    with OTHER_BROWSERS[request.param]() as one:
        yield one


@pytest.fixture
def page(other: OtherPage, address: str) -> OtherPage:
    """The Lab as a new user sees it, with the engine's case loaded."""
    other.goto(f"{address}/_stcore/health")
    other.evaluate("() => { sessionStorage.clear(); localStorage.clear(); }")
    open_lab(other, address)
    return other


def open_lab(page: OtherPage, address: str) -> None:
    page.goto(address)
    page.wait_for("data && data.painted && data.coreMl && data.engine === 'browser'")
    page.wait_for(SETTLED)


@contextmanager
def new_maps(page: OtherPage) -> Iterator[None]:
    """Wait after the block until maps requested within it are drawn and their numbers have come."""
    before = int(data(page, "sent"))
    yield
    page.wait_for(f"Number(data.sent) > {before}")
    page.wait_for(SETTLED)


def data(page: OtherPage, name: str) -> str:
    return str(page.evaluate_lab(f"lab.dataset.{name}"))


def drag(page: OtherPage, dy: int) -> list[str]:
    """Drag a point of the curve; returns checksums of the maps drawn before it and after each move."""
    x, y = page.centre(f'[data-point="{POINT}"]')
    maps = [pixels(page)]
    page.move(x, y)
    page.down()
    for i in range(1, 6):
        before = data(page, "painted")
        page.move(x, y + dy * i / 5)
        page.wait_for(f"data.painted !== '{before}'")
        maps.append(pixels(page))
    page.up()
    page.wait_for(SETTLED)
    return maps


def pixels(page: OtherPage) -> str:
    return str(page.evaluate_lab(f"({PIXELS})()"))


def committed_curve(page: OtherPage) -> np.ndarray:
    """The curve that the browser has committed, as float32 values."""
    stored = page.evaluate("() => Object.entries(sessionStorage).find(([k]) => k.startsWith('aif|'))?.[1]")
    return np.array(json.loads(stored))


def assert_library_result(page: OtherPage, curve: np.ndarray) -> None:
    expected = library_result(curve).numbers
    assert float(data(page, "coreMl")) == pytest.approx(expected.core_ml, abs=0.02)


def test_a_drag_is_drawn_at_each_move_and_confirmed_at_rest(page: OtherPage) -> None:
    maps = drag(page, 60)
    assert len(set(maps)) == len(maps), "another map at each move"
    page.wait_for("data.engineError")
    assert 0 < float(data(page, "engineError")) <= MAX_MEAN_ERROR
    curve = committed_curve(page)
    assert curve[POINT] < automatic().aif.value[POINT] - 0.1 * automatic().aif.peak
    assert_library_result(page, curve)


def hovered(page: OtherPage, x: float, y: float) -> Voxel:
    page.move(x, y)
    return voxel_in(page.evaluate_lab("lab.querySelector('[data-out=readout]').textContent"))


def test_a_voxel_of_an_artery_becomes_the_curve(page: OtherPage) -> None:
    voxel = next(v for v in automatic().aif.voxels)
    page.evaluate_lab(
        f"""(() => {{ const slice = lab.querySelector('[data-control="slice"]');
          slice.value = "{voxel[2] + 1}"; slice.dispatchEvent(new Event("input")); }})()"""
    )
    page.click_on('[data-layout="one"]')
    page.click_on('[data-action="pick"]')
    x, y, width, height = page.evaluate_lab(f"({BOX})()")
    box = {"x": x, "y": y, "width": width, "height": height}
    place = position_by(lambda x, y: hovered(page, x, y), box, voxel)
    with new_maps(page):
        page.click(*place)
    assert data(page, "voxels") == "1"
    expected = automatic().prepared.enhancement[voxel]
    np.testing.assert_allclose(committed_curve(page), expected, rtol=1e-5, atol=1e-4)
    assert_library_result(page, committed_curve(page))


def follow(page: OtherPage, link: str) -> None:
    """Click a link of the navigation by its text."""
    mark = f"""(() => {{
      const isWanted = (a) => a.innerText.trim().split("\\n").at(-1) === "{link}";
      const link = [...document.querySelectorAll("a")].find(isWanted);
      document.querySelector("[data-test-link]")?.removeAttribute("data-test-link");
      link?.setAttribute("data-test-link", "");
      return Boolean(link);
    }})()"""
    page.wait_for(mark)
    page.click_on("[data-test-link]")


def test_a_snapshot_is_saved_and_a_page_change_keeps_curve_and_snapshot(page: OtherPage) -> None:
    drag(page, 40)
    curve = committed_curve(page)
    page.press("k")
    page.wait_for("lab.querySelector('[data-snapshot=\"1\"]')")
    follow(page, "Cases")
    page.wait_for("document.body.innerText.includes('Open in the Lab')")
    follow(page, "Lab")
    page.wait_for("data && data.painted && data.coreMl")
    page.wait_for(SETTLED)
    np.testing.assert_array_equal(committed_curve(page), curve)
    page.wait_for("lab.querySelector('[data-snapshot=\"1\"]')")
    assert_library_result(page, curve)
