"""Security tests on a real server: session isolation, size and rate limits, path traversal, log contents."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from pages.live.server.handshake import MAX_FRAME_BYTES
from pages.live.server.static_files import CONTENT_HASH
from pages.live.server.wire import MAX_MESSAGE_BYTES
from tests.support import dicom_export
from tests.support.app_server import free_port, process
from tests.support.raw_websocket import OP_BINARY, OP_CONTINUE, OP_PING, OP_TEXT, answer, frame, raw
from tests.support.streamlit_client import Visitor, multipart
from tests.support.synthetic_head import draw_head
from tests.support.wire_frames import frames

NAME = "MUSTERMANN-ERIKA.nii"
HEADER = b"MUSTERMANN-IN-THE-HEADER"
MARK = b"MUSTERMANN"


@dataclass(frozen=True)
class Site:
    """A running server, its process, its log and its folder for temporary files."""

    url: str
    port: int
    process: psutil.Process
    temporary: Path

    @property
    def log(self) -> str:
        return next(self.temporary.glob("*.log")).read_text()

    @property
    def memory_mb(self) -> float:
        return self.process.memory_info().rss / 2**20


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place, port = tmp_path_factory.mktemp("temporary"), free_port()
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(place)
    try:
        with process(port) as one:
            yield Site(f"http://localhost:{port}", port, psutil.Process(one.pid), place)
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before


def memory_at_rest(site: Site) -> float:
    """Return the server's memory in MB once earlier page runs have ended, after a minute at most."""
    end = time.monotonic() + 60
    last = site.memory_mb
    while True:
        time.sleep(1)
        now = site.memory_mb
        if abs(now - last) < 1 or time.monotonic() > end:
            return now
        last = now


