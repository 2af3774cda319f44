"""Client of the class socket: sends messages and reads the answers, as the browser's pages do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from pages.classroom.room import Room
from pages.classroom.socket import PATH

TIMEOUT_S = 60.0
Message = dict[str, Any]


class ClassClient:
    """One open class socket."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws

    def send(self, kind: str, **fields: Any) -> None:
        """Send a message."""
        self.ws.send(json.dumps({"type": kind, **fields}))

    def read(self, kind: str = "") -> Message:
        """Read the next message, of a kind."""
        while True:
            message: Message = json.loads(self.ws.recv(TIMEOUT_S))
            if not kind or message["type"] == kind:
                return message

    def state(self) -> Message:
        """Read the next state."""
        return self.read("state")

    def rest(self) -> list[Message]:
        """Read until the server closes the socket."""
        messages = []
        try:
            while True:
                messages.append(self.read())
        except ConnectionClosed:
            return messages


@contextmanager
def opened(url: str, origin: str | None = None) -> Iterator[ClassClient]:
    """Open a class socket without a first message."""
    address = f"ws://{urlsplit(url).netloc}{PATH}"
    with connect(address, origin=origin or url, max_size=None, compression=None) as ws:  # type: ignore[arg-type]
        yield ClassClient(ws)


@contextmanager
def joined(url: str, room: Room, name: str = "") -> Iterator[tuple[ClassClient, Message]]:
    """Join a room by its code; yields the client and its first answer."""
    with opened(url) as client:
        client.send("join", code=room.code, name=name)
        yield client, client.read("joined")


@contextmanager
def hosting(url: str, room: Room) -> Iterator[ClassClient]:
    """Open a lecturer's screen."""
    with opened(url) as client:
        client.send("host", token=room.host_token)
        yield client
