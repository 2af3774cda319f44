"""A real server and a real Chromium, for tests, measurements and the README's pictures."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests import ROOT

VIEWPORT = ViewportSize(width=1280, height=800)
TIMEOUT_MS = 60_000
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
def isolated_page(browser: Browser) -> Iterator[Page]:
    """Open a page in a context of its own, for a test that closes the context or sets its cookies."""
    context = browser.new_context(viewport=VIEWPORT, color_scheme="dark")
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    yield page
    context.close()


def open_lab(page: Page, url: str) -> None:
    """Open the Lab and wait for the first map and its numbers."""
    page.goto(url)
    page.wait_for_selector('[data-testid="lab"][data-painted][data-core-ml]', timeout=60_000)


def handle_centre(page: Page, point: int) -> tuple[float, float]:
    box = page.locator(f'svg[data-testid="aif-editor"] [data-point="{point}"]').bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, point: int, dy: float, steps: int = 12, pause_s: float = 0.02) -> None:
    """Drag a point of the curve with the mouse, in steps."""
    x, y = handle_centre(page, point)
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(1, steps + 1):
        page.mouse.move(x, y + dy * i / steps)
        time.sleep(pause_s)
    page.mouse.up()


def lab_data(page: Page, name: str) -> str | None:
    return page.locator('[data-testid="lab"]').get_attribute(f"data-{name}")


def settled(page: Page) -> None:
    """Wait until the last edit is on the canvas and the volume's numbers have come."""
    page.wait_for_function(
        """() => {
          const find = (root) => root.querySelector('[data-testid="lab"]')
            ?? [...root.querySelectorAll('*')].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);
          const lab = find(document);
          return lab && lab.dataset.sent === lab.dataset.painted && lab.dataset.numbers === lab.dataset.sent;
        }""",
        timeout=60_000,
    )


def choose_series(page: Page, *files: tuple[str, bytes]) -> None:
    """Give the Cases page files (name, content) as series: by its label, since choosers come one by one."""
    chooser = page.get_by_test_id("stFileUploader").filter(has_text="Series:")
    chooser.locator('input[type="file"]').set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files]
    )
    for name, _ in files:
        chooser.get_by_text(name).first.wait_for()
