"""Firefox and WebKitGTK under WebDriver: pages, JavaScript, and real mouse and key events.

Firefox speaks WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/) on a port of its own; WebKitGTK's driver
speaks WebDriver (https://www.w3.org/TR/webdriver2/) and needs a display, which Xvfb gives.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.error import HTTPError

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.app_server import FIND, TIMEOUT_MS, VIEWPORT, free_port

COMMANDS: Final = {
    "firefox": ("firefox-esr", "firefox"),
    "webkit": ("WebKitWebDriver",),
    "display": ("Xvfb",),
}
"""Names of each command; the first that is installed is taken."""
PACKAGES: Final = {"firefox": "firefox-esr", "webkit": "webkit2gtk-driver xvfb"}
"""Debian's packages of each browser."""
MINI_BROWSER: Final = "webkit2gtk-4*/MiniBrowser"
PREFERENCES: Final = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}

T = TypeVar("T")


class OtherPage(ABC):
    """A page in a browser; what takes JavaScript takes the source of a function, as Playwright's does."""

    @abstractmethod
    def goto(self, url: str) -> None:
        """Open an address and wait until it has loaded."""

    @abstractmethod
    def call(self, function: str) -> str | None:
        """Return the string that an async function gives."""

    @abstractmethod
    def perform(self, sources: list[dict[str, Any]]) -> None:
        """Perform actions of the WebDriver standard; the state of mouse and keys lasts until the next ones."""

    def evaluate(self, function: str, *arguments: Any) -> Any:
        """Return what a function of the page gives, as JSON holds it."""
        given = ", ".join(json.dumps(one) for one in arguments)
        found = self.call(f"async () => JSON.stringify((await ({function})({given})) ?? null)")
        return json.loads(found or "null")

    def evaluate_lab(self, expression: str) -> Any:
        """Return an expression of ``lab``, the Lab's element, and ``data``, its ``dataset``."""
        return self.evaluate(
            f"() => {{ {FIND} const lab = find(document), data = lab?.dataset; return {expression}; }}"
        )

    def wait_for(self, condition: str, timeout_s: float = TIMEOUT_MS / 1000) -> None:
        """Wait until an expression of ``lab`` and ``data`` is true."""
        end = time.monotonic() + timeout_s
        while not self.evaluate_lab(f"Boolean({condition})"):
            if time.monotonic() > end:
                state = self.evaluate_lab("({ ...data })")
                raise AssertionError(f"{condition} does not come true; the Lab's data: {state}")
            time.sleep(0.02)

    def centre(self, selector: str) -> tuple[float, float]:
        """Return the centre of the first element in the document or its shadow trees, in CSS pixels."""
        source = """(selector) => {
          const find = (root) => root.querySelector(selector)
            ?? [...root.querySelectorAll('*')].map((n) => n.shadowRoot && find(n.shadowRoot)).find(Boolean);
          const box = find(document)?.getBoundingClientRect();
          return box && [box.x + box.width / 2, box.y + box.height / 2];
        }"""
        found = self.evaluate(source, selector)
        assert found, f"no element {selector}"
        return found[0], found[1]

    def move(self, x: float, y: float) -> None:
        self._mouse({"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0})

    def down(self) -> None:
        self._mouse({"type": "pointerDown", "button": 0})

    def up(self) -> None:
        self._mouse({"type": "pointerUp", "button": 0})

    def click(self, x: float, y: float) -> None:
        self.move(x, y)
        self.down()
        self.up()

    def click_on(self, selector: str) -> None:
        """Click the centre of an element."""
        self.click(*self.centre(selector))

    def press(self, key: str) -> None:
        """Press and release a key: a character, or a code point of the WebDriver standard."""
        keys = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.perform([{"type": "key", "id": "keys", "actions": keys}])

    def _mouse(self, action: dict[str, Any]) -> None:
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self.perform([mouse | {"actions": [action]}])


class BidiPage(OtherPage):
    """A tab of Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._ids = socket, itertools.count()
        self.command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self._tab = self.command("browsingContext.getTree")["contexts"][0]["context"]
        self.command("browsingContext.setViewport", context=self._tab, viewport=dict(VIEWPORT))

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        sent = next(self._ids)
        self._socket.send(json.dumps({"id": sent, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv(TIMEOUT_MS / 1000))).get("id") != sent:
            pass  # events
        if answer["type"] == "error":
            raise RuntimeError(f"{answer['error']}: {answer['message']}")
        return dict(answer["result"])

    def goto(self, url: str) -> None:
        self.command("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def call(self, function: str) -> str | None:
        found = self.command(
            "script.callFunction", functionDeclaration=function, target={"context": self._tab}, awaitPromise=True
        )
        if found["type"] == "exception":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def perform(self, sources: list[dict[str, Any]]) -> None:
        self.command("input.performActions", context=self._tab, actions=sources)


class DriverPage(OtherPage):
    """A window of a browser behind a WebDriver server."""

    def __init__(self, server: str, capabilities: dict[str, Any]) -> None:
        self._path = server + "/session"
        made = self.command("", capabilities={"alwaysMatch": capabilities})
        self._path += f"/{made['sessionId']}"
        bars = self.evaluate("() => outerHeight - innerHeight")
        self.command("/window/rect", x=0, y=0, width=VIEWPORT["width"], height=VIEWPORT["height"] + bars)

    def command(self, path: str, method: str = "POST", **parameters: Any) -> Any:
        body = json.dumps(parameters).encode() if method == "POST" else None
        request = urllib.request.Request(self._path + path, body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_MS / 1000) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            value = json.load(error)["value"]
            raise RuntimeError(f"{value['error']}: {value['message']}") from error

    def goto(self, url: str) -> None:
        self.command("/url", url=url)

    def call(self, function: str) -> str | None:
        return self.command("/execute/sync", script=f"return ({function})();", args=[])

    def perform(self, sources: list[dict[str, Any]]) -> None:
        self.command("/actions", actions=sources)

    def close(self) -> None:
        self.command("", "DELETE")


def command_of(part: str) -> str | None:
    """Path of a command, None where it is not installed."""
    return next((found for name in COMMANDS[part] if (found := shutil.which(name))), None)


def require(browser: str) -> None:
    """Skip the test where a browser is not installed; fail where ``AIF_LAB_BROWSERS=required``."""
    if command_of(browser) and (browser != "webkit" or command_of("display")):
        return
    message = f"{browser} is not on this machine; install it (Debian: apt-get install {PACKAGES[browser]})."
    if os.environ.get("AIF_LAB_BROWSERS") == "required":
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def _running(*command: str, **options: Any) -> Iterator[None]:
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options) as one:
        try:
            yield
        finally:
            one.terminate()


def _when_ready(make: Callable[[], T]) -> T:
    """Repeat what needs a server until the server listens."""
    end = time.monotonic() + TIMEOUT_MS / 1000
    while True:
        try:
            return make()
        except OSError:
            if time.monotonic() > end:
                raise
        time.sleep(0.05)


@contextmanager
def firefox() -> Iterator[OtherPage]:
    """Open a tab of Firefox, headless, with a profile of its own."""
    with ExitStack() as stack:
        profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        Path(profile, "user.js").write_text("\n".join(lines))
        port = free_port()
        command = [str(command_of("firefox")), "--headless", "--no-remote", "--profile", profile]
        command += [f"--remote-debugging-port={port}", "about:blank"]
        stack.enter_context(_running(*command, env={**os.environ, "HOME": profile}))
        address = f"ws://127.0.0.1:{port}/session"
        yield BidiPage(stack.enter_context(_when_ready(lambda: connect(address, max_size=None, proxy=None))))


@contextmanager
def _display() -> Iterator[str]:
    """Start Xvfb; yields the name of its display."""
    reader, writer = os.pipe()
    command = [str(command_of("display")), "-displayfd", str(writer), "-screen", "0", "1400x1000x24"]
    with _running(*command, "-nolisten", "tcp", pass_fds=[writer]):
        os.close(writer)
        with os.fdopen(reader) as numbers:
            yield f":{numbers.readline().strip()}"


@contextmanager
def webkit() -> Iterator[OtherPage]:
    """Open a window of WebKitGTK's MiniBrowser on a display of its own."""
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        display, port = stack.enter_context(_display()), free_port()
        environment = {**os.environ, "DISPLAY": display, "GDK_BACKEND": "x11", "HOME": home}
        stack.enter_context(_running(str(command_of("webkit")), f"--port={port}", env=environment))
        browser = next(Path("/usr/lib").glob(f"*/{MINI_BROWSER}"))
        options = {"binary": str(browser), "args": ["--automation"]}
        page = _when_ready(lambda: DriverPage(f"http://127.0.0.1:{port}", {"webkitgtk:browserOptions": options}))
        stack.callback(page.close)
        yield page


OTHER_BROWSERS: Final = {"firefox": firefox, "webkit": webkit}
