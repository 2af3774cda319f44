"""TCP relay between browser and server: a network that is slow and far, and whose connections a test can cut.

Only the path of a connection's first request is read: a test cuts the live socket alone, or every connection.
"""

from __future__ import annotations

import contextlib
import queue
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

REQUEST_LINE = re.compile(rb"^\w+ (\S+) HTTP/1\.1\r\n")

CHUNK_BYTES = 16384
BUFFERED_CHUNKS = 16
"""Of one connection, on the way: a quarter megabyte, about what a router holds."""


@dataclass(frozen=True)
class Link:
    """Delay in seconds and bandwidth in bits per second of each direction; all connections share the bandwidth."""

    delay_s: float = 0.0
    bits_per_s: float = float("inf")


FAR = Link(0.05, 20e6)
"""A round trip of 100 ms and 20 Mbit/s each way: home or hospital Wi-Fi to a distant server."""


class _Direction:
    """One direction of a link: what is sent later arrives later."""

    def __init__(self, link: Link) -> None:
        self._link, self._free_s = link, 0.0
        self._lock = threading.Lock()

    def arrival(self, n_bytes: int) -> float:
        """Take the link for so many bytes; returns when the last of them arrives (``time.monotonic``)."""
        with self._lock:
            self._free_s = max(self._free_s, time.monotonic()) + 8 * n_bytes / self._link.bits_per_s
            return self._free_s + self._link.delay_s

    def forward(self, source: socket.socket, sink: socket.socket) -> None:
        """Deliver what one socket receives to the other until it ends, then end both."""
        waiting: queue.Queue[tuple[float, bytes]] = queue.Queue(BUFFERED_CHUNKS)
        threading.Thread(target=_deliver, args=(waiting, source, sink), daemon=True).start()
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                waiting.put((self.arrival(len(data)), data))
        waiting.put((self.arrival(0), b""))


def _deliver(waiting: queue.Queue[tuple[float, bytes]], source: socket.socket, sink: socket.socket) -> None:
    while True:
        at_s, data = waiting.get()
        time.sleep(max(at_s - time.monotonic(), 0))
        if not data:
            return _end(source, sink)
        with contextlib.suppress(OSError):  # after a cut the rest is lost
            sink.sendall(data)


class Relay:
    """Listens on a port of its own and forwards every connection to another port.

    Attributes
    ----------
    url
        Address that the browser opens.
    blocked
        While set, a new connection is closed at once and counted in ``refused``.
    """

    def __init__(self, target: int, link: Link) -> None:
        self._target, self._link = target, link
        self._there, self._back = _Direction(link), _Direction(link)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._listener.getsockname()[1]}"
        self.blocked, self.refused = False, 0
        self._open: dict[tuple[socket.socket, socket.socket], str] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, path: str = "") -> int:
        """Cut every open connection whose first request was for this path, or all; returns how many."""
        with self._lock:
            cut = [ends for ends, requested in self._open.items() if requested.endswith(path)]
        for ends in cut:
            _end(*ends)
        return len(cut)

    def close(self) -> None:
        self.blocked = True
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.blocked:
                    self.refused += 1
                    _end(near)
                else:
                    threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        time.sleep(2 * self._link.delay_s)  # the handshake of TCP takes a round trip
        try:
            far = socket.create_connection(("localhost", self._target))
            request = REQUEST_LINE.match(near.recv(CHUNK_BYTES, socket.MSG_PEEK))
        except OSError:
            _end(near)
            return
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = (near, far)
        with self._lock:
            self._open[ends] = request[1].decode() if request else ""
        threading.Thread(target=self._back.forward, args=(far, near), daemon=True).start()
        self._there.forward(near, far)
        with self._lock:
            self._open.pop(ends, None)


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def relay(url: str, link: Link = Link()) -> Iterator[Relay]:
    """Open a relay to a server's address."""
    one = Relay(int(url.rpartition(":")[2]), link)
    try:
        yield one
    finally:
        one.close()
