"""Class pages served from this process, without Streamlit: a test holds the `Room`, and drives browsers.

``python -m tests.support.class_server PORT`` serves a room of its own: see `room_process`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute

from pages.classroom import case_route, socket, web_pages
from pages.classroom.registry import ROOMS
from pages.classroom.tasks import Task, TaskCase
from pages.library.catalog import demonstrations, open_case
from pages.live.server.static_files import CLASS_FRONTEND, LIVE_FRONTEND, HashedStaticFiles
from perfcore.settings import Settings
from perfcore.types import Aif
from tests.support.app_server import free_port

ASSETS = "/assets/{content_hash}"
ROUTES = [
    WebSocketRoute(socket.PATH, socket.class_socket),
    Route(case_route.PATH, case_route.class_case_endpoint, methods=["POST"]),
    Route(web_pages.JOIN_PATH, web_pages.join_page),
    Route(web_pages.PROJECTOR_PATH, web_pages.projector_page),
    Mount(f"{ASSETS}/classroom/frontend", HashedStaticFiles(directory=CLASS_FRONTEND)),
    Mount(f"{ASSETS}/live/frontend", HashedStaticFiles(directory=LIVE_FRONTEND)),
]


@contextmanager
def class_server(port: int = 0) -> Iterator[str]:
    """Serve the class pages in a thread; yields the address. Rooms are those of `ROOMS`."""
    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=ROUTES), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://localhost:{port}"
    server.should_exit = True
    thread.join(30)


@cache
def task_case(key: str = "demo-m1-occlusion") -> TaskCase:
    """A demonstration as the case of a task; tasks start from the mean tissue curve."""
    entry = next(one for one in demonstrations() if one.key == key)
    case = open_case(entry, settings := Settings())
    prepared = case.prepared
    mean = prepared.tissue.mean(0).astype(np.float64)
    start = Aif(prepared.dt_s * np.arange(prepared.n_time), mean, source_id="edited")
    return TaskCase(case, settings, start, entry.title, case.first_slice)


@contextmanager
def room_process(port: int = 0, **environment: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Serve a room with one task, *Draw the AIF*, in a process of its own; yields it and what clients need."""
    command = [sys.executable, "-m", __name__, str(port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as one:
        assert one.stdout is not None
        yield one, json.loads(one.stdout.readline())
        one.communicate()


def serve(port: int) -> None:
    """Serve a room until standard input is closed; prints what clients need."""
    of = task_case()
    room = ROOMS.open()
    room.open(Task("curve", "Draw the AIF", "Drag or draw the AIF.", case=of))
    with class_server(port) as url:
        info = {
            "url": url, "code": room.code, "key": room.key, "token": room.host_token, "case": of.hidden.key,
            "slices": of.case.n_slices, "curve": of.start.value.tolist(),
        }  # fmt: skip
        print(json.dumps(info), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
