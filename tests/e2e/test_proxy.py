"""The Lab behind the real nginx with the very file of deploy/, on a sub-path, with two server processes."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import platformdirs
import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.test_connection_loss import assert_computed_with, exported_curve, wait_status
from tests.support.app_server import (
    ROOT,
    choose_series,
    drag,
    free_port,
    isolated_page,
    lab_data,
    open_lab,
    process,
    settled,
)
from tests.support.lab_page import editor_values, committed_curve

pytestmark = pytest.mark.browser
PORTS = ("8501", "8502")
"""As deploy/nginx.conf has them."""
UNIT = ROOT / "deploy" / "aif-lab@.service"
MIB = 1 << 20


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a context of its own: these tests set and read the proxy's cookies."""
    with isolated_page(chromium) as one:
        yield one


def nginx_command() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        message = "nginx is not on this machine; install it (Debian: apt-get install nginx-light)."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def unit(setting: str) -> list[str]:
    """The words of a setting of the systemd unit."""
    lines = [line for line in UNIT.read_text().splitlines() if line.startswith(f"{setting}=")]
    return [word for line in lines for word in shlex.split(line.partition("=")[2])]


@contextmanager
def server_process(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start one process as the unit does, with the cache that is there."""
    _, run, app, *options = unit("ExecStart")
    assert (run, options[-2:]) == ("run", ["--server.port", "%i"])
    cache = str(Path(platformdirs.user_cache_dir("aif-lab", appauthor=False)).parent)
    environment = dict(word.split("=", 1) for word in unit("Environment"))
    assert environment["XDG_CACHE_HOME"] == "%C/aif-lab"
    environment |= {"XDG_CACHE_HOME": cache, "HOME": cache}
    with process(port, app=app, options=options[:-2], **environment) as one:
        yield one


@dataclass
class Proxy:
    """nginx with two processes behind it."""

    port: int
    log: Path
    ports: dict[str, int]
    running: dict[str, ExitStack] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/aif-lab/"

    def start(self, name: str) -> None:
        self.running[name] = ExitStack()
        self.processes[name] = self.running[name].enter_context(server_process(self.ports[name]))

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.running.pop(name).close()

    def asked(self, first: int = 0) -> list[str]:
        """Which process each request went to, from one of them on; a socket's line is written when it ends."""
        by = [line.rpartition(" by ")[2] for line in self.log.read_text().splitlines()]
        names = {f"127.0.0.1:{port}": name for name, port in self.ports.items()}
        return [names[one] for one in by if one != "-"][first:]

    def ask(self, path: str, cookie: str = "", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=10)
        method = headers.pop("method", "GET")
        person = {"Cookie": f"aif_lab={cookie}"} if cookie else {}
        connection.request(method, path, headers={**person, **headers})
        answer = connection.getresponse()
        if answer.status != 101:
            answer.read()
        connection.close()
        return answer


def configuration(folder: Path, port: int, ports: dict[str, int]) -> Path:
    """Write deploy/nginx.conf with other ports and places into a configuration that needs no privileges."""
    site = (ROOT / "deploy" / "nginx.conf").read_text()
    changes = {"listen 80;": f"listen 127.0.0.1:{port};", "/var/log/nginx/": f"{folder}/"}
    for written, there in {**changes, **{f":{name} ": f":{own} " for name, own in ports.items()}}.items():
        assert site.count(written) == 1, written
        site = site.replace(written, there)
    (folder / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nworker_processes 1;\nevents {{}}\n"
        f"http {{\n{places}access_log off;\ninclude {folder}/site.conf;\n}}\n"
    )
    return main


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    command, folder = nginx_command(), tmp_path_factory.mktemp("nginx")
    made = Proxy(free_port(), folder / "aif-lab.log", {name: free_port() for name in PORTS})
    main = configuration(folder, made.port, made.ports)
    nginx = subprocess.Popen([command, "-p", str(folder), "-c", str(main), "-e", str(folder / "error.log")])
    try:
        for name in PORTS:
            made.start(name)
        yield made
    finally:
        for stack in made.running.values():
            stack.close()
        nginx.terminate()
        nginx.wait(10)


def person_of(proxy: Proxy, name: str) -> str:
    """A number in the cookie whose requests go to one of the processes."""
    for number in range(64):
        first = len(proxy.asked())
        proxy.ask("/aif-lab/_stcore/health", f"person{number}")
        time.sleep(0.02)  # the log is written after the answer
        if proxy.asked(first) == [name]:
            return f"person{number}"
    raise AssertionError(f"none of 64 people went to {name}")


def test_the_lab_works_on_a_sub_path_and_stays_on_one_process(page: Page, proxy: Proxy) -> None:
    first = len(proxy.asked())
    bad: list[str] = []
    page.on("response", lambda answer: bad.append(answer.url) if answer.status >= 400 else None)
    open_lab(page, proxy.url.rstrip("/"))
    assert page.url == proxy.url
    core = lab_data(page, "core-ml")
    drag(page, 14, 60)
    settled(page)
    assert lab_data(page, "status") == "live"
    assert lab_data(page, "core-ml") != core
    curve = committed_curve(page)
    assert_computed_with(page, curve)
    assert bad == []
    page.get_by_role("link", name="Cases", exact=True).click()
    page.locator('[data-testid="cine"][data-status="ready"]').wait_for()
    assert page.url == f"{proxy.url}cases"
    choose_series(page, ("bad.nii", os.urandom(3 * MIB)))
    page.wait_for_timeout(1500)  # the page runs once more when the file has come
    page.get_by_role("button", name="Open this case").click()
    page.get_by_text("This series cannot be opened").wait_for()
    page.reload()
    page.locator('[data-testid="cine"][data-status="ready"]').wait_for()
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_status(page, "live")
    settled(page)
    np.testing.assert_allclose(editor_values(page), curve, atol=0.051)
    page.reload()
    wait_status(page, "live")
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), curve)
    page.context.close()
    time.sleep(0.5)
    # The first of all, the page itself, came before the cookie.
    assert len(set(proxy.asked(first)[1:])) == 1
    assert len(proxy.asked(first)) > 30


