from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

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


@contextmanager
def _page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    one = context.new_page()
    one.set_default_timeout(60_000)
    yield one
    context.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with _page(chromium) as one:
        yield one


@pytest.fixture(scope="module")
def shared_page(chromium: Browser) -> Iterator[Page]:
    """One page for tests of a module that leave it as they found it."""
    with _page(chromium) as one:
        yield one
