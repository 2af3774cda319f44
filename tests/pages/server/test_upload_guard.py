"""The gate: what may be uploaded is counted before it has come."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.formparsers import MultiPartParser
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from streamlit import config as streamlit_config

from pages.server import config, upload_guard
from pages.server.upload_guard import UPLOADS, Gate

HELD: dict[str, dict[str, Any]] = {}


class Inner:
    """An app that notes what it was asked; reads no body."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.append(scope["path"])
        await PlainTextResponse("in")(scope, receive, send)


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def client(inner: Inner, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    HELD.clear()
    manager = SimpleNamespace(file_storage=HELD)
    runtime = SimpleNamespace(exists=lambda: True, instance=lambda: SimpleNamespace(uploaded_file_mgr=manager))
    monkeypatch.setattr(upload_guard, "Runtime", runtime)
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1)
    return TestClient(Gate(inner))


def held(session: str, n_bytes: int) -> None:
    HELD.setdefault(session, {})[str(len(HELD))] = SimpleNamespace(data=bytes(n_bytes))


def put(client: TestClient, session: str, n_bytes: int) -> int:
    return client.put(f"{UPLOADS}{session}/file", content=bytes(n_bytes)).status_code


def test_the_files_of_a_session_are_counted_together(
    client: TestClient, inner: Inner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_guard, "MOST_SESSION_BYTES", 1000)
    assert put(client, "a", 1000) == 200
    assert put(client, "a", 1001) == 413
    held("a", 600)
    assert put(client, "a", 400) == 200
    assert put(client, "a", 401) == 413
    assert put(client, "b", 1000) == 200, "what another has counts for that one"
    assert len(inner.asked) == 3


def test_everybodys_files_are_counted_together(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "memory_for_uploads", lambda: 1000)
    held("a", 600)
    assert put(client, "b", 401) == 413
    assert put(client, "b", 400) == 200


def test_a_file_of_no_said_length_is_refused(client: TestClient, inner: Inner) -> None:
    def pieces() -> Any:
        yield b"x"

    assert client.put(f"{UPLOADS}a/file", content=pieces()).status_code == 411
    for length in ("-1", "1e9", "٣", "9" * 30):
        headers = {"content-length": length.encode()}
        assert client.put(f"{UPLOADS}a/file", content=b"x", headers=headers).status_code == 411, length
    assert inner.asked == []


def test_under_a_sub_path_too_and_nothing_else_is_counted(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_guard, "MOST_SESSION_BYTES", 0)
    assert client.put(f"/sub{UPLOADS}a/file", content=b"x").status_code == 413
    assert client.post("/live/cine", content=b"x").status_code == 200
    assert client.get(f"{UPLOADS}a/file").status_code == 200


def test_what_is_coming_counts_until_it_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_guard, "MOST_SESSION_BYTES", 1000)
    monkeypatch.setattr(upload_guard, "Runtime", SimpleNamespace(exists=lambda: False))
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1)

    async def both() -> list[int]:
        arrived, codes = asyncio.Event(), []

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            await arrived.wait()
            await PlainTextResponse("in")(scope, receive, send)

        door = Gate(slow)
        headers = [(b"content-length", b"700")]
        scope = {"type": "http", "method": "PUT", "path": f"{UPLOADS}a/1", "headers": headers}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                codes.append(message["status"])

        first = asyncio.create_task(door(scope, None, send))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await door(scope, None, send)  # type: ignore[arg-type]
        arrived.set()
        await first
        await door(scope, None, send)  # type: ignore[arg-type]
        assert not door._coming
        return codes

    assert asyncio.run(both()) == [413, 200, 200]


def test_no_file_that_comes_is_spooled_to_a_disk(client: TestClient) -> None:
    client.get("/")
    assert MultiPartParser.spool_max_size > streamlit_config.get_option("server.maxUploadSize") << 20
