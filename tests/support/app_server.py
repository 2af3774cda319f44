"""A real server and a real Chromium, for tests, measurements and the README's pictures."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

from playwright.sync_api import Browser, Page, Response, ViewportSize, sync_playwright
from playwright.sync_api import TimeoutError as PageTimeout

from tests import ROOT

VIEWPORT = ViewportSize(width=1280, height=800)
TIMEOUT_MS = 60_000
FIND = """const find = (root) => root.querySelector('[data-testid="lab"]')
  ?? [...root.querySelectorAll('*')].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);"""
SETTLED = (
    "data.sent === data.painted && data.numbers === data.sent && data.moving !== 'true' && data.case === 'whole'"
)
"""Condition on the Lab's data: see `settled`."""
ONE_MAP = """try {
  if (!sessionStorage.getItem("lab|view")) sessionStorage.setItem("lab|view", JSON.stringify({ two: false }));
  localStorage.setItem("aif-lab|hinted", "1");
} catch { /* a page without storage */ }"""
"""Script before a page: the Lab shows one map, whose places tests compute, and no hint over the curve."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def chromium() -> str | None:
    """Path of Chromium, None if it is not installed.

    The headless shell is the same engine without the desktop browser's processes: a page costs half the CPU time.
    """
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    port: int, *, app: str = "app.py", path: str = "", options: Sequence[str] = (), **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the dashboard on a port, as `make app` does.

    ``path`` is ``/sub`` where it does not live at the root; ``options`` are Streamlit's.
    """
    command = [sys.executable, "-m", "streamlit", "run", app, "--server.port", str(port), *options]
    log = Path(os.environ.get("TMPDIR", "/tmp")) / f"aif-lab-test-{port}.log"
    with log.open("w") as out:
        one = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            for _ in range(2400):
                if one.poll() is not None:
                    raise RuntimeError(f"the server ended: {log.read_text()}")
                try:
                    urllib.request.urlopen(f"http://localhost:{port}{path}/_stcore/health", timeout=1).read()
                    break
                except (URLError, ConnectionError, TimeoutError):
                    time.sleep(0.05)
            else:
                raise RuntimeError("the server does not answer")
            yield one
        finally:
            one.terminate()
            one.wait(60)
            log.unlink(missing_ok=True)


@contextmanager
def server(*, app: str = "app.py", **environment: str) -> Iterator[str]:
    """Start the dashboard on a free port; yields its address."""
    port = free_port()
    with process(port, app=app, **environment):
        yield f"http://localhost:{port}"


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield one
        one.close()


@contextmanager
def isolated_page(browser: Browser, *, one_map: bool = True, **options: Any) -> Iterator[Page]:
    """Open a page in a browser context of its own; ``options`` are the context's, as Playwright names them."""
    context = browser.new_context(**{"viewport": VIEWPORT, "color_scheme": "dark"} | options)
    context.set_default_timeout(TIMEOUT_MS)
    if one_map:
        context.add_init_script(ONE_MAP)
    yield context.new_page()
    context.close()


def open_lab(page: Page, url: str) -> None:
    """Open the Lab and wait for the first map and its numbers."""
    page.goto(url)
    wait_first_maps(page)


def wait_first_maps(page: Page, name: str = "lab") -> None:
    """Wait for the first map and its numbers; ``name`` is "lab", or "tune" for the Fine-tune page.

    The case is whole then, and the engine has all slices unless the server computes the maps.
    """
    page.wait_for_selector(
        f'[data-testid="lab"][data-page="{name}"][data-painted][data-core-ml][data-case="whole"]'
        ':not([data-engine="loading"])'
    )


def handle_centre(page: Page, point: int) -> tuple[float, float]:
    handle = page.locator(f'svg[data-testid="aif-editor"] [data-point="{point}"]')
    boxes: list[Any] = []

    def measure() -> None:
        boxes.append(handle.bounding_box())
        assert boxes[-1] is not None, "the curve is drawn anew, e.g. by an answer of the server"

    eventually(measure)
    box = boxes[-1]
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, point: int, dy: float, steps: int = 5, pause_s: float = 0.02) -> None:
    """Drag a point of the AIF with the mouse, vertically, in pixels."""
    x, y = handle_centre(page, point)
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(1, steps + 1):
        page.mouse.move(x, y + dy * i / steps)
        time.sleep(pause_s)
    page.mouse.up()


def lab_data(page: Page, name: str) -> str | None:
    return page.locator('[data-testid="lab"]').get_attribute(f"data-{name}")


def wait_lab(page: Page, condition: str) -> None:
    """Wait for a JavaScript condition on ``lab``, the Lab's element, and its ``data``."""
    try:
        page.wait_for_function(
            f"() => {{ {FIND} const lab = find(document), data = lab?.dataset; return lab && ({condition}); }}"
        )
    except PageTimeout as error:
        state = page.evaluate(f"() => {{ {FIND} return {{ ...find(document)?.dataset }}; }}")
        raise AssertionError(f"{condition} does not come true; the Lab's data: {state}") from error


def settled(page: Page) -> None:
    """Wait until the last edit is committed, its maps of all slices and the volume's numbers have come."""
    wait_lab(page, SETTLED)


@contextmanager
def new_maps(page: Page) -> Iterator[None]:
    """Wait after the block until maps requested within it are drawn and their numbers have come."""
    before = int(lab_data(page, "sent") or 0)
    yield
    wait_lab(page, f"Number(data.sent) > {before}")
    settled(page)


def drawn(page: Page) -> None:
    """Wait until the browser has drawn what changed."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def eventually(check: Callable[[], None], timeout_s: float = TIMEOUT_MS / 1000) -> None:
    """Repeat a check until it raises no AssertionError; after the timeout its last error is raised."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
        time.sleep(0.05)


def choose_series(page: Page, *files: tuple[str, bytes]) -> None:
    """Upload series (name, content) on the Cases page. The label finds the chooser: choosers load in any order."""
    chooser = page.get_by_test_id("stFileUploader").filter(has_text="Series:")
    uploaded: list[str] = []

    def count(response: Response) -> None:
        if response.request.method == "PUT":
            uploaded.append(response.url)

    page.on("response", count)
    chooser.locator('input[type="file"]').set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files]
    )
    for name, _ in files:
        chooser.get_by_text(name).first.wait_for()
    end = time.monotonic() + TIMEOUT_MS / 1000
    while len(uploaded) < len(files):
        assert time.monotonic() < end, "the files are not uploaded"
        page.wait_for_timeout(20)
    page.remove_listener("response", count)
    drawn(page)
