"""The dashboard with two routes for tests: ``/counts`` of resources in use, and ``/sweep`` of expired sessions."""

from __future__ import annotations

import sys
import threading

import psutil
import streamlit as st
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests import ROOT

sys.path.insert(0, str(ROOT))

from app import lifespan, routes
from pages.live.server.session import REGISTRY
from pages.server.streamlit_internals import drop_expired_sessions


async def counts(_request: Request) -> JSONResponse:
    """Resources in use, which must not grow with sessions that have ended."""
    process = psutil.Process()
    return JSONResponse(
        {
            "tokens": len(REGISTRY),
            "threads": threading.active_count(),
            "sockets": sum(c.status == psutil.CONN_ESTABLISHED for c in process.net_connections("tcp")),
            "files": process.num_fds(),
            "memory_mb": process.memory_info().rss / 2**20,
        }
    )


async def sweep(_request: Request) -> JSONResponse:
    """Drop expired sessions now, without waiting for the periodic sweep."""
    drop_expired_sessions()
    return JSONResponse({})


routes = [Route("/counts", counts), Route("/sweep", sweep), *routes]
app = st.App(ROOT / "app.py", routes=routes, lifespan=lifespan)
