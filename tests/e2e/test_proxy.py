"""The Lab behind nginx with the configuration of deploy/, on a sub-path, with two server processes."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import subprocess
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
    eventually,
    free_port,
    isolated_page,
    lab_data,
    open_lab,
    process,
    settled,
)
from tests.support.lab_page import committed_curve, editor_values

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
    """Values of a setting of the systemd unit."""
    lines = [line for line in UNIT.read_text().splitlines() if line.startswith(f"{setting}=")]
    return [word for line in lines for word in shlex.split(line.partition("=")[2])]


@contextmanager
def server_process(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start one process as the unit does, with this machine's cache."""
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

    def targets(self, first: int = 0) -> list[str]:
        """Process of each request from a number on; a socket is logged when it closes, a request once answered."""
        by = [line.rpartition(" by ")[2] for line in self.log.read_text().splitlines()]
        names = {f"127.0.0.1:{port}": name for name, port in self.ports.items()}
        return [names[one] for one in by if one != "-"][first:]

    def request(self, path: str, cookie: str = "", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=10)
        method = headers.pop("method", "GET")
        user = {"Cookie": f"aif_lab={cookie}"} if cookie else {}
        connection.request(method, path, headers={**user, **headers})
        response = connection.getresponse()
        if response.status != 101:
            response.read()
        connection.close()
        return response


def configuration(folder: Path, port: int, ports: dict[str, int]) -> Path:
    """Write deploy/nginx.conf with other ports and folders into a configuration that needs no privileges."""
    site = (ROOT / "deploy" / "nginx.conf").read_text()
    changes = {"listen 80;": f"listen 127.0.0.1:{port};", "/var/log/nginx/": f"{folder}/"}
    for name, own in ports.items():  # of all users, and of classes
        changes |= {f":{name} ": f":{own} ", f":{name};": f":{own};"}
    for written, changed in changes.items():
        assert site.count(written) == 1, written
        site = site.replace(written, changed)
    (folder / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temp_paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nworker_processes 1;\nevents {{}}\n"
        f"http {{\n{temp_paths}access_log off;\ninclude {folder}/site.conf;\n}}\n"
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


def logged(proxy: Proxy, first: int, n: int = 1) -> list[str]:
    """Processes of at least ``n`` requests from a number on, once they are in the log."""

    def check() -> None:
        assert len(proxy.targets(first)) >= n

    eventually(check)
    return proxy.targets(first)


def user_of(proxy: Proxy, name: str) -> str:
    """A number in the cookie whose requests go to one of the processes."""
    for number in range(64):
        first = len(proxy.targets())
        proxy.request("/aif-lab/_stcore/health", f"user{number}")
        if logged(proxy, first) == [name]:
            return f"user{number}"
    raise AssertionError(f"none of 64 users was sent to {name}")


def test_lab_works_on_a_sub_path_with_session_affinity(page: Page, proxy: Proxy) -> None:
    first = len(proxy.targets())
    bad: list[str] = []
    page.on("response", lambda response: bad.append(response.url) if response.status >= 400 else None)
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
    page.locator('[data-testid="series-player"][data-status="ready"]').wait_for()
    assert page.url == f"{proxy.url}cases"
    choose_series(page, ("bad.nii", os.urandom(3 * MIB)))
    page.get_by_role("button", name="Open this case").click()
    page.get_by_text("This series cannot be opened").wait_for()
    page.reload()
    page.locator('[data-testid="series-player"][data-status="ready"]').wait_for()
    page.get_by_role("link", name="Lab", exact=True).click()
    wait_status(page, "live")
    settled(page)
    np.testing.assert_allclose(editor_values(page), curve, atol=0.051)
    page.reload()
    wait_status(page, "live")
    settled(page)
    np.testing.assert_array_equal(committed_curve(page), curve)
    page.context.close()
    # The first request, of the page itself, had no cookie yet.
    assert len(set(logged(proxy, first, 31)[1:])) == 1


def test_users_are_distributed_with_session_affinity(proxy: Proxy) -> None:
    users = {name: user_of(proxy, name) for name in PORTS}
    for name, user in users.items():
        first = len(proxy.targets())
        for _ in range(5):
            assert proxy.request("/aif-lab/", user).status == 200
        assert logged(proxy, first, 5) == [name] * 5


def test_proxy_sets_a_random_affinity_cookie_once(proxy: Proxy) -> None:
    numbers = {number_in(proxy.request("/aif-lab/")) for _ in range(4)}
    assert len(numbers) == 4
    assert None not in numbers
    assert number_in(proxy.request("/aif-lab/", "known")) is None


def number_in(response: http.client.HTTPResponse) -> str | None:
    for cookie in response.headers.get_all("Set-Cookie") or []:
        if found := re.fullmatch(r"aif_lab=([0-9a-f]{32}); Path=/aif-lab/; HttpOnly; SameSite=Lax", cookie):
            return found[1]
    return None


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/aif-lab", "/aif-lab/"),
        ("/aif-lab?case=demo-noisy", "/aif-lab/?case=demo-noisy"),
        ("/aif-lab/cases/", "/aif-lab/cases"),
    ],
)
def test_paths_with_and_without_a_slash_are_redirected(proxy: Proxy, path: str, location: str) -> None:
    response = proxy.request(path)
    assert (response.status, response.headers["Location"]) == (301, location)


