"""Raw WebSocket client that can send invalid frames, and may leave answers unread."""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

OP_CONTINUE, OP_TEXT, OP_BINARY, OP_PING = 0, 1, 2, 9


@contextmanager
def raw(port: int, path: str = "/live/socket") -> Iterator[socket.socket]:
    """Open a raw WebSocket that can send invalid frames."""
    with socket.create_connection(("localhost", port), timeout=20) as own:
        key = base64.b64encode(os.urandom(16)).decode()
        own.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += own.recv(4096)
        assert b" 101 " in head.split(b"\r\n")[0]
        yield own


def frame(op: int, payload: bytes, *, last: bool = True, length: int | None = None) -> bytes:
    n = len(payload) if length is None else length
    head = bytes([0x80 * last | op])
    if n < 126:
        head += bytes([0x80 | n])
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", n)
    return head + b"\0\0\0\0" + payload


def answer(own: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    received = b""
    try:
        while part := own.recv(1 << 16):
            received += part
    except ConnectionError:
        pass
    return received
