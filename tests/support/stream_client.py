"""Client of the live WebSocket's streams: sends requests and reads frames, as the browser does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from pages.live.compute.case import LiveCase
from pages.live.server.connection import PATH
from pages.live.server.session import LiveSession, Workspace
from tests.support.wire_frames import read

ORIGIN = {"origin": "http://testserver"}
VIEWPORT = {"slice": 3, "all": False}


def state_of(session: LiveSession) -> Workspace:
    assert session.workspace is not None
    return session.workspace


class StreamClient:
    """Sends stream requests and reads frames, as the browser does."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws

    def send(self, **message: Any) -> None:
        self.ws.send_text(json.dumps({"type": "stream", "run": 1, **message}))

    def read(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return read(self.ws.receive_bytes())

    def start(self, of: str, run: int = 1, **fields: Any) -> None:
        self.send(of=of, act="start", run=run, viewport=VIEWPORT, **fields)

    def frames(self, of: str, n: int | None = None, run: int = 1) -> list[tuple[dict, dict[str, np.ndarray]]]:
        """Read n frames, or all up to the end, and acknowledge each."""
        found: list[tuple[dict, dict[str, np.ndarray]]] = []
        while n is None or len(found) < n:
            header, arrays = self.read()
            found.append((header, arrays))
            if header["kind"] != of:
                break
            self.send(of=of, act="seen", run=run, viewport=VIEWPORT)
        return found


@contextmanager
def connected(client: TestClient, session: LiveSession) -> Iterator[StreamClient]:
    with client.websocket_connect(PATH, headers=ORIGIN) as ws:
        ws.send_text(json.dumps({"token": session.token}))
        yield StreamClient(ws)


def vein(case: LiveCase) -> list[float]:
    assert case.vof is not None
    return case.vof.value.astype(np.float32).tolist()
