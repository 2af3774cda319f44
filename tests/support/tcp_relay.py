"""TCP relay between browser and server whose connections a test can cut, as a network that fails.

Only the path of a connection's first request is read: a test cuts the live socket alone, or every connection.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

REQUEST_LINE = re.compile(rb"^\w+ (\S+) HTTP/1\.1\r\n")


class Relay:
    """Listens on a port of its own and forwards every connection to another port.

    Attributes
    ----------
    url
        Address that the browser opens.
    blocked
        While set, a new connection is closed at once and counted in ``refused``.
    """

    def __init__(self, target: int) -> None:
        self._target = target
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
        try:
            far = socket.create_connection(("localhost", self._target))
            first = near.recv(65536)
        except OSError:
            _end(near)
            return
        request = REQUEST_LINE.match(first)
        ends = (near, far)
        with self._lock:
            self._open[ends] = request[1].decode() if request else ""
        threading.Thread(target=_forward, args=(far, near), daemon=True).start()
        _forward(near, far, first)
        with self._lock:
            self._open.pop(ends, None)


def _forward(source: socket.socket, sink: socket.socket, first: bytes = b"") -> None:
    with contextlib.suppress(OSError):
        data = first or source.recv(65536)
        while data:
            sink.sendall(data)
            data = source.recv(65536)
    _end(source, sink)


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def relay(url: str) -> Iterator[Relay]:
    """Open a relay to a server's address."""
    one = Relay(int(url.rpartition(":")[2]))
    try:
        yield one
    finally:
        one.close()
