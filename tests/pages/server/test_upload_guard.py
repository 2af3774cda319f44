"""The upload guard counts an upload's bytes before they are received."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.formparsers import MultiPartParser
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from streamlit import config as streamlit_config

from pages.server import config, streamlit_internals, upload_guard
from pages.server.upload_guard import UPLOAD_PATH, UploadGuard

HELD: dict[str, dict[str, Any]] = {}


class RecordingApp:
    """An ASGI app that records the paths of its requests and reads no body."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        await PlainTextResponse("in")(scope, receive, send)


@pytest.fixture
def app() -> RecordingApp:
    return RecordingApp()


@pytest.fixture
def client(app: RecordingApp, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    HELD.clear()
    manager = SimpleNamespace(file_storage=HELD)
    runtime = SimpleNamespace(exists=lambda: True, instance=lambda: SimpleNamespace(uploaded_file_mgr=manager))
    monkeypatch.setattr(streamlit_internals, "Runtime", runtime)
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1)
    return TestClient(UploadGuard(app))


def hold(session: str, n_bytes: int) -> None:
    HELD.setdefault(session, {})[str(len(HELD))] = SimpleNamespace(data=bytes(n_bytes))


def put(client: TestClient, session: str, n_bytes: int) -> int:
    return client.put(f"{UPLOAD_PATH}{session}/file", content=bytes(n_bytes)).status_code


def test_limit_of_a_session_counts_all_its_files(
    client: TestClient, app: RecordingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_guard, "MAX_SESSION_BYTES", 1000)
    assert put(client, "a", 1000) == 200
    assert put(client, "a", 1001) == 413
    hold("a", 600)
    assert put(client, "a", 400) == 200
    assert put(client, "a", 401) == 413
    assert put(client, "b", 1000) == 200, "each session has its own limit"
    assert len(app.paths) == 3


def test_limit_of_the_server_counts_all_sessions(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "memory_for_uploads", lambda: 1000)
    hold("a", 600)
    assert put(client, "b", 401) == 413
    assert put(client, "b", 400) == 200


def test_upload_without_content_length_is_refused(client: TestClient, app: RecordingApp) -> None:
    def pieces() -> Any:
        yield b"x"

    answer = client.put(f"{UPLOAD_PATH}a/file", content=pieces())
    assert (answer.status_code, answer.text) == (411, "Content-Length is required.")
    for length in ("-1", "1e9", "٣", "9" * 30):
        headers = {"content-length": length.encode()}
        assert client.put(f"{UPLOAD_PATH}a/file", content=b"x", headers=headers).status_code == 411, length
    assert app.paths == []


def test_only_uploads_are_counted_also_below_a_base_path(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_guard, "MAX_SESSION_BYTES", 0)
    assert client.put(f"/sub{UPLOAD_PATH}a/file", content=b"x").status_code == 413
    assert client.post("/live/series", content=b"x").status_code == 200
    assert client.get(f"{UPLOAD_PATH}a/file").status_code == 200


def test_upload_counts_while_it_is_received(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_guard, "MAX_SESSION_BYTES", 1000)
    monkeypatch.setattr(streamlit_internals, "Runtime", SimpleNamespace(exists=lambda: False))
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1)

    async def two_at_once() -> list[int]:
        received, codes = asyncio.Event(), []

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            await received.wait()
            await PlainTextResponse("in")(scope, receive, send)

        guard = UploadGuard(slow)
        headers = [(b"content-length", b"700")]
        scope = {"type": "http", "method": "PUT", "path": f"{UPLOAD_PATH}a/1", "headers": headers}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                codes.append(message["status"])

        first = asyncio.create_task(guard(scope, None, send))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await guard(scope, None, send)  # type: ignore[arg-type]
        received.set()
        await first
        await guard(scope, None, send)  # type: ignore[arg-type]
        assert not guard._receiving
        return codes

    assert asyncio.run(two_at_once()) == [413, 200, 200]


def test_uploads_are_not_spooled_to_disk(client: TestClient) -> None:
    client.get("/")
    assert MultiPartParser.spool_max_size > streamlit_config.get_option("server.maxUploadSize") << 20