def series(seed: int) -> bytes:
    """Return a small series with patient data in every text field of its NIfTI header."""
    head = draw_head(n=64, n_slices=2, n_time=30, noise=1.0, seed=seed).series
    image = nib.Nifti1Image(np.rint(head.data).astype(np.int16), head.affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 1.0
    image.header["descrip"], image.header["aux_file"], image.header["intent_name"] = HEADER, HEADER, HEADER[:16]
    image.header["db_name"] = HEADER[:18]
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", HEADER))
    return image.to_bytes()


# Handshake and session isolation


@pytest.mark.parametrize(
    "origin", ["null", "http://localhost:1", "http://localhost:{port}.evil.org", "http://evil.org", "http://[::1"]
)
def test_cross_origin_handshake_is_refused(site: Site, origin: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://localhost:{site.port}/live/socket", origin=origin.format(port=site.port)),  # type: ignore[arg-type]
    ):
        pass
    assert refused.value.response.status_code == 403


def test_handshake_without_origin_is_refused(site: Site) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://localhost:{site.port}/live/socket"):
        pass
    assert refused.value.response.status_code == 403


def test_sessions_are_isolated(site: Site) -> None:
    with Visitor(site.url) as one, Visitor(site.url) as two:
        assert one.config["token"] != two.config["token"]
        one.upload(series(1), NAME)
        two.run("Cases")
        two.run("Lab", query="case=upload-1")
        one.run("Lab")
        with one.socket() as own, two.socket() as other:
            for ws in (own, other):
                ws.send(json.dumps({"type": "case"}))
            (mine, arrays), (theirs, _) = frames(own.recv(20))[0], frames(other.recv(20))[0]
            assert mine["name"] == "upload-1"
            assert theirs["name"] == "demo-m1-occlusion", "a link opens no upload"
            curve = (0.5 * arrays["start"]).astype(np.float32)
            own.send(struct.pack("<4I", mine["epoch"], 1, 5, 0) + curve.tobytes())
            own.recv(20)
            player = {"kind": "slice", "slice": 0, "case": mine["key"]}
            for visitor, status in ((one, 200), (two, 409)):
                body = json.dumps({"token": visitor.config["token"], **player})
                for origin, expected in ((site.url, status), ("http://evil.org", 403), ("null", 403)):
                    with visitor.connection() as http:
                        http.request("POST", "/live/series", body, {"Origin": origin})
                        assert http.getresponse().status == expected
        assert one.put("stolen", b"x", NAME, session="not-a-session") == 400
        assert one.put("spoiled", b"x", NAME, **{"X-Xsrftoken": "guess"}) == 403
        for received in (one.received, two.received):
            assert MARK not in received, "file name and header text are never sent"
    assert MARK.decode() not in site.log


def test_file_names_and_headers_are_never_logged(site: Site) -> None:
    patient = {"PatientName": "MUSTERMANN^ERIKA", "StudyDescription": "MUSTERMANN", "ProtocolName": "MUSTERMANN"}
    dicom = dicom_export.zipped(dicom_export.export(dicom_export.bolus(12, 1, side=8), **patient))
    assert MARK in series(2)
    with Visitor(site.url) as one:
        for content, name in [
            (series(2)[:-500], NAME),
            (b"MUSTERMANN" * 50, NAME),
            (dicom, "MUSTERMANN.zip"),
            (dicom[:-60], "MUSTERMANN.zip"),
        ]:
            one.upload(content, name)
        assert MARK not in one.received
        assert any("cannot be opened" in element.alert.body for element in one.elements)
    log = site.log
    assert MARK.decode() not in log
    assert "Traceback" not in log


def test_an_upload_is_never_on_disk(site: Site) -> None:
    with Visitor(site.url) as one, one.connection() as http:
        http.request("GET", "/_stcore/health")
        seen = http.getresponse()
        seen.read()
        cookie = (seen.getheader("Set-Cookie") or "").partition(";")[0]
        kind, body = multipart(bytes(6 << 20), NAME)
        http.putrequest("PUT", f"/_stcore/upload_file/{one.session}/half")
        for name, value in {
            "Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2], "Content-Type": kind,
            "Content-Length": str(len(body)),
        }.items():  # fmt: skip
            http.putheader(name, value)
        http.endheaders()
        before = site.memory_mb
        http.send(body[: 5 << 20])
        end = time.monotonic() + 10
        while site.memory_mb < before + 3 and time.monotonic() < end:
            time.sleep(0.02)
        held = Path(f"/proc/{site.process.pid}/fd").iterdir()
        names = [str(one.readlink()) for one in held if one.is_symlink()]
        spooled = [name for name in names if str(site.temporary) in name and not name.endswith(".log")]
        http.send(body[5 << 20 :])
        assert http.getresponse().status == 204
    assert spooled == []
    assert [path.name for path in site.temporary.iterdir() if path.suffix != ".log"] == []


# Message limits and rate limit


def test_message_and_frame_size_limits(site: Site) -> None:
    with Visitor(site.url) as one:
        with one.socket() as own:
            for message in (bytes(MAX_MESSAGE_BYTES + 4), "x" * (MAX_MESSAGE_BYTES + 1)):
                own.send(message)
                assert frames(own.recv(20))[0][0]["kind"] == "error"
            own.send(json.dumps({"type": "case"}))
            assert frames(own.recv(20))[0][0]["kind"] == "case", "the socket stays open"
            with pytest.raises(ConnectionClosed):
                own.send(bytes(MAX_FRAME_BYTES + 1))
                own.recv(20)
            assert own.protocol.close_code == 1009
        with raw(site.port) as own:
            own.sendall(frame(OP_TEXT, json.dumps({"token": one.config["token"]}).encode()))
            before = memory_at_rest(site)
            own.sendall(frame(OP_BINARY, bytes(1000), length=8 << 30))
            assert answer(own).endswith(b"limit of 65536 bytes"), "refused after the frame header"
            assert site.memory_mb < before + 20


def test_oversized_streamlit_message_is_not_buffered(site: Site) -> None:
    with raw(site.port, "/_stcore/stream") as own:
        own.sendall(frame(OP_BINARY, bytes(1000), length=150 << 20))
        assert b"exceeds limit of" in answer(own)


@pytest.mark.parametrize(
    "message",
    [
        frame(3, b"x"), frame(OP_BINARY, b"x", last=False) + frame(OP_BINARY, b"x"), frame(OP_TEXT, b"\xff\xfe"),
        frame(OP_PING, b"x" * 125, last=False), b"\x82\x01x", b"\xf2\x81\0\0\0\0x", b"\0" * 40,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
def test_an_invalid_websocket_frame_closes_the_socket(site: Site, message: bytes) -> None:
    with Visitor(site.url) as one, raw(site.port) as own:
        own.sendall(frame(OP_TEXT, json.dumps({"token": one.config["token"]}).encode()))
        own.sendall(message)
        answer(own)
        one.run()
        assert one.config["token"]


CURVE = np.r_[np.zeros(20), 100 * np.ones(10), np.zeros(30)].astype("<f4")
FLOODS = {
    "malformed edits": frame(OP_BINARY, b"x" * 20) * 4000,
    "invalid JSON": frame(OP_TEXT, b"{") * 8000,
    "edits": frame(OP_BINARY, struct.pack("<4I", 1, 1, 1, 3) + CURVE.tobytes()) * 800,
    "requests": frame(OP_TEXT, json.dumps({"type": "fit", "curve": CURVE.tolist()}).encode()) * 300,
    "streams": frame(OP_TEXT, json.dumps({
        "type": "stream", "of": "tune", "act": "start", "run": 1, "curve": CURVE.tolist(), "form": "free",
    }).encode()) * 200,
    "pings": frame(OP_PING, b"x" * 125) * 2000,
    "empty fragments": frame(OP_BINARY, b"", last=False) + frame(OP_CONTINUE, b"", last=False) * 20_000,
}  # fmt: skip


@pytest.mark.parametrize("name", FLOODS)
def test_rate_limit_isolates_a_flooding_client(site: Site, name: str) -> None:
    """A client that sends at full speed and reads nothing is throttled or disconnected; others are answered."""
    with Visitor(site.url) as flooding, Visitor(site.url) as other, raw(site.port) as own, other.socket() as live:
        live.send(json.dumps({"type": "case"}))
        header, arrays = frames(live.recv(20))[0]
        own.sendall(frame(OP_TEXT, json.dumps({"token": flooding.config["token"]}).encode()))
        own.setblocking(False)
        sent, disconnected, before = 0, False, site.memory_mb
        for seq in range(1, 11):
            for _ in range(20):
                try:
                    sent += own.send(FLOODS[name])
                except BlockingIOError:
                    break
                except OSError:
                    disconnected = True
                    break
            edit = struct.pack("<4I", header["epoch"], seq, 0, 0) + arrays["start"].astype("<f4").tobytes()
            live.send(edit)
            while frames(live.recv(20))[0][0].get("seq") != seq:
                pass
        assert disconnected or sent < 64 << 20, "back-pressure: unread data stays with the sender"
        assert site.memory_mb < before + 150
        if name in ("pings", "empty fragments"):
            own.settimeout(10)
            answer(own)


# Path traversal


@pytest.mark.parametrize(
    "folder",
    [
        "/assets",
        f"/assets/{CONTENT_HASH}/live/frontend",
        f"/assets/{CONTENT_HASH}/series_player/frontend",
        f"/assets/{CONTENT_HASH}/classroom/frontend",
        "/assets/0123456789abcdef/live/frontend",
        "/app/static",
        "/component",
        "/_stcore/bidi-components",
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/../app.py", "/../../app.py", "/..%2f..%2fapp.py", "/%2e%2e/%2e%2e/app.py", "/..\\..\\app.py",
        "/....//app.py", "//etc/passwd", "/%2fetc%2fpasswd", "/lab.js%00.css", "/%00", "/../__init__.py",
        "/series/../../../app.py",
        "/", "/" + "a" * 5000, "/%ff%fe", "/..;/app.py",
    ],
)  # fmt: skip
def test_path_traversal_is_refused(site: Site, folder: str, path: str) -> None:
    with socket.create_connection(("localhost", site.port), timeout=20) as own:
        own.sendall(f"GET {folder}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head, _, body = answer(own).partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status in {200, 301, 307, 400, 403, 404}, status
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"location:"):
            assert line.removeprefix(b"location:").strip().startswith((b"/", b"http://localhost")), line
    assert b"root:" not in body
    assert b"st.navigation" not in body
    assert b"from __future__" not in body


@pytest.mark.parametrize(
    "query",
    [
        "case=../../etc/passwd", "case=folder-../../etc", "case=cohort-1-../../x", "case=%00",
        "case=demo-%2e%2e%2fx",
        "lesson=../../app.py", "start=../../x&map=rcbf", "preset=../x", "case=" + "a" * 60_000,
    ],
)  # fmt: skip
def test_path_traversal_in_a_share_link_is_refused(site: Site, query: str) -> None:
    with Visitor(site.url) as one:
        one.run("Lab", query=query)
        with one.socket() as own:
            own.send(json.dumps({"type": "case"}))
            assert frames(own.recv(20))[0][0]["name"] == "demo-m1-occlusion"
        assert b"passwd" not in one.received.replace(b"case=../../etc/passwd", b"")


def test_the_log_has_neither_a_token_nor_a_traceback(site: Site) -> None:
    with Visitor(site.url) as one:
        token = one.config["token"]
        with one.socket() as own:
            own.send(json.dumps({"type": "case"}))
            own.recv(20)
        log = site.log
    assert token not in log
    assert "Traceback" not in log
    assert not re.search(r"case=|passwd|File \"", log)
