from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from perfcore.settings import Settings
from tests.support import app_server as live

expect.set_options(timeout=live.TIMEOUT_MS)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if live.chromium() is None:
        message = "Chromium is not on this machine; install it (Debian: apt-get install chromium-headless-shell)."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with live.browser() as one:
        yield one


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with live.server() as url:
        yield url


@pytest.fixture(scope="session")
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """One browser context per process: the code that a page loads stays in its caches."""
    one = chromium.new_context(viewport=live.VIEWPORT, color_scheme="dark")
    one.set_default_timeout(live.TIMEOUT_MS)
    one.add_init_script(live.ONE_MAP)
    yield one
    one.close()


@pytest.fixture
def page(context: BrowserContext, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a new user: no session, nothing stored.

    Tests of one process use it in turn, since a page in a new renderer process costs twice the CPU time. A test
    that adds listeners or routes, or closes the page, takes ``new_page``. After a failure the page is closed.
    """
    if context.pages:
        one = context.pages[0]
    else:
        one = context.new_page()
        _reset(one, address)
    n_failed = request.session.testsfailed
    yield one
    for other in context.pages:
        if other is not one or request.session.testsfailed > n_failed:
            other.close()
    if not one.is_closed():
        _reset(one, address)


CLEAR_STORAGE = """() => {
  try { sessionStorage.clear(); localStorage.clear(); } catch { /* a page without storage */ }
}"""


def _reset(page: Page, address: str) -> None:
    page.evaluate(CLEAR_STORAGE)  # of another server, if the test has opened one
    page.goto(f"{address}/_stcore/health")
    page.evaluate(CLEAR_STORAGE)
    page.context.clear_cookies()
    page.set_viewport_size(live.VIEWPORT)
    page.emulate_media(color_scheme="dark", reduced_motion="no-preference")
    page.mouse.move(0, 0)


@pytest.fixture
def new_page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page of a new user that this test alone uses."""
    one = context.new_page()
    _reset(one, address)
    yield one
    one.close()


@pytest.fixture(scope="module")
def shared_page(chromium: Browser) -> Iterator[Page]:
    """One page for tests of a module that restore it as they found it."""
    with live.isolated_page(chromium) as one:
        yield one


@pytest.fixture(scope="module")
def case() -> LiveCase:
    """The case that the dashboard opens first, as the server has it."""
    return open_case(demonstrations()[0], Settings())
