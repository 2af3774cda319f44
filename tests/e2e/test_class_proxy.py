"""Classes behind nginx with the configuration of deploy/: two server processes, each with rooms of its own."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.test_proxy import PORTS, configuration, nginx_command
from tests.support.app_server import eventually, free_port
from tests.support.class_client import ClassClient
from tests.support.class_server import room_process
from tests.support.wire_frames import frames

PREFIXES = {"A": PORTS[0], "B": PORTS[1]}
"""As deploy/README.md and deploy/nginx.conf have them."""


@dataclass
class ClassProxy:
    """nginx with a room in each of two processes, by the first character of its code."""

    port: int
    log: Path
    ports: dict[str, int]
    rooms: dict[str, dict[str, Any]]

    @contextmanager
    def socket(self, room: str, cookie: str = "", origin: str = "") -> Iterator[ClassClient]:
        """Open a class socket as the page does: with the first character of the code in the query."""
        with connect(
            f"ws://localhost:{self.port}/aif-lab/class/socket?room={room}",
            origin=origin or f"http://localhost:{self.port}",  # type: ignore[arg-type]
            additional_headers={"Cookie": f"aif_lab={cookie}"} if cookie else {},
            max_size=None,
        ) as ws:
            yield ClassClient(ws)

    def request(self, method: str, path: str, body: Any = None) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=60)
        headers = {"Origin": f"http://localhost:{self.port}"}
        connection.request(method, f"/aif-lab{path}", None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClassProxy]:
    command, folder = nginx_command(), tmp_path_factory.mktemp("class-nginx")
    ports, port = {name: free_port() for name in PORTS}, free_port()
    main = configuration(folder, port, ports)

    def started() -> None:
        assert (folder / "pid").exists()

    with ExitStack() as stack:
        rooms = {
            prefix: stack.enter_context(room_process(ports[name], AIF_LAB_ROOM_PREFIX=prefix))[1]
            for prefix, name in PREFIXES.items()
        }
        nginx = subprocess.Popen([command, "-p", str(folder), "-c", str(main), "-e", str(folder / "error.log")])
        try:
            made = ClassProxy(port, folder / "aif-lab.log", {p: ports[n] for p, n in PREFIXES.items()}, rooms)
            eventually(started)
            yield made
        finally:
            nginx.terminate()
            nginx.wait(10)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("cookie", ["", "someone", "another", "a-third"])
def test_the_code_leads_to_the_process_of_the_room(proxy: ClassProxy, prefix: str, cookie: str) -> None:
    room = proxy.rooms[prefix]
    assert room["code"][0] == prefix
    for typed in (room["code"], room["code"].lower()):
        with proxy.socket(typed[0], cookie) as client:
            client.send("join", code=typed)
            assert client.read()["type"] == "joined"
            assert client.state()["task"]["title"] == "Draw the AIF"


def test_answers_reach_the_screen_of_the_own_class(proxy: ClassProxy) -> None:
    for prefix, room in proxy.rooms.items():
        with proxy.socket(prefix) as host, proxy.socket(prefix) as client:
            host.send("host", token=room["token"])
            host.read("room")
            client.send("join", code=room["code"], name=f"Only in {prefix}")
            token = client.read("joined")["token"]
            client.send("answer", round=1, seq=1, value={"curve": room["curve"]})
            client.read("answered")
            names = {1: ""}
            answers: list[dict[str, Any]] = []
            while f"Only in {prefix}" not in names.values() or not answers:
                message = host.read()
                if message["type"] == "room":
                    names = {one["id"]: one["name"] for one in message["people"]}
                elif message["type"] == "answers":
                    answers = message["answers"]
            assert [names[one["id"]] for one in answers] == [f"Only in {prefix}"]
        other = next(one for one in proxy.rooms if one != prefix)
        for kind, fields in (
            ("rejoin", {"code": room["code"], "token": token}),
            ("host", {"token": room["token"]}),
        ):
            with proxy.socket(other) as stranger:
                stranger.send(kind, **fields)
                assert stranger.read()["type"] == "refused", "the other process has no such room"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_case_comes_from_the_process_of_the_room(proxy: ClassProxy, prefix: str) -> None:
    room = proxy.rooms[prefix]
    with proxy.socket(prefix) as client:
        client.send("join", code=room["code"])
        token = client.read("joined")["token"]
        body = {"token": token, "case": room["case"], "kind": "basis"}
        response, content = proxy.request("POST", f"/class/case?room={prefix}", body)
        assert response.status == 200
        assert response.headers["Content-Encoding"] == "gzip"
        other = next(one for one in PREFIXES if one != prefix)
        response, content = proxy.request("POST", f"/class/case?room={other}", body)
        assert response.status == 403
        assert "join again" in frames(content)[0][0]["message"]


@pytest.mark.parametrize("room", ["", "Z", "AB", "%41", "127.0.0.1:1"])
def test_other_queries_lead_to_no_other_server(proxy: ClassProxy, room: str) -> None:
    with proxy.socket(room) as client:
        client.send("join", code="ZZZZZZZ")
        assert client.read()["type"] == "refused"


def test_the_origin_is_checked_behind_the_proxy_too(proxy: ClassProxy) -> None:
    with pytest.raises(InvalidStatus) as refused, proxy.socket("A", origin="http://evil.example"):
        pass
    assert refused.value.response.status_code == 403


def test_pages_of_a_class_are_served_by_any_process(proxy: ClassProxy) -> None:
    for name in ("join", "projector"):
        response, content = proxy.request("GET", f"/{name}")
        assert response.status == 200
        assert f'data-testid="{name}"'.encode() in content
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_neither_code_nor_address_is_logged(proxy: ClassProxy) -> None:
    with proxy.socket("A") as client:
        client.send("join", code=proxy.rooms["A"]["code"])
        client.read("joined")

    def check() -> None:
        assert " GET 101 " in proxy.log.read_text()

    eventually(check)
    text = proxy.log.read_text()
    assert not [
        part for part in ("room", "class", "aif-lab", "127.0.0.1 ", proxy.rooms["A"]["code"]) if part in text
    ]