def test_people_are_spread_and_each_comes_back_to_the_same_process(proxy: Proxy) -> None:
    people = {name: person_of(proxy, name) for name in PORTS}
    for name, person in people.items():
        first = len(proxy.asked())
        for _ in range(5):
            assert proxy.ask("/aif-lab/", person).status == 200
        time.sleep(0.05)
        assert proxy.asked(first) == [name] * 5


def test_a_browser_gets_its_number_once_and_keeps_it_to_itself(proxy: Proxy) -> None:
    numbers = {number_in(proxy.ask("/aif-lab/")) for _ in range(4)}
    assert len(numbers) == 4
    assert None not in numbers
    assert number_in(proxy.ask("/aif-lab/", "known")) is None


def number_in(answer: http.client.HTTPResponse) -> str | None:
    for cookie in answer.headers.get_all("Set-Cookie") or []:
        if found := re.fullmatch(r"aif_lab=([0-9a-f]{32}); Path=/aif-lab/; HttpOnly; SameSite=Lax", cookie):
            return found[1]
    return None


@pytest.mark.parametrize(
    ("asked", "there"), [("/aif-lab", "/aif-lab/"), ("/aif-lab?case=demo-noisy", "/aif-lab/?case=demo-noisy"),
                         ("/aif-lab/cases/", "/aif-lab/cases")],
)  # fmt: skip
def test_addresses_with_and_without_a_slash(proxy: Proxy, asked: str, there: str) -> None:
    answer = proxy.ask(asked)
    assert (answer.status, answer.headers["Location"]) == (301, there)


@pytest.mark.parametrize(("n_bytes", "status"), [(1024 * MIB, 403), (1026 * MIB, 413)])
def test_a_series_of_a_gibibyte_is_let_through(proxy: Proxy, n_bytes: int, status: int) -> None:
    """Past nginx it reaches Streamlit, which misses the page's token; what is longer nginx refuses itself."""
    place, headers = "/aif-lab/_stcore/upload_file/nobody/1", {"Content-Length": str(n_bytes)}
    assert proxy.ask(place, "known", method="PUT", **headers).status == status


@pytest.mark.parametrize(
    ("path", "others"),
    [
        ("live/socket", ("http://evil.example", "http://localhost", "OWN1")),
        ("_stcore/stream", ("http://evil.example",)),  # Streamlit lets any page of localhost in
    ],
)
def test_the_origin_is_checked_behind_the_proxy_too(proxy: Proxy, path: str, others: tuple[str, ...]) -> None:
    upgrade = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    own = f"http://{urlsplit(proxy.url).netloc}"
    assert proxy.ask(f"/aif-lab/{path}", Origin=own, **upgrade).status == 101
    for other in others:
        assert proxy.ask(f"/aif-lab/{path}", Origin=other.replace("OWN", own), **upgrade).status == 403


def test_no_path_and_no_address_is_logged(proxy: Proxy) -> None:
    proxy.ask("/aif-lab/?curve=1.AAAA", "known")
    time.sleep(0.05)
    text = proxy.log.read_text()
    assert "GET 200" in text
    assert not [part for part in ("aif-lab", "curve", "127.0.0.1 ", "::1", "known") if part in text]


def test_a_process_that_starts_anew_gets_its_people_back(page: Page, proxy: Proxy) -> None:
    name = "8502"
    page.context.add_cookies([{"name": "aif_lab", "value": person_of(proxy, name), "url": proxy.url}])
    first = len(proxy.asked())
    open_lab(page, proxy.url)
    proxy.kill(name)
    wait_status(page, "reconnecting")
    drag(page, 14, 60)
    curve = committed_curve(page)
    proxy.start(name)
    wait_status(page, "live")
    settled(page)
    np.testing.assert_allclose(exported_curve(page), curve, rtol=1e-6, atol=1e-6)
    page.context.close()
    time.sleep(0.5)
    assert set(proxy.asked(first)) == {name}


def test_without_a_proxy_the_server_can_live_on_a_sub_path_itself(page: Page) -> None:
    port, path = free_port(), "/lecture/aif-lab"
    with process(port, path=path, options=["--server.baseUrlPath", path]):
        open_lab(page, f"http://localhost:{port}{path}")
        assert lab_data(page, "status") == "live"
        page.get_by_role("link", name="Cases", exact=True).click()
        page.locator('[data-testid="cine"][data-status="ready"]').wait_for()
