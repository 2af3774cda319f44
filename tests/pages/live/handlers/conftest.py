"""A live session of the first demonstration, and a client of its WebSocket."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from pages.live.server.connection import PATH, live_socket
from pages.live.server.session import LiveSession, open_session
from perfcore.settings import Settings


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=[WebSocketRoute(PATH, live_socket)]))


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(demonstrations()[0], Settings())


@pytest.fixture
def session(case: LiveCase) -> LiveSession:
    live = open_session()
    live.configure(case, Settings(), next(iter(case.sources.values())))
    return live
