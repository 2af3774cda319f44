from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support import app_server as live


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
    """One context for all pages of a process: the code that a page loads stays in its caches."""
    one = chromium.new_context(viewport=live.VIEWPORT, color_scheme="dark")
    one.set_default_timeout(live.TIMEOUT_MS)
    yield one
    one.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose user has not been here before: what its tests leave in the browser is deleted."""
    one = context.new_page()
    origins: set[str] = set()
    one.on("framenavigated", lambda frame: origins.add("/".join(frame.url.split("/")[:3])))
    yield one
    last = context.new_page()
    storage = context.new_cdp_session(last)
    for other in context.pages:
        if other is not last:
            other.close()
    for origin in origins:
        if origin.startswith("http"):
            storage.send(
                "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "local_storage,indexeddb"}
            )
    context.clear_cookies()
    last.close()


@pytest.fixture(scope="module")
def shared_page(chromium: Browser) -> Iterator[Page]:
    """One page for tests of a module that leave it as they found it."""
    with live.isolated_page(chromium) as one:
        yield one
