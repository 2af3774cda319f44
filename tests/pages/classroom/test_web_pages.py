"""The pages outside Streamlit: their headers, and that their files are there."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.support.class_server import ROUTES


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=ROUTES))


@pytest.mark.parametrize("name", ["join", "projector"])
def test_pages_run_their_own_scripts_alone(client: TestClient, name: str) -> None:
    response = client.get(f"/{name}?code=%3Cscript%3Ealert(1)%3C/script%3E")
    assert response.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "alert" not in response.text, "nothing of the address is in the page"
    assert not re.search(r"<script(?! type=\"module\" src=\"assets/)", response.text)
    assert not re.search(r"\son[a-z]+=", response.text)
    assert f'data-testid="{name}"' in response.text


@pytest.mark.parametrize("name", ["join", "projector"])
def test_files_of_the_pages_are_relative_and_cached(client: TestClient, name: str) -> None:
    paths = re.findall(r'(?:src|href)="([^"]+)"', client.get(f"/{name}").text)
    assert len(paths) == 3
    assert not [path for path in paths if path.startswith(("/", "http"))], "they work on a sub-path"
    icon = client.get("/" + next(path for path in paths if path.endswith("icon.svg")))
    assert icon.status_code == 200
    assert "immutable" in icon.headers["Cache-Control"]
