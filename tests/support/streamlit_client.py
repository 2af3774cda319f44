"""Client of a running server without a browser: runs pages, sets widgets, uploads files."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

from tests.support.wire_frames import frames

TIMEOUT_S = 60.0


class Visitor:
    """A session of a running server, within a ``with`` block.

    ``received`` holds all bytes that Streamlit has sent.
    """

    def __init__(self, url: str) -> None:
        self.url, self.host = url, urlsplit(url).netloc
        self.received = b""
        self.session = ""
        self.elements: list[Element] = []
        self.config: dict[str, Any] = {}
        self._states: dict[str, WidgetState] = {}
        self._pages: dict[str, str] = {}
        self._page = ""
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._stream = self._open.enter_context(connect(
            f"ws://{self.host}/_stcore/stream", origin=self.url, subprotocols=["streamlit"], max_size=None,
            compression=None,
        ))  # fmt: skip
        self.run()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def run(self, page: str | None = None, query: str = "") -> None:
        """Run a page (by its title) with the current states of the widgets."""
        if page is not None:
            self._page = self._pages[page] if self._pages else ""
        message = BackMsg()
        wanted = message.rerun_script
        wanted.query_string, wanted.page_script_hash = query, self._page
        wanted.context_info.url = self.url
        wanted.widget_states.widgets.extend(self._states.values())
        self._stream.send(message.SerializeToString())
        self._states = {key: own for key, own in self._states.items() if not own.HasField("trigger_value")}
        self.elements = []
        while True:
            raw = self._stream.recv(timeout=TIMEOUT_S, decode=False)
            self.received += raw
            reply = ForwardMsg()
            reply.ParseFromString(raw)
            kind = reply.WhichOneof("type")
            if kind == "new_session":
                self.session = reply.new_session.initialize.session_id
                self.elements = []
            elif kind == "navigation":
                self._pages = {one.page_name: one.page_script_hash for one in reply.navigation.app_pages}
            elif kind == "delta" and reply.delta.HasField("new_element"):
                self._take(reply.delta.new_element)
            elif kind == "script_finished" and reply.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return

    def _take(self, element: Element) -> None:
        self.elements.append(element)
        component = element.bidi_component
        if component.component_name.endswith("aif_lab") and component.bytes:
            self.config = frames(component.bytes)[0][0]

    def element(self, kind: str, label: str) -> Any:
        """Return the widget of a kind whose label begins with ``label``."""
        return next(
            own for one in self.elements if one.WhichOneof("type") == kind
            and (own := getattr(one, kind)).label.startswith(label)
        )  # fmt: skip

    def set(self, widget: str, **state: Any) -> None:
        self._states[widget] = WidgetState(id=widget, **state)

    def press(self, label: str) -> None:
        self.set(self.element("button", label).id, trigger_value=True)
        self.run()

    def put(self, file: str, content: bytes, name: str, session: str | None = None, **headers: str) -> int:
        """Send a file to the upload address; returns the status."""
        with self.connection() as connection:
            connection.request("GET", "/_stcore/health")
            answer = connection.getresponse()
            answer.read()
            cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
            head = {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2].strip('"')}
            kind, body = multipart(content, name)
            place = f"/_stcore/upload_file/{session or self.session}/{file}"
            connection.request("PUT", place, body, {**head, "Content-Type": kind, **headers})
            answer = connection.getresponse()
            answer.read()
            return answer.status

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT_S)
        try:
            yield connection
        finally:
            connection.close()

    def upload(self, content: bytes, name: str) -> None:
        """Upload a series as the Cases page does: send it, set the chooser to it, press the button."""
        self.run("Cases")
        chooser = self.element("file_uploader", "Series").id
        status = self.put("file-1", content, name)
        assert status == 204, status
        self.set(chooser)
        info = self._states[chooser].file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(content), "file-1"
        info.file_urls.file_id = "file-1"
        self.run()
        self.press("Open this case")
        del self._states[chooser]

    @contextmanager
    def socket(self, token: str | None = None, origin: str | None = None) -> Iterator[ClientConnection]:
        """Open the live socket and send a token, by default that of this session."""
        with connect(
            f"ws://{self.host}/live/socket", origin=origin or self.url, max_size=None, compression=None
        ) as own:
            own.send(json.dumps({"token": token or self.config["token"]}))
            yield own


def multipart(content: bytes, name: str) -> tuple[str, bytes]:
    """Return content type and body of a form with one file."""
    edge = "edge-of-a-part"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return f"multipart/form-data; boundary={edge}", head.encode() + content + f"\r\n--{edge}--\r\n".encode()