@pytest.mark.parametrize(("n_bytes", "status"), [(1024 * MIB, 403), (1026 * MIB, 413)])
def test_an_upload_of_a_gibibyte_passes_the_proxy(proxy: Proxy, n_bytes: int, status: int) -> None:
    """Streamlit answers 403, since the token is missing; nginx refuses a longer upload itself."""
    path, headers = "/aif-lab/_stcore/upload_file/unknown/1", {"Content-Length": str(n_bytes)}
    assert proxy.request(path, "known", method="PUT", **headers).status == status


@pytest.mark.parametrize(
    ("path", "others"),
    [
        ("live/socket", ("http://evil.example", "http://localhost", "OWN1")),
        ("_stcore/stream", ("http://evil.example",)),  # Streamlit accepts any page of localhost
    ],
)
def test_the_origin_is_checked_behind_the_proxy_too(proxy: Proxy, path: str, others: tuple[str, ...]) -> None:
    upgrade = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    own = f"http://{urlsplit(proxy.url).netloc}"
    assert proxy.request(f"/aif-lab/{path}", Origin=own, **upgrade).status == 101
    for other in others:
        assert proxy.request(f"/aif-lab/{path}", Origin=other.replace("OWN", own), **upgrade).status == 403


def test_no_path_and_no_address_is_logged(proxy: Proxy) -> None:
    first = len(proxy.targets())
    proxy.request("/aif-lab/?curve=1.AAAA", "known")
    logged(proxy, first)
    text = proxy.log.read_text()
    assert "GET 200" in text
    assert not [part for part in ("aif-lab", "curve", "127.0.0.1 ", "::1", "known") if part in text]


def test_a_restarted_process_gets_its_users_back(page: Page, proxy: Proxy) -> None:
    name = "8502"
    page.context.add_cookies([{"name": "aif_lab", "value": user_of(proxy, name), "url": proxy.url}])
    first = len(proxy.targets())
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
    assert set(logged(proxy, first, 31)) == {name}


def test_without_a_proxy_the_server_runs_on_a_sub_path(page: Page) -> None:
    port, path = free_port(), "/lecture/aif-lab"
    with process(port, path=path, options=["--server.baseUrlPath", path]):
        open_lab(page, f"http://localhost:{port}{path}")
        wait_status(page, "live")
        page.get_by_role("link", name="Cases", exact=True).click()
        page.locator('[data-testid="series-player"][data-status="ready"]').wait_for()
